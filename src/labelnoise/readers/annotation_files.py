"""Label files: find the label column and the identifiers, and match rows to a data set's samples."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise.errors import UserError
from labelnoise.readers import columns as known
from labelnoise.readers import file_names, tables
from labelnoise.readers.tables import Table
from labelnoise.readers.values import Where


@dataclass(frozen=True)
class Annotations:
    """The content of a label file as written, before rows are matched to samples; each column is `(N,)`.

    `column` holds the labels. `true_column` holds true labels beside them, or is None. `identifiers` are the columns
    that identify samples.
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
    """Read a label file.

    `column` names the label column if several could hold the labels. `count` is the expected number of samples, if
    known. `want_true` means that the labels must be the true ones, to draw noise from. Raises `UserError`.
    """
    table = tables.read(path, column=column, count=count)
    chosen = known.choose(table.columns, column, str(path), want_true=want_true)
    size = len(table.columns[chosen])
    if not size:
        raise UserError(f"{path}: this file has no labels")
    if table.unclear_header:
        raise UserError(
            f"{path}: the first line, 0, may be a label or the header that pandas writes: add a header `label` before "
            "the labels, or remove the line"
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
    """What is known of the training samples that labels belong to.

    `count` is their listed number, `files` their names `(count,)`, or None. `left_out` are the indices of unreadable
    samples, whose rows are dropped. Until the images have been read, up to `may_be_left_out` samples may be dropped.
    """

    count: int
    files: Sequence[str] | None = None
    left_out: Sequence[int] = ()
    may_be_left_out: int = 0

    @property
    def kept(self) -> np.ndarray:
        """The indices `(N,)` of the samples that are not left out."""
        return np.delete(np.arange(self.count), list(self.left_out))


@dataclass(frozen=True)
class Match:
    """How rows belong to samples.

    `rows` `(N,)` holds the row of each sample that is not left out. `by` is the column that joins, None for a join by
    position. `unused` rows belong to samples that are left out.
    """

    rows: np.ndarray
    by: str | None
    unused: int = 0

    @property
    def is_in_order(self) -> bool:
        """Whether joining by position would give the same match."""
        return not self.unused and bool((self.rows == np.arange(len(self.rows))).all())


def match(annotations: Annotations, samples: Samples) -> Match | None:
    """Match rows to samples: by identifier if the file has one, else by position.

    Returns None if the match depends on which images are readable and they have not been read yet. Raises `UserError`
    that names the rows and samples without a match.
    """
    by, rows = _find_rows(annotations, samples)
    kept = samples.kept
    missing = kept[rows[kept] < 0]
    unmatched = np.setdiff1d(np.arange(len(annotations)), rows)
    if not len(missing) and not len(unmatched):
        return Match(rows[kept], by, len(annotations) - len(kept))
    if len(missing) <= samples.may_be_left_out and not len(unmatched):
        return None
    if by is None:
        raise UserError(
            f"{annotations.path}: has {len(annotations)} labels, but there are {samples.count} training samples"
        )
    raise UserError(_describe_mismatch(annotations, by, missing, unmatched, samples))


def _find_rows(annotations: Annotations, samples: Samples) -> tuple[str | None, np.ndarray]:
    """The column that joins (None for a join by position), and the row of each listed sample, −1 if it has none."""
    named = {name: values for name, values in annotations.identifiers.items() if not _are_whole(values)}
    numbered = {name: values for name, values in annotations.identifiers.items() if name not in named}
    if samples.files is not None:
        columns = named or {
            name: values for name, values in numbered.items() if _name_files(annotations.path, name, values, samples)
        }
        if columns:
            return _by_file(columns, samples.files)
    if numbered:
        by, values = next(iter(numbered.items()))
        return by, _by_index(annotations.path, by, values, samples.count)
    if named:
        by, values = next(iter(named.items()))
        raise UserError(
            f"{annotations.path}: the column {by!r} names samples ({values[0]} …), but this data set's samples have "
            "no names; use an `index` from 0, or drop the column if the rows are in the data set's order"
        )
    if len(annotations) == samples.count - len(samples.left_out):
        rows = np.full(samples.count, -1)
        rows[samples.kept] = np.arange(len(annotations))
        return None, rows
    return None, np.where(np.arange(samples.count) < len(annotations), np.arange(samples.count), -1)


def _are_whole(values: Sequence[str]) -> bool:
    return all(value.removeprefix("-").isdecimal() for value in values)


def _name_files(path: Path, column: str, values: list[str], samples: Samples) -> bool:
    """Whether numbers name files such as 17.png or 000017.png, rather than positions.

    Raises `UserError` if both readings fit, give different rows, and the column's name does not decide.
    """
    files = list(samples.files or [])
    if not file_names.are_numbers_of_files(values, files):
        return False
    # Positions are not written with leading zeros.
    is_index = all(value == str(int(value)) and int(value) < samples.count for value in values)
    if not is_index or re.search("file|path|im(g|age)|name", column, re.IGNORECASE):
        return True
    by_file = file_names.rows_of_files(values, files)
    differ = (by_file >= 0) & (by_file != _by_index(path, column, values, samples.count))
    if differ.any():
        first = int(differ.argmax())
        value = values[by_file[first]]
        raise UserError(
            f"{path}: {column!r} holds numbers, which may be file names or positions: {value} may be {files[first]}, "
            f"or sample {value}, {files[int(value)]}; call the column `file` if they are file names, else sort the "
            "rows by position and remove it"
        )
    return False


def _by_file(columns: dict[str, list[str]], files: Sequence[str]) -> tuple[str, np.ndarray]:
    """The column that matches most files, and the row of each file, −1 if it has none."""
    matched = {column: file_names.rows_of_files(values, files) for column, values in columns.items()}
    return max(matched.items(), key=lambda entry: int((entry[1] >= 0).sum()))


def _by_index(path: Path, column: str, values: list[str], count: int) -> np.ndarray:
    """The row of each sample 0..count−1, −1 if it has none."""
    numbers = [int(value) for value in values]
    if sorted(numbers) == list(range(1, count + 1)):
        raise UserError(f"{path}: {column!r} numbers the samples from 1 to {count}; number them from 0")
    rows = np.full(count, -1)
    for row, number in enumerate(numbers):
        if 0 <= number < count:
            rows[number] = row
    return rows


def _describe_mismatch(
    annotations: Annotations, by: str, missing: np.ndarray, unmatched: np.ndarray, samples: Samples
) -> str:
    problems = []
    if len(unmatched):
        listed = _examples(annotations.identifiers[by], unmatched)
        problems.append(f"{len(unmatched)} of its rows match no training sample ({listed})")
    if len(missing):
        names = samples.files if samples.files is not None else [str(i) for i in range(samples.count)]
        problems.append(f"{len(missing)} training samples have no row ({_examples(names, missing)})")
    remedy = "give one row per training sample"
    if not len(missing):
        remedy = "remove these rows"
    elif not len(unmatched):
        remedy = "add the missing rows"
    elif samples.files is not None and file_names.differ_in_case_only(annotations.identifiers[by], samples.files):
        remedy = "they differ in upper and lower case only: write the names as the files'"
    elif samples.files is not None:
        remedy = f"name each file as it is called here, such as {samples.files[missing[0]]}, one row per file"
    return (
        f"{annotations.path}: the column {by!r} does not identify the {samples.count} training samples: "
        f"{', and '.join(problems)}; {remedy}"
    )


def _examples(names: Sequence[str], chosen: np.ndarray) -> str:
    return ", ".join(names[i] for i in chosen[:3]) + (" …" if len(chosen) > 3 else "")
