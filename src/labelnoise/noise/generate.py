"""Generate noisy labels from true ones, by the noise in a spec."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from labelnoise.errors import UserError
from labelnoise.noise import generators, own
from labelnoise.noise.catalogue import OWN
from labelnoise.noise.instance import instance

_GENERATORS: dict[str, Callable[..., np.ndarray]] = {
    "clean": generators.clean,
    "symmetric": generators.symmetric,
    "asymmetric": generators.asymmetric,
    "pair": generators.pair,
    "instance": instance,
    OWN: own.draw,
}


def needs_features(noise: Mapping[str, Any]) -> bool:
    """Whether the noise depends on the samples' features."""
    return noise["kind"] in ("instance", OWN) or any(map(needs_features, noise.get("parts", ())))


def parts_of(noise: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts of mixed noise, each with its seed: its own, or a hash of the noise seed and its position."""
    derived = [hashlib.sha256(f"{noise['seed']} {i}".encode()).digest()[:4] for i in range(len(noise["parts"]))]
    return [{"seed": int.from_bytes(seed, "little")} | part for seed, part in zip(derived, noise["parts"], strict=True)]


def generate(
    labels: np.ndarray, *, num_classes: int, noise: Mapping[str, Any], features: np.ndarray | None = None
) -> np.ndarray:
    """Noisy int64 labels `(N,)` for true int64 labels `(N,)`, by the `noise` of a spec.

    `noise` has `kind` and, where the kind takes them, `rate`, `seed`, `variant`, `map` (pairs of class numbers) or
    `matrix` `(K, K)`; see `labelnoise.noise.catalogue`. Instance noise depends on `features` `(N, …)`. The same
    arguments give the same labels on every machine.

    Raises `UserError` if labels are out of range, or a class is too small for the noise.

    >>> labels = np.repeat(np.arange(10), 100)
    >>> noisy = generate(labels, num_classes=10, noise={"kind": "symmetric", "rate": 0.4, "seed": 1})
    >>> float((noisy != labels).mean())
    0.4
    >>> pairs = {"kind": "asymmetric", "rate": 0.2, "seed": 1, "map": [(3, 8), (8, 3)]}
    >>> noisy = generate(labels, num_classes=10, noise=pairs)
    >>> np.unique(labels[noisy != labels], return_counts=True)
    (array([3, 8]), array([20, 20]))
    """
    return generate_in_parts(labels, num_classes=num_classes, noise=noise, features=features)[-1]


def generate_in_parts(
    labels: np.ndarray, *, num_classes: int, noise: Mapping[str, Any], features: np.ndarray | None = None
) -> list[np.ndarray]:
    """As `generate`, with the labels that each part of mixed noise leaves; those of the last part are the result."""
    if labels.ndim != 1 or labels.dtype != np.int64 or not len(labels) or not 0 <= labels.min() <= labels.max():
        raise UserError("true labels must be int64 (N,) and not negative")
    if labels.max() >= num_classes:
        raise UserError(f"true labels must have values 0..{num_classes - 1}, found {labels.max()}")
    if noise["kind"] == "mixed":
        stages = [labels]
        for part in parts_of(noise):
            stages.append(generate(stages[-1], num_classes=num_classes, noise=part, features=features))
        return stages[1:]
    settings = {key: value for key, value in noise.items() if key not in ("kind", "version", "rates", "content")}
    if "rates" in noise:
        settings["rate"] = np.zeros(num_classes)
        for k, rate in noise["rates"]:
            settings["rate"][k] = rate
    return [_GENERATORS[noise["kind"]](labels, num_classes=num_classes, features=features, **settings)]
