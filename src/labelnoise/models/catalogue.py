"""Networks by name, or a user's own. Needs no torch. To add one, add a class and an entry here."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labelnoise.errors import UserError

# A model in a recipe: a name of the catalogue, or the spec of a user's own.
Model = str | Mapping[str, Any]

# What a model is called with.
SUPPLIED = ("num_classes", "channels")


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """A catalogue entry.

    `where` is `module:class`. `image_size` is the side length it requires (None: any). `faster_in_bf16` says whether
    training was measured to be faster in bf16 on a CPU that supports it.
    """

    name: str
    where: str
    title: str
    image_size: int | None = None
    faster_in_bf16: bool = False


_ENTRIES = (
    ModelInfo(
        name="digits_cnn",
        where="digits:DigitsCNN",
        title="three-layer CNN for 8 × 8 images",
        image_size=8,
    ),
    ModelInfo(
        name="cnn4",
        where="cnn:CNN4",
        title="four-layer CNN of the papers, for 28 × 28 images",
        image_size=28,
        faster_in_bf16=True,
    ),
    ModelInfo(
        name="cnn8",
        where="cnn:CNN8",
        title="eight-layer CNN of the papers, for 32 × 32 images",
        image_size=32,
        faster_in_bf16=True,
    ),
    ModelInfo(
        name="resnet34",
        where="resnet:ResNet34",
        title="ResNet-34 of ALF, ANL and JAL, for small images",
        faster_in_bf16=True,
    ),
    ModelInfo(
        name="resnet50_small",
        where="resnet:ResNet50Small",
        title="ResNet-50 of APL, for small images",
    ),
    ModelInfo(
        name="resnet50",
        where="backbones:resnet50",
        title="torchvision's ResNet-50, for large images",
    ),
)

MODELS: dict[str, ModelInfo] = {entry.name: entry for entry in _ENTRIES}

_TIMM = "timm/"


def is_timm(name: str) -> bool:
    """Whether the name has the form `timm/NAME`, whether or not timm has that model."""
    return name.startswith(_TIMM) and len(name) > len(_TIMM)


def exists(name: str) -> bool:
    """Whether there is an entry; every `timm/NAME` has one, whether or not timm has that model."""
    return name in MODELS or is_timm(name)


def find(model: Model) -> ModelInfo:
    """The entry of a model for which `exists` is true, or that of a user's own."""
    if not isinstance(model, str):
        return ModelInfo(name=model["name"], where="own:own_model", title=f"a user's own, {model['target']}")
    name = model
    if is_timm(name):
        title = f"{name.removeprefix(_TIMM)} of timm"
        return ModelInfo(name=name, where="backbones:timm_model", title=title)
    return MODELS[name]


def create(model: Model, *, num_classes: int, channels: int, pretrained: bool = False) -> Any:
    """Create the network: a `torch.nn.Module` that maps `(B, channels, H, W)` to logits `(B, num_classes)`.

    `features(images)` returns `(B, feature_dim)`; a linear `classifier` follows. `pretrained` (resnet50, timm) starts
    from ImageNet weights, downloaded once. A user's own class may do without `features`, `feature_dim` and
    `classifier`. Raises `UserError` if there are no weights or the download fails.
    """
    module, cls = find(model).where.split(":")
    build = getattr(importlib.import_module(f"labelnoise.models.{module}"), cls)
    if not isinstance(model, str):
        return build(num_classes, channels, spec=model, pretrained=pretrained)
    name = model
    if module == "backbones":
        return build(num_classes, channels, name=name.removeprefix(_TIMM), pretrained=pretrained)
    if pretrained:
        raise UserError(f"there are no pretrained weights for {name}; use resnet50, timm/NAME or pretrained: false")
    return build(num_classes, channels)
