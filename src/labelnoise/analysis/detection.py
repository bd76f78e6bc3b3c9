"""How well a trained network tells wrong labels from correct ones, by its confidence in each training label.

The confidence is the probability of the given label after the last epoch, in evaluation mode (predictions.npz).
"""

from __future__ import annotations

import functools
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labelnoise.files import read_json_or_nothing


def auroc(confidence: NDArray[np.floating], is_wrong: NDArray[np.bool_]) -> float | None:
    """The probability, in percent, that a wrong label has a lower confidence than a correct one; ties count half.

    Both arguments are `(N,)`. None if no label is wrong, or all are. The area under the ROC curve is the Mann–Whitney
    statistic (Hanley and McNeil 1982).
    """
    wrong, correct = int(is_wrong.sum()), int((~is_wrong).sum())
    if not wrong or not correct:
        return None
    rank_sum = pd.Series(confidence).rank().to_numpy()[is_wrong].sum()
    return float(100 * (1 - (rank_sum - wrong * (wrong + 1) / 2) / (wrong * correct)))


def precision(confidence: NDArray[np.floating], is_wrong: NDArray[np.bool_]) -> float | None:
    """The share of wrong labels, in percent, among the k least confident samples, where k labels are wrong.

    Among samples that tie at the limit, the expected share is taken. None if no label is wrong.
    """
    count = int(is_wrong.sum())
    if not count:
        return None
    limit = np.partition(confidence, count - 1)[count - 1]
    below, tied = confidence < limit, confidence == limit
    places = count - int(below.sum())
    return float(100 * (is_wrong[below].sum() + places * is_wrong[tied].mean()) / count)


def measure(predictions: Path, labels: Path, labels_sha256: str | None) -> dict[str, float | None] | None:
    """`detection_auroc` and `detection_precision` of a trial; None where they are unknown.

    Unknown means: without true labels, or if a file is missing, damaged, or not the label file of the training.
    """
    is_wrong = _wrong_labels(labels, labels_sha256)
    try:
        with np.load(predictions) as file:
            confidence = file["train_confidence"]
            index = file["train_index"] if "train_index" in file else slice(None)
        wrong = None if is_wrong is None else is_wrong[index]
    except (OSError, ValueError, KeyError, IndexError, zipfile.BadZipFile):
        return None
    if wrong is None or wrong.shape != confidence.shape:
        return None
    return {"detection_auroc": auroc(confidence, wrong), "detection_precision": precision(confidence, wrong)}


@functools.lru_cache(maxsize=8)
def _wrong_labels(labels: Path, labels_sha256: str | None) -> NDArray[np.bool_] | None:
    """Which labels of the file are wrong, `(N,)`; None if that is unknown, or the file has another hash."""
    if labels_sha256 is None or read_json_or_nothing(labels.with_suffix(".json")).get("sha256") != labels_sha256:
        return None
    try:
        with np.load(labels) as file:
            return file["noisy_labels"] != file["clean_labels"] if "clean_labels" in file else None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
