"""Images decoded and augmented by worker processes, with torchvision's v2 transforms.

An image's draws depend only on (seed, view, epoch, its index in the data set), so neither the number of workers nor the
order of the batches changes what a trial sees. The workers start once and decode for all epochs and splits. A user's
own augmentation is applied to each decoded batch.
"""

from __future__ import annotations

import atexit
import signal
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

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


# A file, its index in the data set, whether it is for training, and (seed, purpose, epoch) of each view's draws.
_Item = tuple[str, int, bool, Sequence[tuple[int, str, int]]]


class _Decoding(Dataset[Any]):
    """The views of an item, each uint8 `(3, S, S)`, or a message if its file cannot be read."""

    def __init__(self, root: Path, recipe: Recipe):
        self.root = root
        self.transforms = {True: training_transform(recipe), False: evaluation_transform(recipe)}

    def __getitem__(self, item: _Item) -> list[Tensor] | str:
        file, index, is_training, seeds = item
        path = self.root / file
        try:
            image = images.read(path)
        except OSError as error:
            return f"{path} cannot be read ({error}), although it could when the data set was prepared"
        views = []
        for seed, purpose, epoch in seeds:
            draws.seed_globally(seed, f"{purpose} of image {index}", epoch)
            views.append(self.transforms[is_training](image))
        return views


class _Batches:
    """The batches of the current pass, which a loader reads anew for each."""

    def __init__(self) -> None:
        self.items: Callable[[], Iterable[list[_Item]]] = list

    def __iter__(self) -> Iterator[list[_Item]]:
        yield from self.items()


class Decoder:
    """Worker processes that decode the images below `root`: the same ones for all splits, passes and epochs."""

    def __init__(self, root: Path, recipe: Recipe, device: torch.device):
        self.device, self._batches = device, _Batches()
        is_gpu = device.type == "cuda"
        self._loader: DataLoader[Any] | None = DataLoader(
            _Decoding(root, recipe),
            batch_sampler=cast(Any, self._batches),
            # On the CPU the network needs the threads; reading is a small part of the work.
            num_workers=recipe.threads if is_gpu else 1,
            persistent_workers=True,
            collate_fn=_collate,
            pin_memory=is_gpu,
            worker_init_fn=_ignore_signals,
            # By default it draws from the global generator, once more in an epoch that is resumed.
            generator=torch.Generator(),
        )
        atexit.register(_close, weakref.ref(self))

    def decode(self, batches: Callable[[], Iterable[list[_Item]]]) -> Iterator[list[Tensor]]:
        """Yield the views of each batch, uint8 `(B, 3, S, S)` on the device. Ends a pass that has not been read out."""
        if self._loader is None:
            raise RuntimeError("the decoder is closed")
        self._batches.items = batches
        for views in self._loader:
            if isinstance(views, str):
                raise UserError(f"{views}; restore it and run again")
            yield [view.to(self.device, non_blocking=True) for view in views]

    def close(self) -> None:
        """End the worker processes, also those of a pass that has not been read out."""
        # torch ends them when nothing refers to the iterator any more, which may be after the end of the process waits
        # for them.
        iterator = getattr(self._loader, "_iterator", None)
        if iterator is not None:
            iterator._shutdown_workers()
        self._loader = None


def _close(decoder: weakref.ref[Decoder]) -> None:
    if (alive := decoder()) is not None:
        alive.close()


def _ignore_signals(_: int) -> None:
    """Signals to the job reach its workers too; the job stops its workers itself, after saving."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _collate(items: list[list[Tensor] | str]) -> list[Tensor] | str:
    broken = next((item for item in items if isinstance(item, str)), None)
    return broken or [torch.stack(view) for view in zip(*items, strict=True)]


@dataclass(frozen=True)
class ImagesInFiles:
    """Files `(N,)` (as bytes, relative to the decoder's folder), with labels on the device.

    `index_in_set` `(N,)` holds the files' indices in the data set (None: these are all files).
    """

    files: np.ndarray
    given: Tensor
    true: Tensor | None
    decoder: Decoder
    index_in_set: np.ndarray | None = None

    channels = 3

    def __len__(self) -> int:
        return len(self.given)

    def take(self, index: Tensor) -> ImagesInFiles:
        chosen = index.cpu().numpy()
        index_in_set = chosen if self.index_in_set is None else self.index_in_set[chosen]
        return ImagesInFiles(self.files, self.given[index], labels_at(self.true, index), self.decoder, index_in_set)

    def training_batches(
        self, order: Tensor, recipe: Recipe, *, seed: int, epoch: int, views: int, done: int = 0
    ) -> Iterator[list[Tensor]]:
        seeds = [(seed, f"augmentation {view}", epoch) for view in range(views)]
        order = order[done * recipe.batch_size :]
        batches = self._decoded(order.cpu().numpy(), recipe.batch_size, seeds, is_training=True)
        own = [find(entry) for entry in recipe.augmentation if not isinstance(entry, str)]
        for number, batch in enumerate(batches, start=done):
            yield [
                augment(images, own, draws.generator(seed, f"augmentation {view} of batch {number}", epoch))
                for view, images in enumerate(batch)
            ]

    def evaluation_batches(self) -> Iterator[Tensor]:
        for (view,) in self._decoded(np.arange(len(self)), _EVALUATION_BATCH, [(0, "", 0)], is_training=False):
            yield view

    def _decoded(
        self, order: np.ndarray, size: int, seeds: Sequence[tuple[int, str, int]], *, is_training: bool
    ) -> Iterator[list[Tensor]]:
        indices = order if self.index_in_set is None else self.index_in_set[order]

        def batches() -> Iterator[list[_Item]]:
            for start in range(0, len(indices), size):
                yield [(self.files[i].decode(), i, is_training, seeds) for i in indices[start : start + size].tolist()]

        yield from self.decoder.decode(batches)
