"""The prepared form of a data set: one .npy an array, memory-mapped, and dataset.json written last."""

from __future__ import annotations

import hashlib
import importlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labelnoise.datasets.catalogue import DATASETS
from labelnoise.errors import UserError, unknown
from labelnoise.files import read_json, replacing, write_json


@dataclass(frozen=True)
class Prepared:
    """An opened data set: uint8 images `(N, C, H, W)` and int64 labels `(N,)`, for training and by test set."""

    name: str
    classes: list[str]
    train_images: np.ndarray
    train_labels: np.ndarray
    test_sets: dict[str, tuple[np.ndarray, np.ndarray]]

    @property
    def num_classes(self) -> int:
        return len(self.classes)


def prepare(name: str, folder: Path) -> None:
    """Load the data set `name` and write its prepared form into `folder`."""
    if name not in DATASETS:
        raise UserError(unknown("data set", name, DATASETS))
    info = DATASETS[name]
    arrays = importlib.import_module(f"labelnoise.datasets.{info.module}").load()
    _check(arrays, name, len(info.classes), info.train_size)
    for key, array in arrays.items():
        with replacing(folder / f"{key}.npy") as temporary, temporary.open("wb") as file:
            np.save(file, array, allow_pickle=False)
    write_json(
        folder / "dataset.json",
        {
            "name": name,
            "version": info.version,
            "title": info.title,
            "source": info.source,
            "license": info.license,
            "classes": list(info.classes),
            "test_sets": list(info.test_sets),
            "sizes": {key: len(array) for key, array in arrays.items() if key.endswith("_labels")},
            "sha256": {key: hashlib.sha256(array.tobytes()).hexdigest() for key, array in arrays.items()},
        },
    )


def open_prepared(folder: Path) -> Prepared:
    """The data set prepared in `folder`; `UserError` when it is missing, incomplete or not what was prepared."""
    info = read_json(folder / "dataset.json", "prepared data set")

    def array(key: str) -> np.ndarray:
        path, remedy = folder / f"{key}.npy", f"delete {folder} and run again"
        try:
            found = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise UserError(f"{path} is missing or damaged ({error}); {remedy}") from None
        if hashlib.sha256(found).hexdigest() != info["sha256"][key]:
            raise UserError(f"{path} is damaged: its content is not what was prepared; {remedy}")
        return found

    return Prepared(
        name=info["name"],
        classes=info["classes"],
        train_images=array("train_images"),
        train_labels=array("train_labels"),
        test_sets={test: (array(f"{test}_images"), array(f"{test}_labels")) for test in info["test_sets"]},
    )


def _check(arrays: dict[str, np.ndarray], name: str, num_classes: int, train_size: int) -> None:
    for key, labels in arrays.items():
        if not key.endswith("_labels"):
            continue
        images = arrays[key.replace("_labels", "_images")]
        if len(images) != len(labels):
            raise UserError(f"{name}: {len(images)} images but {len(labels)} labels in {key}")
        if labels.min() < 0 or labels.max() >= num_classes:
            raise UserError(f"{name}: {key} has labels outside 0..{num_classes - 1}")
    if len(arrays["train_labels"]) != train_size:
        raise UserError(f"{name}: expected {train_size} training images, found {len(arrays['train_labels'])}")
