"""Transition matrices from a CSV (plain, or with pandas' header and index), an .npy, or rows in a config."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise.errors import UserError
from labelnoise.readers.tables import UNREADABLE
from labelnoise.readers.values import is_number

# Rounding each of K entries to three digits moves a row's sum by at most K times this.
ROUNDING = 5e-4

# Row sums closer to 1 than this are not corrected.
_EXACT = 1e-6


@dataclass(frozen=True)
class Matrix:
    """Rows that sum to 1, one per true class; `correction` is the largest |row sum − 1| that was divided out, or 0."""

    rows: list[list[float]]
    correction: float

    @property
    def spec(self) -> dict[str, Any]:
        """The matrix's entries in a noise spec."""
        return {"matrix": self.rows} | ({"correction": self.correction} if self.correction else {})


def read(given: Any, classes: Sequence[str]) -> Matrix:
    """Read a transition matrix `(K, K)` from a file or from rows; raises `UserError` if it is invalid.

    Names in a header or an index must be the classes; rows and columns are then put into class order. Rows whose sums
    differ from 1 only by rounding to three digits are divided by their sums.
    """
    if isinstance(given, str | Path):
        path = Path(given)
        values, index, header = _read_file(path)
        place = f"{path}: "
    else:
        values, index, header, place = given, None, None, ""
    matrix = _numbers(values, len(classes), place)
    for names, axis, what in ((index, 0, "rows"), (header, 1, "columns")):
        if names is not None:
            matrix = np.take(matrix, _class_order(names, classes, f"{place}the {what}"), axis=axis)
    return _normalised(matrix, place)


def _read_file(path: Path) -> tuple[Any, list[str] | None, list[str] | None]:
    """(values, row names, column names); names are None if the file has none."""
    try:
        if path.suffix == ".npy":
            return np.load(path, allow_pickle=False), None, None
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except UNREADABLE as error:
        raise UserError(f"{path} cannot be read as a CSV or .npy matrix ({error})") from None
    if not rows:
        raise UserError(f"{path} is empty")
    has_index = rows[0][0] == "" or any(not is_number(row[0]) for row in rows[1:])
    has_header = rows[0][0] == "" or any(not is_number(cell) for cell in rows[0][has_index:])
    header = rows[0][has_index:] if has_header else None
    body = rows[has_header:]
    index = [row[0] for row in body] if has_index else None
    return [row[has_index:] for row in body], index, header


def _numbers(values: Any, size: int, place: str) -> np.ndarray:
    try:
        matrix = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise UserError(f"{place}must be a list of rows, each a list of numbers") from None
    if matrix.shape != (size, size):
        shape = " × ".join(map(str, matrix.shape))
        raise UserError(f"{place}must be {size} × {size}, one row and one column per class; got {shape}")
    if not np.isfinite(matrix).all() or matrix.min() < 0 or matrix.max() > 1:
        raise UserError(f"{place}every entry must be a probability in [0, 1]")
    return matrix


def _class_order(names: list[str], classes: Sequence[str], place: str) -> list[int]:
    """The position of each class in `names`, which are class names or numbers."""
    numbers = [str(k) for k in range(len(classes))]
    for expected in (list(classes), numbers):
        if sorted(names) == sorted(expected):
            return [names.index(name) for name in expected]
    raise UserError(f"{place} are called {', '.join(names)}, but the classes are {', '.join(classes)}")


def _normalised(matrix: np.ndarray, place: str) -> Matrix:
    off = np.abs(matrix.sum(axis=1) - 1)
    allowed = len(matrix) * ROUNDING + 1e-9
    if off.max() <= _EXACT:
        return Matrix(matrix.tolist(), 0.0)
    if off.max() > allowed:
        worst = int(off.argmax())
        columns_sum = np.abs(matrix.sum(axis=0) - 1).max() <= allowed
        hint = "; its columns do: transpose it, rows are true classes" if columns_sum else ""
        raise UserError(
            f"{place}every row must sum to 1; the row of class {worst} sums to {float(matrix[worst].sum())!r}{hint}"
        )
    return Matrix((matrix / matrix.sum(axis=1, keepdims=True)).tolist(), float(off.max()))
