"""Images with their labels, as the loop sees them, wherever the images are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from torch import Tensor

from labelnoise.training.recipe import Recipe


class Samples(Protocol):
    """Images with their noisy (`given`) and clean (`true`) labels, both int64 `(N,)` on the device.

    `true` is None if the clean labels are not known. On test sets both are the same, if clean.
    """

    @property
    def given(self) -> Tensor: ...

    @property
    def true(self) -> Tensor | None: ...

    @property
    def channels(self) -> int: ...

    def __len__(self) -> int: ...

    def take(self, index: Tensor) -> Samples:
        """Select these samples, in this order."""

    def training_batches(
        self, order: Tensor, recipe: Recipe, *, seed: int, epoch: int, views: int, done: int = 0
    ) -> Iterator[list[Tensor]]:
        """Yield the augmented views of each batch in `order` `(n,)`: a list of uint8 `(B, C, H, W)` on the device.

        The first `done` batches are skipped.
        """

    def evaluation_batches(self) -> Iterator[Tensor]:
        """Yield all images in order, uint8 `(B, C, H, W)`, transformed for evaluation."""


def labels_at(labels: Tensor | None, index: Tensor) -> Tensor | None:
    """The labels of these samples; None if they are not known."""
    return None if labels is None else labels[index]
