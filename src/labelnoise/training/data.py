"""A data set in the device's memory, and what each sample is held to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from labelnoise.datasets.store import Prepared
from labelnoise.errors import UserError
from labelnoise.training import draws
from labelnoise.training.recipe import Recipe


@dataclass(frozen=True)
class Samples:
    """uint8 images `(N, C, H, W)`, the labels given and the true ones, both int64 `(N,)`."""

    images: Tensor
    given: Tensor
    true: Tensor

    def __len__(self) -> int:
        return len(self.given)

    def take(self, index: Tensor) -> Samples:
        """These samples, in this order."""
        return Samples(self.images[index], self.given[index], self.true[index])


@dataclass(frozen=True)
class Data:
    """All a trial learns from and is judged by."""

    train: Samples
    validation: Samples | None
    tests: dict[str, Samples]
    num_classes: int


def assemble(
    prepared: Prepared,
    noisy: np.ndarray,
    clean: np.ndarray,
    recipe: Recipe,
    *,
    seed: int,
    device: torch.device,
) -> Data:
    """Move everything to the device; hold out `recipe.validation` of the training set, drawn by the seed.

    Raises `UserError` when the label file belongs to another data set or the normalisation to other images.
    """
    if len(clean) != len(prepared.train_labels) or (clean != prepared.train_labels).any():
        raise UserError(f"the label file was made for other data than {prepared.name}; delete it and run again")
    channels = prepared.train_images.shape[1]
    if not len(recipe.mean) == len(recipe.std) == channels:
        raise UserError(f"recipe: mean and std need {channels} value(s), one a channel of {prepared.name}")

    def samples(images: np.ndarray, given: np.ndarray, true: np.ndarray) -> Samples:
        return Samples(*(torch.from_numpy(np.array(part)).to(device) for part in (images, given, true)))

    train, validation = samples(prepared.train_images, noisy, clean), None
    held_out = round(recipe.validation * len(train))
    if held_out:
        order = torch.randperm(len(train), generator=draws.generator(seed, "validation")).to(device)
        train, validation = train.take(order[held_out:]), train.take(order[:held_out])
    tests = {name: samples(images, labels, labels) for name, (images, labels) in prepared.test_sets.items()}
    return Data(train, validation, tests, prepared.num_classes)


class Normalise:
    """uint8 images to floats: (x / 255 − mean) / std, per channel."""

    def __init__(self, recipe: Recipe, device: torch.device):
        mean = torch.tensor(recipe.mean, device=device).view(1, -1, 1, 1)
        std = torch.tensor(recipe.std, device=device).view(1, -1, 1, 1)
        self.scale, self.shift = 1 / (255 * std), -mean / std

    def __call__(self, images: Tensor) -> Tensor:
        floats = images.to(torch.float32, memory_format=torch.channels_last)
        return floats.mul_(self.scale).add_(self.shift)
