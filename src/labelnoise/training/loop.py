"""The training loop. Reads top to bottom; nothing inside an epoch waits for the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from labelnoise.models import catalogue as models
from labelnoise.training import device as devices
from labelnoise.training import draws
from labelnoise.training.checkpoint import Begun, Checkpoint
from labelnoise.training.data import Data, Normalise, Samples
from labelnoise.training.flat import FlatParameters
from labelnoise.training.learner import Learner
from labelnoise.training.optimizers import OPTIMIZERS
from labelnoise.training.recipe import Recipe


class Stopped(BaseException):
    """Training was asked to stop, and has saved its checkpoint; no error, so not an `Exception`."""


@dataclass
class Outcome:
    """What came of a trial: one metrics row an epoch, and predictions where it ended well.

    Accuracies are percentages. `diverged_at` is the first epoch whose loss or parameters were not finite.
    """

    metrics: list[dict[str, Any]] = field(default_factory=list)
    diverged_at: int | None = None
    memorised: float | None = None
    predictions: dict[str, Tensor] = field(default_factory=dict)


def train(
    data: Data,
    loss: nn.Module,
    recipe: Recipe,
    *,
    seed: int,
    device: torch.device,
    each_epoch: Callable[[dict[str, Any]], None] = lambda row: None,
    checkpoint: Checkpoint | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Train one network from scratch and evaluate it after every epoch.

    `loss(logits, targets)` is any module, its `needs` are served; `each_epoch` gets every metrics row as it is made.
    With a `checkpoint`, training goes on after the last step saved there. When `stop()` becomes true, the step is
    finished, the checkpoint saved and `Stopped` raised.
    """
    draws.seed_globally(seed, "initialisation")
    model = models.create(
        recipe.model, num_classes=data.num_classes, channels=data.train.channels, pretrained=recipe.pretrained
    )
    precision = devices.precision_used(recipe.precision, device)
    learner = Learner(model, loss, seed=seed, precision=precision, device=device)
    learner.begin(data.train.given, data.num_classes)
    parameters = FlatParameters(learner.modules)
    optimizer = OPTIMIZERS[recipe.optimizer](parameters.values, recipe)
    normalise = Normalise(recipe, device)
    evaluate = Evaluator(learner, normalise)
    size = _usable(len(data.train), recipe.batch_size)
    wrong = data.train.given != data.train.true
    outcome = Outcome()
    if checkpoint is not None:
        outcome.metrics = checkpoint.restore(learner.modules, optimizer.state())
        for row in outcome.metrics:
            each_epoch(row)

    for epoch in range(len(outcome.metrics) + 1, recipe.epochs + 1):
        lr = recipe.learning_rate(epoch)
        order = torch.randperm(len(data.train), generator=draws.generator(seed, "order", epoch))[:size].to(device)
        given, true = data.train.given[order], data.train.true[order]
        loss_sum = torch.zeros((), device=device)
        predicted = torch.empty_like(given)

        learner.begin_epoch(epoch)
        done = 0
        if checkpoint is not None and (begun := checkpoint.begun):
            done, checkpoint.begun = begun.steps, None
            loss_sum.copy_(begun.loss_sum)
            predicted.copy_(begun.predicted)
            learner.restore_draws(begun.draws)
        starts = range(done * recipe.batch_size, size, recipe.batch_size)
        batches = data.train.training_batches(order, recipe, seed=seed, epoch=epoch, views=learner.views, done=done)
        for start, views in zip(starts, batches, strict=True):
            batch = slice(start, start + recipe.batch_size)
            targets = given[batch]
            logits, value = learner.step([normalise(images) for images in views], targets)
            parameters.zero_grad()
            value.backward()
            if recipe.l1:
                parameters.add_l1(recipe.l1)
            if recipe.clip_norm:
                parameters.clip(recipe.clip_norm)
            optimizer.step(lr)
            with torch.no_grad():
                loss_sum += value.detach() * len(targets)
                torch.argmax(logits.detach(), dim=1, out=predicted[batch])
            if stop() and checkpoint is not None:
                begun = Begun(1 + start // recipe.batch_size, loss_sum, predicted, learner.draws_state())
                checkpoint.save(learner.modules, optimizer.state(), outcome.metrics, begun, at_once=True)
                raise Stopped

        if not bool(loss_sum.isfinite() & parameters.values.isfinite().all()):
            outcome.diverged_at = epoch
            return outcome

        row = {"epoch": epoch, "lr": lr, "train_loss": loss_sum.item() / size}
        row |= _training_shares(predicted, given, true)
        row |= {f"{name}_accuracy": evaluate.accuracy(samples) for name, samples in data.tests.items()}
        row["validation_accuracy"] = evaluate.accuracy(data.validation) if data.validation else None
        outcome.metrics.append(row)
        each_epoch(row)
        if checkpoint is not None:
            checkpoint.save(learner.modules, optimizer.state(), outcome.metrics)

    outcome.memorised, outcome.predictions = _final(evaluate, data, wrong)
    return outcome


def _usable(size: int, batch_size: int) -> int:
    """All samples, but for a last batch of one: batch norm cannot be computed on it (a different one each epoch)."""
    return size - 1 if size % batch_size == 1 else size


def _share(hits: Tensor, among: Tensor) -> float | None:
    """Percentage of `among` that are `hits`; None where there are none."""
    total = int(among.sum())
    return 100 * int((hits & among).sum()) / total if total else None


def _training_shares(predicted: Tensor, given: Tensor, true: Tensor) -> dict[str, float | None]:
    """What the predictions made while training say about fitting and memorising."""
    wrong = given != true
    everything = torch.ones_like(wrong)
    fits, right = predicted == given, predicted == true
    return {
        "given_accuracy": _share(fits, everything),
        "correct_samples_accuracy": _share(right, ~wrong),
        "wrong_samples_accuracy": _share(right, wrong),
        "memorised": _share(fits, wrong),
    }


class Evaluator:
    """The learner in evaluation mode, in large batches."""

    def __init__(self, learner: Learner, normalise: Normalise):
        self.learner, self.normalise = learner, normalise

    def logits(self, samples: Samples) -> Tensor:
        """Float32 logits `(N, K)`."""
        return torch.cat([self.learner.logits(self.normalise(images)) for images in samples.evaluation_batches()])

    def accuracy(self, samples: Samples) -> float:
        """Percentage of samples predicted as given."""
        hits = self.logits(samples).argmax(dim=1) == samples.given
        return 100 * int(hits.sum()) / len(samples)


def _final(evaluate: Evaluator, data: Data, wrong: Tensor) -> tuple[float | None, dict[str, Tensor]]:
    """The share of wrong labels memorised at the end, and the predictions to keep (float32, on the CPU)."""
    logits = evaluate.logits(data.train)
    memorised = _share(logits.argmax(dim=1) == data.train.given, wrong)
    confidence = logits.softmax(dim=1).gather(1, data.train.given.unsqueeze(1)).squeeze(1)
    predictions = {f"{name}_probabilities": evaluate.logits(tests).softmax(dim=1) for name, tests in data.tests.items()}
    predictions["train_confidence"] = confidence
    return memorised, {name: values.cpu() for name, values in predictions.items()}
