"""Measures of fitting and memorising the training samples. All values are percentages."""

from __future__ import annotations

import torch
from torch import Tensor

from labelnoise.training.samples import Samples
from labelnoise.trial_folder import UNKNOWN


def training_measures(predicted: Tensor, given: Tensor, true: Tensor | None) -> dict[str, float | str | None]:
    """Measures of predictions `(N,)` against noisy and clean labels `(N,)`; "unknown" if there are no clean ones."""
    fits = predicted == given
    given_accuracy = _share(fits, torch.ones_like(fits))
    if true is None:
        names = ("correct_samples_accuracy", "wrong_samples_accuracy", "memorised")
        return {"given_accuracy": given_accuracy} | dict.fromkeys(names, UNKNOWN)
    wrong, right = given != true, predicted == true
    return {
        "given_accuracy": given_accuracy,
        "correct_samples_accuracy": _share(right, ~wrong),
        "wrong_samples_accuracy": _share(right, wrong),
        "memorised": _share(fits, wrong),
    }


def memorised_share(fits: Tensor, samples: Samples) -> float | str | None:
    """The share of wrong labels that are predicted; `fits` `(N,)` says which labels are predicted."""
    return UNKNOWN if samples.true is None else _share(fits, samples.given != samples.true)


def _share(hits: Tensor, among: Tensor) -> float | None:
    """Percentage of `among` that are `hits`; None if `among` is empty."""
    total = int(among.sum())
    return 100 * int((hits & among).sum()) / total if total else None
