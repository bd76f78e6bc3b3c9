"""A user's own noise: `target: my_noise:fn`, a function (labels, features, generator, **parameters) → labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from labelnoise import targets
from labelnoise.errors import UserError

# labels, features, generator
POSITIONAL = 3


def draw(
    labels: np.ndarray,
    *,
    num_classes: int,
    features: np.ndarray | None,
    seed: int,
    target: str,
    name: str,
    code: str,
    params: Mapping[str, Any],
    **_: object,
) -> np.ndarray:
    """Labels `(N,)` from the function of a spec.

    It gets copies of the int64 labels `(N,)`, the images uint8 `(N, C, H, W)` (None if they are files), read-only, and
    a numpy `Generator` of the noise seed. Raises `UserError` if it returns anything but N class numbers.
    """
    spec = {"name": name, "target": target, "code": code, "params": params}
    if features is not None:
        features = features.view()
        features.flags.writeable = False
    noisy = targets.load(spec)(labels.copy(), features, np.random.default_rng(seed), **params)
    if not isinstance(noisy, np.ndarray) or noisy.dtype.kind not in "iu" or noisy.shape != labels.shape:
        got = f"{noisy.dtype} {noisy.shape}" if isinstance(noisy, np.ndarray) else type(noisy).__name__
        raise UserError(f"target {target!r}: it must return whole numbers {labels.shape}, got {got}")
    if noisy.min() < 0 or noisy.max() >= num_classes:
        raise UserError(
            f"target {target!r}: it must return class numbers 0..{num_classes - 1}, got {noisy.min()}..{noisy.max()}"
        )
    return noisy.astype(np.int64)


def attempt(spec: Mapping[str, Any], *, num_classes: int, size: int, image: tuple[int, ...] | None) -> str | None:
    """What is wrong with the function, called with `size` labels in class order and black images; None if nothing."""
    labels = np.sort(np.arange(size, dtype=np.int64) % num_classes)
    features = None if image is None else np.broadcast_to(np.zeros((), np.uint8), (size, *image))
    try:
        draw(labels, num_classes=num_classes, features=features, seed=0, **spec)
    except (Exception, SystemExit) as error:  # a user's file may raise anything
        return str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    return None
