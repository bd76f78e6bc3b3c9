"""MNIST, Fashion-MNIST, CIFAR and CIFAR-N are read as they come; unofficial or damaged files are refused."""

from __future__ import annotations

import gzip
import io
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from labelnoise.datasets import cifar, human, mnist, official_files, pickles
from labelnoise.datasets.store import open_prepared, prepare
from labelnoise.errors import UserError
from support import official_files as official


class Malicious:
    """Unpickling this object writes a file."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("dataset", ["mnist", "fashion_mnist"])
def test_mnist_is_read_in_order(tmp_path: Path, monkeypatch, dataset: str):
    held = official.mnist(tmp_path)
    official.accept(monkeypatch, dataset, tmp_path)
    arrays = mnist.load(official.info(dataset, 40), tmp_path)
    for name, array in held.items():
        split, _, what = name.partition("_")
        assert (getattr(arrays, what)[split].reshape(array.shape) == array).all()
    assert arrays.images["train"].shape == (40, 1, 28, 28)
    assert arrays.images["train"].dtype == np.uint8
    assert arrays.labels["train"].dtype == np.int64


def test_files_are_also_found_in_torchvisions_folder(tmp_path: Path, monkeypatch):
    official.mnist(tmp_path / "MNIST" / "raw")
    official.accept(monkeypatch, "mnist", tmp_path / "MNIST" / "raw")
    assert len(mnist.load(official.info("mnist", 40), tmp_path).labels["train"]) == 40


def test_cifar10_is_read_in_order(tmp_path: Path, monkeypatch):
    batches = official.cifar10(tmp_path / "cifar-10-python.tar.gz")
    official.accept(monkeypatch, "cifar10", tmp_path)
    prepare(official.info("cifar10", 100), tmp_path, tmp_path / "out")
    prepared = open_prepared(tmp_path / "out", {"name": "cifar10", "version": 1})
    expected = np.concatenate([batch["data"] for batch in batches[:5]]).reshape(100, 3, 32, 32)
    assert (prepared.train.images == expected).all()
    assert prepared.train.labels.tolist() == [label for batch in batches[:5] for label in batch["labels"]]
    assert prepared.test_sets["test"].labels.tolist() == batches[5]["labels"]
    assert isinstance(prepared.train.images, np.memmap)


def test_cifar100_uses_the_fine_labels(tmp_path: Path, monkeypatch):
    train, test = official.cifar100(tmp_path / "cifar-100-python.tar.gz")
    official.accept(monkeypatch, "cifar100", tmp_path)
    arrays = cifar.load(official.info("cifar100", 200), tmp_path)
    assert arrays.labels["train"].tolist() == train["fine_labels"]
    assert arrays.labels["test"].tolist() == test["fine_labels"]


def test_wrong_byte_is_refused_before_unpickling(tmp_path: Path, monkeypatch):
    path = tmp_path / "cifar-10-python.tar.gz"
    official.cifar10(path)
    official.accept(monkeypatch, "cifar10", tmp_path)
    address = official_files.address_of(cifar.CIFAR10.official_files[0])
    monkeypatch.setattr(official_files, "address_of", lambda _: address)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    monkeypatch.setattr(cifar, "numpy_pickle", lambda *_: pytest.fail("it was unpickled"))
    with pytest.raises(UserError, match=r"cifar-10-python\.tar\.gz is not the official file: its sha256 is"):
        cifar.load(official.info("cifar10", 100), tmp_path)


def test_file_with_the_right_name_and_wrong_content_is_refused(tmp_path: Path):
    official.cifar10(tmp_path / "cifar-10-python.tar.gz")
    with pytest.raises(UserError, match="is not the official file: its md5 is"):
        cifar.load(official.info("cifar10", 100), tmp_path)


def test_missing_file_is_named_with_its_remedy(tmp_path: Path):
    with pytest.raises(UserError, match=r"cifar-10-python\.tar\.gz is missing: run `labelnoise download cifar10`"):
        cifar.load(official.info("cifar10", 100), tmp_path)


BROKEN_IDX = {
    "truncated gzip": lambda whole: whole[: len(whole) // 2],
    "no gzip": lambda whole: b"hello",
    "another format": lambda whole: gzip.compress(b"\x01\x02\x03\x04" * 10),
    "short": lambda whole: gzip.compress(gzip.decompress(whole)[:-5]),
    "empty": lambda whole: b"",
}


@pytest.mark.parametrize("how", BROKEN_IDX)
def test_broken_idx_files_are_named(tmp_path: Path, how: str):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(BROKEN_IDX[how](official.idx(np.zeros((3, 28, 28)))))
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte\.gz (is damaged|is not an IDX|should hold)"):
        mnist.read_idx(path)


BROKEN_ARCHIVES = {
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:2000]), "is damaged|cannot be read"),
    "no archive": (lambda path: path.write_bytes(b"hello"), "is damaged"),
    "no batch": (
        lambda path: official.archive(path, {"readme": b"hello"}),
        "has no file cifar-10-batches-py/data_batch_1",
    ),
    "no pickle": (
        lambda path: official.archive(path, {"cifar-10-batches-py/data_batch_1": b"hello"}),
        "cannot be read safely",
    ),
    "other lengths": (
        lambda path: official.archive(
            path,
            {"cifar-10-batches-py/data_batch_1": pickle.dumps({"data": np.zeros((3, 3072), np.uint8), "labels": [0]})},
        ),
        "as many labels as images",
    ),
}


@pytest.mark.parametrize("how", BROKEN_ARCHIVES)
def test_broken_archives_are_named(tmp_path: Path, monkeypatch, how: str):
    path = tmp_path / "cifar-10-python.tar.gz"
    official.cifar10(path)
    breaking, message = BROKEN_ARCHIVES[how]
    breaking(path)
    official.accept(monkeypatch, "cifar10", tmp_path)
    with pytest.raises(UserError, match=message) as caught:
        cifar.load(official.info("cifar10", 100), tmp_path)
    assert path.name in str(caught.value)


def test_labels_out_of_range_and_wrong_sizes_are_refused(tmp_path: Path, monkeypatch):
    official.mnist(tmp_path)
    labels = np.arange(40) % 10
    labels[7] = 10
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(official.idx(labels))
    official.accept(monkeypatch, "mnist", tmp_path)
    with pytest.raises(UserError, match=r"sample 7 of train has the label 10, outside 0\.\.9"):
        prepare(official.info("mnist", 40), tmp_path, tmp_path / "out")
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(official.idx(labels[:30] % 10))
    official.accept(monkeypatch, "mnist", tmp_path)
    with pytest.raises(UserError, match="40 images but 30 labels in train"):
        prepare(official.info("mnist", 40), tmp_path, tmp_path / "out")
    official.mnist(tmp_path)
    official.accept(monkeypatch, "mnist", tmp_path)
    with pytest.raises(UserError, match="expected 60000 training images, found 40"):
        prepare(official.info("mnist", 60_000), tmp_path, tmp_path / "out")
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_malicious_pickle_in_cifars_archive_does_not_run(tmp_path: Path, monkeypatch):
    mark = tmp_path / "it ran"
    content = pickle.dumps({"data": Malicious(mark), "labels": [0]})
    official.archive(tmp_path / "cifar-10-python.tar.gz", {"cifar-10-batches-py/data_batch_1": content})
    official.accept(monkeypatch, "cifar10", tmp_path)
    with pytest.raises(UserError, match="which no data set needs"):
        cifar.load(official.info("cifar10", 100), tmp_path)
    assert not mark.exists()
    pickle.loads(content)
    assert mark.exists()  # shows that the test can fail


@pytest.mark.parametrize("name", ["eval", "getattr", "__import__", "exec"])
def test_no_builtin_is_unpickled(name: str):
    content = f"c__builtin__\n{name}\n(V1\ntR.".encode()
    with pytest.raises(UserError, match="cannot be read safely"):
        pickles.numpy_pickle(content, "a batch")


def human_file(path: Path, clean: np.ndarray, **labels: object) -> None:
    """Write a label file in the format of CIFAR-N's authors: a dictionary of numpy arrays, saved by torch.save."""
    torch.save({"clean_label": clean} | labels, path)


@pytest.fixture
def true_labels() -> np.ndarray:
    return np.arange(200, dtype=np.int64) % 10


def test_human_labels_are_read_and_must_match_the_data_set(tmp_path: Path, monkeypatch, true_labels: np.ndarray):
    path = tmp_path / "CIFAR-10_human.pt"
    human_file(path, true_labels, worse_label=(true_labels + 1) % 10, aggre_label=true_labels)
    official.accept(monkeypatch, "cifar10", tmp_path)
    assert (human.load("cifar10", "worst", tmp_path, true_labels) == (true_labels + 1) % 10).all()
    assert (human.load("cifar10", "aggre", tmp_path, true_labels) == true_labels).all()
    with pytest.raises(UserError, match="must hold the labels clean_label and random_label1"):
        human.load("cifar10", "random1", tmp_path, true_labels)
    with pytest.raises(UserError, match="was made for cifar10 in its official order"):
        human.load("cifar10", "worst", tmp_path, np.roll(true_labels, 1))
    with pytest.raises(UserError, match="was made for cifar10"):
        human.load("cifar10", "worst", tmp_path, true_labels[:100])


def test_human_labels_out_of_range_are_refused(tmp_path: Path, monkeypatch, true_labels: np.ndarray):
    human_file(tmp_path / "CIFAR-10_human.pt", true_labels, worse_label=true_labels + 5)
    official.accept(monkeypatch, "cifar10", tmp_path)
    with pytest.raises(UserError, match="worse_label has labels outside the classes of cifar10"):
        human.load("cifar10", "worst", tmp_path, true_labels)


def test_malicious_pickle_in_human_labels_does_not_run(tmp_path: Path, monkeypatch, true_labels: np.ndarray):
    mark = tmp_path / "it ran"
    human_file(tmp_path / "CIFAR-10_human.pt", true_labels, worse_label=Malicious(mark))
    official.accept(monkeypatch, "cifar10", tmp_path)
    with pytest.raises(UserError, match="cannot be read safely"):
        human.load("cifar10", "worst", tmp_path, true_labels)
    assert not mark.exists()
    torch.load(tmp_path / "CIFAR-10_human.pt", weights_only=False)
    assert mark.exists()


def test_human_labels_are_not_unpickled_before_their_checksum_is_verified(
    tmp_path: Path, monkeypatch, true_labels: np.ndarray
):
    human_file(tmp_path / "CIFAR-10_human.pt", true_labels, worse_label=true_labels)
    monkeypatch.setattr(human, "torch_pickle", lambda *_: pytest.fail("it was unpickled"))
    with pytest.raises(UserError, match="is not the official file: its sha256 is"):
        human.load("cifar10", "worst", tmp_path, true_labels)


def test_archives_are_never_extracted(tmp_path: Path, monkeypatch):
    """A member with a path outside the archive is not written."""
    batches = {
        f"cifar-10-batches-py/data_batch_{i}": pickle.dumps(official.batch(20, 10, "labels"), 2) for i in range(1, 6)
    }
    batches["cifar-10-batches-py/test_batch"] = pickle.dumps(official.batch(20, 10, "labels"), 2)
    inside = tmp_path / "inside"
    official.archive(inside / "cifar-10-python.tar.gz", batches | {"../outside": b"x", "/tmp/outside": b"x"})
    official.accept(monkeypatch, "cifar10", inside)
    cifar.load(official.info("cifar10", 100), inside)
    assert [path.name for path in tmp_path.rglob("*")] == ["inside", "cifar-10-python.tar.gz"]


def test_invalid_torch_file_is_refused(tmp_path: Path):
    for content in (b"", b"hello", pickle.dumps([1]), io.BytesIO(b"PK\x03\x04").getvalue()):
        (tmp_path / "x.pt").write_bytes(content)
        with pytest.raises(UserError, match=r"x\.pt cannot be read safely"):
            pickles.torch_pickle(tmp_path / "x.pt")
