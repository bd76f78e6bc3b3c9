"""Clothing1M: key lists name the images of each split; two files hold the noisy and the clean labels."""

from __future__ import annotations

from pathlib import Path

from labelnoise.datasets import lists
from labelnoise.datasets.info import DatasetInfo, Images, Listing
from labelnoise.datasets.lists import lines, pairs
from labelnoise.datasets.recipes import papers_recipe
from labelnoise.errors import UserError

# Split → its list of keys, and the file that holds their labels.
_SPLITS = {
    "train": ("noisy_train_key_list.txt", "noisy_label_kv.txt"),
    "test": ("clean_test_key_list.txt", "clean_label_kv.txt"),
    "clean_val": ("clean_val_key_list.txt", "clean_label_kv.txt"),
}


def fingerprint(folder: Path) -> str | None:
    """A hash of the official lists; None if one is missing."""
    return lists.fingerprint(_annotations(folder) / name for names in _SPLITS.values() for name in names)


def load(info: DatasetInfo, folder: Path) -> Listing:
    """Files and labels. The lists are in annotations/ or the folder itself; keys are paths such as images/0/….jpg."""
    annotations = _annotations(folder)
    labels = {name: _labels(annotations / name, info) for name in dict.fromkeys(name for _, name in _SPLITS.values())}
    listed = {}
    for split, (keys, values) in _SPLITS.items():
        files = lines(annotations / keys, info.name)
        if absent := [file for file in files if file not in labels[values]]:
            raise UserError(f"{annotations / keys}: {absent[0]} has no label in {values} ({len(absent)} such images)")
        listed[split] = [(file, labels[values][file]) for file in files]
    return Listing.of_pairs(listed)


def _annotations(folder: Path) -> Path:
    return folder / "annotations" if (folder / "annotations").is_dir() else folder


def _labels(path: Path, info: DatasetInfo) -> dict[str, int]:
    labels: dict[str, int] = {}
    for file, label in pairs(path, info.name, len(info.classes)):
        if labels.setdefault(file, label) != label:
            raise UserError(f"{path}: {file} has two labels, {labels[file]} and {label}")
    return labels


INFO = DatasetInfo(
    name="clothing1m",
    title="a million images of clothes, labelled from the shops' texts",
    source="Clothing1M (Xiao et al., CVPR 2015)",
    license="for research",
    classes=(
        "T-Shirt", "Shirt", "Knitwear", "Chiffon", "Sweater", "Hoodie", "Windbreaker", "Jacket", "Downcoat", "Suit",
        "Shawl", "Dress", "Vest", "Underwear",
    ),
    load=load,
    fingerprint_of=fingerprint,
    images=Images.FILES,
    labels="given",
    test_sets=("test", "clean_val"),
    # From JAL: ten epochs from ImageNet weights.
    recipe=papers_recipe(
        model="resnet50", epochs=10, batch_size=256, lr=0.005, weight_decay=1e-3, schedule="step", step_epochs=5,
        step_factor=0.1, clip_norm=None, mean=[0.6959, 0.6537, 0.6371], std=[0.3113, 0.3192, 0.3214],
        augmentation=["random_crop", "flip"], image_size=224, resize=[256, 256], pretrained=True, precision="auto",
        threads=8,
    ),
)  # fmt: skip
