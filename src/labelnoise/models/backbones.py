"""Networks from torchvision and timm, split into features and a linear classifier."""

from __future__ import annotations

from typing import Any
from urllib.error import URLError

from torch import Tensor, nn

from labelnoise.errors import UserError


class Backbone(nn.Module):
    """`features` maps images to features `(B, feature_dim)`, `classifier` maps those to logits."""

    def __init__(self, body: nn.Module, feature_dim: int, num_classes: int):
        super().__init__()
        self.features = body
        self.feature_dim = feature_dim
        self.classifier = nn.Linear(feature_dim, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def resnet50(num_classes: int, channels: int, *, name: str, pretrained: bool) -> Backbone:
    """torchvision's ResNet-50, with IMAGENET1K_V2 weights if `pretrained`."""
    from torchvision import models

    if channels != 3:
        raise UserError(f"{name} takes images with 3 channels, not {channels}; use timm/{name}")
    weights = models.ResNet50_Weights.IMAGENET1K_V2 if pretrained else None
    try:
        body = models.resnet50(weights=weights)
    except URLError as error:
        raise UserError(_describe_missing_weights(name, error)) from None
    feature_dim = body.fc.in_features
    body.fc = nn.Identity()
    return Backbone(body, feature_dim, num_classes)


def timm_model(num_classes: int, channels: int, *, name: str, pretrained: bool) -> Backbone:
    """timm's model of that name with pooled features, for any number of channels."""
    import timm

    architecture, _, tag = name.partition(".")
    is_known = architecture in timm.list_models(architecture)
    tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{architecture}.*")] if is_known and tag else []
    if tag and is_known and tag not in tags:
        listed = ", ".join(tags) or "none, so leave it out"
        raise UserError(f"timm's {architecture} has no pretrained tag {tag!r}; its tags: {listed}")
    if not is_known:
        similar = ", ".join(timm.list_models(f"*{name[:6]}*")[:8]) or "see timm.list_models()"
        raise UserError(f"timm has no model {name!r}; similar names: {similar}")
    try:
        body = timm.create_model(name, pretrained=pretrained, num_classes=0, in_chans=channels)
    except OSError as error:
        raise UserError(_describe_missing_weights(name, error)) from None
    feature_dim: Any = body.head_hidden_size
    return Backbone(body, feature_dim, num_classes)


def _describe_missing_weights(name: str, error: Exception) -> str:
    return (
        f"the pretrained weights of {name} cannot be downloaded ({error}); train once with network access (torch "
        "caches them), or set train: {pretrained: false}"
    )
