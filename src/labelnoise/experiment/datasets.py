"""An entry of `datasets:` → what the data set is and where it is read from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelnoise import paths
from labelnoise.datasets.catalogue import DATASETS, DatasetInfo
from labelnoise.errors import UserError, unknown
from labelnoise.experiment.config import DatasetEntry, EntryError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Dataset:
    """A data set and the file or folder that it is read from (which is not part of any trial's identity)."""

    info: DatasetInfo
    source: Path
    downloads: bool = False

    @property
    def identity(self) -> dict[str, Any]:
        """What a spec says of it."""
        identity: dict[str, Any] = {"name": self.info.name, "version": self.info.version}
        if self.info.fingerprint is not None:
            identity |= {"fingerprint": self.info.fingerprint, "like": self.info.like}
        return identity

    @property
    def published(self) -> str:
        """The catalogue entry that presets and human labels go by."""
        return self.info.like or self.info.name


def resolve(entry: DatasetEntry) -> Dataset:
    """The entry's data set; `EntryError` when there is no such one, or its file or folder cannot be used."""
    own = entry.arrays or entry.image_folder
    if entry.arrays and entry.image_folder:
        raise EntryError("a data set of yours is either `arrays:` or `image_folder:`, not both")
    if own is None:
        return _of_catalogue(entry)
    if entry.path is not None:
        raise EntryError("`path:` is for data sets of the catalogue; yours lies where `arrays:` or `image_folder:` say")
    if entry.name in DATASETS:
        raise EntryError(f"{entry.name} is a data set of the catalogue; give yours a name of its own", "name")
    if not _NAME.fullmatch(entry.name):
        raise EntryError(f"the name {entry.name!r} becomes a folder's: use letters, digits, - _ and .", "name")
    alike = [name for name, info in DATASETS.items() if info.in_memory == bool(entry.arrays)]
    if entry.like is None:
        raise EntryError(f"say whose recipe it takes: `like:` one of {', '.join(alike)}")
    if entry.like not in alike:
        kind = "an arrays data set" if entry.arrays else "an image folder"
        raise EntryError(unknown(f"data set that {kind} can be like", entry.like, alike), "like")
    return Dataset(_own(entry, DATASETS[entry.like]), Path(own))


def _of_catalogue(entry: DatasetEntry) -> Dataset:
    if entry.name not in DATASETS:
        raise EntryError(unknown("data set", entry.name, DATASETS))
    if entry.like is not None:
        raise EntryError(f"`like:` is for data sets of yours; {entry.name} has a recipe of its own")
    info = DATASETS[entry.name]
    if entry.path is None:
        return Dataset(info, paths.DOWNLOADS / entry.name, downloads=bool(info.files))
    if not Path(entry.path).is_dir():
        raise EntryError(
            f"{entry.path}: there is no such folder; `path:` names the folder with {entry.name}'s files", "path"
        )
    return Dataset(info, Path(entry.path))


def _own(entry: DatasetEntry, like: DatasetInfo) -> DatasetInfo:
    """A user's data set as a catalogue entry: its own content, the recipe and (with as many classes) maps of `like`."""
    if entry.arrays:
        from labelnoise.datasets import arrays as module
    else:
        from labelnoise.datasets import image_folder as module
    try:
        found = module.describe(Path(entry.arrays or entry.image_folder))
    except UserError as error:
        raise EntryError(str(error)) from None
    same_classes = len(found["classes"]) == len(like.classes)
    if same_classes and all(name.isdecimal() for name in found["classes"]):
        found["classes"] = like.classes
    return DatasetInfo(
        name=entry.name,
        module="arrays" if entry.arrays else "image_folder",
        title="a data set of the user's own",
        source="the user",
        license="the user's",
        recipe=like.recipe,
        in_memory=bool(entry.arrays),
        asymmetric_maps=like.asymmetric_maps if same_classes else {},
        human=like.human if same_classes and found["train_size"] == like.train_size else {},
        like=like.name,
        **found,
    )
