"""A user's file of labels for a data set: read alike when a run is planned and when its label file is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise.errors import UserError
from labelnoise.readers import annotation_files
from labelnoise.readers.annotation_files import Annotations, Samples
from labelnoise.readers.values import encode, in_order, whole_numbers


@dataclass(frozen=True)
class GivenLabels:
    """The class numbers `(N,)` in the order of the samples, and how they were read, for the audit.

    `labels` is None, and so are they unordered, where the samples are not known yet. `joined_by` is the column that
    joins rows to samples where that changes anything.
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
    """The labels in the file for these samples (None: not known yet), whose `own` labels `(N,)` the data set has.

    Raises `UserError` on everything that is wrong or not certain: which column, which sample, which class.
    """
    found = annotation_files.read(path, column=column, count=None if samples is None else samples.count)
    encoded, _ = encode(found.values, found.where, classes)
    match = None if samples is None else annotation_files.match(found, samples)
    notes = list(found.table.notes)
    by = match.by if match is not None else next(iter(found.identifiers), None)
    if match is None or samples is None:
        in_place, labels = samples is not None and by is None, None
    else:
        in_place, labels = match.is_in_order, encoded[match.rows]
        if match.unused:
            notes.append(f"{match.unused} rows are of images that cannot be read, and left out with them")
        if own is not None:
            _check_text_order(found, labels, match.rows, classes, samples, own)
            notes += _compare_true_labels(found, match.rows, classes, own, own_are_true)
    source = {"file": path.name, "column": found.column, "joined_by": by, "notes": notes}
    return GivenLabels(labels, source, None if in_place else by)


def _compare_true_labels(
    found: Annotations, rows: np.ndarray, classes: Sequence[str], own: np.ndarray, own_are_true: bool
) -> list[str]:
    """What became of the file's true labels; `UserError` unless they are the data set's."""
    name = found.true_column
    if name is None:
        return []
    if not own_are_true:
        return [f"column {name!r} is not compared: the data set does not know its true labels"]
    where = found.table.where(name)
    true = encode(found.table.columns[name], where, classes)[0][rows]
    if (differ := np.flatnonzero(true != own)).size:
        first = int(differ[0])
        raise UserError(
            f"{where(int(rows[first]))}: the true label in {name!r} is {classes[true[first]]}, but the data set's is "
            f"{classes[own[first]]} ({differ.size} of {len(own)} differ): the file is of other samples, or in another "
            "order"
        )
    return [f"column {name!r} equals the data set's labels"]


def _check_text_order(
    found: Annotations,
    labels: np.ndarray,
    rows: np.ndarray,
    classes: Sequence[str],
    samples: Samples,
    own: np.ndarray,
) -> None:
    """Numbers for folders called by numbers may be places in the order of text, as torchvision has them: 0, 1, 10, 2.

    `UserError` where read so they agree with the data set's labels at least as well.
    """
    text_order = sorted(classes)
    if samples.files is None or list(in_order(set(classes))) == text_order:
        return
    numbers = whole_numbers(found.values, found.where)
    if numbers is None or numbers.max() >= len(classes):
        return
    number_by_rank = np.array([list(classes).index(name) for name in text_order])
    as_text = number_by_rank[numbers[rows]]
    if (as_text == labels).all():
        return
    hits, text_hits = int((labels == own).sum()), int((as_text == own).sum())
    if text_hits >= hits:
        raise UserError(
            f"{found.path}: the class folders are called by numbers, and these labels agree with {hits} of "
            f"{len(own)} as their names, but with {text_hits} as places in the order of text "
            f"({', '.join(text_order[:4])} …), which is torchvision's; here classes are in the order "
            f"{', '.join(list(classes)[:4])} …: give the folders' names"
        )
