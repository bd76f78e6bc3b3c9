"""Clothing1M: key lists name the images of each split, two files give their noisy and their clean labels."""

from __future__ import annotations

from pathlib import Path

from labelnoise.datasets import lists
from labelnoise.datasets.catalogue import DatasetInfo
from labelnoise.datasets.lists import Listed, lines, pairs
from labelnoise.errors import UserError

# Split → its list of keys, and the labels it is held to.
_SPLITS = {
    "train": ("noisy_train_key_list.txt", "noisy_label_kv.txt"),
    "test": ("clean_test_key_list.txt", "clean_label_kv.txt"),
    "clean_val": ("clean_val_key_list.txt", "clean_label_kv.txt"),
}


def fingerprint(folder: Path) -> str | None:
    """A hash of the official lists."""
    return lists.fingerprint(_annotations(folder) / name for names in _SPLITS.values() for name in names)


def load(info: DatasetInfo, folder: Path) -> dict[str, Listed]:
    """Files and labels; the lists lie in annotations/ (or the folder itself), keys are paths such as images/0/….jpg."""
    annotations = _annotations(folder)
    labels = {name: _labels(annotations / name, info) for name in dict.fromkeys(name for _, name in _SPLITS.values())}
    found = {}
    for split, (keys, values) in _SPLITS.items():
        files = lines(annotations / keys, info.name)
        if absent := [file for file in files if file not in labels[values]]:
            raise UserError(f"{annotations / keys}: {absent[0]} has no label in {values} ({len(absent)} in all)")
        found[split] = (files, [labels[values][file] for file in files])
    return found


def _annotations(folder: Path) -> Path:
    return folder / "annotations" if (folder / "annotations").is_dir() else folder


def _labels(path: Path, info: DatasetInfo) -> dict[str, int]:
    found: dict[str, int] = {}
    for file, label in pairs(path, info.name, len(info.classes)):
        if found.setdefault(file, label) != label:
            raise UserError(f"{path}: {file} has two labels, {found[file]} and {label}")
    return found
