"""scikit-learn's digits: 1,797 real handwritten digits, 8 × 8 pixels with 17 grey levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from labelnoise.datasets.info import Arrays, DatasetInfo
from labelnoise.datasets.mnist import DIGITS, DIGITS_MAP
from labelnoise.datasets.recipes import papers_recipe


def load(info: DatasetInfo, folder: Path) -> Arrays:
    """Images uint8 `(N, 1, 8, 8)` and labels int64 `(N,)` for train and test; `folder` is not used.

    The split is fixed and stratified: within each class, in scikit-learn's order, every fifth image is a test
    image (355 in all) and the others are training images (1,442). Grey levels 0–16 are stored as round(255 · v / 16).
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    labels = digits.target.astype(np.int64)
    images = np.round(digits.images * (255 / 16)).astype(np.uint8)[:, None]
    is_test = np.zeros(len(labels), dtype=bool)
    for k in range(10):
        is_test[np.flatnonzero(labels == k)[4::5]] = True
    return Arrays(
        images={"train": images[~is_test], "test": images[is_test]},
        labels={"train": labels[~is_test], "test": labels[is_test]},
    )


INFO = DatasetInfo(
    name="digits",
    title="handwritten digits, 8 × 8",
    source="UCI Optical Recognition of Handwritten Digits (Alpaydin & Kaynak 1998), embedded in scikit-learn",
    license="CC BY 4.0",
    classes=DIGITS,
    load=load,
    train_size=1442,
    channels=1,
    image_size=8,
    asymmetric_maps={"published": DIGITS_MAP},
    # The default experiment, with one recipe for all losses: lr and epochs are the best of the grid in
    # benchmarks/digits_recipe.csv, by accuracy on the noisy labels of a held-out tenth of the training set.
    recipe=papers_recipe(model="digits_cnn", epochs=20, lr=0.1, weight_decay=1e-4, mean=[0.3], std=[0.37]),
)
