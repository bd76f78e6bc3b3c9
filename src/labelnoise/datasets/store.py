"""The prepared form of a data set: arrays as .npy that training maps into memory, and dataset.json, written last.

Small images are stored as arrays. For large data sets, file names are stored and the images stay where they are.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise.datasets import contents, images
from labelnoise.datasets.contents import Contents
from labelnoise.datasets.info import Arrays, DatasetInfo, Images, Listing
from labelnoise.errors import UserError
from labelnoise.files import read_json, replacing, write_json
from labelnoise.readers.annotation_files import Samples


@dataclass(frozen=True)
class Split:
    """Labels int64 `(N,)`, and either `images` uint8 `(N, C, H, W)` or the names of `files` `(N,)` in `root`.

    `given` `(N,)` are noisy labels that the data set has beside the true ones. `left_out` are the unreadable files as
    (index in the list, name).
    """

    labels: np.ndarray
    images: np.ndarray | None = None
    files: np.ndarray | None = None
    root: Path | None = None
    given: np.ndarray | None = None
    left_out: Sequence[tuple[int, str]] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def samples(self) -> Samples:
        """The samples as listed, including those that are left out."""
        count = len(self) + len(self.left_out)
        if self.files is None:
            return Samples(count)
        files = [file.decode() for file in self.files]
        for index, file in self.left_out:
            files.insert(index, file)
        return Samples(count, files, [index for index, _ in self.left_out])


@dataclass(frozen=True)
class Prepared:
    """An opened data set: its training split, and its test sets by name.

    `copies` are sentences on test sets that have copies of training images.
    """

    name: str
    classes: list[str]
    train: Split
    test_sets: dict[str, Split]
    copies: Sequence[str] = ()

    @property
    def num_classes(self) -> int:
        return len(self.classes)


def prepare(info: DatasetInfo, source: Path, folder: Path) -> dict[str, Any]:
    """Read the data set from `source` and write its prepared form to `folder`; returns the content of dataset.json.

    `source` is a folder with the official files, or a user's own .npz or image folder.
    """
    loaded = info.load(info, source)
    if isinstance(loaded, Arrays):
        arrays, details, read = _from_arrays(loaded), _details_of_arrays(loaded), None
    else:
        arrays, details, read = _from_listing(loaded, source)
    _check(arrays, info, source)
    if read is not None:
        read.save(folder)
    for key, array in arrays.items():
        with replacing(folder / f"{key}.npy") as temporary, temporary.open("wb") as file:
            np.save(file, array, allow_pickle=False)
    described = details | {
        "name": info.name,
        "version": info.version,
        "fingerprint": info.fingerprint,
        "title": info.title,
        "source": info.source,
        "license": info.license,
        "classes": list(info.classes),
        "test_sets": list(info.test_sets),
        "sizes": {key: len(array) for key, array in arrays.items() if key.endswith("_labels")},
        "sha256": {key: _sha256(array) for key, array in arrays.items()},
    }
    write_json(folder / "dataset.json", described)
    return described


def _from_arrays(loaded: Arrays) -> dict[str, np.ndarray]:
    arrays = {f"{split}_images": values for split, values in loaded.images.items()}
    arrays |= {f"{split}_labels": values for split, values in loaded.labels.items()}
    return arrays if loaded.given is None else arrays | {"train_given": loaded.given}


def _details_of_arrays(loaded: Arrays) -> dict[str, Any]:
    """The entries of dataset.json on images that are arrays."""
    copies = contents.describe_copies(contents.of_arrays(loaded.images))
    return {"root": None, "skipped": [], "left_out": [], "exif_rotated": 0, "copies": copies}


def _from_listing(loaded: Listing, source: Path) -> tuple[dict[str, np.ndarray], dict[str, Any], Contents]:
    """The names and labels of all readable images, the entries of dataset.json on the others, and all contents."""
    arrays: dict[str, np.ndarray] = {}
    left_out: dict[int, str] = {}
    rotated = 0
    hashes: dict[str, list[tuple[str, bytes]]] = {}
    read: dict[str, tuple[os.stat_result, bytes]] = {}
    for split, files in loaded.files.items():
        inspected = images.inspect_all(source, files, split)
        broken = images.unreadable(source, files, inspected, split, complete=split != "train")
        rotated += sum(inspection.is_rotated for inspection in inspected)
        opened = [(file, seen) for file, seen in zip(files, inspected, strict=True) if seen.stat and seen.digest]
        hashes[split] = [(file, seen.digest) for file, seen in opened if seen.digest]
        read |= {file: (seen.stat, seen.digest) for file, seen in opened if seen.stat and seen.digest}
        left_out |= {index: f"{files[index]}: {reason}" for index, reason in broken.items()}
        kept = [index for index in range(len(files)) if index not in broken]
        arrays[f"{split}_files"] = np.array([files[index].encode() for index in kept])
        arrays[f"{split}_labels"] = np.array([loaded.labels[split][index] for index in kept], dtype=np.int64)
    details = {
        "root": source.as_posix(),
        "skipped": list(left_out.values()),
        "left_out": [[index, loaded.files["train"][index]] for index in left_out],
        "exif_rotated": rotated,
        "other_files": dict(loaded.others),
        "copies": contents.describe_copies(hashes),
    }
    stats, digests = [stat for stat, _ in read.values()], [digest for _, digest in read.values()]
    return arrays, details, Contents.of(list(read), stats, digests)


def open_prepared(folder: Path, identity: Mapping[str, Any]) -> Prepared:
    """Open the data set prepared in `folder`.

    Raises `UserError` if it is missing, incomplete or damaged, or does not match `identity` (a spec's name, version and
    fingerprint).
    """
    info = read_json(folder / "dataset.json", "prepared data set")
    remedy = f"delete {folder} and run again"
    for key in ("name", "version", "fingerprint"):
        if info.get(key) != identity.get(key):
            raise UserError(
                f"{folder} was prepared for another data set ({key} {info.get(key)}, wanted {identity.get(key)}); "
                f"{remedy}"
            )

    def array(key: str) -> np.ndarray | None:
        if key not in info["sha256"]:
            return None
        path = folder / f"{key}.npy"
        try:
            values = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise UserError(f"{path} is missing or damaged ({error}); {remedy}") from None
        if _sha256(values) != info["sha256"][key]:
            raise UserError(f"{path} is damaged: its content has changed; {remedy}")
        return values

    root = Path(info["root"]) if info.get("root") else None
    if root is not None and not root.is_dir():
        raise UserError(f"{root}: the images of {info['name']} no longer exist; put them back, or {remedy}")

    def split(name: str) -> Split:
        labels = array(f"{name}_labels")
        if labels is None:
            raise UserError(f"{folder} has no labels of {name}; {remedy}")
        images, files, given = (array(f"{name}_{key}") for key in ("images", "files", "given"))
        left_out = [tuple(entry) for entry in info.get("left_out", [])] if name == "train" else []
        return Split(labels, images, files, root, given, left_out)

    return Prepared(
        name=info["name"],
        classes=info["classes"],
        train=split("train"),
        test_sets={name: split(name) for name in info["test_sets"]},
        copies=info.get("copies", []),
    )


def _sha256(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def _check(arrays: dict[str, np.ndarray], info: DatasetInfo, source: Path) -> None:
    """Raise `UserError` unless labels and images match each other and the catalogue."""
    remedy = f"{info.name}; " + ("make the file again" if info.like else "download its files again")
    for split in ("train", *info.test_sets):
        labels = arrays[f"{split}_labels"]
        content = arrays[f"{split}_images" if info.images == Images.ARRAYS else f"{split}_files"]
        if len(content) != len(labels):
            raise UserError(f"{source}: {len(content)} images but {len(labels)} labels in {split} of {remedy}")
        if not len(labels):
            raise UserError(f"{source}: there are no images in {split} of {remedy}")
        if labels.min() < 0 or labels.max() >= len(info.classes):
            bad = int(np.flatnonzero((labels < 0) | (labels >= len(info.classes)))[0])
            raise UserError(
                f"{source}: sample {bad} of {split} has the label {labels[bad]}, outside 0..{len(info.classes) - 1}, "
                f"in {remedy}"
            )
    size = len(arrays["train_labels"])
    if info.images == Images.ARRAYS and info.train_size is not None and size != info.train_size:
        raise UserError(f"{source}: expected {info.train_size} training images, found {size}, in {remedy}")
