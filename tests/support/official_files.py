"""Small files in the official formats of MNIST, CIFAR and CIFAR-N, and a way to have them accepted as official."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

from labelnoise.datasets import catalogue, official_files
from labelnoise.datasets.info import Address, DatasetInfo, OfficialFile

RANDOM = np.random.RandomState(0)


def idx(array: np.ndarray) -> bytes:
    """A uint8 array as gzipped IDX."""
    header = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(header + array.astype(np.uint8).tobytes())


def mnist(folder: Path, sizes: tuple[int, int] = (40, 20)) -> dict[str, np.ndarray]:
    """Write the four files with random images; returns their content."""
    content = {}
    for split, prefix, size in zip(("train", "test"), ("train", "t10k"), sizes, strict=True):
        content[f"{split}_images"] = RANDOM.randint(0, 256, (size, 28, 28))
        content[f"{split}_labels"] = RANDOM.permutation(np.arange(size) % 10)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(idx(content[f"{split}_images"]))
        (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(idx(content[f"{split}_labels"]))
    return content


def batch(size: int, num_classes: int, key: str) -> dict[str, object]:
    labels = RANDOM.permutation(np.arange(size) % num_classes).tolist()
    return {"data": RANDOM.randint(0, 256, (size, 3072)).astype(np.uint8), key: labels, "filenames": ["x.png"] * size}


def archive(path: Path, members: dict[str, bytes]) -> None:
    """Write a .tar.gz of these members."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as file:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))


def cifar10(path: Path) -> list[dict[str, object]]:
    """Write five batches and a test batch of 20 images, pickled with protocol 2; returns their content."""
    batches = [batch(20, 10, "labels") for _ in range(6)]
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    archive(
        path,
        {f"cifar-10-batches-py/{name}": pickle.dumps(held, 2) for name, held in zip(names, batches, strict=True)},
    )
    return batches


def cifar100(path: Path) -> list[dict[str, object]]:
    batches = [batch(200, 100, "fine_labels"), batch(100, 100, "fine_labels")]
    members = zip(("train", "test"), batches, strict=True)
    archive(path, {f"cifar-100-python/{name}": pickle.dumps(held, 2) for name, held in members})
    return batches


def accept(monkeypatch: pytest.MonkeyPatch, dataset: str, folder: Path) -> None:
    """Accept the files in `folder` as official: their checksums are checked like the real ones."""
    real, ours = official_files.address_of, official_files.all_files(catalogue.DATASETS[dataset]).values()

    def address_of(file: OfficialFile) -> Address:
        address, path = real(file), folder / file.name
        if file not in ours or not path.exists():
            return address
        return Address(address.urls, ("sha256", hashlib.sha256(path.read_bytes()).hexdigest()))

    monkeypatch.setattr(official_files, "address_of", address_of)


def info(dataset: str, train_size: int) -> DatasetInfo:
    """The catalogue entry with another number of training images."""
    return dataclasses.replace(catalogue.DATASETS[dataset], train_size=train_size)
