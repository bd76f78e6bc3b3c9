"""CIFAR-10N and CIFAR-100N: labels from human annotators (Wei et al., ICLR 2022)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from labelnoise.datasets import official_files
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.pickles import torch_pickle
from labelnoise.errors import UserError


def load(dataset: str, variant: str, folder: Path, true: np.ndarray) -> np.ndarray:
    """Read the human int64 labels `(N,)`, in the order of the official training set.

    `true` `(N,)` are the data set's own labels. Raises `UserError` unless they equal the file's clean labels.
    """
    info = DATASETS[dataset]
    key = info.human[variant].key
    path = official_files.find(info, info.human[variant].file, folder)
    content = torch_pickle(path)
    if not isinstance(content, dict) or key not in content or "clean_label" not in content:
        raise UserError(f"{path}: must hold the labels clean_label and {key}; download the file again")
    labels, clean = (np.asarray(content[name], dtype=np.int64) for name in (key, "clean_label"))
    if clean.shape != true.shape or (clean != true).any():
        raise UserError(
            f"{path} was made for {dataset} in its official order ({len(clean)} training labels); the {len(true)} "
            "labels here differ from it"
        )
    if labels.shape != true.shape or labels.min() < 0 or labels.max() >= len(info.classes):
        raise UserError(f"{path}: {key} has labels outside the classes of {dataset}; download the file again")
    return labels
