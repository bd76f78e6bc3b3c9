"""A trial: a spec goes in; result.json, metrics.csv, predictions.npz and run.json come out, each complete or absent."""

from __future__ import annotations

import datetime
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from labelnoise.errors import UserError
from labelnoise.files import read_json, write_csv, write_json
from labelnoise.training import device as devices
from labelnoise.training import draws, keep, machine_errors
from labelnoise.training import learner as learners
from labelnoise.training.checkpoint import Checkpoint
from labelnoise.training.data import Normalise
from labelnoise.training.environment import describe_environment
from labelnoise.training.evaluator import Evaluator
from labelnoise.training.inputs import Inputs, load_inputs
from labelnoise.training.interruption import stop_requests
from labelnoise.training.loop import Outcome, train
from labelnoise.training.options import DeviceOptions, RunOptions
from labelnoise.trial_folder import Status, TrialFolder, new_result
from labelnoise.trial_metrics import summarise


@dataclass(frozen=True)
class Ending:
    """How a training ended, and its outcome."""

    status: Status
    reason: str | None
    outcome: Outcome


def run(
    spec: Mapping[str, Any], folder: TrialFolder, options: RunOptions, device_options: DeviceOptions
) -> dict[str, Any]:
    """Train the trial in `folder`, whose lock must be held, from its checkpoint if there is one; return the result.

    On SIGTERM or SIGINT the current step is finished, a checkpoint is saved and `Stopped` is raised; the next call
    resumes from there. A crash inside training becomes a result with status `failed` and the reason; a loss or
    parameter that is not finite becomes one with status `diverged`. Raises `UserError` if the data set or the label
    file is missing or wrong, or the machine lacks the requested devices or cores, and whatever the machine raises
    (`machine_errors`).
    """
    with (
        devices.deterministic(options.deterministic),
        devices.acquired(device_options.gpus, device_options.trials_per_gpu) as device,
    ):
        started = time.time()
        folder.remove_unfinished_files()
        inputs = load_inputs(spec, device)
        checkpoint = _checkpoint(inputs, folder, options)

        loaded = time.time()
        ending = _train(inputs, folder, options, checkpoint, capture=device_options.capture)
        trained = time.time()
        inputs.data.close()

        epochs = len(ending.outcome.metrics) - checkpoint.epochs_restored
        write_json(
            folder.run,
            describe_environment(device)
            | {
                "started": datetime.datetime.fromtimestamp(started, datetime.UTC).isoformat(timespec="seconds"),
                "seconds": {"load": loaded - started, "train": trained - loaded},
                "images_per_second": epochs * len(inputs.data.train) / (trained - loaded),
                "epochs_restored": checkpoint.epochs_restored,
                "precision": inputs.precision,
                "deterministic": options.deterministic,
            },
        )
        result = _write_result(inputs, folder, ending)
    # A failed trial resumes from its checkpoint, unless it runs the user's code, whose fix may be anywhere.
    if ending.status != Status.FAILED or inputs.has_user_code:
        checkpoint.finish()
    return result


def derive_features(folder: TrialFolder, device_options: DeviceOptions) -> list[Path]:
    """Write features.npz for every weights file that the finished trial in `folder` kept; returns the files written.

    Raises `UserError` if no weights were kept, since features then require training again.
    """
    if not folder.weights().exists():
        raise UserError(
            f"{folder.path} kept no weights, so features require training again: set `keep: [weights]` or "
            "`keep: [features]` and delete this folder"
        )
    with folder.held(), devices.acquired(device_options.gpus, device_options.trials_per_gpu) as device:
        inputs = load_inputs(read_json(folder.result, "result")["spec"], device)
        learner = learners.create(
            inputs.data,
            inputs.create_loss(),
            inputs.recipe,
            seed=inputs.seed,
            device=device,
            precision=inputs.precision,
        )
        return keep.derive_features(folder, Evaluator(learner, Normalise(inputs.recipe, device), inputs.data))


def _checkpoint(inputs: Inputs, folder: TrialFolder, options: RunOptions) -> Checkpoint:
    return Checkpoint(
        folder.checkpoint,
        inputs.identity,
        arithmetic=f"{inputs.device.type} in {inputs.precision}",
        seconds=60 * (1 if options.checkpoint_minutes is None else options.checkpoint_minutes),
        epochs=options.checkpoint_epochs,
        keep="checkpoint" in options.keep,
    )


def _train(
    inputs: Inputs, folder: TrialFolder, options: RunOptions, checkpoint: Checkpoint, *, capture: bool
) -> Ending:
    """Train with progress on the terminal. An error of the trial itself becomes its ending; others are raised."""
    metrics: list[dict[str, Any]] = []
    bar = tqdm(total=inputs.recipe.epochs, unit="epoch", file=sys.stdout, mininterval=2, ascii=True)

    def on_epoch_end(row: dict[str, Any]) -> None:
        metrics.append(row)
        bar.update()
        bar.set_postfix(loss=f"{row['train_loss']:.3g}", refresh=False)

    try:
        draws.seed_globally(inputs.seed, "loss")
        loss = inputs.create_loss()
        with stop_requests() as stop, bar:
            outcome = train(
                inputs.data,
                loss,
                inputs.recipe,
                seed=inputs.seed,
                device=inputs.device,
                on_epoch_end=on_epoch_end,
                keep=keep.Keep(folder, options, last=inputs.recipe.epochs),
                checkpoint=checkpoint,
                stop=stop,
                capture=capture,
            )
    except (Exception, SystemExit) as error:
        if machine_errors.is_no_room(error) or machine_errors.explain(error):
            raise
        traceback.print_exc()
        return Ending(Status.FAILED, f"{type(error).__name__}: {error}", Outcome(metrics))
    if outcome.diverged_at is not None:
        reason = f"the loss or a parameter was not finite in epoch {outcome.diverged_at}"
        return Ending(Status.DIVERGED, reason, outcome)
    return Ending(Status.OK, None, outcome)


def _write_result(inputs: Inputs, folder: TrialFolder, ending: Ending) -> dict[str, Any]:
    """Write what the spec determines, result.json last; return the result."""
    outcome = ending.outcome
    result = new_result(inputs.spec, folder.identity, ending.status, ending.reason, inputs.labels_sha256)
    result |= {"epochs": len(outcome.metrics), "memorised": outcome.memorised}
    if ending.status == Status.OK:
        result |= summarise(outcome.metrics, list(inputs.data.tests))
    write_json(folder.spec, inputs.spec)
    if outcome.metrics:
        write_csv(folder.metrics, outcome.metrics, list(outcome.metrics[0]))
    if outcome.predictions:
        keep.write_arrays(folder.predictions(), outcome.predictions)
    folder.write_result(result)
    accuracies = (f"{name} accuracy {values['last']:.2f} %" for name, values in result["test_sets"].items())
    print(f"{ending.status}: {ending.reason or ', '.join(accuracies)}", flush=True)
    return result
