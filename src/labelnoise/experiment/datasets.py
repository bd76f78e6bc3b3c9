"""An entry of `datasets:` → what the data set is and where it is read from."""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelnoise import paths
from labelnoise.datasets.catalogue import DATASETS, DatasetInfo
from labelnoise.datasets.classes import Map
from labelnoise.errors import UserError, unknown
from labelnoise.experiment.config import DatasetEntry, EntryError, check_label
from labelnoise.files import canonical_hash

if TYPE_CHECKING:
    import numpy as np

    from labelnoise.readers.annotations import Samples

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")


@dataclass(frozen=True)
class Dataset:
    """A data set and the file or folder that it is read from (which is not part of any trial's identity).

    Of a user's own also what is known before it is prepared: the training samples' files and labels `(N,)`, and the
    sizes of the test sets.
    """

    info: DatasetInfo
    source: Path
    downloads: bool = False
    files: Sequence[str] | None = None
    labels: np.ndarray | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)

    @property
    def samples(self) -> Samples | None:
        """The training samples, None where they are not known before the data set is prepared."""
        from labelnoise.datasets import images
        from labelnoise.readers.annotations import Samples

        count = self.info.train_size
        if count is None:
            return None
        return Samples(count, self.files, may_be_left_out=0 if self.files is None else images.may_be_left_out(count))

    @property
    def identity(self) -> dict[str, Any]:
        """What a spec says of it."""
        identity: dict[str, Any] = {"name": self.info.name, "version": self.info.version}
        if self.info.fingerprint is not None:
            identity["fingerprint"] = self.info.fingerprint
        if self.info.like is not None:
            identity["like"] = self.info.like
        return identity

    @property
    def published(self) -> str:
        """The catalogue entry that presets and human labels go by."""
        return self.info.like or self.info.name


def resolve(entry: DatasetEntry) -> Dataset:
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
    alike = [name for name, info in DATASETS.items() if info.in_memory == bool(entry.arrays)]
    if entry.like is None:
        raise EntryError(f"say whose recipe it takes: `like:` one of {', '.join(alike)}")
    if entry.like not in alike:
        kind = "an arrays data set" if entry.arrays else "an image folder"
        raise EntryError(unknown(f"data set that {kind} can be like", entry.like, alike), "like")
    return _own(entry, DATASETS[entry.like])


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
    if entry.path is not None and info.in_memory and not info.files:
        raise EntryError(f"{entry.name} is read from no files; leave `path:` out", "path")
    source = Path(entry.path) if entry.path is not None else paths.DOWNLOADS / entry.name
    if not info.in_memory:
        module = importlib.import_module(f"labelnoise.datasets.{info.module}")
        info = dataclasses.replace(info, fingerprint=module.fingerprint(source))
    return Dataset(info, source, downloads=entry.path is None and bool(info.files))


def _own(entry: DatasetEntry, like: DatasetInfo) -> Dataset:
    """A user's data set as a catalogue entry: its own content, the recipe and (for the same classes) maps of `like`."""
    from labelnoise.datasets import arrays, image_folder

    source = Path(entry.arrays or entry.image_folder)
    try:
        found = arrays.describe(source) if entry.arrays else image_folder.describe(source, entry.splits)
    except UserError as error:
        raise EntryError(str(error)) from None
    labels, sizes, files = found.pop("labels_read"), found.pop("sizes"), found.pop("files", None)
    numbers = tuple(str(k) for k in range(len(like.classes)))
    if entry.arrays and found["classes"] == numbers:
        found["classes"] = like.classes
    _check_classes(found["classes"])
    if found.get("states_given") and entry.labels is not None:
        raise EntryError("the file states the true labels (y_train_clean), so leave `labels:` out", "labels")
    # Prepared data says what its classes are called.
    found["fingerprint"] = canonical_hash([found["fingerprint"], found["classes"]])
    info = DatasetInfo(
        name=entry.name,
        module="arrays" if entry.arrays else "image_folder",
        title="a data set of the user's own",
        source="the user",
        license="the user's",
        recipe=like.recipe,
        in_memory=bool(entry.arrays),
        labels=entry.labels or "clean",
        asymmetric_maps=_maps(like, found["classes"]),
        human=like.human if (found["classes"], found["train_size"]) == (like.classes, like.train_size) else {},
        like=like.name,
        **found,
    )
    return Dataset(info, source, files=files, labels=labels, sizes=sizes)


def _check_classes(classes: tuple[str, ...]) -> None:
    if len(classes) < 2:
        raise EntryError("a data set needs at least two classes, and here is one")
    if len(set(classes)) < len(classes):
        raise EntryError(f"two classes are called {max(classes, key=classes.count)!r}")
    for name in classes:
        check_label(name)


def _maps(like: DatasetInfo, classes: tuple[str, ...]) -> dict[str, Map]:
    """The maps of `like` for the same classes in any order; none for others."""
    if set(classes) != set(like.classes):
        return {}
    place = {k: classes.index(name) for k, name in enumerate(like.classes)}
    return {
        name: tuple((place[true], place[wrong]) for true, wrong in pairs)
        for name, pairs in like.asymmetric_maps.items()
    }
