"""A trial: spec in; result.json, metrics.csv, predictions.npz and run.json out, each complete or absent.

result.json, metrics.csv and predictions.npz hold only what the spec determines; run.json holds the circumstances.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import platform
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

import labelnoise
from labelnoise import losses, paths, targets
from labelnoise.datasets import store
from labelnoise.errors import NO_ROOM, UserError
from labelnoise.files import canonical_hash, locked, read_json, write_csv, write_json
from labelnoise.noise import labels as label_files
from labelnoise.training import device as devices
from labelnoise.training import draws, keep, results
from labelnoise.training import learner as learners
from labelnoise.training.checkpoint import Checkpoint
from labelnoise.training.code import code_version
from labelnoise.training.data import Data, Normalise, assemble
from labelnoise.training.loop import Outcome, train
from labelnoise.training.options import Options
from labelnoise.training.recipe import Recipe
from labelnoise.training.trained import Trained


def run(spec: Mapping[str, Any], folder: Path, options: Options) -> dict[str, Any]:
    """Train the trial in `folder`, whose lock is held, from its checkpoint if there is one; return the result.

    SIGTERM and SIGINT finish the step at hand, save a checkpoint and raise `Stopped`; the next call goes on from there.
    A crash inside training becomes a result with status `failed` and the reason, a loss that is no longer finite
    one with status `diverged`. Raises `UserError` when the data set or the label file is missing or wrong, or more is
    asked of the machine than it has.
    """
    with (
        devices.deterministic(options.deterministic),
        devices.acquired(options.gpus, options.trials_per_gpu) as device,
    ):
        return _run(spec, folder, options, device)


def _run(spec: Mapping[str, Any], folder: Path, options: Options, device: torch.device) -> dict[str, Any]:
    started = time.time()
    for begun in folder.glob(".*.tmp"):  # what a killed process was writing; the lock is ours
        begun.unlink()
    recipe, data, noisy = _prepare(spec, device)
    ready = time.time()

    outcome, reason, status = Outcome(), None, "ok"
    checkpoint = Checkpoint(
        folder / "checkpoint.pt",
        canonical_hash(spec, digits=64),
        arithmetic=f"{device.type} in {devices.precision_used(recipe.precision, device, recipe.model)}",
        seconds=60 * options.checkpoint_minutes,
        epochs=options.checkpoint_epochs,
        keep="checkpoint" in options.keep,
    )
    bar = tqdm(total=recipe.epochs, unit="epoch", file=sys.stdout, mininterval=2, ascii=True)

    def each_epoch(row: dict[str, Any]) -> None:
        outcome.metrics.append(row)
        bar.update()
        bar.set_postfix(loss=f"{row['train_loss']:.3g}", refresh=False)

    try:
        draws.seed_globally(spec["seed"], "loss")
        loss = create_loss(spec["loss"], num_classes=data.num_classes)
        with _stopping() as stop:
            outcome = train(
                data,
                loss,
                recipe,
                seed=spec["seed"],
                device=device,
                each_epoch=each_epoch,
                keep=keep.Keep(folder, options, last=recipe.epochs),
                checkpoint=checkpoint,
                stop=stop,
            )
        if outcome.diverged_at is not None:
            status, reason = (
                "diverged",
                f"the loss or a parameter was not finite in epoch {outcome.diverged_at}",
            )
    except (Exception, SystemExit) as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise  # the machine's fault, not the trial's: it goes on from the last checkpoint
        if isinstance(error, torch.OutOfMemoryError):
            remedy = "give another trials_per_gpu or batch_size; the trial goes on from its checkpoint"
            raise UserError(f"the GPU has no memory left, perhaps for trials beside this one: {remedy}") from error
        traceback.print_exc()
        status, reason = "failed", f"{type(error).__name__}: {error}"
    bar.close()
    trained = time.time()

    result = results.of(spec, folder, status, reason, label_files.sha256(noisy))
    result |= _summary(outcome, list(data.tests), complete=status == "ok")
    _write(folder, result, outcome)
    seen = (len(outcome.metrics) - checkpoint.epochs_restored) * len(data.train)
    circumstances = _circumstances(recipe, device, started, ready, trained)
    circumstances["deterministic"] = options.deterministic
    circumstances |= {"images_per_second": seen / (trained - ready), "epochs_restored": checkpoint.epochs_restored}
    write_json(folder / "run.json", circumstances)
    results.write(folder, result)
    # A failed one goes on from there; not with a user's own loss, whose error may be mended in a file that it imports.
    if status != "failed" or "target" in spec["loss"]:
        checkpoint.finish()
    print(f"{status}: {reason or _headline(result)}", flush=True)
    return result


def _prepare(spec: Mapping[str, Any], device: torch.device) -> tuple[Recipe, Data, np.ndarray]:
    """The trial's recipe, its data on the device, and the labels given; takes as many threads as the recipe says."""
    recipe = Recipe(**spec["recipe"])
    cores = len(os.sched_getaffinity(0))
    if recipe.threads > cores:
        remedy = "set train: {threads: …} to fewer"
        raise UserError(f"the recipe asks for {recipe.threads} threads, but there are {cores} cores; {remedy}")
    torch.set_num_threads(recipe.threads)
    prepared = store.open_prepared(paths.dataset(spec), spec["dataset"])
    noisy, clean = label_files.read(paths.labels(spec), np.array(prepared.train.labels))
    return recipe, assemble(prepared, noisy, clean, recipe, seed=spec["seed"], device=device), noisy


def derive_features(folder: Path, options: Options) -> list[Path]:
    """Write features.npz for every weights file that the finished trial in `folder` kept; the files written.

    Of the options only those of the device count.
    Raises `UserError` where no weights were kept: features cannot be had without training again.
    """
    if not (folder / "weights.pt").exists():
        raise UserError(f"{folder} kept no weights; `keep: [weights]` and training again is the only way to features")
    with locked(folder / ".lock"), devices.acquired(options.gpus, options.trials_per_gpu) as device:
        spec = read_json(folder / "result.json", "result")["spec"]
        recipe, data, _ = _prepare(spec, device)
        loss = create_loss(spec["loss"], num_classes=data.num_classes)
        precision = devices.precision_used(recipe.precision, device, recipe.model)
        learner = learners.create(data, loss, recipe, seed=spec["seed"], device=device, precision=precision)
        return keep.derive_features(folder, Trained(learner, Normalise(recipe, device), data))


@contextlib.contextmanager
def _stopping() -> Iterator[Callable[[], bool]]:
    """A function that tells whether SIGTERM or SIGINT has come; a second one kills at once."""
    received: list[int] = []

    def receive(number: int, _: object) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_DFL)
        print(f"{signal.Signals(number).name}: saving a checkpoint", flush=True)

    before = {number: signal.signal(number, receive) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def create_loss(spec: Mapping[str, Any], *, num_classes: int) -> nn.Module:
    """The loss a spec names: a catalogue loss, or a user's own class whose file is still the one it names."""
    if "target" not in spec:
        return losses.create(spec["name"], num_classes=num_classes, **spec["params"])
    target = targets.find(spec["target"])
    if target.sha256 != spec["sha256"]:
        raise UserError(f"{target.file} changed after this trial was planned; run snakemake again")
    loss = targets.load(target, spec["params"], num_classes=num_classes)
    if not isinstance(loss, nn.Module):
        raise UserError(f"target {target.name!r} is a {type(loss).__name__}; a loss has to be a torch.nn.Module")
    return loss


def _summary(outcome: Outcome, tests: list[str], *, complete: bool) -> dict[str, Any]:
    """Best, last and last-5-mean accuracy for each test set, and that of the epoch that the noisy validation chooses.

    None for a trial that is not ok.
    """
    summary: dict[str, Any] = {
        "epochs": len(outcome.metrics),
        "memorised": outcome.memorised,
        "test_sets": {},
    }
    if not complete:
        return summary
    validation = [row["validation_accuracy"] for row in outcome.metrics]
    chosen = None if validation[0] is None else validation.index(max(validation))
    for name in tests:
        curve = [row[f"{name}_accuracy"] for row in outcome.metrics]
        summary["test_sets"][name] = {
            "last": curve[-1],
            "best": max(curve),
            "best_epoch": 1 + curve.index(max(curve)),
            "last5": sum(curve[-5:]) / len(curve[-5:]),
            "validated": None if chosen is None else curve[chosen],
        }
    summary["validation"] = validation[-1]
    summary["validated_epoch"] = None if chosen is None else 1 + chosen
    return summary


def _write(folder: Path, result: Mapping[str, Any], outcome: Outcome) -> None:
    write_json(folder / "spec.json", result["spec"])
    if outcome.metrics:
        write_csv(folder / "metrics.csv", outcome.metrics, list(outcome.metrics[0]))
    if outcome.predictions:
        keep.write_arrays(folder / "predictions.npz", outcome.predictions)


def _circumstances(
    recipe: Recipe, device: torch.device, started: float, ready: float, trained: float
) -> dict[str, Any]:
    """Where, when and with what this process trained; the seconds are its own."""
    return {
        "started": datetime.datetime.fromtimestamp(started, datetime.UTC).isoformat(timespec="seconds"),
        "seconds": {"load": ready - started, "train": trained - ready},
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "device": devices.describe(device),
        "precision": devices.precision_used(recipe.precision, device, recipe.model),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "labelnoise": labelnoise.__version__,
        "code": code_version(),
    }


def _headline(result: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} accuracy {values['last']:.2f} %" for name, values in result["test_sets"].items())
