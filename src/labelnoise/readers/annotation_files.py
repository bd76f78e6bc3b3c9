"""A file of labels: which column holds them, which identify samples, and how rows belong to a data set's samples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from labelnoise.errors import UserError
from labelnoise.readers import columns as known
from labelnoise.readers import tables
from labelnoise.readers.tables import Table
from labelnoise.readers.values import Where


@dataclass(frozen=True)
class Annotations:
    """What a label file holds, before anything is matched: `(N,)` values of each kind, as written.

    `identifiers` are the columns that name samples; `true_column` holds true labels beside the others, if any does.
    """

    table: Table
    column: str | None
    true_column: str | None
    identifiers: dict[str, list[str]]

    @property
    def path(self) -> Path:
        return self.table.path

    @property
    def values(self) -> Any:
        return self.table.columns[self.column]

    @property
    def where(self) -> Where:
        return self.table.where(self.column)

    def __len__(self) -> int:
        return len(self.values)


def read(path: Path, *, column: str | None = None, count: int | None = None, want_true: bool = False) -> Annotations:
    """The label file; `column` names the labels where the file leaves that open, `count` samples are expected.

    `want_true`: the labels are the true ones, to draw noise from. Raises `UserError`.
    """
    table = tables.read(path, column=column, count=count)
    chosen = known.choose(table.columns, column, str(path), want_true=want_true)
    size = len(table.columns[chosen])
    if not size:
        raise UserError(f"{path}: there are no labels in this file")
    if table.unclear_header:
        raise UserError(
            f"{path}: the first line, 0, may be a label or the header that pandas writes: put a header `label` before "
            "the labels, or take the line out"
        )
    true = [name for name in table.columns if name != chosen and known.is_true_label(name)]
    if len(true) > 1 and not want_true:
        raise UserError(
            f"{path}: each of the columns {', '.join(map(repr, true))} could hold the true labels; keep one"
        )
    if true and len(table.columns[true[0]]) != size:
        raise UserError(f"{path}: {len(table.columns[true[0]])} true labels, but {size} in {chosen!r}")
    names = known.identifiers(table.columns, chosen, size, str(path), table.where(chosen))
    return Annotations(table, chosen, true[0] if true and not want_true else None, names)


@dataclass(frozen=True)
class Samples:
    """The training samples that labels belong to, as far as they are known.

    `count` is their number as listed, `files` their names `(count,)` where they have any; `left_out` are those that
    cannot be read, and take their rows with them. Before the images were read, up to `may_be_left_out` are.
    """

    count: int
    files: Sequence[str] | None = None
    left_out: Sequence[int] = ()
    may_be_left_out: int = 0

    @property
    def kept(self) -> np.ndarray:
        """The samples `(N,)` that are not left out."""
        return np.delete(np.arange(self.count), list(self.left_out))


@dataclass(frozen=True)
class Match:
    """`rows` `(N,)`: the row of each sample that is not left out; `by` the column that joins, None: by position."""

    rows: np.ndarray
    by: str | None
    unused: int = 0

    @property
    def is_in_order(self) -> bool:
        """Whether it is what joining by position would have given."""
        return not self.unused and bool((self.rows == np.arange(len(self.rows))).all())


def match(found: Annotations, samples: Samples) -> Match | None:
    """How the rows belong to the samples: by name where the file names them, else by position.

    None where that shows only once the images are read. Raises `UserError` that names what does not match on either
    side.
    """
    by, rows = _rows(found, samples)
    kept = samples.kept
    missing = kept[rows[kept] < 0]
    strange = np.setdiff1d(np.arange(len(found)), rows)
    if not len(missing) and not len(strange):
        return Match(rows[kept], by, len(found) - len(kept))
    if len(missing) <= samples.may_be_left_out and not len(strange):
        return None
    if by is None:
        raise UserError(f"{found.path}: has {len(found)} labels, but there are {samples.count} training samples")
    raise UserError(_mismatch(found, by, missing, strange, samples))


def _rows(found: Annotations, samples: Samples) -> tuple[str | None, np.ndarray]:
    """The column that joins, None for the position; and the row of each listed sample, −1 where it has none."""
    named = {name: values for name, values in found.identifiers.items() if not _are_whole(values)}
    numbered = {name: values for name, values in found.identifiers.items() if name not in named}
    if samples.files is not None:
        columns = named or {name: values for name, values in numbered.items() if _names_files(name, values, samples)}
        if columns:
            return _by_file(columns, list(samples.files))
    if numbered:
        by, values = next(iter(numbered.items()))
        return by, _by_index(found.path, by, values, samples.count)
    if named:
        by, values = next(iter(named.items()))
        raise UserError(
            f"{found.path}: the column {by!r} names samples ({values[0]} …), but this data set's have no names; give "
            "an `index` from 0 instead, or leave the column out if the rows are in the data set's order"
        )
    if len(found) == samples.count - len(samples.left_out):
        rows = np.full(samples.count, -1)
        rows[samples.kept] = np.arange(len(found))
        return None, rows
    return None, np.where(np.arange(samples.count) < len(found), np.arange(samples.count), -1)


def _are_whole(values: Sequence[str]) -> bool:
    return all(value.removeprefix("-").isdecimal() for value in values)


def _forms(files: list[str]) -> list[dict[str, int]]:
    """The ways to name each file: whole, inside its split's folder, by its last part, and by that without ending."""
    paths = [PurePosixPath(file) for file in files]
    inside = ["/".join(path.parts[1:]) or path.name for path in paths]
    ways = ([str(path) for path in paths], inside, [path.name for path in paths], [path.stem for path in paths])
    return [{name: i for i, name in enumerate(way)} for way in ways if len(set(way)) == len(way)]


def _names_files(column: str, values: Sequence[str], samples: Samples) -> bool:
    """Whether numbers are names of files such as 17.png, and not positions."""
    is_stems = any(set(values) <= set(indices) for indices in _forms(list(samples.files or []))[-1:])
    is_index = sorted(map(int, values)) == list(range(samples.count))
    return is_stems and (not is_index or bool(re.search("file|path|im(g|age)|name", column, re.IGNORECASE)))


def _by_file(columns: dict[str, list[str]], files: list[str]) -> tuple[str, np.ndarray]:
    """The column and the way of naming files that match best, and the row of each file, −1 where it has none."""
    best, best_rows = next(iter(columns)), np.full(len(files), -1)
    for column, values in columns.items():
        cleaned = [str(PurePosixPath(value.replace("\\", "/"))) for value in values]
        for indices in _forms(files):
            rows = np.full(len(files), -1)
            for row, value in enumerate(cleaned):
                if value in indices:
                    rows[indices[value]] = row
            if (rows >= 0).sum() > (best_rows >= 0).sum():
                best, best_rows = column, rows
    return best, best_rows


def _by_index(path: Path, column: str, values: list[str], count: int) -> np.ndarray:
    """The row of each sample 0..count−1, −1 where it has none."""
    numbers = [int(value) for value in values]
    if sorted(numbers) == list(range(1, count + 1)):
        raise UserError(f"{path}: {column!r} numbers the samples from 1 to {count}; number them from 0")
    rows = np.full(count, -1)
    for row, number in enumerate(numbers):
        if 0 <= number < count:
            rows[number] = row
    return rows


def _mismatch(found: Annotations, by: str, missing: np.ndarray, strange: np.ndarray, samples: Samples) -> str:
    told = []
    if len(strange):
        told.append(f"{len(strange)} of its rows are of no training sample ({_some(found.identifiers[by], strange)})")
    if len(missing):
        names = samples.files if samples.files is not None else [str(i) for i in range(samples.count)]
        told.append(f"{len(missing)} training samples have no row ({_some(names, missing)})")
    return (
        f"{found.path}: the column {by!r} does not name the {samples.count} training samples: {', and '.join(told)}; "
        "give every training sample its row"
    )


def _some(names: Sequence[str], chosen: np.ndarray) -> str:
    return ", ".join(names[i] for i in chosen[:3]) + (" …" if len(chosen) > 3 else "")
