"""Small synthetic data sets in the official layouts. Each class is a colour, which a small network can learn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from labelnoise.datasets.webvision import CLASSES as WEBVISION_MINI

_LEVELS = (20, 95, 165, 240)
_SIDE = 48


def colour(label: int) -> np.ndarray:
    """One of 64 distinct colours; adjacent labels differ strongly, so a wrong class order gives wrong predictions."""
    number = (label * 27) % 64
    return np.array([_LEVELS[number // 16], _LEVELS[number // 4 % 4], _LEVELS[number % 4]])


def photograph(path: Path, label: int, random: np.random.RandomState) -> None:
    """A JPEG in the class's colour with noise and a grey frame; the size differs from image to image."""
    height, width = _SIDE + random.randint(0, 24, size=2)
    pixels = np.full((height, width, 3), 128.0)
    pixels[3:-3, 3:-3] = colour(label)
    pixels += random.normal(0, 12, size=pixels.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, quality=90)


def webvision(root: Path) -> None:
    """400 Google images of the 50 classes and 20 of others, 100 validation images of each kind."""
    random = np.random.RandomState(0)
    train = [(f"google/q{label:04d}/{i}.jpg", label) for label in range(50) for i in range(8)]
    train += [(f"google/q{label:04d}/0.jpg", label) for label in range(50, 70)]
    validation = [(f"val{i:06d}.jpg", i % 60) for i in range(120)]
    for file, label in train:
        photograph(root / file, label, random)
    for file, label in validation:
        photograph(root / "val_images_256" / file, label, random)
    for label, wordnet in enumerate(WEBVISION_MINI):
        for i in range(2):
            photograph(root / f"imagenet/val/{wordnet}/ILSVRC2012_val_{label:04d}{i:04d}.JPEG", label, random)
    _write_pairs(root / "info" / "train_filelist_google.txt", train, random)
    _write_pairs(root / "info" / "val_filelist.txt", validation, random)


def clothing1m(root: Path) -> None:
    """280 noisy training, 70 test and 70 validation images; some have both kinds of labels."""
    random = np.random.RandomState(1)
    files = [(f"images/{i % 10}/{i},{i}.jpg", i % 14) for i in range(420)]
    for file, label in files:
        photograph(root / file, label, random)
    _write_pairs(root / "annotations" / "noisy_label_kv.txt", files[:350], random)
    _write_pairs(root / "annotations" / "clean_label_kv.txt", files[280:], random)
    for name, part in (("noisy_train", files[:280]), ("clean_test", files[280:350]), ("clean_val", files[350:])):
        keys = [part[i][0] for i in random.permutation(len(part))]
        (root / "annotations" / f"{name}_key_list.txt").write_text("\n".join(keys) + "\n")


def animal10n(root: Path) -> None:
    """240 training and 60 test images, with the labels in the file names."""
    random = np.random.RandomState(2)
    for folder, size in (("training", 240), ("testing", 60)):
        for i in range(size):
            photograph(root / folder / f"{i % 10}_{i}.jpg", i % 10, random)


def image_folder(root: Path, classes: tuple[str, ...] = ("bird", "cat", "dog", "eel")) -> None:
    """40 training and 10 test images per class, in torchvision's layout."""
    random = np.random.RandomState(3)
    for split, size in (("train", 40), ("test", 10)):
        for label, name in enumerate(classes):
            for i in range(size):
                photograph(root / split / name / f"{i}.jpg", label, random)


BUILDERS: dict[str, Callable[[Path], None]] = {
    "webvision_mini": webvision,
    "clothing1m": clothing1m,
    "animal10n": animal10n,
}


def _write_pairs(path: Path, pairs: list[tuple[str, int]], random: np.random.RandomState) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{pairs[i][0]} {pairs[i][1]}" for i in random.permutation(len(pairs))]
    path.write_text("\n".join(lines) + "\n")
