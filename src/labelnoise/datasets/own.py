"""A user's own data set, arrays in an .npz or a folder of images, which is like one of the catalogue."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from labelnoise.datasets import arrays, contents, image_folder
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.images import may_be_left_out
from labelnoise.datasets.info import Arrays, DatasetInfo, Description, Images, Listing, Map
from labelnoise.errors import UserError
from labelnoise.files import canonical_hash
from labelnoise.readers.annotation_files import Samples


@dataclass(frozen=True)
class OwnDataset:
    """A user's data set and its description."""

    info: DatasetInfo
    description: Description

    @property
    def samples(self) -> Samples:
        """What is known of the training samples before the images are read."""
        count, files = len(self.description.labels), self.description.files
        return Samples(count, files, may_be_left_out=0 if files is None else may_be_left_out(count))


# Images are compared before they are prepared if no more bytes than this must be read.
_COMPARED_AT_ONCE = 256 << 20


def find_copies(own: OwnDataset, source: Path) -> list[str] | None:
    """The sentences of `contents.describe_copies` before the data set is prepared; None if that would take long.

    Only files of equal size are read.
    """
    stats = own.description.stats
    if not stats:
        shape = (own.info.channels or 1) * (own.info.image_size or 1) ** 2
        if shape * (len(own.description.labels) + sum(own.description.sizes.values())) > _COMPARED_AT_ONCE:
            return None
        loaded = own.info.load(own.info, source)
        return contents.describe_copies(contents.of_arrays(loaded.images)) if isinstance(loaded, Arrays) else None
    sizes = {split: {stat.st_size for stat in files.values()} for split, files in stats.items()}
    in_tests = set().union(*(found for split, found in sizes.items() if split != "train"))
    chosen = {
        split: {
            file for file, stat in files.items() if stat.st_size in (in_tests if split == "train" else sizes["train"])
        }
        for split, files in stats.items()
    }
    if sum(stats[split][file].st_size for split, files in chosen.items() for file in files) > _COMPARED_AT_ONCE:
        return None

    def hashed(split: str, file: str) -> bytes:
        return contents.digest((source / file).read_bytes()) if file in chosen[split] else file.encode()

    return contents.describe_copies(
        {split: [(file, hashed(split, file)) for file in files] for split, files in stats.items()}
    )


# From so many classes on, CIFAR-100 is more alike than CIFAR-10.
MANY_CLASSES = 50


@dataclass(frozen=True)
class Proposal:
    """A config's entry of `datasets:` for a user's data, and the recipe values that differ from those of `like`."""

    info: DatasetInfo
    entry: dict[str, Any]
    train: dict[str, Any]


def propose(name: str, source: Path, *, like: str | None) -> Proposal:
    """Propose how a config uses a user's file of arrays or folder of images, with the recipe of `like` (None: chosen).

    Raises `UserError` if the source is unusable.
    """
    images = Images.FILES if source.is_dir() else Images.ARRAYS
    info = read_own(name, source, images, like=like or alike(images)[0]).info
    like = like or ("animal10n" if images == Images.FILES else _closest(info))
    location = "image_folder" if images == Images.FILES else "arrays"
    train: dict[str, Any] = {}
    if len(DATASETS[like].recipe["mean"]) != info.channels:
        train = {"mean": [0.5] * info.channels, "std": [0.25] * info.channels}
    return Proposal(info, {"name": name, location: str(source), "like": like}, train)


def _closest(info: DatasetInfo) -> str:
    """The catalogue data set with images of the same form, else CIFAR-10, whose network takes any size."""
    if len(info.classes) >= MANY_CLASSES and (info.channels, info.image_size) == (3, 32):
        return "cifar100"
    shape = (info.channels, info.image_size)
    return next((other for other, known in DATASETS.items() if (known.channels, known.image_size) == shape), "cifar10")


def alike(images: Images) -> list[str]:
    """The catalogue data sets that a data set with such images may name as `like`."""
    return [name for name, info in DATASETS.items() if info.images == images]


def read_own(
    name: str,
    source: Path,
    images: Images,
    *,
    like: str,
    splits: Sequence[str] | None = None,
    column: str | None = None,
    labels: str | None = None,
    test_labels: str | None = None,
) -> OwnDataset:
    """Describe the data set in a file of arrays or a folder of images, with the recipe of `like`.

    `splits` and `column` are those of `image_folder.describe`.

    It also gets the maps of `like` if the classes are the same, and its human labels if the number of samples is the
    same too. `labels` is `given` if the labels are noisy as provided, `test_labels` likewise. Raises `UserError` if the
    source is unusable.
    """
    theirs = DATASETS[like]
    described = arrays.describe(source) if images == Images.ARRAYS else image_folder.describe(source, splits, column)
    classes, train_size = described.classes, len(described.labels)
    if images == Images.ARRAYS and classes == tuple(str(k) for k in range(len(theirs.classes))):
        classes = theirs.classes
    if described.states_given and labels is not None:
        raise UserError("the file has true labels (y_train_clean), so remove `labels:`")
    if test_labels is not None and not described.sizes:
        raise UserError("there is no test set, so remove `test_labels:`")
    info = DatasetInfo(
        name=name,
        title="the user's own data set",
        source="the user",
        license="the user's",
        classes=classes,
        recipe=theirs.recipe,
        load=_loader(images, column),
        images=images,
        train_size=train_size,
        channels=described.channels,
        image_size=described.image_size,
        asymmetric_maps=_maps(theirs, classes),
        human=theirs.human if (classes, train_size) == (theirs.classes, theirs.train_size) else {},
        test_sets=tuple(described.sizes),
        labels=labels or "clean",
        test_labels=test_labels or "clean",
        states_given=described.states_given,
        # Prepared data includes the class names, so they are part of the fingerprint.
        fingerprint=canonical_hash([described.fingerprint, classes]),
        like=like,
    )
    return OwnDataset(info, dataclasses.replace(described, warnings=(*described.warnings, *_look_alikes(classes))))


def _loader(images: Images, column: str | None) -> Callable[[DatasetInfo, Path], Arrays | Listing]:
    if images == Images.ARRAYS:
        return arrays.load
    return image_folder.load if column is None else partial(image_folder.load, column=column)


def _look_alikes(classes: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each pair of classes that differ in case, blanks, invisible characters or encoding only."""
    first: dict[str, str] = {}
    for name in classes:
        plain = unicodedata.normalize("NFKC", name).casefold()
        plain = "".join(letter for letter in plain if unicodedata.category(letter) not in ("Cf", "Cc", "Zs"))
        other = first.setdefault(plain, name)
        if other != name:
            yield f"the classes {other!a} and {name!a} look alike: are they one class?"


def _maps(like: DatasetInfo, classes: tuple[str, ...]) -> dict[str, Map]:
    """The maps of `like` if the classes are the same, in any order; else none."""
    if set(classes) != set(like.classes):
        return {}
    number = {k: classes.index(name) for k, name in enumerate(like.classes)}
    return {
        name: tuple((number[true], number[wrong]) for true, wrong in pairs)
        for name, pairs in like.asymmetric_maps.items()
    }
