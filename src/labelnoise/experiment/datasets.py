"""Resolves an entry of `datasets:` to a data set and the place it is read from."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelnoise import paths
from labelnoise.datasets import contents
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.contents import Contents
from labelnoise.datasets.info import DatasetInfo, Images
from labelnoise.datasets.own import OwnDataset, alike, read_own
from labelnoise.errors import UserError, unknown
from labelnoise.experiment.config import DatasetEntry, EntryError, check_label
from labelnoise.trial_folder import HELD_OUT

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")


@dataclass(frozen=True)
class Dataset:
    """A data set, and the file or folder it is read from, which does not affect a trial's identity.

    `entry` is the config's entry. `own` holds what is known of a user's data set before it is prepared, `contents` what
    its image files hold now, if it was prepared before.
    """

    info: DatasetInfo
    source: Path
    entry: dict[str, Any]
    downloads: bool = False
    own: OwnDataset | None = None
    contents: Contents | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """The data set's part of a spec."""
        identity: dict[str, Any] = {"name": self.info.name, "version": self.info.version}
        if self.info.fingerprint is not None:
            identity["fingerprint"] = self.info.fingerprint
        if self.info.like is not None:
            identity["like"] = self.info.like
        if self.info.test_labels != "clean":
            identity["test_labels"] = self.info.test_labels
        return identity


def resolve_dataset(entry: DatasetEntry) -> Dataset:
    """Return the entry's data set. Raises `EntryError` if it does not exist or its file or folder cannot be used."""
    if entry.arrays and entry.image_folder:
        raise EntryError("give either `arrays:` or `image_folder:`, not both")
    if not (entry.arrays or entry.image_folder):
        return _resolve_catalogue(entry)
    if entry.path is not None:
        raise EntryError("`path:` is for catalogue data sets; `arrays:` or `image_folder:` is the location of your own")
    if entry.splits is not None and entry.arrays:
        raise EntryError("`splits:` is for image folders; in an .npz, name the test sets x_NAME and y_NAME", "splits")
    if entry.column is not None and entry.arrays:
        raise EntryError("`column:` is for the CSVs of image folders; an .npz names its arrays", "column")
    if entry.name in DATASETS:
        raise EntryError(f"{entry.name} is a catalogue data set; give yours another name", "name")
    if not _NAME.fullmatch(entry.name):
        raise EntryError(
            f"the name {entry.name!r} becomes a folder name; use at most 60 letters, digits, -, _ and .", "name"
        )
    images = Images.ARRAYS if entry.arrays else Images.FILES
    if entry.like is None:
        raise EntryError(f"name the data set whose recipe to use: `like:` one of {', '.join(alike(images))}")
    if entry.like not in alike(images):
        kind = "an arrays data set" if entry.arrays else "an image folder"
        raise EntryError(unknown(f"`like:` for {kind}", entry.like, alike(images)), "like")
    source = Path(entry.arrays or entry.image_folder or "")
    try:
        own = read_own(
            entry.name,
            source,
            images,
            like=entry.like,
            splits=entry.splits,
            column=entry.column,
            labels=entry.labels,
            test_labels=entry.test_labels,
        )
    except UserError as error:
        raise EntryError(str(error)) from None
    if HELD_OUT in own.info.test_sets:
        raise EntryError(
            f"a test set cannot be called {HELD_OUT}, the name of the held-out training samples; rename it"
        )
    _check_classes(own.info.classes)
    info, now = _identify_contents(own, source)
    return Dataset(info, source, _as_written(entry), own=own, contents=now)


def _identify_contents(own: OwnDataset, source: Path) -> tuple[DatasetInfo, Contents | None]:
    """The data set under the identity of what its image files hold, and their contents; None if nothing is recorded.

    Names, sizes and labels are its identity until it is prepared. If files have been rewritten since, it is another.
    """
    stats = {file: stat for of_files in own.description.stats.values() for file, stat in of_files.items()}
    folder = paths.dataset({"dataset": {"name": own.info.name, "fingerprint": own.info.fingerprint}})
    first = contents.read(folder)
    if not stats or first is None or own.info.fingerprint is None:
        return own.info, None
    others = [other for other in sorted(folder.parent.glob(f"{own.info.name}-*")) if other != folder]
    known = [first, *filter(None, map(contents.read, others))]
    now = contents.look(source, list(stats), list(stats.values()), known)
    if now is None:
        return own.info, None
    fingerprint = contents.fingerprint(own.info.fingerprint, first, now)
    return dataclasses.replace(own.info, fingerprint=fingerprint), now


def _resolve_catalogue(entry: DatasetEntry) -> Dataset:
    if entry.name not in DATASETS:
        raise EntryError(unknown("data set", entry.name, DATASETS))
    for key in ("like", "labels", "test_labels", "splits", "column"):
        if getattr(entry, key) is not None:
            raise EntryError(f"`{key}:` is for your own data sets; leave it out for {entry.name}", key)
    info = DATASETS[entry.name]
    if entry.path is not None and not Path(entry.path).is_dir():
        raise EntryError(
            f"{entry.path}: there is no such folder; `path:` names the folder with {entry.name}'s files", "path"
        )
    if entry.path is not None and info.images == Images.ARRAYS and not info.official_files:
        raise EntryError(f"{entry.name} is not read from files; leave `path:` out", "path")
    source = Path(entry.path) if entry.path is not None else paths.DOWNLOADS / entry.name
    if info.fingerprint_of is not None:
        info = dataclasses.replace(info, fingerprint=info.fingerprint_of(source))
    return Dataset(info, source, _as_written(entry), downloads=entry.path is None and bool(info.official_files))


def _as_written(entry: DatasetEntry) -> dict[str, Any]:
    return entry.model_dump(exclude_none=True)


def _check_classes(classes: tuple[str, ...]) -> None:
    if len(classes) < 2:
        raise EntryError("a data set needs at least two classes, this one has fewer")
    if len(set(classes)) < len(classes):
        raise EntryError(f"two classes are called {max(classes, key=classes.count)!r}")
    for name in classes:
        check_label(name)
