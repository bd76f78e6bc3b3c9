"""The papers' printed numbers: one CSV per paper, one row per cell. A user may bring a CSV of the same columns.

`mean` and `std` are percentages over `TRIALS` trials at the last epoch, as printed; an empty std was not printed.
`note` says what is doubtful about a cell. A file without rows belongs to a paper whose numbers are not at hand.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from labelnoise.errors import UserError, unknown

_FOLDER = Path(__file__).parent

# Trials per printed cell, in every table of the papers that prints a deviation.
TRIALS = 3


class PrintedCell(TypedDict):
    """A printed cell. `noise` is a kind, or `human-worst`; `rate` is None for a noise without a rate."""

    paper: str
    table: str
    dataset: str
    test_set: str
    noise: str
    rate: float | None
    loss: str
    mean: float
    std: float | None
    note: str


def papers() -> list[str]:
    """The papers whose printed numbers are known, or known to be missing."""
    return sorted(path.stem for path in _FOLDER.glob("*.csv"))


def read(paper: str) -> list[PrintedCell]:
    """The cells of a paper, or of a user's file (`.csv`). Raises `UserError` if it is unknown or unreadable."""
    if paper.endswith(".csv"):
        return _read(Path(paper))
    if paper not in papers():
        raise UserError(f"{unknown('paper', paper, papers())}; or name a .csv file of your own")
    return _read(_FOLDER / f"{paper}.csv")


def select(paper: str, tables: list[str]) -> list[PrintedCell]:
    """The cells of these tables. Raises `UserError` for a table that the paper does not have."""
    cells = read(paper)
    known = list(dict.fromkeys(cell["table"] for cell in cells))
    for table in tables:
        if table not in known:
            raise UserError(unknown(f"table of {paper}", table, known))
    return [cell for table in tables for cell in cells if cell["table"] == table]


def noise_of(kind: str, variant: str) -> str:
    """The name of a noise in printed tables, where generators have no names: `symmetric`, `human-worst`."""
    return f"{kind}-{variant}" if kind == "human" else kind


@functools.cache
def _read(path: Path) -> list[PrintedCell]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            columns = list(PrintedCell.__annotations__)
            if reader.fieldnames != columns:
                raise UserError(f"{path}: the first line must be {','.join(columns)}")
            cells = [_cell(path, reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    seen: set[tuple[object, ...]] = set()
    for cell in cells:
        key = (cell["table"], cell["dataset"], cell["test_set"], cell["noise"], cell["rate"], cell["loss"])
        if key in seen:
            raise UserError(f"{path}: {cell['table']} has two cells for {cell['loss']}, {cell['noise']} {cell['rate']}")
        seen.add(key)
    return cells


def _cell(path: Path, line: int, row: Mapping[str, str | None]) -> PrintedCell:
    def number(column: str) -> float | None:
        text = row[column]
        try:
            return float(text) if text else None
        except ValueError:
            raise UserError(f"{path}, line {line}: {column} must be a number, got {text!r}") from None

    mean = number("mean")
    if mean is None:
        raise UserError(f"{path}, line {line}: a printed cell needs a mean; leave the line out if none was printed")
    text = {key: row[key] or "" for key in ("paper", "table", "dataset", "test_set", "noise", "loss", "note")}
    return PrintedCell(rate=number("rate"), mean=mean, std=number("std"), **text)  # type: ignore[typeddict-item]
