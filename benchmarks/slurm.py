"""Submitting tiny trials to SLURM one by one, in groups, and as job arrays: the time of each, without the training.

    bash tests/slurm/cluster.sh up && python benchmarks/slurm.py [--trials 200]

Runs the real workflow with a trainer that only writes a result (that of benchmarks/orchestration.py) on the cluster of
the tests, one node that poses as 8 CPUs. Data and labels are prepared before, so only trials are submitted.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from orchestration import ROOT, snakemake, with_trainer, write_config

from labelnoise.experiment.run import Run

PROFILES = ("--profile", str(ROOT / "profiles" / "default"), "--profile", str(ROOT / "profiles" / "slurm"))
POLLING = (
    "--slurm-status-command", "squeue", "--latency-wait", "20", "--seconds-between-status-checks", "5",
    "--slurm-init-seconds-before-status-checks", "5", "--jobs", "400", "--default-resources", "mem_mb=400",
    "--set-resources", "train:mem_mb=400",
)  # fmt: skip
MODES = {
    "groups of 20": ("--groups", "train=trials", "--group-components", "trials=20"),
    "job arrays": ("--slurm-array-jobs", "train"),
    "one by one": (),
}


def measure(trials: int, *options: str) -> float:
    """The seconds from the call to the last result."""
    with tempfile.TemporaryDirectory(dir=Path.home()) as name:
        folder = Path(name)
        write_config(folder, trials)
        snakefile = with_trainer(folder)
        run = Run.from_config(folder / "config.yaml", {})
        for path in {trial.labels for trial in run.trials}:
            for file in (path, path.with_suffix(".json")):
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (folder / file).touch()
        for key in run.jobs["datasets"]:
            (folder / "results" / "data" / key).mkdir(parents=True)
            (folder / "results" / "data" / key / "dataset.json").touch()
        targets = [str(trial.folder.result) for trial in run.trials]
        return snakemake(folder, *targets, *PROFILES, *POLLING, *options, snakefile=snakefile)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    trials = parser.parse_args().trials
    print(f"| {trials} trials that do nothing | seconds |\n|---|---:|", flush=True)
    for mode, options in MODES.items():
        print(f"| {mode} | {measure(trials, *options):.0f} |", flush=True)


if __name__ == "__main__":
    main()
