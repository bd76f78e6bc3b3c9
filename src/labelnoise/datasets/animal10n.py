"""ANIMAL-10N: two folders of images whose names begin with the label."""

from __future__ import annotations

from pathlib import Path

from labelnoise.datasets.catalogue import DatasetInfo
from labelnoise.datasets.lists import Listed
from labelnoise.errors import UserError
from labelnoise.files import canonical_hash

_FOLDERS = {"train": "training", "test": "testing"}


def fingerprint(folder: Path) -> str | None:
    """A hash of all names, which are the labels as well."""
    if not all((folder / name).is_dir() for name in _FOLDERS.values()):
        return None
    return canonical_hash([sorted(path.name for path in (folder / name).glob("*.jpg")) for name in _FOLDERS.values()])


def load(info: DatasetInfo, folder: Path) -> dict[str, Listed]:
    """Files and labels of training/ and testing/, where 3_17.jpg is an image with label 3; in order of their names."""
    return {split: _listed(folder, name, info) for split, name in _FOLDERS.items()}


def _listed(folder: Path, name: str, info: DatasetInfo) -> Listed:
    if not (folder / name).is_dir():
        raise UserError(
            f"{folder / name} is missing: {info.name} is read from its folders {' and '.join(_FOLDERS.values())} "
            f"(docs/data.md); name the folder above them as `path:` of {info.name} in the config"
        )
    files = sorted(path.name for path in (folder / name).glob("*.jpg"))
    labels = [file.partition("_")[0] for file in files]
    for file, label in zip(files, labels, strict=True):
        if not label.isdecimal() or int(label) >= len(info.classes):
            raise UserError(
                f"{folder / name / file}: the name must begin with a label 0..{len(info.classes) - 1} and _"
            )
    if not files:
        raise UserError(f"{folder / name} has no .jpg")
    return [f"{name}/{file}" for file in files], [int(label) for label in labels]
