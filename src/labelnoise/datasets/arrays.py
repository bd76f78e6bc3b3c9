"""A user's own small images: an .npz with x_train and y_train, and test sets such as x_test and y_test.

If y_train_clean exists, it holds the true training labels, and y_train the noisy ones.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib.npyio import NpzFile

from labelnoise.datasets.info import Arrays, DatasetInfo, Description
from labelnoise.errors import UserError
from labelnoise.files import canonical_hash
from labelnoise.readers import class_order
from labelnoise.readers.tables import OBJECTS, UNREADABLE, is_of_objects
from labelnoise.readers.values import Where, are_names, encode

# The true training labels, if y_train is noisy.
_CLEAN = "y_train_clean"

# How to convert images that are floats.
CAST = 'floats in [0, 1] by `({} * 255).round().astype("uint8")`'

# Bytes to read at a time.
_CHUNK = 1 << 20


def describe(path: Path) -> Description:
    """Describe the file for a config, without reading its images.

    `fingerprint` is a hash of the arrays' names, sizes and checksums in the zip's directory. `classes` are the strings
    in the array `classes`, else those that occur in y_train. Raises `UserError` if the file is unusable.
    """
    with _open(path) as file:
        names = file.files
        missing = [name for name in ("x_train", "y_train") if name not in names]
        if missing:
            raise UserError(
                f"{path}: lacks {', '.join(missing)}; an arrays data set needs x_train and y_train, and for each test "
                "set x_NAME and y_NAME"
            )
        lonely = sorted({name for name in names if name.startswith("y_") and f"x{name[1:]}" not in names} - {_CLEAN})
        if lonely:
            raise UserError(f"{path}: has {lonely[0]}, but no x{lonely[0][1:]}")
        test_sets = tuple(sorted(name[2:] for name in names if name.startswith("x_") and name != "x_train"))
        shape = _shape(file, "x_train", path)
        labels = _all_labels(file, path, test_sets)
        for split in test_sets:
            _check_like_train(file, split, shape, path)
        for split in ("train", *test_sets):
            _check_pixels(path, f"x_{split}")
            _check_length(path, split, _shape(file, f"x_{split}", path)[0], len(labels.true[split]))
    with zipfile.ZipFile(path) as archive:
        members = sorted((member.filename, member.file_size, member.CRC) for member in archive.infolist())
    return Description(
        fingerprint=canonical_hash(members),
        classes=labels.classes,
        labels=labels.true["train"],
        sizes={name: len(labels.true[name]) for name in test_sets},
        channels=shape[1],
        image_size=shape[2],
        states_given=labels.given is not None,
    )


def load(info: DatasetInfo, path: Path) -> Arrays:
    """Read images uint8 `(N, C, H, W)` and labels int64 `(N,)` of train and every test set."""
    with _open(path) as file:
        labels = _all_labels(file, path, info.test_sets)
        images = {split: _channels_first(_array(file, f"x_{split}", path)) for split in ("train", *info.test_sets)}
    return Arrays(images, labels.true, labels.given)


@dataclass(frozen=True)
class _Labels:
    """The true labels of every split, numbered by the classes of y_train; `given` are noisy training labels."""

    classes: tuple[str, ...]
    true: dict[str, np.ndarray]
    given: np.ndarray | None


def _all_labels(file: NpzFile, path: Path, test_sets: tuple[str, ...]) -> _Labels:
    named = _names(file, path) if "classes" in file.files else None

    def read(name: str, classes: Sequence[str] | None, *, complete: bool = False) -> tuple[np.ndarray, list[str]]:
        if name not in file.files:
            raise UserError(f"{path}: has x_{name[2:]}, but no {name}")
        values = _array(file, name, path)
        if train_is_named and classes is not None and not are_names(values, _where(path, name), classes):
            raise UserError(
                f"{path}: y_train holds class names, but {name} numbers; write both in the same form, or add the array "
                "`classes`, the names in the order of the numbers"
            )
        return encode(values, _where(path, name), classes, complete=complete)

    train_is_named = named is None and are_names(_array(file, "y_train", path), _where(path, "y_train"))
    train, classes = read("y_train", named, complete=_CLEAN not in file.files)
    given = None
    if _CLEAN in file.files:
        given, train = train, read(_CLEAN, classes, complete=True)[0]
        _check_length(path, "y_train_clean", len(given), len(train))
        class_order.check(given, train, classes, f"{path}: y_train beside y_train_clean")
    return _Labels(
        tuple(classes), {"train": train} | {name: read(f"y_{name}", classes)[0] for name in test_sets}, given
    )


def _where(path: Path, name: str) -> Where:
    return lambda row: f"{path}: {name}, sample {row}"


def _check_length(path: Path, split: str, images: int, labels: int) -> None:
    if images != labels:
        raise UserError(f"{path}: {images} images but {labels} labels in {split}; make the file again")


def _check_like_train(file: NpzFile, split: str, train: tuple[int, int, int], path: Path) -> None:
    shape = _shape(file, f"x_{split}", path)
    if shape[1:] != train[1:]:
        raise UserError(
            f"{path}: x_{split} has {shape[1]} channels and {shape[2]} pixels per side, but x_train has {train[1]} and "
            f"{train[2]}"
        )
    if not shape[0]:
        raise UserError(f"{path}: x_{split} has no images; add some, or remove x_{split}")


def _open(path: Path) -> NpzFile:
    try:
        file = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file") from None
    except UNREADABLE as error:
        raise UserError(f"{path} is not a readable .npz ({error})") from None
    if not isinstance(file, NpzFile):
        raise UserError(f"{path} is not an .npz: it holds one array without a name")
    return file


def _array(file: NpzFile, name: str, path: Path) -> np.ndarray:
    try:
        array = file[name]
    except UNREADABLE as error:
        if is_of_objects(error):
            raise UserError(f"{path}: {name} {OBJECTS}") from None
        raise UserError(f"{path} is damaged or does not hold numbers: {name} cannot be read ({error})") from None
    if not isinstance(array, np.ndarray):
        raise UserError(f"{path}: {name} is not an array")
    return array


def _names(file: NpzFile, path: Path) -> list[str]:
    names = _array(file, "classes", path)
    if names.ndim != 1 or names.dtype.kind != "U":
        raise UserError(f"{path}: classes must be a list of names (text), got {names.dtype} {names.shape}")
    return [name.strip() for name in names.tolist()]


def _shape(file: NpzFile, name: str, path: Path) -> tuple[int, int, int]:
    """(N, channels, side) of the image array `name`."""
    header = _header(file, name, path)
    shape, kind = header
    if kind != np.uint8:
        cast = CAST if kind.kind == "f" else f'for whole numbers in 0–255 by `{name}.astype("uint8")`'
        raise UserError(f"{path}: {name} is {kind}; images must be uint8, 0–255: convert {cast.format(name)}")
    if len(shape) == 3:
        shape = (*shape, 1)
    if len(shape) == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3):
        shape = (shape[0], *shape[2:], shape[1])
    if len(shape) != 4 or shape[3] not in (1, 3) or shape[1] != shape[2]:
        given = " × ".join(map(str, header[0]))
        raise UserError(
            f"{path}: {name} is {given}; images must be N × side × side, with 1 or 3 channels last or first"
        )
    return shape[0], shape[3], shape[1]


def _check_pixels(path: Path, name: str) -> None:
    """Raise `UserError` if no pixel exceeds 1; reads the array up to the first that does."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as member:
            _read_header(member)
            while chunk := member.read(_CHUNK):
                if max(chunk) > 1:
                    return
    except UNREADABLE as error:
        raise UserError(f"{path}: the array {name} cannot be read ({error})") from None
    raise UserError(
        f"{path}: no pixel of {name} exceeds 1, as when floats in [0, 1] are cast to uint8; images must be 0–255: "
        f"convert {CAST.format(name)}"
    )


def _header(file: NpzFile, name: str, path: Path) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype of an array in the file, without reading its content."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as member:
            return _read_header(member)
    except UNREADABLE as error:
        raise UserError(f"{path}: the array {name} cannot be read ({error})") from None


def _read_header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype of the array whose content follows in the open member."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, _, kind = readers[np.lib.format.read_magic(member)](member)
    return shape, kind


def _channels_first(images: np.ndarray) -> np.ndarray:
    if images.ndim == 3:
        return images[:, None]
    if images.shape[1] in (1, 3) and images.shape[3] not in (1, 3):
        return images
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
