"""Where the official files come from, and how to know them. Addresses and checksums of the images are torchvision's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from labelnoise.datasets.catalogue import DATASETS
from labelnoise.errors import UserError, unknown


@dataclass(frozen=True)
class Source:
    """One official file: its addresses, and its checksum as (algorithm, hex digits)."""

    file: str
    urls: tuple[str, ...]
    checksum: tuple[str, str]


_CIFAR_N = "https://github.com/UCSC-REAL/cifar-10-100n/raw/main/data/"
_HUMAN = {
    "CIFAR-10_human.pt": "873e69c39cb9b5e97fb6bae2d60bb59b38a5cbc31d2b868f7903dcb2b9dd2310",
    "CIFAR-100_human.pt": "bd2d80409754d420292d622e15e25248ba21e37d27429efac49c8da723f44394",
}


def source(dataset: str, file: str) -> Source:
    """The official file of that name; `UserError` where the data set has no such file to download."""
    if file in _HUMAN and file in {name for name, _ in DATASETS[dataset].human.values()}:
        return Source(file, (_CIFAR_N + file,), ("sha256", _HUMAN[file]))
    if file not in DATASETS[dataset].files:
        raise UserError(unknown(f"file of {dataset}", file, DATASETS[dataset].files))
    # Only here: importing it takes seconds.
    from torchvision import datasets as torchvision

    if dataset in ("cifar10", "cifar100"):
        cifar = torchvision.CIFAR10 if dataset == "cifar10" else torchvision.CIFAR100
        return Source(file, (cifar.url,), ("md5", cifar.tgz_md5))
    mnist = torchvision.MNIST if dataset == "mnist" else torchvision.FashionMNIST
    return Source(file, tuple(mirror + file for mirror in mnist.mirrors), ("md5", dict(mnist.resources)[file]))


def find(dataset: str, file: str, folder: Path) -> Path:
    """The official file in `folder` (or where torchvision puts it there), its checksum verified.

    `UserError` when it is missing, with where to get it and where to put it, or when its bytes are not the official
    ones: it is never read further then.
    """
    official = source(dataset, file)
    raw = {"mnist": "MNIST/raw", "fashion_mnist": "FashionMNIST/raw"}.get(dataset, ".")
    path = next((path for path in (folder / file, folder / raw / file) if path.is_file()), None)
    if path is None:
        raise UserError(
            f"{folder / file} is missing: run `labelnoise download {dataset}`, or get it from {official.urls[0]} and "
            "put it there"
        )
    verify(path, official)
    return path


def verify(path: Path, official: Source) -> None:
    """`UserError` unless the file has the official checksum."""
    algorithm, expected = official.checksum
    with path.open("rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found != expected:
        raise UserError(
            f"{path} is not the official file: its {algorithm} is {found}, not {expected} (a broken download, or "
            f"another file of that name); delete it and get it from {official.urls[0]}. Images of your own go in as "
            "`arrays` or `image_folder` (docs/data.md)"
        )
