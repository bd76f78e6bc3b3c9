"""Which column names samples, which holds labels: by their names, and by nothing that could be wrong in silence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labelnoise.errors import UserError, unknown
from labelnoise.readers.values import Where

# The keys of a JSON object that maps samples to labels.
KEY = "key"

_IDENTIFIER = re.compile(
    r"|file(s|_?names?|_?paths?)?|paths?|im(g|age)(_?(ids?|paths?|files?|names?))|ids?|idx|ind(ex|ices)|"
    r"samples?(_?(ids?|ind(ex|ices)|names?))?|uu?ids?|keys?|unnamed: 0|row(_?(id|number))?",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"y|.*(^y_|_y$|label|class|target|annot|categor|noisy|clean|corrupt|(^|_)(true|given|truth|gt)(_|$)).*",
    re.IGNORECASE,
)
_TRUE = re.compile(r".*(clean|(^|_)(true|truth|gt)(_|$)).*", re.IGNORECASE)
_NOT_LABEL = re.compile(r"classes|class_names|.*(conf|prob|score|logit|weight|count).*", re.IGNORECASE)


def is_identifier(name: str | None) -> bool:
    """Whether a column of this name identifies samples: file, index, id …; or the nameless index of pandas."""
    return name is not None and bool(_IDENTIFIER.fullmatch(name))


def is_label(name: str | None) -> bool:
    """Whether a column of this name may hold labels: label, noisy_label, target, class …"""
    return name is not None and bool(_LABEL.fullmatch(name)) and not _NOT_LABEL.fullmatch(name)


def is_true_label(name: str | None) -> bool:
    """Whether a column of this name holds true labels: clean_label, true_label …"""
    return name is not None and is_label(name) and bool(_TRUE.fullmatch(name))


def choose(columns: Mapping[str | None, Any], column: str | None, place: str, *, want_true: bool) -> str | None:
    """The name of the column that holds the labels; `column` where the user named it.

    Of a file that names true labels and others, the others are the given ones (`want_true`: neither, it has to be
    said). `UserError` where none or several could hold them.
    """
    if column is not None:
        if column not in columns:
            raise UserError(f"{place}: {unknown('column', column, [name for name in columns if name is not None])}")
        return column
    if None in columns:
        return None
    labels = [name for name in columns if is_label(name)]
    if not want_true and not all(map(is_true_label, labels)):
        labels = [name for name in labels if not is_true_label(name)]
    if not labels:
        labels = [name for name in columns if name and not is_identifier(name) and not _NOT_LABEL.fullmatch(name)]
    if len(labels) == 1:
        return labels[0]
    listed = ", ".join(repr(name) for name in (labels or columns))
    if not labels:
        raise UserError(f"{place}: none of the columns {listed} holds labels by its name; name it as `column`")
    raise UserError(f"{place}: each of the columns {listed} could hold the labels; say which as `column`")


def identifiers(
    columns: Mapping[str | None, Any], labels: str | None, size: int, place: str, where: Where
) -> dict[str, list[str]]:
    """The columns that identify samples, as text `(N,)` each, all of it distinct; `labels` is the column of labels.

    By name, or else columns of text (no numbers) that is different in every row. `UserError` where an entry occurs
    twice, and for a column of another name that numbers the rows in another order than theirs.
    """
    found: dict[str, list[str]] = {}
    for name, values in columns.items():
        if name in (labels, None) or not _is_list(values):
            continue
        named = is_identifier(name)
        if len(values) != size:
            if named:
                raise UserError(f"{place}: {len(values)} entries of {name!r}, but {size} labels")
            continue
        texts = _texts(values)
        if named:
            _check_distinct(texts, name, where)
            found[name] = texts
        elif len(set(texts)) == len(texts) and not is_label(name):
            if not any(re.fullmatch(r"[\d.eE+-]*", text) for text in texts):
                found[name] = texts
            elif _numbers_rows(texts):
                raise UserError(
                    f"{place}: {name!r} numbers the rows in another order than theirs: call it `index` if it tells "
                    "which sample a row is of, or leave it out"
                )
    return found


def _check_distinct(texts: list[str], name: str, where: Where) -> None:
    seen: set[str] = set()
    for row, text in enumerate(texts):
        if text in seen:
            raise UserError(f"{where(row)}: {text!r} is listed twice in {name!r}")
        seen.add(text)


def _numbers_rows(texts: list[str]) -> bool:
    """Whether these are the numbers 0..N−1 or 1..N in another order."""
    if not all(text.isdecimal() for text in texts):
        return False
    numbers = [int(text) for text in texts]
    first = min(numbers)
    return first in (0, 1) and sorted(numbers) == list(range(first, first + len(numbers))) != numbers


def _is_list(values: Any) -> bool:
    return np.ndim(values) == 1 if isinstance(values, np.ndarray) else isinstance(values, Sequence)


def _texts(values: Any) -> list[str]:
    """Identifiers as text: whole numbers without the .0 that pandas writes where one is missing."""
    entries = values.tolist() if isinstance(values, np.ndarray) else values
    texts = [entry.decode() if isinstance(entry, bytes) else str(entry) for entry in entries]
    if all(re.fullmatch(r"\d+(\.0*)?", text) for text in texts):
        return [text.partition(".")[0] for text in texts]
    return texts
