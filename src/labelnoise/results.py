"""Finished results as pandas DataFrames, for your own analysis: `labelnoise.results.load("results")`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from labelnoise import manifest as manifests
from labelnoise import paths, trial_metrics
from labelnoise.analysis import results
from labelnoise.errors import UserError
from labelnoise.manifest import Manifest, ManifestTrial
from labelnoise.trial_folder import Status, TrialFolder

_INTEGERS = ("noise_seed", "epochs", "seed", "best_epoch", "validated_epoch", "threads", "n", "seeds", "epoch")
_NUMBERS = (
    "rate", "validation_accuracy", "memorised", "detection_auroc", "detection_precision", "realised_rate", "seconds",
    "images_per_second", "mean", "std", "ci_low", "ci_high", "rank", "average_rank",
)  # fmt: skip


def load(folder: str | Path = "results") -> ResultFrames:
    """The results of one experiment: `results` for config.yaml, `results/experiments/NAME` for another file.

    The folder may lie anywhere, as long as the whole `results` folder was copied. Raises `UserError` if it holds no
    finished run, or files that were changed since.
    """
    folder = Path(folder).resolve()
    manifest = manifests.read(folder / "manifest.json")
    products = paths.products(manifest["experiment"])
    if folder.parts[-len(products.parts) :] != products.parts:
        raise UserError(f"{folder} was renamed: trials are found from a folder called {products}")
    root = Path(*folder.parts[: -len(products.parts)])
    return ResultFrames(root, manifest, results.read(folder / "manifest.json", root))


@dataclass(frozen=True)
class ResultFrames:
    """Tidy frames with fixed dtypes: `Int64`, `Float64`, `boolean`, and `string` for all text, so that a label such as
    `NA` stays text. What is unknown or missing is `<NA>`. Accuracies are in percent.
    """

    root: Path
    manifest: Manifest
    _read: results.Results

    @cached_property
    def trials(self) -> pd.DataFrame:
        """trials.csv: one row per trial and test set."""
        return _typed(self._read.trials)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """summary.csv: mean, deviation and interval per data set × test set × noise × loss × metric."""
        return _typed(self._read.summary)

    @cached_property
    def ranks(self) -> pd.DataFrame:
        """ranks.csv: average ranks per data set × test set × metric × loss."""
        return _typed(self._read.ranks)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """One row per finished trial and epoch: trial, dataset, noise, label, seed, and the columns of metrics.csv."""
        frames = []
        for entry in self.manifest["trials"]:
            folder = self.folder(entry["hash"])
            if folder.status.is_final and (folder.metrics.exists() or folder.status == Status.OK):
                axes = {key: entry[key] for key in ("dataset", "noise", "label", "seed")}
                frame = pd.DataFrame(trial_metrics.read(folder.metrics))
                frames.append(frame.assign(trial=entry["hash"], **axes))
        first = ["trial", "dataset", "noise", "label", "seed", "epoch"]
        if not frames:
            return _typed(pd.DataFrame(columns=first))
        joined = pd.concat(frames, ignore_index=True)
        return _typed(joined[first + [column for column in joined if column not in first]])

    def predictions(self, trial: str, epoch: int | None = None) -> dict[str, np.ndarray]:
        """The arrays in a trial's predictions.npz (results/README.md), read when asked for; by the trial's hash."""
        return _arrays(self.folder(trial).predictions(epoch))

    def labels(self, trial: str) -> dict[str, np.ndarray]:
        """The `noisy_labels`, and where they are known the `clean_labels`, that a trial was trained on."""
        return _arrays(self.root / self._entry(trial)["labels"])

    def folder(self, trial: str) -> TrialFolder:
        """The folder of a trial of this experiment, by its hash."""
        return TrialFolder(self.root / self._entry(trial)["folder"])

    @cached_property
    def _entries(self) -> dict[str, ManifestTrial]:
        return {entry["hash"]: entry for entry in self.manifest["trials"]}

    def _entry(self, trial: str) -> ManifestTrial:
        if trial not in self._entries:
            raise UserError(f"this experiment has no trial {trial!r}; `trials.trial` lists their hashes")
        return self._entries[trial]


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except FileNotFoundError:
        raise UserError(f"there is no {path}") from None


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with one dtype per column, whatever its content."""
    measured = ("accuracy", "loss_value", "seconds", "lr")
    types = {}
    for column in frame:
        name = str(column)
        if name == "tied_with_best":
            types[name] = "boolean"
        elif name in _INTEGERS:
            types[name] = "Int64"
        elif name in _NUMBERS or name.endswith(measured) or pd.api.types.is_float_dtype(frame[column]):
            types[name] = "Float64"
        else:
            types[name] = "string"
    return frame.astype(types)
