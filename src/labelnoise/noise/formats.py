"""Label lists as people have them: CSV, .npy, .npz, JSON. Numbers or class names; nothing here is unpickled."""

from __future__ import annotations

import csv
import json
import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from labelnoise.errors import UserError, closest
from labelnoise.files import write_csv

_ZIP = (zipfile.BadZipFile, zlib.error, NotImplementedError)

_NUMBER = re.compile(r"-?(0|[1-9]\d{0,9})(\.0+)?")

# The columns or arrays that hold the labels, the first that is there.
GIVEN = ("noisy_labels", "noisy_label", "labels", "label")
TRUE = ("clean_labels", "clean_label", "true_labels", "true_label", "labels", "label")


def read(path: Path, names: Sequence[str], *, or_only: bool = True) -> list[str] | np.ndarray:
    """One label a sample, as written: from the first of the columns or arrays `names`, or the only one there is.

    `UserError` when the file is missing, damaged, or has none of them.
    """
    readers = {".csv": _read_csv, ".npy": _read_npy, ".npz": _read_npz, ".json": _read_json}
    if path.suffix not in readers:
        raise UserError(f"{path}: labels are read from {', '.join(readers)}, not from {path.suffix or 'such a file'}")
    try:
        found = readers[path.suffix](path, names, or_only)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such label file") from None
    except UserError:
        raise
    except (OSError, ValueError, EOFError, TypeError, AttributeError, RuntimeError, csv.Error, *_ZIP) as error:
        raise UserError(f"{path}: this label file cannot be read ({error})") from None
    if getattr(found, "ndim", 1) == 0 or not len(found):
        raise UserError(f"{path}: there are no labels in this file")
    return found


def read_pairs(path: Path, classes: Sequence[str] | None = None) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(true, given, classes) of a file that has both."""
    if path.suffix not in (".csv", ".npz"):
        raise UserError(f"{path}: a label file is a .npz or .csv with true and noisy labels")
    true, given = read(path, TRUE[:-2], or_only=False), read(path, GIVEN[:2], or_only=False)
    if len(true) != len(given):
        raise UserError(f"{path}: {len(true)} true labels, but {len(given)} noisy ones")
    if classes is None:
        classes = encode([*true, *given], path)[1]
    return encode(true, path, classes)[0], encode(given, path, classes)[0], list(classes)


def encode(
    values: Sequence[str | int] | np.ndarray, path: Path, classes: Sequence[str] | None = None
) -> tuple[np.ndarray, list[str]]:
    """The labels as int64 `(N,)` and the classes: those given, else 0..max for numbers and sorted names for names.

    Text that reads like a whole number is one, unless it is the name of a class or zero-padded. `UserError` names the
    first sample whose label is out of range or no class; it refuses numbers where classes are numbered otherwise.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.empty((0, 0))
    if array.ndim != 1:
        raise UserError(f"{path}: labels must be one a sample, but some here are lists")
    is_named = classes is not None and array.dtype.kind == "U" and set(array.tolist()) <= set(classes)
    numbers = None if is_named else _numbers(array)
    if numbers is None:
        return _by_name(array, path, classes)
    if classes is not None and is_misnumbered(classes):
        raise UserError(
            f"{path}: labels are numbers, but the classes are called {', '.join(list(classes)[:3])} …, so they could "
            "be names or places; give the labels as text, by name (a CSV)"
        )
    if classes is None and numbers.max() >= len(numbers):
        raise UserError(
            f"{path}: labels go up to {numbers.max()}, but there are {len(numbers)}; number from 0, or name"
        )
    found = list(classes) if classes is not None else [str(k) for k in range(int(numbers.max()) + 1)]
    if (bad := np.flatnonzero((numbers < 0) | (numbers >= len(found)))).size:
        raise UserError(f"{path}: sample {bad[0]} has the label {numbers[bad[0]]}; the classes are 0..{len(found) - 1}")
    return numbers, found


def is_misnumbered(classes: Sequence[str]) -> bool:
    """Whether a class is called by a number that is not its place: `1` as the first of them."""
    return any(name.isdecimal() and name != str(k) for k, name in enumerate(classes))


def _numbers(array: np.ndarray) -> np.ndarray | None:
    """The labels as int64 where all of them are whole numbers, else None."""
    if array.dtype.kind == "U":
        if not all(_NUMBER.fullmatch(text) for text in set(array.tolist())):
            return None
        return array.astype(np.float64).astype(np.int64)
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        return None
    numbers = array.astype(np.int64)
    return numbers if (numbers == array).all() else None


def _by_name(array: np.ndarray, path: Path, classes: Sequence[str] | None) -> tuple[np.ndarray, list[str]]:
    if array.dtype.kind != "U":
        raise UserError(f"{path}: labels must be whole numbers or class names, but these are {array.dtype}")
    found = list(classes) if classes is not None else sorted(set(array.tolist()))
    index = {name: k for k, name in enumerate(found)}
    for row, name in enumerate(array.tolist()):
        if name not in index:
            near = closest(name, found)
            hint = f"; did you mean {near}?" if near else ""
            raise UserError(f"{path}: sample {row} has the label {name!r}, which is no class{hint}")
    return np.array([index[name] for name in array.tolist()], dtype=np.int64), found


def write_pairs(path: Path, true: np.ndarray, given: np.ndarray, classes: Sequence[str]) -> None:
    """A CSV with the columns clean_label and noisy_label, by class name."""
    names = list(classes)
    rows = [
        {"clean_label": names[clean], "noisy_label": names[noisy]}
        for clean, noisy in zip(true.tolist(), given.tolist(), strict=True)
    ]
    write_csv(path, rows, ["clean_label", "noisy_label"])


def _read_csv(path: Path, names: Sequence[str], or_only: bool) -> list[str]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))
    while rows and not any(cell.strip() for cell in rows[-1]):
        rows.pop()
    if not rows:
        return []
    header = [cell.strip() for cell in rows[0]]
    column = next((header.index(name) for name in names if name in header), None)
    if column is None:
        if len(header) > 1 or not or_only:
            raise UserError(f"{path}: none of the columns {', '.join(header)} is called {' or '.join(names)}")
        column, first = 0, 0
    else:
        first = 1
    for number, row in enumerate(rows[first:], start=1 + first):
        if len(row) <= column or not row[column].strip():
            raise UserError(f"{path}, line {number}: the label is missing")
    labels = [row[column].strip() for row in rows[first:]]
    if not first and len(labels) > 2 and labels[0] not in labels[1:] and not _NUMBER.fullmatch(labels[0]):
        raise UserError(
            f"{path}: the first line, {labels[0]!r}, occurs once: if it is a header, call it {names[-1]}; if it is a "
            f"label, put a header `{names[-1]}` before it"
        )
    return labels


def _read_npy(path: Path, names: Sequence[str], or_only: bool) -> np.ndarray:
    found = np.load(path, allow_pickle=False)
    if not isinstance(found, np.ndarray):
        raise UserError(f"{path}: this is an .npz under another name")
    return found


def _read_npz(path: Path, names: Sequence[str], or_only: bool) -> np.ndarray:
    with np.load(path, allow_pickle=False) as file:
        name = next((name for name in names if name in file.files), None)
        if name is None:
            if len(file.files) != 1 or not or_only:
                raise UserError(f"{path}: none of the arrays {', '.join(file.files)} is called {' or '.join(names)}")
            name = file.files[0]
        return file[name]


def _read_json(path: Path, names: Sequence[str], or_only: bool) -> list[str] | list[int]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(found, dict):
        found = next((found[name] for name in names if name in found), None)
    if not isinstance(found, list):
        raise UserError(f"{path}: must hold a list of labels, or one called {' or '.join(names)}")
    return found
