"""Trains cells of JAL's Table 3 on CIFAR-10 on one GPU, in bf16, in an order of which every prefix is of use.

On a machine with all of labelnoise, with cifar10.npz (x_train, y_train, x_test, y_test):

    python benchmarks/gpu_cells.py plan cifar10.npz          writes build/cells: plan.json, and the images in parts

On the machine with the GPU, which needs only torch, scikit-learn, Pillow and PyYAML, with build/cells or its parts:

    python benchmarks/gpu_cells.py train build/cells/images-*.zip --at-a-time 2 --seconds 540

The second command resumes, also on another machine if build/cells/cells.tar.gz is there: finished trials are kept,
stopped ones go on from their checkpoints, which are in the archive. Unpacked in a clone, `labelnoise record` with the
config that this script names adds its results to docs/measured. `plan … --epochs 2` makes a dry run.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import image_parts
import yaml

from labelnoise import labelling, paths
from labelnoise.datasets import own, store
from labelnoise.datasets.info import Images
from labelnoise.errors import Stopped
from labelnoise.files import write_json
from labelnoise.trial_folder import Status, TrialFolder

EXPERIMENT = Path("experiments/jal2025-table3-cifar10.yaml")
FOLDER = Path("build/cells")
CONFIG = FOLDER / "jal2025-table3-cifar10-images-bf16.yaml"
PLAN = FOLDER / "plan.json"
ARCHIVE = FOLDER / "cells.tar.gz"
DATASET = "cifar10-images"

# The columns and rows that tell most, first: whole columns of the leading losses.
NOISES = ("symmetric-0.4-truncated", "symmetric-0.8-truncated", "asymmetric-0.4", "symmetric-0.6-truncated")
LOSSES = ("CE", "JAL-CE", "ANL-CE", "NCE+RCE", "NCE+AGCE", "GCE", "JAL-FL", "ANL-FL", "SCE", "NCE+AUL", "FL", "NCE")


def write_config(images: Path, epochs: int | None) -> None:
    """The experiment on the images of a file. Its name differs, as they are not read from the official archive."""
    config = {
        "extends": os.path.relpath(EXPERIMENT, CONFIG.parent),
        "datasets": [{"name": DATASET, "arrays": str(images), "like": "cifar10"}],
        "published": {"paper": "jal2025", "tables": ["Table 3"], "dataset": "cifar10"},
        "train": {"precision": "bf16"} | ({"epochs": epochs} if epochs else {}),
    }
    CONFIG.parent.mkdir(parents=True, exist_ok=True)
    CONFIG.write_text(yaml.safe_dump(config, sort_keys=False))


def plan(images: Path, epochs: int | None) -> list[dict[str, Any]]:
    """Write what the other machine needs to know: the trials' specs, in the order in which they are trained."""
    from labelnoise.experiment.run import Run  # needs pydantic

    write_config(images, epochs)
    trials = [
        {"spec": trial.spec, "folder": trial.folder.path.as_posix(), "label": trial.label}
        for trial in Run.from_config(CONFIG, {}).trials
    ]
    chosen = sorted(filter(is_chosen, trials), key=place)
    write_json(PLAN, chosen)
    return chosen


def is_chosen(trial: dict[str, Any]) -> bool:
    return trial["label"] in LOSSES and paths.noise_name(trial["spec"]["noise"]) in NOISES


def place(trial: dict[str, Any]) -> tuple[int, int, int]:
    """Seed by seed; in a seed noise by noise, the leading losses first."""
    noise = NOISES.index(paths.noise_name(trial["spec"]["noise"]))
    return trial["spec"]["seed"], noise, LOSSES.index(trial["label"])


def prepare(trial: dict[str, Any], images: Path) -> None:
    """Make the data set and the labels that the trial needs, unless they exist."""
    spec, folder = trial["spec"], TrialFolder(Path(trial["folder"]))
    data = paths.dataset(spec)
    if not (data / "dataset.json").exists():
        info = own.read_own(DATASET, images, Images.ARRAYS, like="cifar10").info
        if info.fingerprint != spec["dataset"]["fingerprint"]:
            sys.exit(f"{images} holds other images than those that {PLAN} was made for; make it again")
        store.prepare(info, images, data)
    if not paths.labels(spec).exists():
        labelling.write_for_trial(spec, None, paths.labels(spec))
    write_json(folder.spec, spec)


def train(trial: dict[str, Any], at_a_time: int, until: float) -> None:
    """Train the trial until it is finished or the time is up; then it saves its state."""
    if time.monotonic() > until:
        return
    folder = TrialFolder(Path(trial["folder"]))
    options = ["--checkpoint-minutes", "1", "--trials-per-gpu", str(at_a_time)]
    command = [sys.executable, "-m", "labelnoise", "train", "--spec", folder.spec, "--out", folder.path]
    with folder.log.open("a") as log:
        process = subprocess.Popen([*command, *options], stdout=log, stderr=subprocess.STDOUT)
        try:
            process.wait(timeout=max(until - time.monotonic(), 1))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
    ending = "stopped" if process.returncode == Stopped.EXIT_CODE else f"exit code {process.returncode}"
    ended = folder.status if folder.result.exists() else f"{ending}, see {folder.log}"
    print(f"{trial['label']:10} {paths.noise_name(trial['spec']['noise']):25} {ended}", flush=True)


def pack(trials: list[dict[str, Any]], archive: Path) -> None:
    """Archive what finished trials left, with the audits of their labels, and the checkpoints of unfinished ones."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz") as file:
        for trial in trials:
            folder = TrialFolder(Path(trial["folder"]))
            audit = paths.labels(trial["spec"]).with_suffix(".json")
            is_final = folder.status.is_final
            for path in (folder.result, folder.run, folder.metrics, audit) if is_final else (folder.checkpoint,):
                if path.exists():
                    file.add(path)
        file.add(CONFIG)


def unpack(archive: Path) -> None:
    """Continue what another machine has begun."""
    if archive.exists():
        with tarfile.open(archive) as file:
            file.extractall(filter="data")


def run(trials: list[dict[str, Any]], images: Path, at_a_time: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    pending = [trial for trial in trials if not TrialFolder(Path(trial["folder"])).status.is_final]
    with concurrent.futures.ThreadPoolExecutor(at_a_time) as pool:
        running = []
        for trial in pending:
            if time.monotonic() > until:
                break
            prepare(trial, images)
            running.append(pool.submit(train, trial, at_a_time, until))
        for future in running:
            future.result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    planning = commands.add_parser("plan")
    planning.add_argument("images", type=Path)
    planning.add_argument("--epochs", type=int)
    training = commands.add_parser("train")
    training.add_argument("parts", type=Path, nargs="+", help="the images, in parts or as one .npz")
    training.add_argument("--at-a-time", type=int, default=2, help="trials that share the GPU (benchmarks/gpu.py)")
    training.add_argument("--seconds", type=float, default=540)
    options = parser.parse_args()

    if options.command == "plan":
        trials = plan(options.images, options.epochs)
        parts = image_parts.write(options.images, FOLDER)
        print(f"{PLAN}: {len(trials)} trials; to carry: {FOLDER}, of which {', '.join(map(str, parts))} one at a time")
        return
    is_whole = options.parts[0].suffix == ".npz"
    images = options.parts[0] if is_whole else image_parts.read(options.parts, FOLDER / "images.npz")
    trials = json.loads(PLAN.read_text(encoding="utf-8"))
    unpack(ARCHIVE)
    run(trials, images, options.at_a_time, options.seconds)
    pack(trials, ARCHIVE)
    done = sum(TrialFolder(Path(trial["folder"])).status == Status.OK for trial in trials)
    print(f"{done} of {len(trials)} trials are finished: {ARCHIVE}; record them with: labelnoise record {CONFIG}")


if __name__ == "__main__":
    main()
