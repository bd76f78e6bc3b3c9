"""Generate noisy labels from true ones, by the noise in a spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from labelnoise.errors import UserError
from labelnoise.noise import generators
from labelnoise.noise.instance import instance

_GENERATORS: dict[str, Callable[..., np.ndarray]] = {
    "clean": generators.clean,
    "symmetric": generators.symmetric,
    "asymmetric": generators.asymmetric,
    "instance": instance,
}


def generate(
    labels: np.ndarray, *, num_classes: int, noise: Mapping[str, Any], features: np.ndarray | None = None
) -> np.ndarray:
    """Noisy int64 labels `(N,)` for true int64 labels `(N,)`, by the `noise` of a spec.

    Instance noise depends on `features` `(N, …)`. Raises `UserError` if labels are out of range, or a class is too
    small for the noise.
    """
    if labels.ndim != 1 or labels.dtype != np.int64 or not len(labels) or not 0 <= labels.min() <= labels.max():
        raise UserError("true labels must be int64 (N,) and not negative")
    if labels.max() >= num_classes:
        raise UserError(f"true labels must have values 0..{num_classes - 1}, found {labels.max()}")
    settings = {key: value for key, value in noise.items() if key not in ("kind", "version")}
    return _GENERATORS[noise["kind"]](labels, num_classes=num_classes, features=features, **settings)
