"""Files with labels → named columns: CSV, .npy, .npz, JSON, as numpy, pandas and json write them. No pickles."""

from __future__ import annotations

import csv
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise.errors import UserError
from labelnoise.readers import columns as known
from labelnoise.readers.values import MISSING, Where, is_number

# What a damaged file raises, whichever library reads it.
UNREADABLE = (
    OSError, ValueError, EOFError, KeyError, TypeError, AttributeError, RuntimeError, MemoryError, RecursionError,
    csv.Error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@dataclass(frozen=True)
class Table:
    """Columns by name (the only one of a file without names is called None), as written.

    `lines` are the CSV lines of the rows, `header` is a first line that may be a header or a label: see
    `without_header`.
    """

    path: Path
    columns: Mapping[str | None, Any]
    lines: Sequence[int] | None = None
    unclear_header: bool = False
    notes: list[str] = field(default_factory=list)

    def where(self, column: str | None) -> Where:
        """The place of a row of this column, for messages."""
        called = "" if column is None or self.lines is not None else f", {column}"
        if (lines := self.lines) is None:
            return lambda row: f"{self.path}{called}, sample {row}"
        return lambda row: f"{self.path}, line {lines[row]}"

    def __len__(self) -> int:
        return max((len(values) for values in self.columns.values()), default=0)


def read(path: Path, *, column: str | None = None, count: int | None = None) -> Table:
    """The file's columns; `UserError` when it is missing, damaged, or of another kind.

    `column` is a name that the user gave: a CSV then has a header. `count`, where it is known how many samples there
    are, tells whether a first line `0` is the header that pandas writes.
    """
    readers = {".csv": _read_csv, ".npy": _read_npy, ".npz": _read_npz, ".json": _read_json}
    if path.suffix not in readers:
        raise UserError(f"{path}: labels are read from {', '.join(readers)}, not from {path.suffix or 'such a file'}")
    try:
        table = readers[path.suffix](path, column, count)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such label file") from None
    except UserError:
        raise
    except UNREADABLE as error:
        raise UserError(f"{path}: this label file cannot be read ({error})") from None
    if not len(table):
        raise UserError(f"{path}: there are no labels in this file")
    return table


def _read_csv(path: Path, column: str | None, count: int | None) -> Table:
    rows, lines = _rows(path)
    if not rows:
        return Table(path, {})
    width = len(rows[0])
    for row, line in zip(rows, lines, strict=True):
        if len(row) > width:
            raise UserError(f"{path}, line {line}: this row has {len(row)} cells, but the first line has {width}")
        if len(row) < width:
            raise UserError(
                f"{path}, line {line}: the label is missing"
                if width == 1
                else f"{path}, line {line}: this row has {len(row)} cells, but the first line has {width}"
            )
    if width > 1:
        return _with_header(path, rows, lines)
    return _single_column(path, [row[0] for row in rows], lines, column, count)


def _rows(path: Path) -> tuple[list[list[str]], list[int]]:
    """The rows without surrounding spaces, and their lines; empty ones at the end are left out."""
    rows, lines = [], []
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        for row in reader:
            # A line of spaces is empty; pandas writes a missing value as "", which is a cell.
            rows.append([] if len(row) == 1 and row[0].isspace() else [cell.strip() for cell in row])
            lines.append(reader.line_num)
    while rows and not rows[-1]:
        rows.pop()
    return rows, lines[: len(rows)]


def _with_header(path: Path, rows: list[list[str]], lines: list[int]) -> Table:
    header = rows[0]
    if any(is_number(cell) for cell in header) and not _is_pandas(header):
        raise UserError(
            f"{path}: the first line, {','.join(header)!r}, is no header; with several columns, name them in the "
            "first line"
        )
    if twice := [name for name in header if header.count(name) > 1]:
        raise UserError(f"{path}: two columns are called {twice[0]!r}; give each a name of its own")
    columns: dict[str | None, Any] = {name: [row[i] for row in rows[1:]] for i, name in enumerate(header)}
    return Table(path, columns, lines[1:])


def _is_pandas(header: list[str]) -> bool:
    """Whether it is the header that pandas gives to an index and nameless columns: an empty cell, then 0, 1, …"""
    return header == ["", *map(str, range(len(header) - 1))]


def _single_column(path: Path, cells: list[str], lines: list[int], column: str | None, count: int | None) -> Table:
    first, rest = cells[0], cells[1:]
    for mark, called in ((";", "semicolons"), ("\t", "tabs")):
        if all(mark in cell for cell in cells):
            raise UserError(f"{path}: its columns are separated by {called}; write it with commas")
    if column is not None or known.is_label(first):
        return Table(path, {first: rest}, lines[1:])
    everything = Table(path, {None: cells}, lines)
    numbers_follow = bool(rest) and all(map(is_number, rest))
    if first == "0" and numbers_follow:
        if count == len(rest):
            return Table(path, {None: rest}, lines[1:], notes=["the first line, 0, is a header"])
        if count != len(cells):
            return Table(path, {None: cells}, lines, unclear_header=True)
    elif numbers_follow and not is_number(first) and first not in MISSING:
        raise UserError(
            f"{path}: the first line, {first!r}, is followed by numbers: if it is a header, call it `label`; if it is "
            "a label, write all of them alike"
        )
    elif len(cells) > 2 and first not in rest and not is_number(first):
        raise UserError(
            f"{path}: the first line, {first!r}, occurs once: if it is a header, call it label; if it is a "
            "label, put a header `label` before it"
        )
    return everything


def _read_npy(path: Path, column: str | None, count: int | None) -> Table:
    found = np.load(path, allow_pickle=False)
    if not isinstance(found, np.ndarray):
        raise UserError(f"{path}: this is an .npz under another name")
    if found.ndim == 0:
        return Table(path, {})
    return Table(path, {None: found})


def _read_npz(path: Path, column: str | None, count: int | None) -> Table:
    with np.load(path, allow_pickle=False) as file:
        columns = {name: file[name] for name in file.files}
    return Table(path, {name: array for name, array in columns.items() if array.ndim})


def _read_json(path: Path, column: str | None, count: int | None) -> Table:
    found = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_distinct_keys)
    if isinstance(found, list):
        return _json_list(path, found)
    if not isinstance(found, dict) or not found:
        raise UserError(f"{path}: must hold labels: a list, or names of samples with their labels")
    values = list(found.values())
    if all(not isinstance(value, list | dict) for value in values):
        return Table(path, {known.KEY: list(found), None: values})
    if all(isinstance(value, dict) for value in values):
        keys = list(values[0])
        if any(list(value) != keys for value in values):
            raise UserError(f"{path}: {', '.join(found)} name different samples")
        return Table(path, {known.KEY: keys, **{name: list(value.values()) for name, value in found.items()}})
    return Table(path, {name: value for name, value in found.items() if isinstance(value, list)})


def _json_list(path: Path, found: list[Any]) -> Table:
    if not any(isinstance(entry, dict) for entry in found):
        return Table(path, {None: found})
    keys = list(found[0]) if isinstance(found[0], dict) else []
    for row, entry in enumerate(found):
        if not isinstance(entry, dict) or list(entry) != keys:
            raise UserError(f"{path}, sample {row}: every sample must have the same keys ({', '.join(keys)})")
    return Table(path, {key: [entry[key] for entry in found] for key in keys})


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for i, (key, _) in enumerate(pairs) if key in dict(pairs[:i]))
        raise ValueError(f"the key {twice!r} occurs twice")
    return found
