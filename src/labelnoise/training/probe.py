"""The speed of a recipe's training step on this machine, from a few steps on random images."""

from __future__ import annotations

import time

import torch

from labelnoise.losses import create
from labelnoise.models import catalogue as models
from labelnoise.training import device as devices
from labelnoise.training import step as steps
from labelnoise.training.data import Normalise
from labelnoise.training.learner import Learner
from labelnoise.training.recipe import Recipe

# The timed steps take about this long; a machine that is too slow for full batches gets smaller ones.
_SECONDS = 1.5
_FIRST_BATCH = 8


def gpus() -> int:
    """How many GPUs trials can use here."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def images_per_second(recipe: Recipe, *, num_classes: int, channels: int, image_size: int) -> float:
    """Training speed with CE, in the recipe's precision and threads; images are in memory and not augmented."""
    threads = torch.get_num_threads()
    with devices.acquired() as device:
        torch.set_num_threads(recipe.threads)
        try:
            return _measure(recipe, num_classes, (channels, image_size, image_size), device)
        finally:
            torch.set_num_threads(threads)


def _measure(recipe: Recipe, num_classes: int, shape: tuple[int, int, int], device: torch.device) -> float:
    torch.manual_seed(0)
    model = models.create(recipe.model, num_classes=num_classes, channels=shape[0])
    loss = create("CE", num_classes=num_classes)
    precision = devices.precision_used(recipe.precision, device, recipe.model)
    learner = Learner(model, loss, seed=0, precision=precision, device=device)
    step = steps.create(learner, Normalise(recipe, device), recipe)
    step.begin_epoch(1)

    def seconds(batch: int) -> float:
        images = torch.randint(256, (batch, *shape), dtype=torch.uint8, device=device)
        targets = torch.randint(num_classes, (batch,), device=device)
        started = time.perf_counter()
        step([images], targets)
        _ = step.loss_sum.item()  # waits for the device
        return time.perf_counter() - started

    seconds(_FIRST_BATCH)  # allocates
    first = seconds(_FIRST_BATCH)
    if first > _SECONDS:
        return _FIRST_BATCH / first
    affordable = int(_FIRST_BATCH * _SECONDS / 2 / first)
    batch = min(recipe.batch_size, max(affordable, _FIRST_BATCH))
    # On a GPU the first steps run uncaptured.
    times = [seconds(batch) for _ in range(max(2, min(8, int(_SECONDS / seconds(batch)))))]
    return batch / min(times)
