"""MNIST and Fashion-MNIST: four gzipped IDX files."""

from __future__ import annotations

import gzip
import zlib
from functools import partial
from pathlib import Path

import numpy as np

from labelnoise.datasets import official_files
from labelnoise.datasets.info import Address, Arrays, DatasetInfo, Map, OfficialFile
from labelnoise.datasets.recipes import papers_recipe
from labelnoise.errors import UserError

DIGITS = tuple("0123456789")

# The published map (Patrini et al. 2017): 7→1, 2→7, 5↔6, 3→8.
DIGITS_MAP: Map = ((7, 1), (2, 7), (5, 6), (6, 5), (3, 8))

_FILES = {
    ("train", "images"): "train-images-idx3-ubyte.gz",
    ("train", "labels"): "train-labels-idx1-ubyte.gz",
    ("test", "images"): "t10k-images-idx3-ubyte.gz",
    ("test", "labels"): "t10k-labels-idx1-ubyte.gz",
}


def load(info: DatasetInfo, folder: Path) -> Arrays:
    """Read images uint8 `(N, 1, 28, 28)` and labels int64 `(N,)` for train and test, in the official order."""
    read = {
        key: read_idx(official_files.find(info, file, folder))
        for key, file in zip(_FILES, info.official_files, strict=True)
    }
    return Arrays(
        images={split: read[split, "images"][:, None] for split in ("train", "test")},
        labels={split: read[split, "labels"].astype(np.int64) for split in ("train", "test")},
    )


def read_idx(path: Path) -> np.ndarray:
    """Read the uint8 array in a gzipped IDX file; raises `UserError` if it is damaged or in another format."""
    try:
        with gzip.open(path) as file:
            content = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} is damaged ({error}); delete it and download it again") from None
    dimensions = content[3] if len(content) > 3 else 0
    start = 4 + 4 * dimensions
    if content[:3] != b"\0\0\x08" or not dimensions or len(content) < start:
        raise UserError(f"{path} is not an IDX file of bytes; download it again")
    shape = np.frombuffer(content[4:start], dtype=">u4").astype(int).tolist()
    if len(content) - start != np.prod(shape):
        raise UserError(
            f"{path} should hold {' × '.join(map(str, shape))} bytes, but holds {len(content) - start}; "
            "download it again"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


def _address(cls: str, file: str) -> Address:
    """The addresses and checksum from torchvision's class of this name."""
    from torchvision import datasets

    mnist = getattr(datasets, cls)
    return Address(tuple(mirror + file for mirror in mnist.mirrors), ("md5", dict(mnist.resources)[file]))


def _official(cls: str) -> tuple[OfficialFile, ...]:
    return tuple(OfficialFile(file, partial(_address, cls, file), (f"{cls}/raw",)) for file in _FILES.values())


_RECIPE = papers_recipe(model="cnn4", epochs=50, lr=0.01, weight_decay=1e-3, mean=[0.1307], std=[0.3081])

MNIST = DatasetInfo(
    name="mnist",
    title="handwritten digits, 28 × 28",
    source="MNIST (LeCun, Cortes & Burges 1998)",
    license="CC BY-SA 3.0",
    classes=DIGITS,
    load=load,
    train_size=60_000,
    channels=1,
    image_size=28,
    asymmetric_maps={"published": DIGITS_MAP},
    official_files=_official("MNIST"),
    # From ALF 2021 and ANL 2023; the code of APL has other values, see its preset.
    recipe=_RECIPE,
)

FASHION_MNIST = DatasetInfo(
    name="fashion_mnist",
    title="clothes, 28 × 28",
    source="Fashion-MNIST (Xiao, Rasul & Vollgraf 2017)",
    license="MIT",
    classes=(
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
    load=load,
    train_size=60_000,
    channels=1,
    image_size=28,
    official_files=_official("FashionMNIST"),
    # Not from a paper: the recipe of MNIST, whose images have the same size.
    recipe=_RECIPE,
)  # fmt: skip
