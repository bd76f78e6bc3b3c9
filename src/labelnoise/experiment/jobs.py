"""What the workflow's rules need to know of an experiment, as plain values.

The run that the user starts takes it from the config and writes it down; its jobs on other machines read that, so a
config that is edited meanwhile changes nothing for them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labelnoise import paths
from labelnoise.errors import UserError
from labelnoise.experiment.config import Config
from labelnoise.experiment.datasets import Dataset
from labelnoise.experiment.trials import Trial
from labelnoise.files import canonical_hash, read_json


def describe(config: Config, trials: list[Trial], manifest: dict[str, Any]) -> dict[str, Any]:
    """The run's manifest by its hash, the options of every trial, and what data sets and label files are made from."""
    return {
        "manifest": canonical_hash(manifest),
        "options": config.run.arguments,
        "datasets": {paths.dataset(trial.spec).name: _dataset(trial.dataset) for trial in trials},
        "labels": {trial.labels.as_posix(): _labels(trial) for trial in trials},
    }


def read(products: Path) -> dict[str, Any]:
    """What the run that writes these products has written down."""
    return read_json(paths.jobs(products), "description of the run (snakemake writes it)")


def threads(folder: Path) -> int:
    """The threads of the trial in this folder."""
    return read_json(folder / "spec.json", "trial spec")["recipe"]["threads"]


def _dataset(dataset: Dataset) -> dict[str, Any]:
    """The arguments of `labelnoise data`, and the official files that have to be downloaded."""
    info = dataset.info
    if info.like:
        splits = [] if info.in_memory else ["--splits", "train", *info.test_sets]
        kind = "--arrays" if info.in_memory else "--image-folder"
        return {"entry": [info.name, kind, str(dataset.source), "--like", info.like, *splits], "files": []}
    is_elsewhere = dataset.source != paths.DOWNLOADS / info.name
    return {
        "entry": [info.name, *(["--path", str(dataset.source)] if is_elsewhere else [])],
        "files": [(dataset.source / file).as_posix() for file in info.files] if dataset.downloads else [],
    }


def _labels(trial: Trial) -> dict[str, Any]:
    """A spec that asks for the label file, the data set it belongs to, and what else it is made from."""
    human = trial.human_file
    return {
        "spec": (trial.folder / "spec.json").as_posix(),
        "dataset": (paths.dataset(trial.spec) / "dataset.json").as_posix(),
        "source": ["--source", str(trial.noise_source)] if trial.noise_source else [],
        "files": [human.as_posix()] if human and paths.DOWNLOADS in human.parents else [],
    }


@contextlib.contextmanager
def exclusive(products: Path, manifest: str) -> Iterator[None]:
    """Hold the products of one experiment against runs with another config; runs with the same one share them.

    Raises `UserError` where a run with another config holds them.
    """
    path = products / ".run.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            handle.truncate(0)
            handle.write(f"{manifest} process {os.getpid()} on {socket.gethostname()}\n")
            handle.flush()
        except BlockingIOError:
            pass  # another run is there, or has just begun
        # Waits for one that has just begun to say whose run it is; read only then, for the file may be an older run's.
        fcntl.flock(handle, fcntl.LOCK_SH)
        handle.seek(0)
        theirs, _, holder = handle.read().strip().partition(" ")
        if theirs != manifest:
            raise UserError(
                f"another run, {holder}, writes {products}/ from another config: wait until it has ended, or give this "
                "one a file of its own (--configfile experiments/NAME.yaml)"
            )
        yield
