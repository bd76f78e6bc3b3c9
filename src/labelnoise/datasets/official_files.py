"""Official files: finding one on disk, and knowing it by its checksum. Addresses stand with the data sets."""

from __future__ import annotations

import hashlib
from pathlib import Path

from labelnoise.datasets.info import Address, DatasetInfo, OfficialFile
from labelnoise.errors import UserError, unknown


def address_of(file: OfficialFile) -> Address:
    """Where the file is downloaded from, and its checksum."""
    return file.address()


def all_files(info: DatasetInfo) -> dict[str, OfficialFile]:
    """Every official file of the data set by its name, those of human labels last."""
    files = (*info.official_files, *(labels.file for labels in info.human.values()))
    return {file.name: file for file in files}


def file_called(info: DatasetInfo, name: str) -> OfficialFile:
    """The official file of that name; `UserError` where the data set has none."""
    if name not in all_files(info):
        raise UserError(unknown(f"file of {info.name}", name, all_files(info)))
    return all_files(info)[name]


def find(info: DatasetInfo, file: OfficialFile, folder: Path) -> Path:
    """The official file in `folder` (or where torchvision puts it there), its checksum verified.

    Raises `UserError` when it is missing, with where to get it and where to put it, or when its bytes are not the
    official ones: it is then not read any further.
    """
    path = next((path for inside in (".", *file.folders) if (path := folder / inside / file.name).is_file()), None)
    if path is None:
        raise UserError(
            f"{folder / file.name} is missing: run `labelnoise download {info.name}`, or get it from "
            f"{address_of(file).urls[0]} and put it there"
        )
    verify(path, address_of(file))
    return path


def verify(path: Path, address: Address) -> None:
    """`UserError` unless the file has the official checksum."""
    algorithm, expected = address.checksum
    with path.open("rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found != expected:
        raise UserError(
            f"{path} is not the official file: its {algorithm} is {found}, not {expected} (a broken download, or "
            f"another file of that name); delete it and get it from {address.urls[0]}. Images of your own go in as "
            "`arrays` or `image_folder` (docs/data.md)"
        )
