"""How the digits recipe was chosen: one recipe for all losses, by a held-out tenth of the noisy training set.

    python benchmarks/digits_recipe.py            writes benchmarks/digits_recipe.csv, about 5 minutes on two cores

No test image and no clean label is used: the criterion is accuracy on the noisy labels of the held-out part, averaged
over the losses and noises of the default experiment. Batch size and network width follow from the time allowed for the
default run.
"""

from __future__ import annotations

import csv
import itertools
import multiprocessing
import statistics
import tempfile
from pathlib import Path

from digits_trials import prepare, trained

from labelnoise.experiment.config_file import read
from labelnoise.experiment.trials import expand

ROOT = Path(__file__).parent.parent
GRID = {"lr": (0.01, 0.03, 0.1, 0.3), "epochs": (20, 40, 60)}
HELD_OUT = 0.1


def held_out_accuracy(job: tuple[str, dict, dict]) -> float:
    """Accuracy (%) on the held-out noisy labels after the last epoch of one trial."""
    folder, spec, overrides = job
    outcome = trained(Path(folder), spec, validation=HELD_OUT, **overrides)
    return outcome.metrics[-1]["validation_accuracy"] if outcome.diverged_at is None else 0.0


def main() -> None:
    _, trials = expand(read(ROOT / "config.yaml"))
    trials = [trial for trial in trials if trial.spec["seed"] == 1]
    rows = []
    with tempfile.TemporaryDirectory() as folder, multiprocessing.get_context("spawn").Pool(2) as pool:
        prepare(Path(folder))
        for values in itertools.product(*GRID.values()):
            overrides = dict(zip(GRID, values, strict=True))
            accuracies = pool.map(held_out_accuracy, [(folder, trial.spec, overrides) for trial in trials], chunksize=1)
            by_loss = {}
            for trial, accuracy in zip(trials, accuracies, strict=True):
                by_loss.setdefault(trial.label, []).append(accuracy)
            row = overrides | {"mean": round(statistics.mean(accuracies), 2)}
            rows.append(row | {label: round(statistics.mean(values), 2) for label, values in by_loss.items()})
            print(rows[-1], flush=True)
    with (ROOT / "benchmarks" / "digits_recipe.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: -row["mean"]))


if __name__ == "__main__":
    main()
