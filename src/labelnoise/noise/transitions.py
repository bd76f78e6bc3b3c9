"""Transition matrices T_ij = P(noisy label j | true label i), and the margin by which clean labels dominate."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def symmetric(rate: float, num_classes: int, *, inclusive: bool = False) -> np.ndarray:
    """`(K, K)`: 1 − rate on the diagonal; with `inclusive`, the drawn label may be the true one.

    >>> symmetric(0.25, 3).tolist()
    [[0.75, 0.125, 0.125], [0.125, 0.75, 0.125], [0.125, 0.125, 0.75]]
    """
    if inclusive:
        return (1 - rate) * np.eye(num_classes) + rate / num_classes
    matrix = np.full((num_classes, num_classes), rate / (num_classes - 1))
    np.fill_diagonal(matrix, 1.0 - rate)
    return matrix


def by_map(rate: float, num_classes: int, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """`(K, K)`: each mapped class flips to its image with probability `rate`.

    >>> by_map(0.25, 3, [(0, 2)]).tolist()
    [[0.75, 0.0, 0.25], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    matrix = np.eye(num_classes)
    for source, wrong in pairs:
        matrix[source, source], matrix[source, wrong] = 1.0 - rate, rate
    return matrix


def next_class(num_classes: int) -> list[tuple[int, int]]:
    """The map of pair noise: each class to the next, the last to the first."""
    return [(k, (k + 1) % num_classes) for k in range(num_classes)]


def requested(noise: Mapping[str, Any], num_classes: int) -> np.ndarray | None:
    """The matrix that a spec's noise requests; None if it has none (instance, human, file, given, a user's own).

    That of mixed noise is the product of its parts'.
    """
    if "rates" in noise:
        uniform = {key: value for key, value in noise.items() if key != "rates"}
        matrix = np.eye(num_classes)
        for k, rate in noise["rates"]:
            at_rate = requested(uniform | {"rate": rate}, num_classes)
            assert at_rate is not None  # kinds with a rate per class have a matrix
            matrix[k] = at_rate[k]
        return matrix
    if noise["kind"] == "mixed":
        parts = [requested(part, num_classes) for part in noise["parts"]]
        return None if any(part is None for part in parts) else functools.reduce(np.matmul, parts)  # type: ignore[arg-type]
    if noise["kind"] == "pair":
        return by_map(noise["rate"], num_classes, next_class(num_classes))
    if noise["kind"] == "symmetric":
        return symmetric(noise["rate"], num_classes, inclusive=noise["variant"] == "inclusive")
    if noise["kind"] == "asymmetric":
        if "matrix" in noise:
            return np.asarray(noise["matrix"], dtype=np.float64)
        return by_map(noise["rate"], num_classes, noise["map"])
    return np.eye(num_classes) if noise["kind"] == "clean" else None


def margin(matrix: np.ndarray) -> float:
    """The least T_ii − max_{j≠i} T_ij; clean labels dominate (ALF, Definition 1) if it is positive.

    >>> margin(symmetric(0.25, 3))
    0.625
    """
    rivals = np.where(np.eye(len(matrix), dtype=bool), -np.inf, matrix).max(axis=1)
    return float((matrix.diagonal() - rivals).min())
