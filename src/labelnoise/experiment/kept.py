"""What finished trials kept of what the config's `run:` asks for now: no trial is trained again for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from labelnoise.experiment.config import Run
from labelnoise.experiment.manifest import OK, status
from labelnoise.experiment.trials import Trial


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
