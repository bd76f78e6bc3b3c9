"""Match the names of files, as people and their tools write them, to the files of a data set."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np


def rows_of_files(names: Sequence[str], files: Sequence[str]) -> np.ndarray:
    """The row of each file among `names`, `(len(files),)`, −1 for a file that is not named.

    Files may be named by their path, their path inside the split's folder, their last part, or that without its ending,
    also as a number that lost its leading zeros. The way that matches most files counts; one in which two files have
    the same name does not. Separators of Windows and decomposed Unicode, as macOS writes it, make no difference.
    """
    best = np.full(len(files), -1)
    cleaned = [_cleaned(name) for name in names]
    for is_number, index_by_name in _schemes(files):
        rows = np.full(len(files), -1)
        for row, name in enumerate(cleaned):
            index = index_by_name.get(_number(name) or "" if is_number else name)
            if index is not None:
                rows[index] = row
        if (rows >= 0).sum() > (best >= 0).sum():
            best = rows
    return best


def are_numbers_of_files(numbers: Sequence[str], files: Sequence[str]) -> bool:
    """Whether every number is that of a file such as 000017.png, and no two files have the same number."""
    stems = {_number(PurePosixPath(file).stem) for file in files}
    return None not in stems and len(stems) == len(files) and {_number(number) for number in numbers} <= stems


def _schemes(files: Sequence[str]) -> Iterator[tuple[bool, Mapping[str, int]]]:
    """Yield (whether names are compared as numbers, name → index) for each way that names every file differently."""
    paths = [PurePosixPath(_cleaned(file)) for file in files]
    inside = ["/".join(path.parts[1:]) or path.name for path in paths]
    stems = [path.stem for path in paths]
    numbers = [_number(stem) or "" for stem in stems]
    for names in ([str(path) for path in paths], inside, [path.name for path in paths], stems, numbers):
        if len(set(names)) == len(names) and "" not in names:
            yield names is numbers, {name: i for i, name in enumerate(names)}


def _cleaned(name: str) -> str:
    return unicodedata.normalize("NFC", str(PurePosixPath(name.replace("\\", "/"))))


def _number(text: str) -> str | None:
    """The whole number without leading zeros; None if the text is something else."""
    return str(int(text)) if text.isascii() and text.isdecimal() else None
