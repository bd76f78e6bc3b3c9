"""What is kept of a trial on request: weights, features, and predictions at chosen epochs.

The last epoch's files are weights.pt and features.npz; those of epoch 10, if asked for, weights-0010.pt,
features-0010.npz and predictions-0010.npz.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from labelnoise.files import replacing, write_bytes
from labelnoise.training.options import Options
from labelnoise.training.trained import Trained


class Keep:
    """Called after each epoch; writes what the options ask for into the trial's folder."""

    def __init__(self, folder: Path, options: Options, *, last: int):
        self.folder, self.options, self.last = folder, options, last

    def __call__(self, epoch: int, trained: Trained) -> None:
        if epoch == self.last:
            suffix = ""
        elif epoch in self.options.snapshots:
            suffix = f"-{epoch:04}"
            write_arrays(self.folder / f"predictions{suffix}.npz", trained.predictions()[0])
        else:
            return
        if "weights" in self.options.keep:
            content = io.BytesIO()
            torch.save(trained.weights(), content)
            write_bytes(self.folder / f"weights{suffix}.pt", content.getbuffer())
        if "features" in self.options.keep:
            write_arrays(self.folder / f"features{suffix}.npz", trained.features())


def write_arrays(path: Path, values: dict[str, Tensor]) -> None:
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **{name: tensor.numpy() for name, tensor in values.items()})


def derive_features(folder: Path, trained: Trained) -> list[Path]:
    """Write the features of every kept weights file that has none; the files written."""
    written = []
    for weights in sorted(folder.glob("weights*.pt")):
        path = folder / f"features{weights.stem.removeprefix('weights')}.npz"
        if not path.exists():
            state = torch.load(weights, map_location="cpu", weights_only=True)
            trained.learner.model.load_state_dict(state["model"])
            trained.learner.loss.load_state_dict(state["loss"])
            write_arrays(path, trained.features())
            written.append(path)
    return written
