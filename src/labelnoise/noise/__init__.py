"""Label-noise models: true labels in, audited noisy labels out. numpy only; the same bytes on every machine.

>>> from labelnoise.noise import corrupt
>>> noisy = corrupt(["cat", "dog"] * 50, "symmetric", rate=0.4, seed=1)
>>> sorted(set(noisy.tolist()))
['cat', 'dog']
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = ["corrupt"]


def corrupt(
    labels: Any,
    kind: str,
    *,
    rate: float | Mapping[Any, float] | None = None,
    seed: int,
    variant: str | None = None,
    classes: Sequence[str] | None = None,
    map: Mapping[Any, Any] | None = None,
    matrix: Any = None,
    features: np.ndarray | None = None,
) -> np.ndarray:
    """Noisy labels for true ones, in the same form: class numbers as int64 `(N,)`, or class names `(N,)`.

    `kind` is symmetric, asymmetric (with a `map` from class to class or a `matrix` `(K, K)`), pair, or instance (with
    `features` `(N, …)`); `rate`, in [0, 1), is the share of wrong labels, or a rate per class. `classes` names all
    classes if not all of them occur: without it numbers must be 0..K−1. The settings are those of config.yaml, and the
    same settings give the same labels. `labelnoise.noise.audit.audit` describes the result.

    Raises `UserError` (a `ValueError`) for unusable labels or settings.

    >>> import numpy as np
    >>> true = np.repeat(np.arange(10), 100)
    >>> float((corrupt(true, "symmetric", rate=0.4, seed=1) != true).mean())
    0.4
    >>> noisy = corrupt(true, "asymmetric", rate=0.2, seed=1, map={3: 8, 8: 3})
    >>> np.unique(true[noisy != true], return_counts=True)
    (array([3, 8]), array([20, 20]))
    """
    import numpy as np

    from labelnoise.errors import UserError, unknown
    from labelnoise.noise.generate import generate
    from labelnoise.noise.resolve import resolve_noise
    from labelnoise.readers.values import encode, whole_numbers

    def where(sample: int) -> str:
        return f"labels[{sample}]"

    kinds = ("symmetric", "asymmetric", "pair", "instance")
    if kind not in kinds:
        raise UserError(unknown("kind of noise to draw", kind, kinds))
    if (kind == "instance") != (features is not None):
        raise UserError("instance noise needs features (N, …), and no other kind takes them")
    if not 0 <= seed < 2**32:
        raise UserError(f"seed must lie in 0..2**32 - 1, got {seed}")
    if kind == "asymmetric" and map is None and matrix is None:
        raise UserError("asymmetric noise needs a map from class to class, or a matrix (K, K)")
    if features is not None and len(features) != len(labels):
        raise UserError(f"features must have a row for each of {len(labels)} labels, got {len(features)}")
    true, names = encode(labels, where, classes)
    noise = resolve_noise(kind, rate=rate, variant=variant, classes=names, maps={}, map=map, matrix=matrix)
    noisy = generate(true, num_classes=len(names), noise=noise | {"seed": seed}, features=features)
    return noisy if whole_numbers(labels, where) is not None else np.asarray(names)[noisy]
