"""A user's own small images: an .npz with x_train, y_train, x_test, y_test (and other test sets x_NAME, y_NAME)."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile

from labelnoise.datasets.catalogue import DatasetInfo
from labelnoise.errors import UserError
from labelnoise.files import canonical_hash

# What numpy and zipfile raise for files that are damaged, encrypted, of another kind, or lie about their size.
_UNREADABLE = (
    OSError, ValueError, EOFError, KeyError, TypeError, AttributeError, RuntimeError, MemoryError, zlib.error,
    zipfile.BadZipFile,
)  # fmt: skip


def describe(path: Path) -> dict[str, object]:
    """What a config needs to know of the file without reading its images.

    `fingerprint` is a hash over the arrays' names, sizes and checksums as the zip lists them; `classes` are the
    strings of its array `classes`, else the numbers 0..max(y_train). Raises `UserError` when it cannot be used.
    """
    with _open(path) as file:
        names = file.files
        missing = [name for name in ("x_train", "y_train", "x_test", "y_test") if name not in names]
        if missing:
            raise UserError(
                f"{path}: lacks {', '.join(missing)}; an arrays data set has x_train, y_train, x_test and y_test"
            )
        shape = _shape(file, "x_train", path)
        labels = _labels(file, "y_train", path)
        if labels.max() >= len(labels):
            raise UserError(f"{path}: y_train goes up to {labels.max()}, but has {len(labels)} labels; number from 0")
        classes = _classes(file, path) if "classes" in names else tuple(map(str, range(int(labels.max()) + 1)))
    with zipfile.ZipFile(path) as archive:
        members = sorted((member.filename, member.file_size, member.CRC) for member in archive.infolist())
    return {
        "fingerprint": canonical_hash(members),
        "classes": classes,
        "train_size": shape[0],
        "channels": shape[1],
        "image_size": shape[2],
        "test_sets": tuple(sorted(name[2:] for name in names if name.startswith("x_") and name != "x_train")),
    }


def load(info: DatasetInfo, path: Path) -> dict[str, np.ndarray]:
    """Images uint8 `(N, C, H, W)` and labels int64 `(N,)` for train and every test set."""
    found: dict[str, np.ndarray] = {}
    with _open(path) as file:
        for split in ("train", *info.test_sets):
            if f"y_{split}" not in file.files:
                raise UserError(f"{path}: there is x_{split}, but no y_{split}")
            if (shape := _shape(file, f"x_{split}", path)[1:]) != (info.channels, info.image_size):
                raise UserError(
                    f"{path}: x_{split} has {shape[0]} channels and a side of {shape[1]}, x_train {info.channels} and "
                    f"{info.image_size}"
                )
            found[f"{split}_images"] = _channels_first(_array(file, f"x_{split}", path))
            found[f"{split}_labels"] = _labels(file, f"y_{split}", path)
    return found


def _open(path: Path) -> NpzFile:
    try:
        file = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except _UNREADABLE as error:
        raise UserError(f"{path} is no .npz that can be read ({error})") from None
    if not isinstance(file, NpzFile):
        raise UserError(f"{path} is no .npz that can be read: it holds one array without a name")
    return file


def _array(file: NpzFile, name: str, path: Path) -> np.ndarray:
    try:
        found = file[name]
    except _UNREADABLE as error:
        raise UserError(f"{path} is damaged or not of numbers: {name} cannot be read ({error})") from None
    if not isinstance(found, np.ndarray):
        raise UserError(f"{path}: {name} is no array")
    return found


def _classes(file: NpzFile, path: Path) -> tuple[str, ...]:
    named = _array(file, "classes", path)
    if named.ndim != 1 or named.dtype.kind != "U":
        raise UserError(f"{path}: classes must be a list of names (text), got {named.dtype} {named.shape}")
    return tuple(named.tolist())


def _shape(file: NpzFile, name: str, path: Path) -> tuple[int, int, int]:
    """(N, channels, side) of the images called `name`."""
    header = _header(file, name, path)
    shape, kind = header
    if kind != np.uint8:
        raise UserError(f"{path}: {name} is {kind}; images must be uint8, 0–255")
    if len(shape) == 3:
        shape = (*shape, 1)
    if len(shape) == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3):
        shape = (shape[0], *shape[2:], shape[1])
    if len(shape) != 4 or shape[3] not in (1, 3) or shape[1] != shape[2]:
        told = " × ".join(map(str, header[0]))
        raise UserError(f"{path}: {name} is {told}; images must be N × side × side, with 1 or 3 channels last or first")
    return shape[0], shape[3], shape[1]


def _header(file: NpzFile, name: str, path: Path) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of an array in the file, without reading it."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        with file.zip.open(f"{name}.npy") as member:
            shape, _, kind = readers[np.lib.format.read_magic(member)](member)
    except _UNREADABLE as error:
        raise UserError(f"{path}: the array {name} cannot be read ({error})") from None
    return shape, kind


def _labels(file: NpzFile, name: str, path: Path) -> np.ndarray:
    labels = _array(file, name, path)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels):
        raise UserError(f"{path}: {name} must be whole numbers, one a sample; got {labels.dtype} {labels.shape}")
    if labels.min() < 0:
        raise UserError(f"{path}: {name} has a negative label; classes are numbered from 0")
    return labels.astype(np.int64)


def _channels_first(images: np.ndarray) -> np.ndarray:
    if images.ndim == 3:
        return images[:, None]
    if images.shape[1] in (1, 3) and images.shape[3] not in (1, 3):
        return images
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
