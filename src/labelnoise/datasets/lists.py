"""Text files that list images and their labels, one per line, as the large data sets use them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from labelnoise.errors import UserError


def lines(path: Path, dataset: str) -> list[str]:
    """The lines that are not empty; `UserError` if the file is missing or empty."""
    try:
        stripped = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except FileNotFoundError:
        raise UserError(
            f"{path} is missing: {dataset} is read from a folder in its official layout "
            f"(docs/reference/datasets.md); set `path:` of {dataset} in the config to it"
        ) from None
    except (UnicodeDecodeError, OSError) as error:
        raise UserError(f"{path} cannot be read ({error})") from None
    if not stripped:
        raise UserError(f"{path} is empty")
    return stripped


def fingerprint(paths: Iterable[Path]) -> str | None:
    """A hash of the files' content; None if one is missing."""
    digest = hashlib.sha256()
    try:
        for path in paths:
            digest.update(path.read_bytes())
    except OSError:
        return None
    return digest.hexdigest()[:10]


def pairs(path: Path, dataset: str, num_classes: int) -> list[tuple[str, int]]:
    """(file, label) of every line `file label`; `UserError` if a line is malformed or a label out of range."""
    listed = []
    for number, line in enumerate(lines(path, dataset), start=1):
        file, _, label = line.rpartition(" ")
        if not file or not label.isdecimal():
            raise UserError(f"{path}, line {number}: must be `file label`, got {line!r}")
        if int(label) >= num_classes:
            raise UserError(f"{path}, line {number}: the label {label} is outside 0..{num_classes - 1}")
        if ".." in Path(file).parts or Path(file).is_absolute():
            raise UserError(f"{path}, line {number}: {file} is outside the data set's folder")
        listed.append((file, int(label)))
    return listed
