"""Which trials are finished, and warnings about results and label files before and after a run.

Nothing here retrains a finished trial: to retrain one, the user deletes its folder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from labelnoise.datasets import contents
from labelnoise.experiment.datasets import Dataset
from labelnoise.experiment.trials import Trial, not_robust
from labelnoise.files import free_name, read_json_or_nothing
from labelnoise.noise import label_file
from labelnoise.noise.resolve import dominance_margin
from labelnoise.training.options import RunOptions
from labelnoise.trial_folder import Status


def is_finished(trial: Trial, *, retry_failed: bool) -> bool:
    """Whether the trial has nothing left to do. Damaged results count as missing, failed ones too if `retry_failed`."""
    status = trial.folder.status
    return status.is_final or (status == Status.FAILED and not retry_failed)


def moved_index(folder: Path, source: Path) -> Path | None:
    """Where to set aside dataset.json if the image files have moved since it was written, else None."""
    root = read_json_or_nothing(folder / "dataset.json").get("root")
    return None if root in (None, source.as_posix()) else free_name(lambda number: folder / f"moved-{number}.json")


def refresh_contents(folder: Path, dataset: Dataset) -> None:
    """Record the files' times if they have changed since the data set was prepared, though not what they hold."""
    recorded = contents.read(folder)
    now = dataset.contents
    if now is not None and recorded is not None and now.has_contents_of(recorded) and not now.has_times_of(recorded):
        now.save(folder)


def unkept(trials: Iterable[Trial], options: RunOptions) -> tuple[list[Trial], list[str]]:
    """Return finished trials whose features can be derived from kept weights, and warnings about missing files."""
    derivable: list[Trial] = []
    lost: Counter[str] = Counter()
    if not options.keep and not options.snapshots:
        return derivable, []
    for trial in trials:
        folder = trial.folder
        if folder.status != Status.OK:
            continue
        has_weights = folder.weights().exists()
        lost["weights"] += "weights" in options.keep and not has_weights
        if "features" in options.keep and not folder.features().exists():
            if has_weights:
                derivable.append(trial)
            else:
                lost["features"] += 1
        for epoch in options.snapshots:
            is_within = epoch < trial.spec["recipe"]["epochs"]
            lost[f"snapshot of epoch {epoch}"] += is_within and not folder.predictions(epoch).exists()
    remedy = "delete their folders to train them again"
    return derivable, [f"{count} finished trials kept no {what}: {remedy}" for what, count in lost.items() if count]


def changed_labels(trials: Iterable[Trial]) -> list[str]:
    """Return a warning per label file that has changed since finished trials were trained on it.

    A file is read only if it is newer than a result.
    """
    hashes: dict[str, str | None] = {}
    changed: Counter[str] = Counter()
    for trial in trials:
        try:
            if trial.labels.stat().st_mtime <= trial.folder.result.stat().st_mtime:
                continue
        except OSError:
            continue
        trained_on = trial.folder.read_result().get("labels_sha256")
        name = trial.labels.as_posix()
        if name not in hashes:
            hashes[name] = label_file.sha256_of_file(trial.labels)
        changed[name] += trained_on is not None and hashes[name] != trained_on
    remedy = "delete the file to restore the old labels, or the trials' folders to train on the new ones"
    return [
        f"{name} has changed since {count} finished trials were trained on it; their results are kept: {remedy}"
        for name, count in changed.items()
        if count
    ]


def damaged(trials: Iterable[Trial]) -> list[str]:
    """Return a warning per result that exists but cannot be read."""
    return [
        f"{trial.folder.result} is damaged: it is set aside, and the trial is run again"
        for trial in trials
        if trial.folder.result.exists() and trial.folder.status == Status.MISSING
    ]


def undominated(trials: Iterable[Trial]) -> list[str]:
    """Return a warning per label file without a requested matrix in which clean labels do not dominate."""
    warnings: dict[str, None] = {}
    for trial in {trial.labels: trial for trial in trials}.values():
        if dominance_margin(trial.spec["noise"], len(trial.dataset.info.classes)) is not None:
            continue  # `noise_warnings` checks the requested matrix
        audit = read_json_or_nothing(trial.labels.with_suffix(".json"))
        if audit.get("clean_labels_dominate") is False:
            warnings[not_robust(trial, audit["dominance_margin"])] = None
    return list(warnings)
