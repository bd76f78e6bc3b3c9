"""What a trial keeps on request: weights, features, and predictions after chosen epochs.

The files of the last epoch are weights.pt and features.npz; those of epoch 10, if requested, weights-0010.pt,
features-0010.npz and predictions-0010.npz.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from labelnoise.errors import UserError
from labelnoise.files import replacing, write_bytes
from labelnoise.training.evaluator import Evaluator
from labelnoise.training.options import RunOptions
from labelnoise.trial_folder import TrialFolder


class Keep:
    """Called after each epoch; writes what the options request into the trial's folder."""

    def __init__(self, folder: TrialFolder, options: RunOptions, *, last: int):
        self.folder, self.options, self.last = folder, options, last

    def __call__(self, epoch: int, evaluator: Evaluator) -> None:
        if "features" in self.options.keep and not evaluator.learner.has_features:
            raise UserError("keep: [features] needs a model with `features(images)` and `feature_dim`; leave it out")
        if epoch != self.last and epoch not in self.options.snapshots:
            return
        snapshot = None if epoch == self.last else epoch
        if snapshot is not None:
            write_arrays(self.folder.predictions(snapshot), evaluator.predictions()[0])
        if "weights" in self.options.keep:
            content = io.BytesIO()
            torch.save(evaluator.weights(), content)
            write_bytes(self.folder.weights(snapshot), content.getbuffer())
        if "features" in self.options.keep:
            write_arrays(self.folder.features(snapshot), evaluator.features())


def write_arrays(path: Path, values: dict[str, Tensor]) -> None:
    """Write the tensors to an .npz file."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **{name: tensor.numpy() for name, tensor in values.items()})  # type: ignore[arg-type]


def derive_features(folder: TrialFolder, evaluator: Evaluator) -> list[Path]:
    """Write the features for every kept weights file that has none; returns the files written."""
    written = []
    for weights, features in folder.weights_without_features():
        evaluator.load_weights(torch.load(weights, map_location="cpu", weights_only=True))
        write_arrays(features, evaluator.features())
        written.append(features)
    return written
