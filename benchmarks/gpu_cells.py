"""Trains cells of JAL's Table 3 on CIFAR-10 on one GPU, without Snakemake, in an order of which every prefix is of use.

    python benchmarks/gpu_cells.py cifar10.npz --at-a-time 4 --seconds 540 --out build/cells.tar.gz

`cifar10.npz` has x_train, y_train, x_test, y_test. The same command resumes: finished trials are kept, stopped ones go
on from their checkpoints, which are saved when the time is up. The archive holds the small files of all finished
trials; unpacked in a clone, `labelnoise record` with the config that this script names adds them to docs/measured.
`--epochs 2` is a dry run. Needs what benchmarks/gpu.sh needs.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import yaml

from labelnoise import paths
from labelnoise.errors import Stopped
from labelnoise.experiment.run import Run
from labelnoise.experiment.trials import Trial
from labelnoise.trial_folder import Status

EXPERIMENT = Path("experiments/jal2025-table3-cifar10.yaml")
CONFIG = Path("build/jal2025-table3-cifar10-images.yaml")

# The columns and rows that tell most, first: whole columns of the leading losses.
NOISES = ("symmetric-0.4-truncated", "symmetric-0.8-truncated", "asymmetric-0.4", "symmetric-0.6-truncated")
LOSSES = ("CE", "JAL-CE", "ANL-CE", "NCE+RCE", "NCE+AGCE", "GCE", "JAL-FL", "ANL-FL", "SCE", "NCE+AUL", "FL", "NCE")


def write_config(images: Path, epochs: int | None) -> None:
    """The experiment on the images of a file. Its name differs, as they are not read from the official archive."""
    config = {
        "extends": os.path.relpath(EXPERIMENT, CONFIG.parent),
        "datasets": [{"name": "cifar10-images", "arrays": str(images), "like": "cifar10"}],
        "published": {"paper": "jal2025", "tables": ["Table 3"], "dataset": "cifar10"},
        "train": {"precision": "fp32"} | ({"epochs": epochs} if epochs else {}),
    }
    CONFIG.parent.mkdir(exist_ok=True)
    CONFIG.write_text(yaml.safe_dump(config, sort_keys=False))


def ordered(trials: tuple[Trial, ...]) -> list[Trial]:
    """Seed by seed; in a seed noise by noise, the leading losses first."""
    wanted = [trial for trial in trials if trial.label in LOSSES and paths.noise_name(trial.spec["noise"]) in NOISES]

    def place(trial: Trial) -> tuple[int, int, int]:
        noise = NOISES.index(paths.noise_name(trial.spec["noise"]))
        return trial.spec["seed"], noise, LOSSES.index(trial.label)

    return sorted(wanted, key=place)


def labelnoise(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "labelnoise", *map(str, arguments)], check=True)


def prepare(trial: Trial) -> None:
    """Make the data set and the labels that the trial needs, unless they exist."""
    folder = paths.dataset(trial.spec)
    if not (folder / "dataset.json").exists():
        labelnoise("data", "--spec", folder / "entry.json", "--out", folder)
    if not trial.labels.exists():
        labelnoise("noise", "--spec", trial.folder.spec, "--out", trial.labels)


def train(trial: Trial, at_a_time: int, until: float) -> None:
    """Train the trial until it is finished or the time is up; then it saves its state."""
    if time.monotonic() > until:
        return
    options = ["--checkpoint-minutes", "5", "--trials-per-gpu", str(at_a_time)]
    command = [sys.executable, "-m", "labelnoise", "train", "--spec", trial.folder.spec, "--out", trial.folder.path]
    with trial.folder.log.open("a") as log:
        process = subprocess.Popen([*command, *options], stdout=log, stderr=subprocess.STDOUT)
        try:
            process.wait(timeout=max(until - time.monotonic(), 1))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
    ending = "stopped" if process.returncode == Stopped.EXIT_CODE else f"exit code {process.returncode}"
    ended = trial.folder.status if trial.folder.result.exists() else f"{ending}, see {trial.folder.log}"
    print(f"{trial.label:10} {paths.noise_name(trial.spec['noise']):25} {ended}", flush=True)


def pack(trials: list[Trial], archive: Path) -> None:
    """Archive results, metrics and circumstances of the finished trials, and the audits of their labels."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz") as file:
        for trial in trials:
            for path in (
                trial.folder.result,
                trial.folder.run,
                trial.folder.metrics,
                trial.labels.with_suffix(".json"),
            ):
                if trial.folder.status.is_final and path.exists():
                    file.add(path)
        file.add(CONFIG)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("--at-a-time", type=int, default=4, help="trials that share the GPU (benchmarks/gpu.py)")
    parser.add_argument("--seconds", type=float, default=540)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--out", type=Path, default=Path("build/cells.tar.gz"))
    options = parser.parse_args()
    until = time.monotonic() + options.seconds

    write_config(options.images, options.epochs)
    run = Run.from_config(CONFIG, {})
    run.write_files()
    trials = ordered(run.trials)
    pending = [trial for trial in trials if not trial.folder.status.is_final]
    with concurrent.futures.ThreadPoolExecutor(options.at_a_time) as pool:
        running = []
        for trial in pending:
            prepare(trial)
            running.append(pool.submit(train, trial, options.at_a_time, until))
        for future in running:
            future.result()
    pack(trials, options.out)
    done = sum(trial.folder.status == Status.OK for trial in trials)
    print(f"{done} of {len(trials)} trials are finished: {options.out}; record them with: labelnoise record {CONFIG}")


if __name__ == "__main__":
    main()
