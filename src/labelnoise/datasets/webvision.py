"""WebVision 1.0's first 50 classes: Google images to train on, its own and ILSVRC 2012's validation images to test."""

from __future__ import annotations

from pathlib import Path

from labelnoise.datasets import lists
from labelnoise.datasets.catalogue import DatasetInfo
from labelnoise.datasets.classes import WEBVISION_MINI
from labelnoise.datasets.lists import Listed, pairs
from labelnoise.errors import UserError

_ALL_CLASSES = 1000
_VALIDATION_FOLDERS = ("val_images_256", "val_images")
_ILSVRC12_FOLDERS = ("imagenet/val", "ILSVRC2012/val", "ilsvrc12/val")


def fingerprint(folder: Path) -> str | None:
    """A hash of the official lists."""
    return lists.fingerprint([folder / "info" / "train_filelist_google.txt", folder / "info" / "val_filelist.txt"])


def load(info: DatasetInfo, folder: Path) -> dict[str, Listed]:
    """Files and labels, both by WebVision's numbering, which is ILSVRC 2012's.

    Read are info/train_filelist_google.txt (images in google/), info/val_filelist.txt (in val_images_256/ or
    val_images/), and imagenet/val/ with one folder a class, named by its WordNet id.
    """
    train = _first(pairs(folder / "info" / "train_filelist_google.txt", info.name, _ALL_CLASSES))
    inside = next((name for name in _VALIDATION_FOLDERS if (folder / name).is_dir()), None)
    if inside is None:
        raise UserError(f"{folder}: neither {' nor '.join(_VALIDATION_FOLDERS)} is there")
    validation = _first(pairs(folder / "info" / "val_filelist.txt", info.name, _ALL_CLASSES))
    return {
        "train": _split(train),
        "webvision": _split([(f"{inside}/{file}", label) for file, label in validation]),
        "ilsvrc12": _ilsvrc12(folder),
    }


def _first(listed: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return [(file, label) for file, label in listed if label < len(WEBVISION_MINI)]


def _split(listed: list[tuple[str, int]]) -> Listed:
    return [file for file, _ in listed], [label for _, label in listed]


def _ilsvrc12(folder: Path) -> Listed:
    root = next((folder / name for name in _ILSVRC12_FOLDERS if (folder / name).is_dir()), None)
    if root is None:
        raise UserError(f"{folder}: {_ILSVRC12_FOLDERS[0]} is missing, with ILSVRC 2012's validation images by class")
    files: list[str] = []
    labels: list[int] = []
    for label, wordnet in enumerate(WEBVISION_MINI):
        found = sorted((root / wordnet).glob("*.JPEG"))
        if not found:
            raise UserError(f"{root / wordnet} is missing or has no .JPEG: it holds class {label} of ILSVRC 2012")
        files += [file.relative_to(folder).as_posix() for file in found]
        labels += [label] * len(found)
    return files, labels
