"""CIFAR-10 and CIFAR-100: pickles in a .tar.gz, read in place, never extracted."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path

import numpy as np

from labelnoise.datasets import sources
from labelnoise.datasets.catalogue import DatasetInfo
from labelnoise.datasets.pickles import numpy_pickle
from labelnoise.errors import UserError

_BATCHES = {
    "cifar10": {
        "train": [f"cifar-10-batches-py/data_batch_{number}" for number in range(1, 6)],
        "test": ["cifar-10-batches-py/test_batch"],
    },
    "cifar100": {"train": ["cifar-100-python/train"], "test": ["cifar-100-python/test"]},
}


def load(info: DatasetInfo, folder: Path) -> dict[str, np.ndarray]:
    """Images uint8 `(N, 3, 32, 32)` and labels int64 `(N,)` for train and test, in the official order."""
    path = sources.find(info.name, info.files[0], folder)
    found: dict[str, np.ndarray] = {}
    try:
        with tarfile.open(path) as archive:
            for split, members in _BATCHES[info.name].items():
                batches = [_batch(archive, member, path) for member in members]
                found[f"{split}_images"] = np.concatenate([images for images, _ in batches])
                found[f"{split}_labels"] = np.concatenate([labels for _, labels in batches])
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise UserError(f"{path} is damaged ({error}); delete it and get it anew") from None
    return found


def _batch(archive: tarfile.TarFile, member: str, path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        content = archive.extractfile(member)
    except KeyError:
        content = None
    if content is None:
        raise UserError(f"{path} has no file {member}; delete it and get it anew")
    batch = numpy_pickle(content.read(), f"{path}, {member}")
    labels = batch.get("labels", batch.get("fine_labels")) if isinstance(batch, dict) else None
    images = batch.get("data") if isinstance(batch, dict) else None
    if labels is None or not isinstance(images, np.ndarray) or images.shape != (len(labels), 3072):
        raise UserError(f"{path}, {member}: must hold as many labels as images of 3,072 bytes; get the archive anew")
    return images.reshape(-1, 3, 32, 32), np.asarray(labels, dtype=np.int64)
