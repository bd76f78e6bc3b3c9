"""What a data set says of itself, and what reading one gives. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

# (true, wrong) pairs of class numbers: what each class turns into under asymmetric noise.
Map = tuple[tuple[int, int], ...]


class Images(StrEnum):
    """How a data set keeps its images: small ones as arrays in memory, large ones as files."""

    ARRAYS = "arrays"
    FILES = "files"


@dataclass(frozen=True)
class Arrays:
    """Small images, by split: uint8 `(N, C, H, W)` and int64 class numbers `(N,)`.

    `given` are noisy training labels `(N,)` of a data set that states the true ones as well, in `labels`.
    """

    images: Mapping[str, np.ndarray]
    labels: Mapping[str, np.ndarray]
    given: np.ndarray | None = None


@dataclass(frozen=True)
class Listing:
    """Image files relative to the folder that was read and their class numbers, by split."""

    files: Mapping[str, list[str]]
    labels: Mapping[str, list[int]]

    @classmethod
    def of_pairs(cls, pairs: Mapping[str, list[tuple[str, int]]]) -> Listing:
        """From (file, class number) pairs by split."""
        files = {split: [file for file, _ in listed] for split, listed in pairs.items()}
        labels = {split: [label for _, label in listed] for split, listed in pairs.items()}
        return cls(files, labels)


@dataclass(frozen=True)
class Address:
    """Where an official file is downloaded from, and its checksum as (algorithm, hex digits)."""

    urls: tuple[str, ...]
    checksum: tuple[str, str]


@dataclass(frozen=True)
class OfficialFile:
    """An official file of a data set.

    `address` is a function, as torchvision takes seconds to import. The file is looked for in the data set's folder and
    in `folders` below it.
    """

    name: str
    address: Callable[[], Address]
    folders: tuple[str, ...] = ()


@dataclass(frozen=True)
class HumanLabels:
    """Labels given by people: the official file, and the key under which it holds them."""

    file: OfficialFile
    key: str


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """An entry of the catalogue, or a user's own data set.

    `load` reads it from a folder (a user's own arrays: from a file). Arrays have `image_size` pixels a side.
    `official_files` are what its download consists of; `human` are labels given by people, by variant.
    `asymmetric_maps` are named. `train_size` is None where it is not fixed. `labels` are `clean`, or `given`: noisy as
    they come, and the true ones are not known; `states_given` sets have noisy labels beside the true ones. `recipe` has
    every value of `labelnoise.training.recipe.Recipe`. `version` must be raised when the arrays change.
    """

    name: str
    title: str
    source: str
    license: str
    classes: tuple[str, ...]
    recipe: Mapping[str, Any]
    load: Callable[[DatasetInfo, Path], Arrays | Listing]
    images: Images = Images.ARRAYS
    train_size: int | None = None
    channels: int = 3
    image_size: int | None = None
    asymmetric_maps: Mapping[str, Map] = field(default_factory=dict)
    human: Mapping[str, HumanLabels] = field(default_factory=dict)
    official_files: tuple[OfficialFile, ...] = ()
    test_sets: tuple[str, ...] = ("test",)
    labels: str = "clean"
    states_given: bool = False
    version: int = 1
    # A hash of the content, None where it is not known yet: for data sets without fixed official files.
    fingerprint_of: Callable[[Path], str | None] | None = None
    fingerprint: str | None = None
    # Of a user's own data set only: the catalogue entry it is like.
    like: str | None = None

    @property
    def published(self) -> str:
        """The catalogue entry that presets and human labels go by."""
        return self.like or self.name


@dataclass(frozen=True)
class Description:
    """What a config needs to know of a user's own data set before it is prepared.

    `labels` `(N,)` are those of the training samples, `files` their names where they are files; `sizes` are those of
    the test sets.
    """

    fingerprint: str
    classes: tuple[str, ...]
    labels: np.ndarray
    sizes: Mapping[str, int]
    channels: int = 3
    image_size: int | None = None
    states_given: bool = False
    files: list[str] | None = None
