"""Read CSV, .npy, .npz and JSON files, as numpy, pandas and json write them, into named columns. No pickles."""

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

# The exceptions that a damaged file may raise, whichever library reads it.
UNREADABLE = (
    OSError, ValueError, EOFError, KeyError, TypeError, AttributeError, RuntimeError, MemoryError, RecursionError,
    csv.Error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


# What to do about an array of Python objects, such as one that pandas made from text.
OBJECTS = "is an array of Python objects, which is not read; save it with .astype(str), or numbers with .astype(int)"


def is_of_objects(error: Exception) -> bool:
    """Whether numpy refused to read an array of Python objects."""
    return "Object arrays" in str(error)


@dataclass(frozen=True)
class Table:
    """Columns by name, as written; the only column of a file without names is called None.

    `lines` are the CSV line numbers of the rows. `unclear_header` means that the first line may be a header or a label.
    `notes` say how ambiguity was resolved.
    """

    path: Path
    columns: Mapping[str | None, Any]
    lines: Sequence[int] | None = None
    unclear_header: bool = False
    notes: list[str] = field(default_factory=list)

    def where(self, column: str | None) -> Where:
        """A function from row to its place in this column, for messages."""
        suffix = "" if column is None or self.lines is not None else f", {column}"
        if (lines := self.lines) is None:
            return lambda row: f"{self.path}{suffix}, sample {row}"
        return lambda row: f"{self.path}, line {lines[row]}"

    def __len__(self) -> int:
        return max((len(values) for values in self.columns.values()), default=0)


def read(path: Path, *, column: str | None = None, count: int | None = None) -> Table:
    """Read the file's columns; raises `UserError` if it is missing, damaged or of another type.

    `column` is a name given by the user, which implies that a CSV has a header. `count` is the number of samples, if
    known; it decides whether a first line `0` is the header that pandas writes.
    """
    readers = {".csv": _read_csv, ".npy": _read_npy, ".npz": _read_npz, ".json": _read_json}
    if path.suffix not in readers:
        raise UserError(
            f"{path}: labels are read from {', '.join(readers)}, not from {path.suffix or 'a file without ending'}"
        )
    try:
        table = readers[path.suffix](path, column, count)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such label file") from None
    except UserError:
        raise
    except UNREADABLE as error:
        if is_of_objects(error):
            raise UserError(f"{path}: this {OBJECTS}") from None
        if isinstance(error, UnicodeDecodeError):
            raise UserError(f"{path}: this is not UTF-8 text; save it as `CSV UTF-8`") from None
        raise UserError(f"{path}: this label file cannot be read ({error})") from None
    if not len(table):
        raise UserError(f"{path}: this file has no labels")
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
    """The rows with cells stripped, and their line numbers; empty rows at the end are dropped."""
    rows, lines = [], []
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        for row in reader:
            # A line of spaces counts as empty; pandas writes a missing value as "", which counts as a cell.
            if any("\0" in cell for cell in row):  # UTF-16 without its mark
                raise UserError(f"{path}: this is not UTF-8 text; save it as `CSV UTF-8`")
            rows.append([] if len(row) == 1 and row[0].isspace() else [cell.strip() for cell in row])
            lines.append(reader.line_num)
    while rows and not rows[-1]:
        rows.pop()
    return rows, lines[: len(rows)]


def _with_header(path: Path, rows: list[list[str]], lines: list[int]) -> Table:
    header = rows[0]
    if any(is_number(cell) for cell in header) and not _is_pandas(header):
        raise UserError(
            f"{path}: the first line, {','.join(header)!r}, is not a header; name the columns in the first line"
        )
    if repeated := [name for name in header if header.count(name) > 1]:
        raise UserError(f"{path}: two columns are called {repeated[0]!r}; give each its own name")
    columns: dict[str | None, Any] = {name: [row[i] for row in rows[1:]] for i, name in enumerate(header)}
    return Table(path, columns, lines[1:])


def _is_pandas(header: list[str]) -> bool:
    """Whether pandas wrote this header, for an index and nameless columns: an empty cell, then 0, 1, …"""
    return header == ["", *map(str, range(len(header) - 1))]


def _single_column(path: Path, cells: list[str], lines: list[int], column: str | None, count: int | None) -> Table:
    first, rest = cells[0], cells[1:]
    for separator, plural in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if all(separator in cell for cell in cells):
            raise UserError(f"{path}: the columns are separated by {plural}; use commas")
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
            "a label, write all labels in the same form"
        )
    elif len(cells) > 2 and first not in rest and not is_number(first):
        raise UserError(
            f"{path}: the first line, {first!r}, occurs once: if it is a header, call it `label`; if it is a label, "
            "add a header `label` before it"
        )
    return everything


def _read_npy(path: Path, column: str | None, count: int | None) -> Table:
    array = np.load(path, allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise UserError(f"{path}: this is an .npz; rename it")
    if array.ndim == 0:
        return Table(path, {})
    return Table(path, {None: array})


def _read_npz(path: Path, column: str | None, count: int | None) -> Table:
    with np.load(path, allow_pickle=False) as file:
        columns = {name: file[name] for name in file.files}
    return Table(path, {name: array for name, array in columns.items() if array.ndim})


def _read_json(path: Path, column: str | None, count: int | None) -> Table:
    content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_distinct_keys)
    if isinstance(content, list):
        return _json_list(path, content)
    if not isinstance(content, dict) or not content:
        raise UserError(f"{path}: must hold a list of labels, or an object that maps samples to labels")
    values = list(content.values())
    if all(not isinstance(value, list | dict) for value in values):
        return Table(path, {known.KEY: list(content), None: values})
    if all(isinstance(value, dict) for value in values):
        keys = list(values[0])
        if any(list(value) != keys for value in values):
            raise UserError(f"{path}: {', '.join(content)} name different samples")
        return Table(path, {known.KEY: keys, **{name: list(value.values()) for name, value in content.items()}})
    return Table(path, {name: value for name, value in content.items() if isinstance(value, list)})


def _json_list(path: Path, entries: list[Any]) -> Table:
    if not any(isinstance(entry, dict) for entry in entries):
        return Table(path, {None: entries})
    keys = list(entries[0]) if isinstance(entries[0], dict) else []
    for row, entry in enumerate(entries):
        if not isinstance(entry, dict) or list(entry) != keys:
            raise UserError(f"{path}, sample {row}: every sample must have the same keys ({', '.join(keys)})")
    return Table(path, {key: [entry[key] for entry in entries] for key in keys})


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    distinct = dict(pairs)
    if len(distinct) < len(pairs):
        repeated = next(key for i, (key, _) in enumerate(pairs) if key in dict(pairs[:i]))
        raise ValueError(f"the key {repeated!r} occurs twice")
    return distinct
