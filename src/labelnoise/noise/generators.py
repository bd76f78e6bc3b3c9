"""The generators. All draws are `RandomState.random_sample`, whose stream numpy keeps for ever."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from labelnoise.errors import UserError


def exact_counts(rate: float, sizes: np.ndarray) -> np.ndarray:
    """How many labels of each class to flip: round(rate · N) in all, shared out by largest remainder.

    `sizes` `(K,)` are the class sizes; the result `(K,)` differs from rate · size by less than 1 in each class.
    """
    ideal = rate * sizes
    counts = np.floor(ideal + 1e-9).astype(np.int64)
    left = round(rate * int(sizes.sum())) - int(counts.sum())
    order = np.argsort(-(ideal - counts), kind="stable")
    counts[order[:left]] += 1
    return counts


def _choose(random: np.random.RandomState, members: np.ndarray, count: int) -> np.ndarray:
    """`count` of the indices `members`, without replacement, in random order."""
    return members[np.argsort(random.random_sample(len(members)), kind="stable")[:count]]


def clean(labels: np.ndarray, **_: object) -> np.ndarray:
    """The labels themselves."""
    return labels.copy()


def symmetric(labels: np.ndarray, *, num_classes: int, rate: float, seed: int, **_: object) -> np.ndarray:
    """Exactly `rate` of each class flipped (±1), each to one of the K − 1 other classes, uniformly."""
    random = np.random.RandomState(seed)
    noisy = labels.copy()
    counts = exact_counts(rate, np.bincount(labels, minlength=num_classes))
    for k, count in enumerate(counts):
        flipped = _choose(random, np.flatnonzero(labels == k), count)
        offset = 1 + np.floor(random.random_sample(count) * (num_classes - 1)).astype(np.int64)
        noisy[flipped] = (k + offset) % num_classes
    return noisy


def asymmetric(
    labels: np.ndarray, *, num_classes: int, rate: float, seed: int, map: Mapping[int, int], **_: object
) -> np.ndarray:
    """Exactly `rate` of each mapped class flipped (±1) to its image under `map`; flips start from the true labels."""
    random = np.random.RandomState(seed)
    noisy = labels.copy()
    sources = np.array(sorted(map), dtype=np.int64)
    counts = exact_counts(rate, np.bincount(labels, minlength=num_classes)[sources])
    for k, count in zip(sources.tolist(), counts, strict=True):
        noisy[_choose(random, np.flatnonzero(labels == k), count)] = map[k]
    return noisy


GENERATORS = {"clean": clean, "symmetric": symmetric, "asymmetric": asymmetric}


def generate(kind: str, labels: np.ndarray, *, num_classes: int, **settings: object) -> np.ndarray:
    """Noisy int64 labels `(N,)` for true int64 labels `(N,)`.

    `settings`: `rate` in [0, 1), `seed`, and `map` for asymmetric noise. Raises `UserError` on labels out of range.
    """
    if labels.ndim != 1 or labels.dtype != np.int64 or labels.min() < 0 or labels.max() >= num_classes:
        raise UserError(f"true labels must be int64 (N,) with values 0..{num_classes - 1}")
    return GENERATORS[kind](labels, num_classes=num_classes, **settings)
