"""Convert label values to class numbers. Every reader of labels uses `encode`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from labelnoise.errors import UserError, closest

# Maps a sample to its place in the source, for messages: 3 → "labels.csv, line 5".
Where = Callable[[int], str]

# What pandas, numpy and JSON write for a missing value (pandas' own list).
MISSING = frozenset(
    ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
     "NULL", "NaN", "None", "n/a", "nan", "null")
)  # fmt: skip

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

# From here on, whole numbers are not exact as float64.
_LARGEST = 2**53

# From this many samples on, labels that are all different are taken for a mistake.
_MANY = 10


def encode(
    values: Any, where: Where, classes: Sequence[str] | None = None, *, complete: bool = False
) -> tuple[np.ndarray, list[str]]:
    """Encode labels as int64 class numbers `(N,)`; returns them with the classes (`classes`, else those that occur).

    `values` are numbers or text, `(N,)` or `(N, 1)`, or one-hot rows `(N, K)`. Text that reads like a whole number, in
    any notation, counts as a number unless it is the name of a class in `classes`. Without `classes`, numbers must be
    0..K−1 and all of them must occur; names are sorted. With `complete`, every class in `classes` must occur.

    Raises `UserError` with the sample's place for missing values, fractions, negative numbers, numbers that start at 1
    or have gaps, unknown class names, mixtures of numbers and names, and ambiguous numbers.
    """
    array = _one_per_sample(values, where)
    if not len(array):
        raise UserError(f"{where(0)}: there are no labels")
    known = list(classes) if classes is not None else None
    if array.ndim == 2:
        return _one_hot(array, where, known, complete)
    numbers = _numbers_in_text(array, where, known) if array.dtype.kind == "U" else _whole(array, where)
    if numbers is None:
        labels, known = _by_name(array, where, known)
    else:
        labels, known = _by_number(numbers, where, known, complete)
    if classes is None:
        _check_spread(labels, where)
    elif complete:
        _check_complete(labels, where, known)
    return labels, known


def plain(name: str) -> str:
    """The name of a class without blanks around it, in composed Unicode: so names of classes are compared."""
    return unicodedata.normalize("NFC", name.strip())


def whole_numbers(values: Any, where: Where, classes: Sequence[str] = ()) -> np.ndarray | None:
    """The labels as whole numbers `(N,)`; None if they are names, such as those of `classes`, or one-hot rows."""
    array = _one_per_sample(values, where)
    if array.ndim == 2:
        return None
    return _numbers_in_text(array, where, list(classes) or None) if array.dtype.kind == "U" else _whole(array, where)


def are_names(values: Any, where: Where, classes: Sequence[str] | None = None) -> bool:
    """Whether `encode` reads the labels as names: neither as whole numbers nor as one-hot rows."""
    array = _one_per_sample(values, where)
    if array.dtype.kind != "U":
        return False
    return _numbers_in_text(array, where, None if classes is None else list(classes)) is None


def names(values: Any, where: Where, classes: Sequence[str] = ()) -> list[str]:
    """The labels as class names `(N,)`, for image files, whose classes are named by numbers: 3.0 is the name `3`.

    `classes` are names that certainly are classes, even if they look like missing values.
    """
    array = _one_per_sample(values, where)
    if array.ndim == 2:
        raise UserError(f"{where(0)}: class names must be one per sample, got rows of {array.shape[1]}")
    numbers = whole_numbers(array, where, classes)
    if numbers is None or (array.dtype.kind == "U" and all(text.isdecimal() for text in array.tolist())):
        return array.tolist()
    return [str(number) for number in numbers.tolist()]


def in_order(classes: set[str]) -> tuple[str, ...]:
    """Sort class names: numbers first, by value, then names as text (torchvision sorts all as text)."""
    return tuple(sorted(classes, key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name)))


def is_number(text: str) -> bool:
    """Whether the text is a number, in any notation."""
    return bool(_NUMBER.fullmatch(text.strip()))


def _one_per_sample(values: Any, where: Where) -> np.ndarray:
    """The values as an array of numbers or stripped text, `(N,)` or `(N, K)` with K > 1."""
    if isinstance(values, list | tuple):
        kinds = {_kind(value) for value in values}
        if "nothing" in kinds:
            raise _missing(where(next(i for i, value in enumerate(values) if value is None)), "null")
        if len(kinds) > 1:
            raise UserError(f"{where(0)}: the labels mix {' and '.join(sorted(kinds))}; write all in the same form")
        try:
            values = np.asarray(values)
        except ValueError:
            raise UserError(f"{where(0)}: there must be one label per sample, but the rows differ in length") from None
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim not in (1, 2):
        shape = " × ".join(map(str, array.shape))
        raise UserError(f"{where(0)}: there must be one label per sample, got an array of {shape}")
    if array.dtype.kind == "S":
        array = _decoded(array, where)
    if array.dtype.kind == "b":
        array = array.astype(np.int64)
    if array.dtype.kind not in "iufU":
        raise UserError(f"{where(0)}: labels must be whole numbers or class names, got {array.dtype}")
    return np.char.strip(array) if array.dtype.kind == "U" else array


def _decoded(array: np.ndarray, where: Where) -> np.ndarray:
    """Labels stored as bytes, as text; raises `UserError` at the first that is not UTF-8."""
    texts = []
    for row, value in enumerate(array.reshape(-1).tolist()):
        try:
            texts.append(value.decode("utf-8"))
        except UnicodeDecodeError:
            place = where(row // max(1, array[0].size))
            raise UserError(f"{place}: the label {value!r} is not UTF-8; store the labels as text") from None
    return np.array(texts).reshape(array.shape)


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "true or false"
    return "lists" if isinstance(value, list | tuple) else "numbers"


def _missing(place: str, shown: str) -> UserError:
    return UserError(
        f"{place}: the label is missing ({shown!r}): add it or remove the sample; if {shown!r} is a class, rename the "
        "class"
    )


def _numbers_in_text(array: np.ndarray, where: Where, classes: list[str] | None) -> np.ndarray | None:
    """The text as int64 if all of it is numbers that are not class names; None if it is names."""
    distinct, first, inverse = np.unique(array, return_index=True, return_inverse=True)
    known = {plain(name) for name in classes or ()}
    for text, row in sorted(zip(distinct.tolist(), first.tolist(), strict=True), key=lambda pair: pair[1]):
        if text in MISSING and plain(text) not in known:
            raise _missing(where(row), text)
    if classes is not None and set(map(plain, distinct.tolist())) <= known:
        return None
    reads_as_number = [is_number(text) for text in distinct.tolist()]
    if not any(reads_as_number):
        return None
    if not all(reads_as_number):
        if classes is not None:
            return None  # so that the error names the text that is not a class
        number, name = (first[[reads == kind for reads in reads_as_number]].min() for kind in (True, False))
        raise UserError(
            f"labels mix numbers and names: {str(array[number])!r} ({where(number)}) and {str(array[name])!r} "
            f"({where(name)}); write all in the same form"
        )
    values = distinct.astype(np.float64)
    _whole(values, lambda row: where(int(first[row])), shown=distinct)
    numbers = values.astype(np.int64)
    digits = [text for text in distinct.tolist() if text.isdecimal()]
    if len({int(text) for text in digits}) < len(digits):
        padded = next(text for text in digits if len(text) > 1 and text[0] == "0" and str(int(text)) in digits)
        row = int(first[distinct.tolist().index(padded)])
        raise UserError(f"{where(row)}: {padded!r} occurs with and without leading zeros; write all alike")
    return numbers[inverse.reshape(-1)]


def _whole(array: np.ndarray, where: Where, shown: np.ndarray | None = None) -> np.ndarray:
    """The numbers as int64; raises `UserError` at the first that is missing, fractional or too large."""
    shown = array if shown is None else shown
    if array.dtype.kind == "f":
        if (bad := np.flatnonzero(np.isnan(array))).size:
            raise _missing(where(int(bad[0])), "nan")
        if (bad := np.flatnonzero(np.isinf(array) | (array != np.floor(array)))).size:
            raise UserError(
                f"{where(int(bad[0]))}: the label {shown[bad[0]]} is neither a whole number nor a class name"
            )
    if (bad := np.flatnonzero(np.abs(array.astype(np.float64)) >= _LARGEST)).size:
        raise UserError(f"{where(int(bad[0]))}: the label {shown[bad[0]]} is too large for a class number")
    return array.astype(np.int64)


def _one_hot(
    array: np.ndarray, where: Where, classes: list[str] | None, complete: bool
) -> tuple[np.ndarray, list[str]]:
    width = array.shape[1]
    is_one_hot = array.dtype.kind in "iuf" and bool(np.isin(array, (0, 1)).all())
    if not is_one_hot or (bad := np.flatnonzero(array.sum(axis=1) != 1)).size:
        place = where(0 if not is_one_hot else int(bad[0]))
        raise UserError(f"{place}: a label of {width} numbers must be one-hot: a single 1, all others 0")
    if classes is not None and width != len(classes):
        raise UserError(f"{where(0)}: one-hot rows have {width} numbers, but there are {len(classes)} classes")
    known = classes or [str(k) for k in range(width)]
    labels = array.argmax(axis=1).astype(np.int64)
    if complete or classes is None:
        _check_complete(labels, where, known)
    return labels, known


def _by_number(
    numbers: np.ndarray, where: Where, classes: list[str] | None, complete: bool
) -> tuple[np.ndarray, list[str]]:
    low, high = int(numbers.min()), int(numbers.max())
    if low < 0:
        raise UserError(
            f"{where(int(numbers.argmin()))}: the label {low} is negative; classes are numbered from 0 (−1 often marks "
            "a sample without a label: remove it)"
        )
    if classes is None:
        return numbers, _counted(numbers, where)
    if is_misnumbered(classes):
        return _by_number_or_name(numbers, where, classes, complete), classes
    if high >= len(classes):
        hint = "; labels are numbered from 1: subtract 1" if low == 1 and high == len(classes) else ""
        bad = int(np.flatnonzero(numbers >= len(classes))[0])
        raise UserError(
            f"{where(bad)}: the label {numbers[bad]} is outside the {len(classes)} classes 0..{len(classes) - 1}{hint}"
        )
    return numbers, classes


def _counted(numbers: np.ndarray, where: Where) -> list[str]:
    """The classes 0..K−1 as names; raises `UserError` if the numbers start at 1 or one of them does not occur."""
    distinct = np.unique(numbers)
    if distinct[0] == 0 and distinct[-1] == len(distinct) - 1:
        return [str(k) for k in distinct.tolist()]
    if distinct[0] == 1 and distinct[-1] == len(distinct):
        raise UserError(
            f"{where(0)}: labels are numbered from 1 to {len(distinct)}; number them from 0 (subtract 1), or use names"
        )
    gap = next(k for k, value in enumerate(distinct.tolist()) if value != k)
    raise UserError(
        f"{where(0)}: no sample has the label {gap}, though labels go up to {distinct[-1]}: number the classes that "
        "occur from 0 without gaps, or use names"
    )


def _by_number_or_name(numbers: np.ndarray, where: Where, classes: list[str], complete: bool) -> np.ndarray:
    """Class numbers if a class is named by a number that is not its position; `UserError` if both readings fit."""
    distinct = set(numbers.tolist())
    number_by_name = {int(name): k for k, name in enumerate(classes) if name.isdecimal()}
    positions = set(range(len(classes)))
    if complete:
        as_positions = distinct == positions
        as_names = distinct == set(number_by_name) and len(number_by_name) == len(classes)
    else:
        as_positions, as_names = distinct <= positions, distinct <= set(number_by_name)
    if as_positions and as_names and all(number == k for number, k in number_by_name.items() if number in distinct):
        return numbers
    if as_positions == as_names:
        raise UserError(
            f"{where(0)}: labels are numbers, but the classes are called {', '.join(classes[:3])} …, so labels could "
            f"be {'names or positions' if as_positions else 'neither names nor positions'}; use names as text (a CSV)"
        )
    if as_positions:
        return numbers
    return np.array([number_by_name[number] for number in numbers.tolist()], dtype=np.int64)


def is_misnumbered(classes: Sequence[str]) -> bool:
    """Whether a class is named by a number that is not its position, such as `1` for the first class."""
    return any(name.isdecimal() and name != str(k) for k, name in enumerate(classes))


def _by_name(array: np.ndarray, where: Where, classes: list[str] | None) -> tuple[np.ndarray, list[str]]:
    distinct, first, inverse = np.unique(array, return_index=True, return_inverse=True)
    if classes is None:
        return inverse.reshape(-1).astype(np.int64), distinct.tolist()
    index = {plain(name): k for k, name in enumerate(classes)}
    if len(index) < len(classes):
        listed = ", ".join(map(ascii, classes))
        raise UserError(f"{where(0)}: two of the classes {listed} differ in blanks or encoding only; rename one")
    for name, row in sorted(zip(distinct.tolist(), first.tolist(), strict=True), key=lambda pair: pair[1]):
        if plain(name) not in index:
            near = closest(name, classes)
            hint = (
                f"; did you mean {near}?"
                if near
                else f"; the classes are {', '.join(classes[:5])}{' …' if len(classes) > 5 else ''}"
            )
            raise UserError(f"{where(row)}: the label {name!r} is not a class{hint}")
    return np.array([index[plain(name)] for name in distinct.tolist()], dtype=np.int64)[inverse.reshape(-1)], classes


def _check_complete(labels: np.ndarray, where: Where, classes: list[str]) -> None:
    """Raise `UserError` if a class has no sample: noise would flip labels into it."""
    if (empty := np.flatnonzero(np.bincount(labels, minlength=len(classes)) == 0)).size:
        raise UserError(
            f"{where(0)}: no sample has the class {classes[empty[0]]} ({len(empty)} of {len(classes)} classes are "
            "empty): remove the classes that do not occur"
        )


def _check_spread(labels: np.ndarray, where: Where) -> None:
    """Raise `UserError` if every sample has its own class."""
    if len(labels) >= _MANY and len(np.unique(labels)) == len(labels):
        raise UserError(
            f"{where(0)}: every sample has a different label, so these are names or numbers of samples, not labels"
        )
