"""Labels and noises shared by the noise tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.digits import load
from labelnoise.noise.catalogue import NOISES
from labelnoise.noise.generate import generate

DIGITS = load(DATASETS["digits"], Path())
LABELS = DIGITS.labels["train"]
MAP = DATASETS["digits"].asymmetric_maps["published"]


def noise(kind: str, *, rate: float | None = 0.4, seed: int = 1, **content: Any) -> dict[str, Any]:
    """The noise of a spec; asymmetric noise uses the digits' map unless a map or matrix is given."""
    info = NOISES[kind]
    if kind == "asymmetric" and "matrix" not in content:
        content = {"map": MAP} | content
    return {
        "kind": kind,
        "rate": rate,
        "variant": next(iter(info.variants)),
        "version": info.version,
        "seed": seed,
    } | content


def noisy(kind: str, labels: np.ndarray = LABELS, num_classes: int = 10, **settings: Any) -> np.ndarray:
    features = settings.pop("features", DIGITS.images["train"] if kind == "instance" else None)
    return generate(labels, num_classes=num_classes, noise=noise(kind, **settings), features=features)


def balanced(num_classes: int = 10, size: int = 500) -> np.ndarray:
    """`size` labels of each class, in a fixed random order."""
    return np.random.RandomState(0).permutation(np.repeat(np.arange(num_classes), size))
