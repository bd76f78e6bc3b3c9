"""Find official files on disk and verify their checksums. Their addresses are in the data sets' modules."""

from __future__ import annotations

import hashlib
from pathlib import Path

from labelnoise.datasets.info import Address, DatasetInfo, OfficialFile
from labelnoise.errors import UserError, unknown


def address_of(file: OfficialFile) -> Address:
    """The file's download URLs and checksum."""
    return file.address()


def all_files(info: DatasetInfo) -> dict[str, OfficialFile]:
    """Every official file of the data set by name; files of human labels come last."""
    files = (*info.official_files, *(labels.file for labels in info.human.values()))
    return {file.name: file for file in files}


def file_called(info: DatasetInfo, name: str) -> OfficialFile:
    """The official file of this name; raises `UserError` if the data set has none."""
    if name not in all_files(info):
        raise UserError(unknown(f"file of {info.name}", name, all_files(info)))
    return all_files(info)[name]


def find(info: DatasetInfo, file: OfficialFile, folder: Path) -> Path:
    """Find the official file in `folder` (or in torchvision's folder below it) and verify its checksum.

    Raises `UserError` if it is missing (the message names its URL and place) or its checksum is wrong.
    """
    path = next((path for inside in (".", *file.folders) if (path := folder / inside / file.name).is_file()), None)
    if path is None:
        raise UserError(
            f"{folder / file.name} is missing: run `labelnoise download {info.name}`, or download "
            f"{address_of(file).urls[0]} to there"
        )
    verify(path, address_of(file))
    return path


def verify(path: Path, address: Address) -> None:
    """Raise `UserError` unless the file has the official checksum."""
    algorithm, expected = address.checksum
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, algorithm).hexdigest()
    if actual != expected:
        raise UserError(
            f"{path} is not the official file: its {algorithm} is {actual}, not {expected} (a broken download or "
            f"another file of that name); delete it and download {address.urls[0]}. For your own images, use `arrays` "
            "or `image_folder` (docs/reference/datasets.md)"
        )
