"""The training loop. Nothing inside an epoch waits for the device."""

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
from labelnoise.training.checkpoint import Checkpoint, PartialEpoch, TrainingState
from labelnoise.training.data import Data, Normalise
from labelnoise.training.evaluator import Evaluator
from labelnoise.training.measures import memorised_share, training_measures
from labelnoise.training.recipe import Recipe
from labelnoise.training.samples import labels_at
from labelnoise.training.step import Step


@dataclass
class Outcome:
    """The outcome of a training: one row of metrics per epoch, and predictions if it succeeded.

    Accuracies are percentages. `diverged_at` is the first epoch after which the loss or a parameter was not finite.
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
    on_epoch_end: Callable[[dict[str, Any]], None] = lambda row: None,
    keep: Callable[[int, Evaluator], None] = lambda epoch, evaluator: None,
    checkpoint: Checkpoint | None = None,
    stop: Callable[[], bool] = lambda: False,
    capture: bool = True,
) -> Outcome:
    """Train one network from scratch and evaluate it after every epoch.

    `loss(logits, targets)` is any module; the learner supplies what it `needs`. After each epoch, `keep` is called with
    the epoch and the evaluator, then `on_epoch_end` with the row of metrics. With a `checkpoint`, training resumes
    after the last step saved there. When `stop()` becomes true, the current step or evaluation batch is finished, the
    checkpoint is saved and `Stopped` is raised. On a GPU steps are captured as a CUDA graph if they can be, unless
    `capture` is False.
    """
    precision = devices.precision_used(recipe.precision, device, recipe.model)
    learner = learners.create(data, loss, recipe, seed=seed, device=device, precision=precision)
    normalise = Normalise(recipe, device)
    step = steps.create(learner, normalise, recipe, capture=capture)
    evaluator = Evaluator(learner, normalise, data, stop)

    state = TrainingState(learner.modules, learner.plain, step.optimizer.state())
    if checkpoint is not None:
        checkpoint.restore(state)
    for row in state.metrics:
        on_epoch_end(row)

    try:
        for epoch in range(len(state.metrics) + 1, recipe.epochs + 1):
            order = _draw_order(data, recipe, seed=seed, epoch=epoch, device=device)
            predicted = _train_epoch(step, data, order, state, seed=seed, epoch=epoch, stop=stop)
            if not step.is_finite():
                return Outcome(state.metrics, diverged_at=epoch)

            row = {"epoch": epoch, "lr": recipe.learning_rate(epoch), "train_loss": step.loss_sum.item() / len(order)}
            row |= training_measures(predicted, data.train.given[order], labels_at(data.train.true, order))
            row |= {f"{name}_accuracy": evaluator.accuracy(samples) for name, samples in data.tests.items()}
            row["validation_accuracy"] = evaluator.accuracy(data.validation) if data.validation else None
            keep(epoch, evaluator)

            state.metrics.append(row)
            state.partial = None
            on_epoch_end(row)
            if checkpoint is not None and checkpoint.is_due(epoch, recipe.epochs):
                checkpoint.save(state)
        predictions, fits = evaluator.predictions()
    except Stopped:
        if state.partial is not None:
            state.partial.draws = learner.draws_state()
        if checkpoint is not None:
            checkpoint.save(state)
        raise
    return Outcome(state.metrics, memorised=memorised_share(fits, data.train), predictions=predictions)


def _draw_order(data: Data, recipe: Recipe, *, seed: int, epoch: int, device: torch.device) -> Tensor:
    """The order of the training samples in this epoch, `(N,)` on the device.

    A last batch of one sample is left out, since batch norm cannot be computed on it. The sample left out changes with
    the epoch.
    """
    size = len(data.train)
    usable = size - 1 if size % recipe.batch_size == 1 else size
    return torch.randperm(size, generator=draws.generator(seed, "order", epoch))[:usable].to(device)


def _train_epoch(
    step: Step, data: Data, order: Tensor, state: TrainingState, *, seed: int, epoch: int, stop: Callable[[], bool]
) -> Tensor:
    """Do the steps of the epoch, or the rest of an interrupted one; returns the classes predicted before, `(N,)`."""
    learner, recipe, given = step.learner, step.recipe, data.train.given[order]
    interrupted, predicted = state.partial, torch.empty_like(given)
    # The loss already got the number of an interrupted epoch; the change this made is in the checkpoint.
    step.begin_epoch(epoch, is_resumed=interrupted is not None)
    partial = state.partial = PartialEpoch(0, step.loss_sum, predicted)
    if interrupted is not None:
        partial.steps = interrupted.steps
        step.loss_sum.copy_(interrupted.loss_sum)
        predicted.copy_(interrupted.predicted)
        learner.restore_draws(interrupted.draws)

    batches = data.train.training_batches(
        order, recipe, seed=seed, epoch=epoch, views=learner.views, done=partial.steps
    )
    starts = range(partial.steps * recipe.batch_size, len(order), recipe.batch_size)
    for start, views in zip(starts, batches, strict=True):
        batch = slice(start, start + recipe.batch_size)
        predicted[batch] = step(views, given[batch], order[batch] if learner.needs_index else None)
        partial.steps += 1
        if stop():
            raise Stopped
    return predicted
