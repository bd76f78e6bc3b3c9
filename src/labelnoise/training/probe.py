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


def gpus(wanted: int | None = None) -> tuple[int, str | None]:
    """How many GPUs trials can use here, of those `wanted`, and why a GPU of the machine cannot be used.

    Raises `UserError` for GPUs that cannot be used at all (`device.usable_gpus`).
    """
    return devices.usable_gpus(wanted), None if wanted == 0 else devices.unusable_gpu()


def images_per_second(recipe: Recipe, *, num_classes: int, channels: int, image_size: int, gpus: int) -> float:
    """Training speed with CE, in the recipe's precision and threads; images are in memory and not augmented.

    Takes no slot of a GPU, so that it need not wait while trials run.
    """
    threads = torch.get_num_threads()
    device = torch.device("cuda", 0) if gpus else torch.device("cpu")
    devices.prepare(device)
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

    if isinstance(step, steps.CapturedStep):
        # Only full batches are captured, after some that are not.
        for _ in range(step.WARM_UP + 1):
            seconds(recipe.batch_size)
        return recipe.batch_size / min(seconds(recipe.batch_size) for _ in range(8))
    seconds(_FIRST_BATCH)  # allocates
    first = seconds(_FIRST_BATCH)
    if first > _SECONDS:
        return _FIRST_BATCH / first
    affordable = int(_FIRST_BATCH * _SECONDS / 2 / first)
    batch = min(recipe.batch_size, max(affordable, _FIRST_BATCH))
    times = [seconds(batch) for _ in range(max(2, min(8, int(_SECONDS / seconds(batch)))))]
    return batch / min(times)
