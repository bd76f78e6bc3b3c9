"""Transition matrices T_ij = P(given label j | true label i): those asked for, and what they say of robustness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise.errors import UserError


def symmetric(rate: float, num_classes: int, *, inclusive: bool = False) -> np.ndarray:
    """`(K, K)`: 1 − rate on the diagonal; with `inclusive`, the drawn label may be the true one."""
    if inclusive:
        return (1 - rate) * np.eye(num_classes) + rate / num_classes
    matrix = np.full((num_classes, num_classes), rate / (num_classes - 1))
    np.fill_diagonal(matrix, 1.0 - rate)
    return matrix


def by_map(rate: float, num_classes: int, pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    """`(K, K)`: each mapped class turns into its image with probability `rate`."""
    matrix = np.eye(num_classes)
    for source, wrong in pairs:
        matrix[source, source], matrix[source, wrong] = 1.0 - rate, rate
    return matrix


def requested(noise: Mapping[str, Any], num_classes: int) -> np.ndarray | None:
    """The matrix that a spec's noise asks for; None where it asks for none (instance, human, file)."""
    if noise["kind"] == "symmetric":
        return symmetric(noise["rate"], num_classes, inclusive=noise["variant"] == "inclusive")
    if noise["kind"] == "asymmetric":
        if "matrix" in noise:
            return np.asarray(noise["matrix"], dtype=np.float64)
        return by_map(noise["rate"], num_classes, noise["map"])
    return np.eye(num_classes) if noise["kind"] == "clean" else None


def margin(matrix: np.ndarray) -> float:
    """The least T_ii − max_{j≠i} T_ij: clean labels dominate (ALF, Definition 1) where it is positive."""
    rivals = np.where(np.eye(len(matrix), dtype=bool), -np.inf, matrix).max(axis=1)
    return float((matrix.diagonal() - rivals).min())


def read_matrix(path: Path) -> np.ndarray:
    """The rows of a CSV without a header; `UserError` when it cannot be read as numbers."""
    try:
        if path.stat().st_size == 0:
            raise UserError(f"{path} is empty")
        return np.loadtxt(path, delimiter=",", ndmin=2)
    except UserError:
        raise
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as a CSV of numbers ({error})") from None


def check_matrix(matrix: Any, num_classes: int) -> list[list[float]]:
    """The matrix as floats; `UserError` when it is not `(K, K)`, has entries outside [0, 1], or rows that miss 1."""
    try:
        values = np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        raise UserError("must be a list of rows, each a list of numbers") from None
    if values.shape != (num_classes, num_classes):
        shape = " × ".join(map(str, values.shape))
        raise UserError(f"must be {num_classes} × {num_classes}, one row and column a class; got {shape}")
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        raise UserError("every entry must be a probability in [0, 1]")
    sums = values.sum(axis=1)
    if (off := np.flatnonzero(np.abs(sums - 1) > 1e-6)).size:
        raise UserError(f"every row must sum to 1; the row of class {off[0]} sums to {sums[off[0]]:g}")
    return values.tolist()
