"""The training loop. Reads top to bottom; nothing inside an epoch waits for the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from labelnoise.errors import Stopped
from labelnoise.training import device as devices
from labelnoise.training import draws
from labelnoise.training import learner as learners
from labelnoise.training import step as steps
from labelnoise.training.checkpoint import Begun, Checkpoint
from labelnoise.training.data import Data, Normalise, at
from labelnoise.training.recipe import Recipe
from labelnoise.training.results import UNKNOWN
from labelnoise.training.trained import Trained


@dataclass
class Outcome:
    """What came of a trial: one metrics row an epoch, and predictions where it ended well.

    Accuracies are percentages. `diverged_at` is the first epoch whose loss or parameters were not finite.
    """

    metrics: list[dict[str, Any]] = field(default_factory=list)
    diverged_at: int | None = None
    memorised: float | str | None = None
    predictions: dict[str, Tensor] = field(default_factory=dict)


def train(
    data: Data,
    loss: nn.Module,
    recipe: Recipe,
    *,
    seed: int,
    device: torch.device,
    each_epoch: Callable[[dict[str, Any]], None] = lambda row: None,
    keep: Callable[[int, Trained], None] = lambda epoch, trained: None,
    checkpoint: Checkpoint | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Train one network from scratch and evaluate it after every epoch.

    `loss(logits, targets)` is any module, its `needs` are served. `each_epoch` gets every metrics row as it is made,
    and before it `keep` the epoch and the network as it is then. With a `checkpoint`, training goes on after the last
    step saved there. When `stop()` becomes true, the step or the batch that is evaluated is finished, the checkpoint
    saved and `Stopped` raised.
    """
    precision = devices.precision_used(recipe.precision, device, recipe.model)
    learner = learners.create(data, loss, recipe, seed=seed, device=device, precision=precision)
    normalise = Normalise(recipe, device)
    step = steps.create(learner, normalise, recipe)
    state = step.optimizer.state()
    trained = Trained(learner, normalise, data, stop if checkpoint is not None else lambda: False)
    size = _usable(len(data.train), recipe.batch_size)
    outcome = Outcome()
    if checkpoint is not None:
        outcome.metrics = checkpoint.restore(learner.modules, learner.plain, state)
        for row in outcome.metrics:
            each_epoch(row)

    def now() -> Begun:
        return Begun(done, step.loss_sum, predicted, learner.draws_state())

    for epoch in range(len(outcome.metrics) + 1, recipe.epochs + 1):
        order = torch.randperm(len(data.train), generator=draws.generator(seed, "order", epoch))[:size].to(device)
        given, true = data.train.given[order], at(data.train.true, order)
        predicted = torch.empty_like(given)

        begun = None if checkpoint is None else checkpoint.begun
        # What an interrupted epoch did to the loss before its first step is in the checkpoint.
        step.begin_epoch(epoch, is_resumed=begun is not None)
        done = 0
        if begun is not None:
            done, checkpoint.begun = begun.steps, None
            step.loss_sum.copy_(begun.loss_sum)
            predicted.copy_(begun.predicted)
            learner.restore_draws(begun.draws)
        starts = range(done * recipe.batch_size, size, recipe.batch_size)
        batches = data.train.training_batches(order, recipe, seed=seed, epoch=epoch, views=learner.views, done=done)
        for start, views in zip(starts, batches, strict=True):
            batch = slice(start, start + recipe.batch_size)
            predicted[batch] = step(views, given[batch])
            done += 1
            if stop() and checkpoint is not None:
                checkpoint.save(learner.modules, learner.plain, state, outcome.metrics, now())
                raise Stopped

        if not bool(step.loss_sum.isfinite() & step.parameters.values.isfinite().all()):
            outcome.diverged_at = epoch
            return outcome

        row = {"epoch": epoch, "lr": recipe.learning_rate(epoch), "train_loss": step.loss_sum.item() / size}
        row |= training_shares(predicted, given, true)
        try:
            row |= {f"{name}_accuracy": trained.accuracy(samples) for name, samples in data.tests.items()}
            row["validation_accuracy"] = trained.accuracy(data.validation) if data.validation else None
            keep(epoch, trained)
        except Stopped:
            checkpoint.save(learner.modules, learner.plain, state, outcome.metrics, now())
            raise
        outcome.metrics.append(row)
        each_epoch(row)
        if checkpoint is not None and checkpoint.is_due(epoch, recipe.epochs):
            checkpoint.save(learner.modules, learner.plain, state, outcome.metrics)

    try:
        outcome.predictions, fits = trained.predictions()
    except Stopped:
        checkpoint.save(learner.modules, learner.plain, state, outcome.metrics)
        raise
    true = data.train.true
    outcome.memorised = UNKNOWN if true is None else _share(fits, data.train.given != true)
    return outcome


def _usable(size: int, batch_size: int) -> int:
    """All samples, but for a last batch of one: batch norm cannot be computed on it (a different one each epoch)."""
    return size - 1 if size % batch_size == 1 else size


def _share(hits: Tensor, among: Tensor) -> float | None:
    """Percentage of `among` that are `hits`; None where there are none."""
    total = int(among.sum())
    return 100 * int((hits & among).sum()) / total if total else None


def training_shares(predicted: Tensor, given: Tensor, true: Tensor | None) -> dict[str, float | str | None]:
    """What the predictions made while training say about fitting and memorising: unknown where the true labels are."""
    fits = predicted == given
    given_accuracy = _share(fits, torch.ones_like(fits))
    if true is None:
        names = ("correct_samples_accuracy", "wrong_samples_accuracy", "memorised")
        return {"given_accuracy": given_accuracy} | dict.fromkeys(names, UNKNOWN)
    wrong, right = given != true, predicted == true
    return {
        "given_accuracy": given_accuracy,
        "correct_samples_accuracy": _share(right, ~wrong),
        "wrong_samples_accuracy": _share(right, wrong),
        "memorised": _share(fits, wrong),
    }
