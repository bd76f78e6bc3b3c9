"""Generators that need labels only. All draws come from numpy's RandomState, whose streams are frozen.

Variants of published code give that code's labels for its seed. Shapes: labels int64 `(N,)`, K classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from labelnoise.errors import UserError
from labelnoise.noise import transitions

Map = Sequence[tuple[int, int]]


# One rate for all classes, or one rate per class `(K,)`.
Rate = float | np.ndarray


def exact_counts(rate: Rate, sizes: np.ndarray) -> np.ndarray:
    """The number of labels to flip in each class, `(K,)`: round(rate · N) in all, distributed by largest remainder.

    `sizes` `(K,)` are the class sizes. Each count differs from rate · size by less than 1.

    >>> exact_counts(0.3, np.array([5, 5, 10])).tolist()
    [2, 1, 3]
    """
    total = float((rate * sizes).sum()) if isinstance(rate, np.ndarray) else rate * int(sizes.sum())
    return _largest_remainder(rate * sizes, round(total))


def _largest_remainder(ideal: np.ndarray, total: int) -> np.ndarray:
    """Whole numbers that sum to `total`, each less than 1 from its ideal; ties go to the first."""
    counts = np.floor(ideal + 1e-9).astype(np.int64)
    order = np.argsort(-(ideal - counts), kind="stable")
    counts[order[: total - int(counts.sum())]] += 1
    return counts


def _flip_by_counts(labels: np.ndarray, counts: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Flip `counts[i, j]` labels of class i to j; a sample flips at most once, always from its true label."""
    noisy = labels.copy()
    for true, row in enumerate(counts):
        pool = np.flatnonzero(labels == true)
        for wrong in np.flatnonzero(row):
            if wrong != true:
                chosen = random.permutation(len(pool))[: row[wrong]]
                noisy[pool[chosen]] = wrong
                pool = np.delete(pool, chosen)
    return noisy


def _flip_uniformly(
    labels: np.ndarray, counts: np.ndarray, num_classes: int, random: np.random.RandomState
) -> np.ndarray:
    """Flip `counts[k]` labels of each class k, each to one of the K − 1 others, uniformly."""
    noisy = labels.copy()
    pools = [np.flatnonzero(labels == k) for k in range(num_classes)]
    flipped = np.concatenate(
        [pool[random.permutation(len(pool))[:count]] for pool, count in zip(pools, counts, strict=True)]
    )
    other = random.randint(0, num_classes - 1, size=len(flipped))
    noisy[flipped] = other + (other >= labels[flipped])
    return noisy


def _flip_each(labels: np.ndarray, matrix: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Draw each label independently from its row of the transition matrix.

    As `random.multinomial` of numpy until 2.4, by which the published labels were drawn: one binomial draw per class,
    until one succeeds, and none for a class of probability 0. numpy 2.5 draws for those too, so its labels are others.
    """
    rows, last, binomial = [_binomials(row) for row in matrix.tolist()], len(matrix) - 1, random.binomial
    return np.array(
        [next((k for k, rate in rows[label] if binomial(1, rate)), last) for label in labels.tolist()], dtype=np.int64
    )


def _binomials(row: list[float]) -> list[tuple[int, float]]:
    """The draws for a row: each class with its probability if none before succeeded; the last takes what is left."""
    draws, left = [], 1.0
    for k, probability in enumerate(row[:-1]):
        if probability > 0:
            draws.append((k, min(1.0, probability / left)))
            left -= probability
    return draws


def _truncated(matrix: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The counts ⌊T_ij · n_i⌋ `(K, K)`; raises `UserError` if rounding drops a requested flip."""
    sizes = np.bincount(labels, minlength=len(matrix))
    counts = (matrix * sizes[:, None]).astype(np.int64)
    if (dropped := np.argwhere((matrix > 0) & (counts == 0))).size:
        i, j = dropped[0]
        raise UserError(
            f"class {i} has {sizes[i]} samples, too few: the truncated variant rounds its flips to label {j} "
            f"({matrix[i, j] * sizes[i]:.2g}) down to 0; use the default variant"
        )
    return counts


def clean(labels: np.ndarray, **_: object) -> np.ndarray:
    """A copy of the labels."""
    return labels.copy()


def symmetric(
    labels: np.ndarray, *, num_classes: int, rate: Rate, seed: int, variant: str = "exact", **_: object
) -> np.ndarray:
    """Symmetric noise: each wrong label equally likely; only the variant exact takes a rate per class.

    Variants (the code they reproduce): exact, and `equal` (Active-Passive-Losses, `RandomState.choice` per class,
    then one of the others for each); `truncated` (Active-Negative-Loss, by transition counts); `bernoulli` (ALFs'
    MNIST, one multinomial draw per sample); `inclusive` (GJS, the head of a permutation, labels from all K classes).
    """
    random = np.random.RandomState(seed)
    sizes = np.bincount(labels, minlength=num_classes)
    if variant == "exact":
        _check_sizes(rate, sizes)
        return _flip_uniformly(labels, exact_counts(rate, sizes), num_classes, random)
    rate = float(rate)
    matrix = transitions.symmetric(rate, num_classes, inclusive=variant == "inclusive")
    if variant == "truncated":
        return _flip_by_counts(labels, _truncated(matrix, labels), random)
    if variant == "bernoulli":
        return _flip_each(labels, matrix, random)
    if variant == "inclusive":
        drawn = random.permutation(len(labels))[: math.ceil(rate * len(labels))]
        noisy = labels.copy()
        noisy[drawn] = random.randint(num_classes, size=len(drawn), dtype=np.int32)
        return noisy
    share = int(int(rate * len(labels)) / num_classes)
    if share > sizes.min():
        smallest = int(sizes.argmin())
        raise UserError(
            f"class {smallest} has {sizes[smallest]} samples, too few: the variant equal flips {share} in "
            "every class; use the default variant"
        )
    return _flip_uniformly(labels, np.full(num_classes, share), num_classes, random)


def asymmetric(
    labels: np.ndarray,
    *,
    num_classes: int,
    rate: Rate | None = None,
    seed: int,
    variant: str = "parallel",
    map: Map | None = None,
    matrix: Sequence[Sequence[float]] | None = None,
    **_: object,
) -> np.ndarray:
    """Asymmetric noise, by a `map` of (true, wrong) pairs at `rate` or by a full transition `matrix` `(K, K)`.

    Variants (the code they reproduce): parallel and superclass, exact; `truncated` and `blocks`
    (Active-Negative-Loss); `bernoulli` and `blocks-bernoulli` (Active-Passive-Losses on MNIST and CIFAR-100);
    `sequential` (the same on CIFAR-10, in the map's order); `permuted` (GJS on CIFAR-100).
    """
    random = np.random.RandomState(seed)
    sizes = np.bincount(labels, minlength=num_classes)
    if matrix is not None:
        wanted = np.asarray(matrix, dtype=np.float64) * sizes[:, None]
        counts = np.array([_largest_remainder(row, size) for row, size in zip(wanted, sizes, strict=True)])
        return _flip_by_counts(labels, counts, random)
    if map is None or rate is None:
        raise UserError("asymmetric noise needs a matrix, or a map and a rate")
    if variant in ("parallel", "superclass"):
        sources, wrongs = np.array(sorted(map), dtype=np.int64).T
        of_sources = rate[sources] if isinstance(rate, np.ndarray) else rate
        _check_sizes(rate, sizes, sources)
        counts = np.zeros((num_classes, num_classes), dtype=np.int64)
        counts[sources, wrongs] = exact_counts(of_sources, sizes[sources])
        return _flip_by_counts(labels, counts, random)
    rate = float(rate)
    transition = transitions.by_map(rate, num_classes, map)
    if variant in ("truncated", "blocks"):
        return _flip_by_counts(labels, _truncated(transition, labels), random)
    if variant in ("bernoulli", "blocks-bernoulli"):
        return _flip_each(labels, transition, random)
    if variant == "permuted":
        drawn = random.permutation(len(labels))[: math.ceil(rate * len(labels))]
        noisy, target = labels.copy(), dict(map)
        noisy[drawn] = [target.get(label, label) for label in labels[drawn].tolist()]
        return noisy
    noisy = labels.copy()
    for source, wrong in map:
        pool = np.flatnonzero(noisy == source)
        noisy[pool[random.permutation(len(pool))[: int(rate * len(pool))]]] = wrong
    return noisy


def pair(labels: np.ndarray, *, num_classes: int, variant: str = "exact", **settings: Any) -> np.ndarray:
    """Pair noise: each class flips to the next; `bernoulli` is Co-teaching's, one multinomial draw per sample."""
    settings |= {"map": transitions.next_class(num_classes), "variant": "parallel" if variant == "exact" else variant}
    return asymmetric(labels, num_classes=num_classes, **settings)


def _check_sizes(rate: Rate, sizes: np.ndarray, classes: np.ndarray | None = None) -> None:
    """Raise `UserError` if a class is too small for the rate to hold in it."""
    rates = np.broadcast_to(rate, len(sizes)).tolist()
    for k in range(len(sizes)) if classes is None else classes.tolist():
        if rates[k] > 0 and rates[k] * sizes[k] < 1:
            raise UserError(
                f"class {k} has {sizes[k]} samples, too few for a noise rate of {rates[k]:g}; it needs at least "
                f"{math.ceil(1 / rates[k])}"
            )
