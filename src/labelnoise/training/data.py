"""A trial's training and evaluation data: images in device memory, or decoded from files batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from labelnoise.datasets.store import Prepared, Split
from labelnoise.errors import UserError
from labelnoise.training import draws
from labelnoise.training.augmentation import augment, find
from labelnoise.training.recipe import Recipe
from labelnoise.training.samples import Samples, labels_at
from labelnoise.trial_folder import HELD_OUT

if TYPE_CHECKING:
    from labelnoise.training.image_files import Decoder

EVALUATION_BATCH = 1024


@dataclass(frozen=True)
class ImagesInMemory:
    """uint8 images `(N, C, H, W)` on the device; augmented one epoch at a time."""

    images: Tensor
    given: Tensor
    true: Tensor | None

    def __len__(self) -> int:
        return len(self.given)

    @property
    def channels(self) -> int:
        return self.images.shape[1]

    def take(self, index: Tensor) -> ImagesInMemory:
        return ImagesInMemory(self.images[index], self.given[index], labels_at(self.true, index))

    def training_batches(
        self, order: Tensor, recipe: Recipe, *, seed: int, epoch: int, views: int, done: int = 0
    ) -> Iterator[list[Tensor]]:
        shuffled = self.images[order]
        augmentations = [find(entry) for entry in recipe.augmentation]
        augmented = [
            augment(shuffled, augmentations, draws.generator(seed, f"augmentation {view}", epoch))
            for view in range(views)
        ]
        for start in range(done * recipe.batch_size, len(order), recipe.batch_size):
            yield [images[start : start + recipe.batch_size] for images in augmented]

    def evaluation_batches(self) -> Iterator[Tensor]:
        yield from self.images.split(EVALUATION_BATCH)


@dataclass(frozen=True)
class Data:
    """All data that a trial is trained and evaluated on.

    If some training samples are held out, as `validation` or as a test set, `validation_index` holds their indices in
    the data set, and `train_index` `(N,)` those of the others.
    """

    train: Samples
    validation: Samples | None
    tests: dict[str, Samples]
    num_classes: int
    train_index: Tensor | None = None
    validation_index: Tensor | None = None
    decoder: Decoder | None = None

    def close(self) -> None:
        """End the processes that decode images, if there are any."""
        if self.decoder is not None:
            self.decoder.close()


def assemble(
    prepared: Prepared,
    noisy: np.ndarray,
    clean: np.ndarray | None,
    recipe: Recipe,
    *,
    seed: int,
    device: torch.device,
    noisy_tests: bool = False,
) -> Data:
    """Move all data to the device; hold out a part of the training set (`Recipe.held_out`), drawn by the seed.

    `clean` is None if the clean labels are not known; with `noisy_tests` those of the test sets are not. Without clean
    test labels the held-out part is not for choosing an epoch, but the first test set, called `held_out`. Raises
    `UserError` if the label file belongs to another data set or the normalisation has another number of channels.
    """
    is_theirs = len(noisy) == len(prepared.train) and (clean is None or (clean == prepared.train.labels).all())
    if not is_theirs:
        raise UserError(f"the label file was made for other data than {prepared.name}; delete it and run again")

    decoders: list[Decoder] = []

    def samples(split: Split, given: np.ndarray, true: np.ndarray | None) -> Samples:
        on_device = torch.from_numpy(np.array(given)).to(device)
        true_on_device = None if true is None else torch.from_numpy(np.array(true)).to(device)
        if split.images is not None:
            return ImagesInMemory(torch.from_numpy(np.array(split.images)).to(device), on_device, true_on_device)
        # Imported only here, as torchvision takes a second to import.
        from labelnoise.training.image_files import Decoder, ImagesInFiles

        if not decoders:
            decoders.append(Decoder(split.root or Path(), recipe, device))
        return ImagesInFiles(np.array(split.files), on_device, true_on_device, decoders[0])

    train, validation, index, held_out = samples(prepared.train, noisy, clean), None, None, None
    if not len(recipe.mean) == len(recipe.std) == train.channels:
        raise UserError(f"recipe: mean and std need {train.channels} value(s), one per channel of {prepared.name}")
    start, end = recipe.held_out(len(train))
    if end > start:
        order = torch.randperm(len(train), generator=draws.generator(seed, "validation")).to(device)
        index, held_out = torch.cat((order[:start], order[end:])), order[start:end]
        train, validation = train.take(index), train.take(held_out)
    tests = {
        name: samples(split, split.labels, None if noisy_tests else split.labels)
        for name, split in prepared.test_sets.items()
    }
    if validation is not None and (noisy_tests or not tests):
        tests, validation = {HELD_OUT: validation, **tests}, None
    if not tests:
        raise UserError(f"{prepared.name} has no test set, so the recipe needs a validation share")
    return Data(train, validation, tests, prepared.num_classes, index, held_out, decoders[0] if decoders else None)


class Normalise:
    """uint8 images to floats: (x / 255 − mean) / std, per channel."""

    def __init__(self, recipe: Recipe, device: torch.device):
        mean = torch.tensor(recipe.mean, device=device).view(1, -1, 1, 1)
        std = torch.tensor(recipe.std, device=device).view(1, -1, 1, 1)
        self.scale, self.shift = 1 / (255 * std), -mean / std

    def __call__(self, images: Tensor) -> Tensor:
        floats = images.to(torch.float32, memory_format=torch.channels_last)
        return floats.mul_(self.scale).add_(self.shift)
