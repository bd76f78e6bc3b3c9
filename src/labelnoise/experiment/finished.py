"""What became of trials and label files that the user should know of before and after a run.

No trial is trained again for either: that takes somebody who deletes its folder.
"""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from labelnoise.experiment.config import Run
from labelnoise.experiment.manifest import MISSING, OK, read_loosely, status
from labelnoise.experiment.trials import Trial, not_robust
from labelnoise.noise.audit import sha256


def missing(trials: Iterable[Trial], run: Run) -> tuple[list[Trial], list[str]]:
    """Finished trials whose features can be derived from kept weights, and a line about each thing lost for good."""
    derivable: list[Trial] = []
    lost: Counter[str] = Counter()
    if not run.keep and not run.snapshots:
        return derivable, []
    for trial in trials:
        if status(trial.folder) != OK:
            continue
        has_weights = (trial.folder / "weights.pt").exists()
        lost["weights"] += "weights" in run.keep and not has_weights
        if "features" in run.keep and not (trial.folder / "features.npz").exists():
            if has_weights:
                derivable.append(trial)
            else:
                lost["features"] += 1
        for epoch in run.snapshots:
            is_within = epoch < trial.spec["recipe"]["epochs"]
            lost[f"snapshot of epoch {epoch}"] += (
                is_within and not (trial.folder / f"predictions-{epoch:04}.npz").exists()
            )
    remedy = "delete their folders to train them again"
    return derivable, [f"{count} finished trials kept no {what}: {remedy}" for what, count in lost.items() if count]


def changed_labels(trials: Iterable[Trial]) -> list[str]:
    """A line for each label file whose labels are not those that finished trials were trained on.

    A file is read only where it is newer than a result.
    """
    found: dict[str, str | None] = {}
    changed: Counter[str] = Counter()
    for trial in trials:
        try:
            if trial.labels.stat().st_mtime <= trial.result.stat().st_mtime:
                continue
            trained_on = json.loads(trial.result.read_bytes())["labels_sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        name = trial.labels.as_posix()
        if name not in found:
            found[name] = _labels_sha256(trial.labels)
        changed[name] += trained_on is not None and found[name] != trained_on
    remedy = "delete the file to have the old labels again, or the trials' folders to train on the new ones"
    return [
        f"{name} has changed since {count} finished trials were trained on it; their results stay: {remedy}"
        for name, count in changed.items()
        if count
    ]


def damaged(trials: Iterable[Trial]) -> list[str]:
    """A line for each result that is there but cannot be read."""
    return [
        f"{trial.result} is damaged: it is set aside, and the trial is run again"
        for trial in trials
        if trial.result.exists() and status(trial.folder) == MISSING
    ]


def undominated(trials: Iterable[Trial]) -> list[str]:
    """A line for each label file that was made, of no prescribed matrix, in which clean labels do not dominate."""
    found: dict[str, None] = {}
    for trial in {trial.labels: trial for trial in trials}.values():
        if trial.spec["noise"]["kind"] not in ("file", "human", "given", "instance"):
            continue  # told from the matrix that is asked for
        audit = read_loosely(trial.labels.with_suffix(".json"))
        if audit.get("clean_labels_dominate") is False:
            found[not_robust(trial, audit["dominance_margin"])] = None
    return list(found)


def _labels_sha256(path: Path) -> str | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            return sha256(file["noisy_labels"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
