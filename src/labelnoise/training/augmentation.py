"""Augmentation as tensor operations on all images of an epoch at once; draws come from the given generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from labelnoise import targets
from labelnoise.errors import UserError


def crop(images: Tensor, generator: torch.Generator, *, padding: int) -> Tensor:
    """Pad each image `(N, C, H, W)` with zeros and crop it back at a random position."""
    count, _, height, width = images.shape
    shifts = torch.randint(0, 2 * padding + 1, (2, count), generator=generator).to(images.device)
    padded = torch.nn.functional.pad(images, (padding,) * 4)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # views of every possible crop
    return windows[torch.arange(count, device=images.device), :, shifts[0], shifts[1]]


def flip(images: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each image left to right with probability ½."""
    mirrored = torch.rand(len(images), generator=generator).to(images.device) < 0.5
    return torch.where(mirrored.view(-1, 1, 1, 1), images.flip(3), images)


def rotate(images: Tensor, generator: torch.Generator, *, degrees: float) -> Tensor:
    """Rotate each image about its centre by up to ±`degrees`, with nearest pixels and zeros outside, as PIL does."""
    angles = (torch.rand(len(images), generator=generator, dtype=torch.float64) * 2 - 1) * degrees
    return torch.cat([turn(part, by) for part, by in zip(images.split(1024), angles.split(1024), strict=True)])


def turn(images: Tensor, degrees: Tensor) -> Tensor:
    """Rotate each image `(N, C, H, W)` counter-clockwise by its own angle `(N,)`."""
    count, channels, height, width = images.shape
    angle = -torch.deg2rad(degrees).to(images.device).view(-1, 1, 1)
    y = (torch.arange(height, device=images.device, dtype=torch.float64) + 0.5 - height / 2).view(1, -1, 1)
    x = (torch.arange(width, device=images.device, dtype=torch.float64) + 0.5 - width / 2).view(1, 1, -1)
    columns = (angle.cos() * x + angle.sin() * y + width / 2).floor().long()
    rows = (-angle.sin() * x + angle.cos() * y + height / 2).floor().long()
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    source = (rows * width + columns).where(inside, 0).view(count, 1, -1).expand(-1, channels, -1)
    turned = images.flatten(2).gather(2, source).view_as(images)
    return turned.where(inside.unsqueeze(1), 0)


AUGMENTATIONS: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "crop1": lambda images, generator: crop(images, generator, padding=1),
    "crop4": lambda images, generator: crop(images, generator, padding=4),
    "flip": flip,
    "rotate20": lambda images, generator: rotate(images, generator, degrees=20),
}


Augmentation = Callable[[Tensor, torch.Generator], Tensor]


def find(entry: str | Mapping[str, Any]) -> Augmentation:
    """The augmentation that an entry of a recipe names: one of the catalogue, or a user's function."""
    if isinstance(entry, str):
        return AUGMENTATIONS[entry]
    function, params, name = targets.load(entry), entry["params"], entry["target"]

    def own(images: Tensor, generator: torch.Generator) -> Tensor:
        augmented = function(images, generator, **params)
        if not isinstance(augmented, Tensor) or augmented.shape != images.shape:
            got = tuple(augmented.shape) if isinstance(augmented, Tensor) else type(augmented).__name__
            raise UserError(f"the augmentation {name} must return images of shape {tuple(images.shape)}, not {got}")
        if augmented.dtype not in (torch.uint8, torch.float32):
            raise UserError(f"the augmentation {name} must return uint8 or float32 images, not {augmented.dtype}")
        return augmented

    return own


def augment(images: Tensor, augmentations: Sequence[Augmentation], generator: torch.Generator) -> Tensor:
    """Apply the augmentations in order to images `(N, C, H, W)`."""
    for augmentation in augmentations:
        images = augmentation(images, generator)
    return images
