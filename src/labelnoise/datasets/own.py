"""A user's own data set: arrays in an .npz, or a folder of images, like one of the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labelnoise.datasets import arrays, image_folder
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.images import may_be_left_out
from labelnoise.datasets.info import DatasetInfo, Description, Images, Map
from labelnoise.errors import UserError
from labelnoise.files import canonical_hash
from labelnoise.readers.annotation_files import Samples


@dataclass(frozen=True)
class OwnDataset:
    """A user's data set, and what is known of it before it is prepared."""

    info: DatasetInfo
    description: Description

    @property
    def samples(self) -> Samples:
        """The training samples."""
        count, files = len(self.description.labels), self.description.files
        return Samples(count, files, may_be_left_out=0 if files is None else may_be_left_out(count))


def alike(images: Images) -> list[str]:
    """The data sets of the catalogue that one with such images can be like."""
    return [name for name, info in DATASETS.items() if info.images == images]


def read_own(
    name: str,
    source: Path,
    images: Images,
    *,
    like: str,
    splits: Sequence[str] | None = None,
    labels: str | None = None,
) -> OwnDataset:
    """The data set in a file of arrays or a folder of images: its own content, the recipe and maps of `like`.

    Maps and human labels are those of `like` where the classes (and the number of samples) are the same. `labels`:
    `given` where they are noisy as provided. Raises `UserError` when the source cannot be used.
    """
    theirs = DATASETS[like]
    described = arrays.describe(source) if images == Images.ARRAYS else image_folder.describe(source, splits)
    classes, train_size = described.classes, len(described.labels)
    if images == Images.ARRAYS and classes == tuple(str(k) for k in range(len(theirs.classes))):
        classes = theirs.classes
    if described.states_given and labels is not None:
        raise UserError("the file states the true labels (y_train_clean), so leave `labels:` out")
    info = DatasetInfo(
        name=name,
        title="a data set of the user's own",
        source="the user",
        license="the user's",
        classes=classes,
        recipe=theirs.recipe,
        load=arrays.load if images == Images.ARRAYS else image_folder.load,
        images=images,
        train_size=train_size,
        channels=described.channels,
        image_size=described.image_size,
        asymmetric_maps=_maps(theirs, classes),
        human=theirs.human if (classes, train_size) == (theirs.classes, theirs.train_size) else {},
        test_sets=tuple(described.sizes),
        labels=labels or "clean",
        states_given=described.states_given,
        # Prepared data says what its classes are called.
        fingerprint=canonical_hash([described.fingerprint, classes]),
        like=like,
    )
    return OwnDataset(info, described)


def _maps(like: DatasetInfo, classes: tuple[str, ...]) -> dict[str, Map]:
    """The maps of `like` for the same classes in any order; none for others."""
    if set(classes) != set(like.classes):
        return {}
    number = {k: classes.index(name) for k, name in enumerate(like.classes)}
    return {
        name: tuple((number[true], number[wrong]) for true, wrong in pairs)
        for name, pairs in like.asymmetric_maps.items()
    }
