"""The digits data set: fixed split, documented sizes, prepared form."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.digits import load
from labelnoise.datasets.info import Arrays
from labelnoise.datasets.store import open_prepared, prepare
from labelnoise.errors import UserError


def digits() -> Arrays:
    return load(DATASETS["digits"], Path())


SHA256 = {
    "train_images": "503377f9cfaca149d5f4766a565f241ffa34779a6052ed8f96ddd783e9ed34eb",
    "test_labels": "ee6ec0ae7823271abdaa9092fefe38ec720e2d13d041a0541dbd4099bda0fc56",
}


def test_split_is_stratified_and_covers_every_image_once():
    arrays = digits()
    assert (len(arrays.labels["train"]), len(arrays.labels["test"])) == (1442, 355)
    everything = np.bincount(load_digits().target)
    train, test = np.bincount(arrays.labels["train"]), np.bincount(arrays.labels["test"])
    assert (train + test == everything).all()
    assert (np.abs(test - everything / 5) < 1).all()


def test_arrays_are_pinned():
    arrays = digits()
    pinned = {"train_images": arrays.images["train"], "test_labels": arrays.labels["test"]}
    assert {name: hashlib.sha256(values.tobytes()).hexdigest() for name, values in pinned.items()} == SHA256


def test_grey_levels_keep_their_order_and_range():
    images = digits().images["train"]
    assert images.dtype == np.uint8
    assert images.shape[1:] == (1, 8, 8)
    assert len(np.unique(images)) == 17
    assert (images.min(), images.max()) == (0, 255)


def test_prepared_form_opens_unchanged(tmp_path: Path):
    prepare(DATASETS["digits"], Path(), tmp_path)
    prepared, arrays = open_prepared(tmp_path, {"name": "digits", "version": 1}), digits()
    assert isinstance(prepared.train.images, np.memmap)
    assert (prepared.train.images == arrays.images["train"]).all()
    assert (prepared.test_sets["test"].labels == arrays.labels["test"]).all()
    assert prepared.num_classes == 10


def test_missing_and_damaged_files_are_named(tmp_path: Path):
    with pytest.raises(UserError, match="no such prepared data set"):
        open_prepared(tmp_path, {"name": "digits", "version": 1})
    prepare(DATASETS["digits"], Path(), tmp_path)
    (tmp_path / "train_images.npy").write_bytes(b"not an array")
    with pytest.raises(UserError, match=r"train_images\.npy is missing or damaged"):
        open_prepared(tmp_path, {"name": "digits", "version": 1})


def test_changed_bytes_are_refused(tmp_path: Path):
    prepare(DATASETS["digits"], Path(), tmp_path)
    path = tmp_path / "train_images.npy"
    path.write_bytes(path.read_bytes()[:-100] + bytes(100))
    with pytest.raises(UserError, match="its content has changed"):
        open_prepared(tmp_path, {"name": "digits", "version": 1})


def test_data_prepared_by_another_version_is_refused(tmp_path: Path):
    prepare(DATASETS["digits"], Path(), tmp_path)
    with pytest.raises(UserError, match=r"prepared for another data set \(version 1, wanted 2"):
        open_prepared(tmp_path, {"name": "digits", "version": 2})
