"""What each network is called. Needs no torch. A new one is a class and one entry here."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ModelInfo:
    """A catalogue entry; `images_per_second` is a typical training speed on one CPU core, for `labelnoise plan`."""

    name: str
    where: str
    title: str
    images_per_second: float


_ENTRIES = (
    ModelInfo("digits_cnn", "digits:DigitsCNN", "three-layer CNN for 8 × 8 images", 50_000),
    ModelInfo("cnn4", "cnn:CNN4", "four-layer CNN of the papers, for 28 × 28 images", 2_000),
    ModelInfo("cnn8", "cnn:CNN8", "eight-layer CNN of the papers, for 32 × 32 images", 150),
)

MODELS: dict[str, ModelInfo] = {entry.name: entry for entry in _ENTRIES}


def create(name: str, *, num_classes: int, channels: int) -> Any:
    """The network as a `torch.nn.Module` that maps `(B, channels, H, W)` to logits `(B, num_classes)`."""
    module, cls = MODELS[name].where.split(":")
    return getattr(importlib.import_module(f"labelnoise.models.{module}"), cls)(num_classes, channels)
