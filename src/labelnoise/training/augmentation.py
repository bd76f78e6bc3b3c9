"""Augmentation as tensor operations on all images of an epoch at once; draws come from the generator given."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def crop(images: Tensor, generator: torch.Generator, *, padding: int) -> Tensor:
    """Each image `(N, C, H, W)` padded with zeros and cropped back at a random place."""
    count, channels, height, width = images.shape
    shifts = torch.randint(0, 2 * padding + 1, (2, count), generator=generator).to(images.device)
    padded = torch.nn.functional.pad(images, (padding,) * 4)
    rows = shifts[0].view(-1, 1, 1, 1) + torch.arange(height, device=images.device).view(1, 1, -1, 1)
    columns = shifts[1].view(-1, 1, 1, 1) + torch.arange(width, device=images.device).view(1, 1, 1, -1)
    sample = torch.arange(count, device=images.device).view(-1, 1, 1, 1)
    channel = torch.arange(channels, device=images.device).view(1, -1, 1, 1)
    return padded[sample, channel, rows, columns]


def flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Each image mirrored left to right with probability ½."""
    mirrored = torch.rand(len(images), generator=generator).to(images.device) < 0.5
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(3), images)


AUGMENTATIONS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "crop1": lambda images, generator: crop(images, generator, padding=1),
    "crop4": lambda images, generator: crop(images, generator, padding=4),
    "flip": flip,
}


def augment(images: Tensor, names: Sequence[str], generator: torch.Generator) -> Tensor:
    """The named augmentations, one after the other."""
    for name in names:
        images = AUGMENTATIONS[name](images, generator)
    return images
