"""How long trials will take on this machine: from finished trials like them, else from a few training steps."""

from __future__ import annotations

import os
import socket
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from labelnoise import targets
from labelnoise.datasets.info import Images
from labelnoise.experiment.trials import Trial
from labelnoise.losses import catalogue as losses
from labelnoise.losses.info import Need
from labelnoise.trial_folder import Status

# Seconds per trial for the interpreter, imports and Snakemake (benchmarks/README.md).
FIXED_COST = 1.05

# The share of the test pass in an epoch, on top of the training steps (4.6 to 7.0 %, benchmarks/README.md).
_TEST_PASS = 1.06

# The predictions for all training images after the last epoch, in epochs: a forward pass is a third of a training step.
_LAST_PASS = 1 / 3

# Number of training images to assume if a data set's size is unknown until it is read.
_LARGE = 100_000


@dataclass
class Forecast:
    """Estimates of trials' durations on the machine's GPUs (`gpus`: how many of them; None: all), else on its cores.

    `bases` and `caveats` collect what they rest on.
    """

    trials: Iterable[Trial]
    gpus: int | None = None
    bases: set[str] = field(default_factory=set)
    caveats: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._measured = _measured_seconds_per_epoch(self.trials)
        self._probed: dict[tuple[Any, ...], float] = {}
        from labelnoise.training import probe  # imports torch

        self._gpus, self.unusable_gpu = probe.gpus(self.gpus)

    def seconds(self, pending: Iterable[Trial], cores: int | None = None) -> float:
        """How long the pending trials take, one at a time per GPU, or as many as fit on the cores (default: all).

        Trials that share a GPU are taken to be as fast together as one after the other.
        """
        at_a_time = self._gpus or cores or os.cpu_count() or 1
        return (
            sum(self._alone(trial) * (1 if self._gpus else trial.spec["recipe"]["threads"]) for trial in pending)
            / at_a_time
        )

    def describe(self, seconds: float, cores: int | None = None) -> str:
        """`about 3.5 h on 2 cores (from finished trials)`."""
        count = self._gpus
        machine = f"{count} GPU{'s' if count > 1 else ''}" if count else f"{cores or os.cpu_count()} cores"
        basis = "; ".join([" and ".join(sorted(self.bases, reverse=True)), *sorted(self.caveats)])
        return f"about {duration(seconds)} on {machine} (from {basis})"

    def _alone(self, trial: Trial) -> float:
        recipe = trial.spec["recipe"]
        if (measured := self._measured.get(_kind(trial))) is not None:
            self.bases.add("finished trials")
            return FIXED_COST + measured * float(recipe["epochs"])
        self.bases.add("a few training steps")
        if trial.dataset.info.images == Images.FILES:
            self.caveats.add("reading image files is not counted")
        images = trial.dataset.info.train_size
        if images is None:
            images = _LARGE
            self.caveats.add(f"{_LARGE:,} training images are assumed where their number is not known yet")
        per_epoch = _TEST_PASS * images * _views(trial) / self._images_per_second(trial)
        return FIXED_COST + per_epoch * (float(recipe["epochs"]) + _LAST_PASS)

    def _images_per_second(self, trial: Trial) -> float:
        """The speed of the trial's kind, probed once."""
        recipe, info = trial.spec["recipe"], trial.dataset.info
        size = info.image_size or recipe["image_size"]
        key = (
            targets.label(recipe["model"]),
            recipe["batch_size"],
            recipe["precision"],
            recipe["threads"],
            size,
            len(info.classes),
        )
        if key not in self._probed:
            from labelnoise.training import probe  # imports torch
            from labelnoise.training.recipe import Recipe

            self._probed[key] = probe.images_per_second(
                Recipe(**recipe), num_classes=len(info.classes), channels=info.channels, image_size=size,
                gpus=self._gpus,
            )  # fmt: skip
        return self._probed[key]


def _measured_seconds_per_epoch(trials: Iterable[Trial]) -> dict[tuple[Any, ...], float]:
    """The median over this machine's finished trials that were not resumed, by what an epoch's duration depends on."""
    host, by_kind = socket.gethostname(), dict[tuple[Any, ...], list[float]]()
    for trial in trials:
        run = trial.folder.read_run()
        is_whole = run.get("seconds") and not run.get("epochs_restored") and trial.folder.status == Status.OK
        if is_whole and run.get("host") == host:
            per_epoch = run["seconds"]["train"] / trial.spec["recipe"]["epochs"]
            by_kind.setdefault(_kind(trial), []).append(per_epoch)
    return {kind: statistics.median(values) for kind, values in by_kind.items()}


def _kind(trial: Trial) -> tuple[Any, ...]:
    recipe = trial.spec["recipe"]
    keys = ("batch_size", "precision", "threads", "image_size")
    kind = (trial.spec["dataset"]["name"], _views(trial), targets.label(recipe["model"]))
    return (*kind, *(recipe[key] for key in keys))


def _views(trial: Trial) -> int:
    """How many augmented views of an image a step computes."""
    name = trial.spec["loss"]["name"]
    is_catalogue = "target" not in trial.spec["loss"]
    return 2 if is_catalogue and Need.VIEWS in losses.needs(name) else 1


def duration(seconds: float) -> str:
    """`45 s`, `4 min`, `3.5 h`, `2.1 days`."""
    for unit, length, digits in (("days", 86_400, 1), ("h", 3_600, 1), ("min", 60, 0)):
        if seconds >= (1.5 if digits else 2) * length:
            return f"{seconds / length:.{digits}f} {unit}"
    return f"{seconds:.0f} s"
