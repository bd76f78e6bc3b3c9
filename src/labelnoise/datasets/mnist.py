"""MNIST and Fashion-MNIST: four gzipped IDX files."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np

from labelnoise.datasets import sources
from labelnoise.datasets.catalogue import DatasetInfo
from labelnoise.errors import UserError


def load(info: DatasetInfo, folder: Path) -> dict[str, np.ndarray]:
    """Images uint8 `(N, 1, 28, 28)` and labels int64 `(N,)` for train and test, in the official order."""
    names = ("train_images", "train_labels", "test_images", "test_labels")
    found = {
        name: read_idx(sources.find(info.name, file, folder)) for name, file in zip(names, info.files, strict=True)
    }
    return {name: array[:, None] if "images" in name else array.astype(np.int64) for name, array in found.items()}


def read_idx(path: Path) -> np.ndarray:
    """The uint8 array in a gzipped IDX file; `UserError` when it is truncated or of another format."""
    try:
        with gzip.open(path) as file:
            content = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} is damaged ({error}); delete it and get it anew") from None
    dimensions = content[3] if len(content) > 3 else 0
    start = 4 + 4 * dimensions
    if content[:3] != b"\0\0\x08" or not dimensions or len(content) < start:
        raise UserError(f"{path} is not an IDX file of bytes; get it anew")
    shape = np.frombuffer(content[4:start], dtype=">u4").astype(int).tolist()
    if len(content) - start != np.prod(shape):
        raise UserError(
            f"{path} announces {' × '.join(map(str, shape))} bytes but holds {len(content) - start}; get it anew"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)
