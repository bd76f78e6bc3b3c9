"""How far trials and label files are, and what the user should know of them before and after a run.

No finished trial is ever trained again for any of this: that takes a user who deletes its folder.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from labelnoise.experiment.trials import Trial, not_robust
from labelnoise.files import free_name, read_json_or_nothing
from labelnoise.noise import label_file
from labelnoise.training.options import RunOptions
from labelnoise.trial_folder import Status


def is_finished(trial: Trial, *, retry_failed: bool) -> bool:
    """Whether nothing is left to do. A damaged result counts as none, a failed one does if it shall be retried."""
    status = trial.folder.status
    return status.is_final or (status == Status.FAILED and not retry_failed)


def moved_index(folder: Path, source: Path) -> Path | None:
    """Where to set aside the description of a data set whose image files were elsewhere when it was prepared."""
    root = read_json_or_nothing(folder / "dataset.json").get("root")
    return None if root in (None, source.as_posix()) else free_name(lambda number: folder / f"moved-{number}.json")


def unkept(trials: Iterable[Trial], options: RunOptions) -> tuple[list[Trial], list[str]]:
    """Finished trials whose features can be derived from kept weights, and a line for each thing that is lost."""
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
    """A line for each label file whose labels are not those that finished trials were trained on.

    A file is read only where it is newer than a result.
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
        f"{name} has changed since {count} finished trials were trained on it; their results stay: {remedy}"
        for name, count in changed.items()
        if count
    ]


def damaged(trials: Iterable[Trial]) -> list[str]:
    """A line for each result that exists but cannot be read."""
    return [
        f"{trial.folder.result} is damaged: it is set aside, and the trial is run again"
        for trial in trials
        if trial.folder.result.exists() and trial.folder.status == Status.MISSING
    ]


def undominated(trials: Iterable[Trial]) -> list[str]:
    """A line for each label file that follows no prescribed matrix and in which clean labels do not dominate."""
    found: dict[str, None] = {}
    for trial in {trial.labels: trial for trial in trials}.values():
        if trial.spec["noise"]["kind"] not in ("file", "human", "given", "instance"):
            continue  # `noise_warnings` judges the matrix that is asked for
        audit = read_json_or_nothing(trial.labels.with_suffix(".json"))
        if audit.get("clean_labels_dominate") is False:
            found[not_robust(trial, audit["dominance_margin"])] = None
    return list(found)
