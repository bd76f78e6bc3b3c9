"""Transition matrices T_ij = P(noisy label j | true label i), and the margin by which clean labels dominate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def symmetric(rate: float, num_classes: int, *, inclusive: bool = False) -> np.ndarray:
    """`(K, K)`: 1 − rate on the diagonal; with `inclusive`, the drawn label may be the true one."""
    if inclusive:
        return (1 - rate) * np.eye(num_classes) + rate / num_classes
    matrix = np.full((num_classes, num_classes), rate / (num_classes - 1))
    np.fill_diagonal(matrix, 1.0 - rate)
    return matrix


def by_map(rate: float, num_classes: int, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """`(K, K)`: each mapped class flips to its image with probability `rate`."""
    matrix = np.eye(num_classes)
    for source, wrong in pairs:
        matrix[source, source], matrix[source, wrong] = 1.0 - rate, rate
    return matrix


def requested(noise: Mapping[str, Any], num_classes: int) -> np.ndarray | None:
    """The matrix that a spec's noise requests; None for kinds without one (instance, human, file, given)."""
    if noise["kind"] == "symmetric":
        return symmetric(noise["rate"], num_classes, inclusive=noise["variant"] == "inclusive")
    if noise["kind"] == "asymmetric":
        if "matrix" in noise:
            return np.asarray(noise["matrix"], dtype=np.float64)
        return by_map(noise["rate"], num_classes, noise["map"])
    return np.eye(num_classes) if noise["kind"] == "clean" else None


def margin(matrix: np.ndarray) -> float:
    """The least T_ii − max_{j≠i} T_ij; clean labels dominate (ALF, Definition 1) if it is positive."""
    rivals = np.where(np.eye(len(matrix), dtype=bool), -np.inf, matrix).max(axis=1)
    return float((matrix.diagonal() - rivals).min())
