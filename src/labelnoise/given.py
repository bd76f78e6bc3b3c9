"""Read a user's label file for a data set; used both to plan a run and to make its label file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise.errors import UserError
from labelnoise.readers import annotation_files, class_order
from labelnoise.readers.annotation_files import Annotations, Samples
from labelnoise.readers.values import are_names, encode, in_order, whole_numbers


@dataclass(frozen=True)
class GivenLabels:
    """Labels read from a user's file.

    `labels` are the class numbers `(N,)` in sample order, None while the samples are not known yet. `source` says how
    they were read, for the audit. `joined_by` is the column that joins rows to samples, None if the rows are already
    in sample order.
    """

    labels: np.ndarray | None
    source: dict[str, Any]
    joined_by: str | None


def read(
    path: Path,
    classes: Sequence[str],
    samples: Samples | None,
    *,
    column: str | None = None,
    own: np.ndarray | None = None,
    own_are_true: bool = True,
) -> GivenLabels:
    """Read the labels in the file for `samples` (None: not known yet).

    `own` are the data set's labels `(N,)`, which are true if `own_are_true`. Raises `UserError` if anything is wrong
    or ambiguous: the column, the samples or the classes.
    """
    annotations = annotation_files.read(path, column=column, count=None if samples is None else samples.count)
    encoded, _ = encode(annotations.values, annotations.where, classes)
    match = None if samples is None else annotation_files.match(annotations, samples)
    notes = list(annotations.table.notes)
    by = match.by if match is not None else next(iter(annotations.identifiers), None)
    if match is None or samples is None:
        in_place, labels = samples is not None and by is None, None
    else:
        in_place, labels = match.is_in_order, encoded[match.rows]
        if match.unused:
            notes.append(f"{match.unused} rows of unreadable images are left out")
        if own is not None:
            _check_text_order(annotations, labels, match.rows, classes, samples, own)
            if not are_names(annotations.values, annotations.where, classes) and not all(map(str.isdecimal, classes)):
                class_order.check(labels, own, classes, str(path))
            notes += _compare_true_labels(annotations, match.rows, classes, own, own_are_true)
    source = {"file": path.name, "column": annotations.column, "joined_by": by, "notes": notes}
    return GivenLabels(labels, source, None if in_place else by)


def _compare_true_labels(
    annotations: Annotations, rows: np.ndarray, classes: Sequence[str], own: np.ndarray, own_are_true: bool
) -> list[str]:
    """A note on the file's true labels; raises `UserError` unless they equal the data set's."""
    name = annotations.true_column
    if name is None:
        return []
    if not own_are_true:
        return [f"column {name!r} is not compared: the data set's true labels are not known"]
    where = annotations.table.where(name)
    true = encode(annotations.table.columns[name], where, classes)[0][rows]
    if (differ := np.flatnonzero(true != own)).size:
        first = int(differ[0])
        raise UserError(
            f"{where(int(rows[first]))}: the true label in {name!r} is {classes[true[first]]}, but the data set's is "
            f"{classes[own[first]]} ({differ.size} of {len(own)} differ): the file belongs to other samples or is in "
            "another order"
        )
    return [f"column {name!r} equals the data set's labels"]


def _check_text_order(
    annotations: Annotations,
    labels: np.ndarray,
    rows: np.ndarray,
    classes: Sequence[str],
    samples: Samples,
    own: np.ndarray,
) -> None:
    """Raise `UserError` if numeric labels of numbered class folders fit torchvision's class order at least as well.

    torchvision sorts the folders as text (0, 1, 10, 2), so its labels are positions in that order.
    """
    text_order = sorted(classes)
    if samples.files is None or list(in_order(set(classes))) == text_order:
        return
    numbers = whole_numbers(annotations.values, annotations.where)
    if numbers is None or numbers.max() >= len(classes):
        return
    number_by_rank = np.array([list(classes).index(name) for name in text_order])
    as_text = number_by_rank[numbers[rows]]
    if (as_text == labels).all():
        return
    hits, text_hits = int((labels == own).sum()), int((as_text == own).sum())
    if text_hits >= hits:
        raise UserError(
            f"{annotations.path}: the class folders are named by numbers. Read as folder names, the labels agree with "
            f"{hits} of {len(own)}; read as positions in torchvision's order ({', '.join(text_order[:4])} …), with "
            f"{text_hits}. Here classes are in the order {', '.join(list(classes)[:4])} …: use the folders' names"
        )
