"""ANIMAL-10N: two folders of images whose file names begin with the label."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from labelnoise.datasets import image_names
from labelnoise.datasets.info import DatasetInfo, Images, Listing
from labelnoise.datasets.recipes import IMAGENET_MEAN, IMAGENET_STD, papers_recipe
from labelnoise.errors import UserError
from labelnoise.files import canonical_hash

_FOLDERS = {"train": "training", "test": "testing"}


def fingerprint(folder: Path) -> str | None:
    """A hash of all file names, which include the labels; None if a folder is missing."""
    if not all((folder / name).is_dir() for name in _FOLDERS.values()):
        return None
    return canonical_hash([_names(folder / name)[0] for name in _FOLDERS.values()])


def load(info: DatasetInfo, folder: Path) -> Listing:
    """Files and labels of training/ and testing/, sorted by name; 3_17.jpg is an image with label 3."""
    listed = {split: _list_images(folder, name, info) for split, name in _FOLDERS.items()}
    others = sum((_names(folder / name)[1] for name in _FOLDERS.values()), Counter[str]())
    return Listing.of_pairs(listed, others)


def _names(folder: Path) -> tuple[list[str], Counter[str]]:
    with os.scandir(folder) as entries:
        return image_names.split(entry.name for entry in entries if entry.is_file())


def _list_images(folder: Path, name: str, info: DatasetInfo) -> list[tuple[str, int]]:
    if not (folder / name).is_dir():
        raise UserError(
            f"{folder / name} is missing: {info.name} is read from its folders {' and '.join(_FOLDERS.values())} "
            f"(docs/reference/datasets.md); set `path:` of {info.name} in the config to the folder that contains them"
        )
    files, others = _names(folder / name)
    if not files:
        found = image_names.describe(others)
        raise UserError(f"{folder / name} contains no images{f' ({found})' if found else ''}")
    pairs = []
    for file in files:
        label = file.partition("_")[0]
        if not label.isdecimal() or int(label) >= len(info.classes):
            raise UserError(
                f"{folder / name / file}: the name must begin with a label 0..{len(info.classes) - 1} and an underscore"
            )
        pairs.append((f"{name}/{file}", int(label)))
    return pairs


INFO = DatasetInfo(
    name="animal10n",
    title="five pairs of similar animals, labelled by people",
    source="ANIMAL-10N (Song, Kim & Lee, ICML 2019)",
    license="for research",
    classes=(
        "cat", "lynx", "wolf", "coyote", "cheetah", "jaguar", "chimpanzee", "orangutan", "hamster", "guinea pig",
    ),
    load=load,
    fingerprint_of=fingerprint,
    images=Images.FILES,
    labels="given",
    # Not from a paper (ANL+ reports ANIMAL-10N without a recipe): WebVision's optimiser with a smaller learning rate.
    recipe=papers_recipe(
        model="resnet50", epochs=120, lr=0.1, nesterov=True, weight_decay=1e-4, mean=IMAGENET_MEAN, std=IMAGENET_STD,
        augmentation=["random_crop", "flip"], image_size=64, resize=72, precision="auto", threads=8,
    ),
)  # fmt: skip
