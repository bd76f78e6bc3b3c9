"""scikit-learn's embedded digits: 1,797 real handwritten digits, 8 × 8 pixels with 17 grey levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from labelnoise.datasets.catalogue import DatasetInfo


def load(info: DatasetInfo, folder: Path) -> dict[str, np.ndarray]:
    """`{split}_images` uint8 `(N, 1, 8, 8)` and `{split}_labels` int64 `(N,)` for the splits train and test.

    The split is fixed and stratified: within each class, in scikit-learn's order, every fifth image is a test
    image (355 in all) and the others train (1,442). Grey levels 0–16 are stored as round(255 · v / 16).
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    labels = digits.target.astype(np.int64)
    images = np.round(digits.images * (255 / 16)).astype(np.uint8)[:, None]
    is_test = np.zeros(len(labels), dtype=bool)
    for k in range(10):
        is_test[np.flatnonzero(labels == k)[4::5]] = True
    return {
        "train_images": images[~is_test],
        "train_labels": labels[~is_test],
        "test_images": images[is_test],
        "test_labels": labels[is_test],
    }
