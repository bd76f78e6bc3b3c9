"""Images decoded and augmented by worker processes, with torchvision's v2 transforms.

An image's draws depend only on (seed, view, epoch, its index in the data set), so neither the number of workers nor the
order of the batches changes what a trial sees. A user's own augmentation is applied to each decoded batch.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from labelnoise.datasets import images
from labelnoise.errors import UserError
from labelnoise.training import draws
from labelnoise.training.augmentation import augment, find
from labelnoise.training.recipe import Recipe
from labelnoise.training.samples import labels_at

_EVALUATION_BATCH = 256


def training_transform(recipe: Recipe) -> v2.Transform:
    """PIL image → uint8 `(3, S, S)`, augmented as the recipe says."""
    size = recipe.image_size
    transforms = {
        "resized_crop": [v2.RandomResizedCrop(size)],
        "random_crop": [v2.Resize(recipe.resize), v2.RandomCrop(size)],
        "flip": [v2.RandomHorizontalFlip()],
        "jitter": [v2.ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.2)],
    }
    names = [entry for entry in recipe.augmentation if isinstance(entry, str)]
    steps = [step for name in names for step in transforms[name]]
    if not {"resized_crop", "random_crop"} & set(names):
        steps = [v2.Resize(recipe.resize), v2.CenterCrop(size), *steps]
    return v2.Compose([*steps, v2.PILToTensor()])


def evaluation_transform(recipe: Recipe) -> v2.Transform:
    """PIL image → uint8 `(3, S, S)`, resized and centre-cropped."""
    return v2.Compose([v2.Resize(recipe.resize), v2.CenterCrop(recipe.image_size), v2.PILToTensor()])


class _Decoding(Dataset[Any]):
    """Item i holds the views of file i, each uint8 `(3, S, S)`, or a message if it cannot be read."""

    def __init__(self, root: Path, files: np.ndarray, transform: v2.Transform, seeds: Sequence[tuple[int, str, int]]):
        self.root, self.files, self.transform, self.seeds = root, files, transform, seeds

    def __getitem__(self, index: int) -> list[Tensor] | str:
        path = self.root / self.files[index].decode()
        try:
            image = images.read(path)
        except OSError as error:
            return f"{path} cannot be read ({error}), although it could when the data set was prepared"
        views = []
        for seed, purpose, epoch in self.seeds:
            draws.seed_globally(seed, f"{purpose} of image {index}", epoch)
            views.append(self.transform(image))
        return views


def _ignore_signals(_: int) -> None:
    """Signals to the job reach its workers too; the job stops its workers itself, after saving."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _collate(items: list[list[Tensor] | str]) -> list[Tensor] | str:
    broken = next((item for item in items if isinstance(item, str)), None)
    return broken or [torch.stack(view) for view in zip(*items, strict=True)]


@dataclass(frozen=True)
class ImagesInFiles:
    """Files `(N,)` (as bytes, relative to `root`), with labels on the device.

    `index_in_set` `(N,)` holds the files' indices in the data set (None: these are all files).
    """

    root: Path
    files: np.ndarray
    given: Tensor
    true: Tensor | None
    recipe: Recipe
    device: torch.device
    index_in_set: np.ndarray | None = None

    channels = 3

    def __len__(self) -> int:
        return len(self.given)

    def take(self, index: Tensor) -> ImagesInFiles:
        chosen = index.cpu().numpy()
        index_in_set = chosen if self.index_in_set is None else self.index_in_set[chosen]
        return ImagesInFiles(
            self.root,
            self.files,
            self.given[index],
            labels_at(self.true, index),
            self.recipe,
            self.device,
            index_in_set,
        )

    def training_batches(
        self, order: Tensor, recipe: Recipe, *, seed: int, epoch: int, views: int, done: int = 0
    ) -> Iterator[list[Tensor]]:
        seeds = [(seed, f"augmentation {view}", epoch) for view in range(views)]
        order = order[done * recipe.batch_size :]
        batches = self._batches(order.cpu().numpy(), training_transform(recipe), seeds, recipe.batch_size)
        own = [find(entry) for entry in recipe.augmentation if not isinstance(entry, str)]
        for number, batch in enumerate(batches, start=done):
            yield [
                augment(images, own, draws.generator(seed, f"augmentation {view} of batch {number}", epoch))
                for view, images in enumerate(batch)
            ]

    def evaluation_batches(self) -> Iterator[Tensor]:
        order = np.arange(len(self))
        for (view,) in self._batches(order, evaluation_transform(self.recipe), [(0, "", 0)], _EVALUATION_BATCH):
            yield view

    def _batches(
        self, order: np.ndarray, transform: v2.Transform, seeds: Sequence[tuple[int, str, int]], size: int
    ) -> Iterator[list[Tensor]]:
        indices = order if self.index_in_set is None else self.index_in_set[order]
        loader = DataLoader(
            _Decoding(self.root, self.files, transform, seeds),
            batch_sampler=[indices[start : start + size].tolist() for start in range(0, len(indices), size)],
            # On the CPU the network needs the threads; reading is a small part of the work.
            num_workers=self.recipe.threads if self.device.type == "cuda" else 1,
            collate_fn=_collate,
            pin_memory=self.device.type == "cuda",
            worker_init_fn=_ignore_signals,
            # By default it draws from the global generator, once more in an epoch that is resumed.
            generator=torch.Generator(),
        )
        for views in loader:
            if isinstance(views, str):
                raise UserError(f"{views}; restore it and run again")
            yield [view.to(self.device, non_blocking=True) for view in views]
