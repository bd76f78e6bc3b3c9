"""A user's own arrays: any usual shape is read, anything else is refused; other content is another data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labelnoise.datasets import arrays
from labelnoise.datasets.store import open_prepared, prepare
from labelnoise.errors import UserError
from labelnoise.experiment.config import DatasetEntry
from labelnoise.experiment.datasets import Dataset, resolve_dataset

IMAGES = np.random.RandomState(0).randint(0, 256, (30, 12, 12, 3)).astype(np.uint8)
LABELS = np.arange(30) % 3


def written(path: Path, **changes: np.ndarray | None) -> Path:
    held = {"x_train": IMAGES, "y_train": LABELS, "x_test": IMAGES[:9], "y_test": LABELS[:9]} | changes
    np.savez(path, **{name: array for name, array in held.items() if array is not None})
    return path


def mine(path: Path, like: str = "cifar10") -> Dataset:
    return resolve_dataset(DatasetEntry(name="mine", arrays=str(path), like=like))


@pytest.mark.parametrize(
    ("x", "shape"),
    [
        (IMAGES, (30, 3, 12, 12)),
        (IMAGES.transpose(0, 3, 1, 2), (30, 3, 12, 12)),
        (IMAGES[..., 0], (30, 1, 12, 12)),
        (IMAGES[..., :1], (30, 1, 12, 12)),
    ],
)
def test_images_are_read_channels_first_from_any_usual_shape(tmp_path: Path, x: np.ndarray, shape: tuple):
    chosen = mine(written(tmp_path / "a.npz", x_train=x, x_test=x[:9]))
    prepare(chosen.info, chosen.source, tmp_path / "out")
    prepared = open_prepared(tmp_path / "out", chosen.identity)
    assert prepared.train.images.shape == shape
    assert (prepared.train.images[:, 0] == IMAGES[..., 0]).all()
    assert prepared.train.labels.tolist() == LABELS.tolist()
    assert prepared.test_sets["test"].images.shape == (9, *shape[1:])
    assert chosen.info.channels == shape[1]


def test_further_test_sets_and_class_names_are_read(tmp_path: Path):
    path = written(tmp_path / "a.npz", x_hard=IMAGES[:6], y_hard=LABELS[:6], classes=np.array(["cat", "dog", "eel"]))
    chosen = mine(path)
    assert chosen.info.test_sets == ("hard", "test")
    assert chosen.info.classes == ("cat", "dog", "eel")


def test_unnamed_classes_are_named_as_in_the_data_set_it_is_like(tmp_path: Path):
    chosen = mine(written(tmp_path / "a.npz", y_train=np.arange(30) % 10))
    assert chosen.info.classes[3] == "cat"
    assert chosen.info.asymmetric_maps
    assert not mine(written(tmp_path / "a.npz")).info.asymmetric_maps


@pytest.mark.parametrize(
    "labels",
    [LABELS.astype(float), LABELS[:, None], np.eye(3)[LABELS], LABELS.astype(str), np.array(list("abc"))[LABELS]],
    ids=["floats", "column", "one-hot", "text", "names"],
)
def test_labels_in_any_unambiguous_form_give_the_same_classes(tmp_path: Path, labels: np.ndarray):
    chosen = mine(written(tmp_path / "a.npz", y_train=labels, y_test=labels[:9]))
    prepare(chosen.info, chosen.source, tmp_path / "out")
    assert open_prepared(tmp_path / "out", chosen.identity).train.labels.tolist() == LABELS.tolist()


def test_true_labels_are_kept_beside_the_noisy_ones(tmp_path: Path):
    given = LABELS.copy()
    given[0] = 2
    chosen = mine(written(tmp_path / "a.npz", y_train=given, y_train_clean=LABELS))
    assert chosen.info.states_given
    prepare(chosen.info, chosen.source, tmp_path / "out")
    prepared = open_prepared(tmp_path / "out", chosen.identity)
    assert prepared.train.labels.tolist() == LABELS.tolist()
    assert prepared.train.given.tolist() == given.tolist()


def test_other_content_is_another_data_set(tmp_path: Path):
    path = written(tmp_path / "a.npz")
    before = mine(path).info.fingerprint
    np.savez_compressed(tmp_path / "b.npz", **np.load(path))
    assert mine(tmp_path / "b.npz").info.fingerprint == before
    changed = IMAGES.copy()
    changed[3, 4, 5] ^= 1
    assert mine(written(path, x_train=changed)).info.fingerprint != before


def test_data_prepared_under_another_fingerprint_is_refused(tmp_path: Path):
    chosen = mine(written(tmp_path / "a.npz"))
    prepare(chosen.info, chosen.source, tmp_path / "out")
    with pytest.raises(UserError, match="was prepared for another data set"):
        open_prepared(tmp_path / "out", chosen.identity | {"fingerprint": "0"})


def test_published_maps_are_matched_by_class_name(tmp_path: Path):
    ten = np.arange(30) % 10
    reversed_names = np.array(mine(written(tmp_path / "a.npz", y_train=ten)).info.classes[::-1])
    pairs = mine(written(tmp_path / "a.npz", y_train=ten, classes=reversed_names)).info.asymmetric_maps["published"]
    assert ("truck", "automobile") in [(reversed_names[true], reversed_names[wrong]) for true, wrong in pairs]
    others = np.array(list("abcdefghij"))
    assert not mine(written(tmp_path / "a.npz", y_train=ten, classes=others)).info.asymmetric_maps


def test_own_numeric_class_names_are_kept(tmp_path: Path):
    names = np.array([str(k) for k in range(1, 11)])
    assert mine(written(tmp_path / "a.npz", y_train=np.arange(30) % 10, classes=names)).info.classes == tuple(names)


def test_another_like_gives_another_fingerprint(tmp_path: Path):
    path = written(tmp_path / "a.npz", y_train=np.arange(30) % 10)
    assert mine(path, "cifar10").info.fingerprint != mine(path, "fashion_mnist").info.fingerprint


BAD = [
    ({"x_test": IMAGES[:9, :6, :6]}, "x_test has 3 channels and 6 pixels per side, but x_train has 3 and 12"),
    ({"x_test": IMAGES[:9, ..., 0]}, "x_test has 1 channels"),
    ({"y_train": np.full(30, 1_000_000)}, "no sample has the label 0, though labels go up to 1000000"),
    ({"y_train": np.zeros(30, int), "y_test": np.zeros(9, int)}, "at least two classes"),
    ({"classes": np.array(["cat", "cat", "dog"])}, "two classes are called 'cat'"),
    ({"classes": np.array([b"cat", b"dog", b"eel"])}, "classes must be a list of names"),
    ({"classes": np.array(["c$t", "dog", "eel"])}, "cannot be printed in tables and figures"),
    ({"y_test": None}, "has x_test, but no y_test"),
    ({"x_train": IMAGES / 255}, r"x_train is float64; .* convert floats in .* by `\(x_train \* 255\).round\(\)"),
    ({"x_train": IMAGES.astype(int)}, r'x_train is int64; .* whole numbers in 0–255 by `x_train.astype\("uint8"\)`'),
    ({"x_train": (IMAGES / 255).astype(np.uint8)}, "no pixel of x_train exceeds 1, as when floats"),
    ({"x_test": (IMAGES[:9] / 255).astype(np.uint8)}, r"no pixel of x_test exceeds 1.*\(x_test \* 255\)"),
    ({"y_train": np.array(["dog", "cat", "ant"])[LABELS]}, "y_train holds class names, but y_test numbers"),
    ({"y_train_clean": LABELS, "y_train": (LABELS + 1) % 3}, r"0 of 30 labels .* but with 30 if they mean 0 → 2"),
    ({"y_train": np.array(["a", "b", "c"], dtype=object)[LABELS]}, r"y_train is an array of Python objects"),
    ({"x_train": IMAGES[:, :10]}, "x_train is 30 × 10 × 12 × 3; images must be N × side × side"),
    ({"x_train": IMAGES[0]}, "x_train is 12 × 12 × 3|30 images"),
    ({"y_train": LABELS + 0.5}, "y_train, sample 0: the label 0.5 is neither a whole number"),
    ({"y_train": LABELS - 1}, "y_train, sample 0: the label -1 is negative"),
    ({"y_train": LABELS[:20]}, "30 images but 20 labels in train"),
    (
        {"y_test": LABELS[:9] + 1},
        "y_test, sample 2: the label 3 is outside the 3 classes 0..2; labels are numbered from 1",
    ),
    ({"y_test": LABELS[:9] - 1}, "y_test, sample 0: the label -1 is negative"),
    ({"x_test": IMAGES[:0], "y_test": LABELS[:0]}, "y_test, sample 0: there are no labels"),
    ({"y_train": LABELS + 1, "y_test": LABELS[:9] + 1}, "labels are numbered from 1 to 3; number them from 0"),
    ({"y_train": LABELS * 2, "y_test": LABELS[:9] * 2}, "no sample has the label 1, though labels go up to 4"),
    ({"classes": np.array(list("abcdefghijkl"))}, "no sample has the class d .9 of 12 classes are empty."),
    ({"y_train_clean": LABELS[:9]}, "30 images but 9 labels in y_train_clean|9 labels"),
    ({"x_hard": IMAGES}, "has x_hard, but no y_hard"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_unusable_arrays_are_refused_with_the_reason(tmp_path: Path, changes: dict, message: str):
    path = written(tmp_path / "a.npz", **changes)
    with pytest.raises(UserError, match=message):
        chosen = mine(path)
        prepare(chosen.info, chosen.source, tmp_path / "out")
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_pickled_arrays_are_not_loaded(tmp_path: Path):
    path = written(tmp_path / "a.npz", y_train=np.array([{"a": 1}] * 30, dtype=object))
    with pytest.raises(UserError):
        mine(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 hello"])
def test_file_that_is_not_an_npz_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.npz is not a readable \.npz"):
        arrays.describe(tmp_path / "a.npz")


def test_damaged_array_is_refused(tmp_path: Path):
    path = written(tmp_path / "a.npz")
    content = bytearray(path.read_bytes())
    content[2000] ^= 255
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"the array x_train cannot be read \(Bad CRC-32"):
        mine(path)
