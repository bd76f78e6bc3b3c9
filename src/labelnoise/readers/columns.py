"""Recognise by name which columns identify samples and which hold labels; ambiguous columns are errors."""

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
    """Whether a column of this name identifies samples: file, index, id …, or pandas' nameless index."""
    return name is not None and bool(_IDENTIFIER.fullmatch(name))


def is_label(name: str | None) -> bool:
    """Whether a column of this name may hold labels: label, noisy_label, target, class …"""
    return name is not None and bool(_LABEL.fullmatch(name)) and not _NOT_LABEL.fullmatch(name)


def is_true_label(name: str | None) -> bool:
    """Whether a column of this name holds true labels: clean_label, true_label …"""
    return name is not None and is_label(name) and bool(_TRUE.fullmatch(name))


def choose(columns: Mapping[str | None, Any], column: str | None, place: str, *, want_true: bool) -> str | None:
    """The name of the column that holds the labels, which is `column` if the user named it.

    If a file has true labels and others, the others are the noisy labels; with `want_true` the user must name the
    column. Raises `UserError` if no column or several could hold the labels.
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
        raise UserError(f"{place}: no column is recognised as labels by its name ({listed}); name it as `column`")
    raise UserError(f"{place}: each of the columns {listed} could hold the labels; name one as `column`")


def identifiers(
    columns: Mapping[str | None, Any], labels: str | None, size: int, place: str, where: Where
) -> dict[str, list[str]]:
    """The columns that identify samples, each as distinct text `(N,)`; `labels` is the label column.

    A column qualifies by its name, or if it holds text (not numbers) that differs in every row. Raises `UserError` if
    an identifier occurs twice, or if a column of another name numbers the rows in a different order.
    """
    identifying: dict[str, list[str]] = {}
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
            identifying[name] = texts
        elif len(set(texts)) == len(texts) and not is_label(name):
            if not any(re.fullmatch(r"[\d.eE+-]*", text) for text in texts):
                identifying[name] = texts
            elif _numbers_rows(texts):
                raise UserError(
                    f"{place}: {name!r} numbers the rows, but in another order: call it `index` if it identifies the "
                    "sample of each row, or remove it"
                )
    return identifying


def _check_distinct(texts: list[str], name: str, where: Where) -> None:
    seen: set[str] = set()
    for row, text in enumerate(texts):
        if text in seen:
            raise UserError(f"{where(row)}: {text!r} is listed twice in {name!r}")
        seen.add(text)


def _numbers_rows(texts: list[str]) -> bool:
    """Whether these are the numbers 0..N−1 or 1..N, but not in ascending order."""
    if not all(text.isdecimal() for text in texts):
        return False
    numbers = [int(text) for text in texts]
    first = min(numbers)
    return first in (0, 1) and sorted(numbers) == list(range(first, first + len(numbers))) != numbers


def _is_list(values: Any) -> bool:
    return np.ndim(values) == 1 if isinstance(values, np.ndarray) else isinstance(values, Sequence)


def _texts(values: Any) -> list[str]:
    """Identifiers as text; whole numbers lose the .0 that pandas writes if a value is missing."""
    entries = values.tolist() if isinstance(values, np.ndarray) else values
    texts = [entry.decode() if isinstance(entry, bytes) else str(entry) for entry in entries]
    if all(re.fullmatch(r"\d+(\.0*)?", text) for text in texts):
        return [text.partition(".")[0] for text in texts]
    return texts
