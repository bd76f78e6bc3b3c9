"""A user's own network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from labelnoise import targets
from labelnoise.errors import UserError


def own_model(num_classes: int, channels: int, *, spec: Mapping[str, Any], pretrained: bool) -> nn.Module:
    """The network of a spec, see `labelnoise.targets`; its `capturable` says whether its steps may be captured."""
    if pretrained:
        raise UserError(f"`pretrained` is for resnet50 and timm/NAME; {spec['target']} loads its own weights")
    created: Any = targets.create(spec, num_classes=num_classes, channels=channels)
    if not isinstance(created, nn.Module):
        raise UserError(f"target {spec['target']!r} gave a {type(created).__name__}, not a torch.nn.Module")
    created.capturable = bool(getattr(created, "capturable", False))  # type: ignore[assignment]
    return created
