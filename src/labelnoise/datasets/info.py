"""Types that describe a data set and the result of reading one. Needs no torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

# (true, wrong) pairs of class numbers, for asymmetric noise.
Map = tuple[tuple[int, int], ...]


class Images(StrEnum):
    """How a data set stores its images: small ones as arrays in memory, large ones as files."""

    ARRAYS = "arrays"
    FILES = "files"


@dataclass(frozen=True)
class Arrays:
    """Small images by split: uint8 `(N, C, H, W)`, and int64 class numbers `(N,)`.

    `given` are the noisy training labels `(N,)` of a data set that also has the true ones, which are in `labels`.
    """

    images: Mapping[str, np.ndarray]
    labels: Mapping[str, np.ndarray]
    given: np.ndarray | None = None


@dataclass(frozen=True)
class Listing:
    """Image files, relative to the folder that was read, and their class numbers, by split.

    `others` counts the files beside them that are no images by their ending, by ending.
    """

    files: Mapping[str, list[str]]
    labels: Mapping[str, list[int]]
    others: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of_pairs(cls, pairs: Mapping[str, list[tuple[str, int]]], others: Mapping[str, int] | None = None) -> Listing:
        """Make a listing from (file, class number) pairs by split."""
        files = {split: [file for file, _ in listed] for split, listed in pairs.items()}
        labels = {split: [label for _, label in listed] for split, listed in pairs.items()}
        return cls(files, labels, others or {})


@dataclass(frozen=True)
class Address:
    """The download URLs of an official file, and its checksum as (algorithm, hex digits)."""

    urls: tuple[str, ...]
    checksum: tuple[str, str]


@dataclass(frozen=True)
class OfficialFile:
    """An official file of a data set.

    `address` is a function because importing torchvision takes seconds. The file may be in the data set's folder or in
    one of the `folders` below it.
    """

    name: str
    address: Callable[[], Address]
    folders: tuple[str, ...] = ()


@dataclass(frozen=True)
class HumanLabels:
    """Labels from human annotators: the official file, and their key in it."""

    file: OfficialFile
    key: str


@dataclass(frozen=True, kw_only=True)
class DatasetInfo:
    """An entry of the catalogue, or a user's own data set.

    `load` reads it from a folder (a user's own arrays: from a file). Arrays have `image_size` pixels per side, and
    `train_size` is None if it is not fixed. `official_files` are to be downloaded. `human` are labels from human
    annotators, by variant; `asymmetric_maps` are maps by name. `labels` is `clean`, or `given` if the labels are noisy
    and the true ones unknown, and so is `test_labels`; with `states_given` there are noisy labels beside the true ones.
    `recipe` has every value of `labelnoise.training.recipe.Recipe`. Raise `version` when the arrays change.
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
    test_labels: str = "clean"
    states_given: bool = False
    version: int = 1
    # A hash of the content, None while it is unknown; for data sets without fixed official files.
    fingerprint_of: Callable[[Path], str | None] | None = None
    fingerprint: str | None = None
    # For a user's own data set: the similar catalogue entry.
    like: str | None = None

    @property
    def has_clean_tests(self) -> bool:
        """Whether there is a test set with true labels."""
        return bool(self.test_sets) and self.test_labels == "clean"

    @property
    def published(self) -> str:
        """The name of the catalogue entry whose presets and human labels apply."""
        return self.like or self.name


@dataclass(frozen=True)
class Description:
    """What a config needs to know of a user's own data set before it is prepared.

    `labels` `(N,)` belong to the training samples; `files` are their names, None for arrays. `sizes` are the sizes of
    the test sets. `stats` are the sizes and times of all image files, by name and split; `others` counts other files
    by their ending. `warnings` are sentences about doubtful classes.
    """

    fingerprint: str
    classes: tuple[str, ...]
    labels: np.ndarray
    sizes: Mapping[str, int]
    channels: int = 3
    image_size: int | None = None
    states_given: bool = False
    files: list[str] | None = None
    stats: Mapping[str, Mapping[str, os.stat_result]] = field(default_factory=dict)
    others: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
