"""An entry of `datasets:` → what the data set is and where it is read from."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelnoise import paths
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.info import DatasetInfo, Images
from labelnoise.datasets.own import OwnDataset, alike, read_own
from labelnoise.errors import UserError, unknown
from labelnoise.experiment.config import DatasetEntry, EntryError, check_label

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")


@dataclass(frozen=True)
class Dataset:
    """A data set and the file or folder it is read from, which does not affect any trial's identity.

    `entry` is what the config says of it. Of a user's `own` data set more is known before it is prepared.
    """

    info: DatasetInfo
    source: Path
    entry: dict[str, Any]
    downloads: bool = False
    own: OwnDataset | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """What a spec says of it."""
        identity: dict[str, Any] = {"name": self.info.name, "version": self.info.version}
        if self.info.fingerprint is not None:
            identity["fingerprint"] = self.info.fingerprint
        if self.info.like is not None:
            identity["like"] = self.info.like
        return identity


def resolve_dataset(entry: DatasetEntry) -> Dataset:
    """The entry's data set; `EntryError` when there is no such one, or its file or folder cannot be used."""
    if entry.arrays and entry.image_folder:
        raise EntryError("a data set of yours is either `arrays:` or `image_folder:`, not both")
    if not (entry.arrays or entry.image_folder):
        return _of_catalogue(entry)
    if entry.path is not None:
        raise EntryError("`path:` is for data sets of the catalogue; yours lies where `arrays:` or `image_folder:` say")
    if entry.splits is not None and entry.arrays:
        raise EntryError("`splits:` is for an image folder; an .npz names its test sets x_NAME and y_NAME", "splits")
    if entry.name in DATASETS:
        raise EntryError(f"{entry.name} is a data set of the catalogue; give yours a name of its own", "name")
    if not _NAME.fullmatch(entry.name):
        raise EntryError(
            f"the name {entry.name!r} becomes a folder's: use letters, digits, - _ and ., at most 60", "name"
        )
    images = Images.ARRAYS if entry.arrays else Images.FILES
    if entry.like is None:
        raise EntryError(f"say whose recipe it takes: `like:` one of {', '.join(alike(images))}")
    if entry.like not in alike(images):
        kind = "an arrays data set" if entry.arrays else "an image folder"
        raise EntryError(unknown(f"data set that {kind} can be like", entry.like, alike(images)), "like")
    source = Path(entry.arrays or entry.image_folder or "")
    try:
        own = read_own(entry.name, source, images, like=entry.like, splits=entry.splits, labels=entry.labels)
    except UserError as error:
        raise EntryError(str(error)) from None
    _check_classes(own.info.classes)
    return Dataset(own.info, source, _as_written(entry), own=own)


def _of_catalogue(entry: DatasetEntry) -> Dataset:
    if entry.name not in DATASETS:
        raise EntryError(unknown("data set", entry.name, DATASETS))
    for key in ("like", "labels", "splits"):
        if getattr(entry, key) is not None:
            raise EntryError(f"`{key}:` is for data sets of yours; {entry.name} has its own", key)
    info = DATASETS[entry.name]
    if entry.path is not None and not Path(entry.path).is_dir():
        raise EntryError(
            f"{entry.path}: there is no such folder; `path:` names the folder with {entry.name}'s files", "path"
        )
    if entry.path is not None and info.images == Images.ARRAYS and not info.official_files:
        raise EntryError(f"{entry.name} is read from no files; leave `path:` out", "path")
    source = Path(entry.path) if entry.path is not None else paths.DOWNLOADS / entry.name
    if info.fingerprint_of is not None:
        info = dataclasses.replace(info, fingerprint=info.fingerprint_of(source))
    return Dataset(info, source, _as_written(entry), downloads=entry.path is None and bool(info.official_files))


def _as_written(entry: DatasetEntry) -> dict[str, Any]:
    return entry.model_dump(exclude_none=True)


def _check_classes(classes: tuple[str, ...]) -> None:
    if len(classes) < 2:
        raise EntryError("a data set needs at least two classes, and here is one")
    if len(set(classes)) < len(classes):
        raise EntryError(f"two classes are called {max(classes, key=classes.count)!r}")
    for name in classes:
        check_label(name)
