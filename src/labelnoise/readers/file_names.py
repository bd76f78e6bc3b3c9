"""Match the names of files, as people and their tools write them, to the files of a data set."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np

# From a name as written to the name that a way of naming compares.
_Reading = Callable[[str], str]


def rows_of_files(names: Sequence[str], files: Sequence[str]) -> np.ndarray:
    """The row of each file among `names`, `(len(files),)`, −1 for a file that is not named.

    Files may be named by their path, also an absolute one, their path inside the split's folder, their last part, or
    that without its ending, also as a number that lost its leading zeros. The way that matches most files counts, the
    most exact one first; one in which two files have the same name does not. Separators of Windows make no difference,
    and neither does decomposed Unicode, as macOS writes it, unless two files differ in it.
    """
    best = np.full(len(files), -1)
    for reading, index_by_name in _ways(files):
        rows = np.full(len(files), -1)
        for row, name in enumerate(names):
            index = index_by_name.get(reading(name))
            if index is not None:
                rows[index] = row
        if (rows >= 0).sum() > (best >= 0).sum():
            best = rows
    return best


def are_numbers_of_files(numbers: Sequence[str], files: Sequence[str]) -> bool:
    """Whether every number is the name of a file such as 000017.png, as written or without its leading zeros."""
    stems = [PurePosixPath(file).stem for file in files]
    if set(numbers) <= set(stems) and len(set(stems)) == len(files):
        return True
    without_zeros = {_number(stem) for stem in stems}
    is_distinct = "" not in without_zeros and len(without_zeros) == len(files)
    return is_distinct and {_number(number) for number in numbers} <= without_zeros


def differ_in_case_only(names: Sequence[str], files: Sequence[str]) -> bool:
    """Whether all files would be named if upper and lower case were the same."""
    folded = rows_of_files([name.casefold() for name in names], [file.casefold() for file in files])
    return bool((folded >= 0).all())


def _ways(files: Sequence[str]) -> Iterator[tuple[_Reading, Mapping[str, int]]]:
    """Yield (reading, name → index) for each way that names every file differently."""
    for clean in (_with_slashes, _composed):
        paths = [PurePosixPath(clean(file)) for file in files]
        inside = ["/".join(path.parts[1:]) or path.name for path in paths]
        stems = [path.stem for path in paths]
        ways: list[tuple[_Reading, list[str]]] = [
            (clean, [str(path) for path in paths]),
            (clean, inside),
            (clean, [path.name for path in paths]),
            (clean, stems),
        ]
        depths = {len(path.parts) for path in paths}
        if len(depths) == 1:
            ways.append((_ending(depths.pop(), clean), [str(path) for path in paths]))
        ways.append((_number, [_number(stem) for stem in stems]))
        for reading, names in ways:
            if len(set(names)) == len(names) and "" not in names:
                yield reading, {name: i for i, name in enumerate(names)}


def _with_slashes(name: str) -> str:
    return str(PurePosixPath(name.replace("\\", "/")))


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", _with_slashes(name))


def _ending(depth: int, clean: _Reading) -> _Reading:
    """Reads the last parts of a longer path, such as an absolute one on the machine where a table was written."""
    return lambda name: "/".join(PurePosixPath(clean(name)).parts[-depth:])


def _number(text: str) -> str:
    """The whole number without leading zeros; empty if the text is something else."""
    return str(int(text)) if text.isascii() and text.isdecimal() else ""
