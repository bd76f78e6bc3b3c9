"""One batch of random input on the CPU, to check what is the user's own, and timm models, before any trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from labelnoise.errors import UserError
from labelnoise.losses import create
from labelnoise.losses.info import Need
from labelnoise.models import catalogue as models
from labelnoise.training import augmentation
from labelnoise.training.augmentation import augment
from labelnoise.training.inputs import create_loss
from labelnoise.training.learner import Learner

_BATCH = 16
_FEATURES = 8


class _Stub(nn.Module):
    """A linear network on images of 4 × 4 pixels."""

    def __init__(self, num_classes: int):
        super().__init__()
        self.feature_dim = _FEATURES
        self.features = nn.Sequential(nn.Flatten(), nn.Linear(16, _FEATURES))
        self.classifier = nn.Linear(_FEATURES, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images))


def try_loss(spec: Mapping[str, Any], *, num_classes: int) -> str | None:
    """What is wrong with the loss of a spec; None if two steps of an epoch succeed."""
    try:
        torch.manual_seed(0)
        loss = create_loss(spec, num_classes=num_classes)
        device = torch.device("cpu")
        counts = torch.ones(num_classes, dtype=torch.int64)
        supplies: dict[str, Any] = {Need.CLASS_COUNTS: counts, Need.EPOCHS: 2, Need.DATASET_SIZE: _BATCH}
        learner = Learner(_Stub(num_classes), loss, seed=0, precision="fp32", device=device, supplies=supplies)
        learner.begin_epoch(1)
        for _ in range(2):
            targets = torch.randint(num_classes, (_BATCH,))
            views = [torch.randn(_BATCH, 1, 4, 4) for _ in range(learner.views)]
            _, value = learner.step(views, targets, torch.randperm(_BATCH))
            if not value.requires_grad:
                return "its value does not depend on the logits, so nothing can be learned from it"
            value.backward()
            if not value.isfinite():
                return f"it is {value.item()} on a batch of random logits"
    except (Exception, SystemExit) as error:  # a user's file may raise anything
        return _describe(error)
    return None


def try_model(model: models.Model, *, num_classes: int, channels: int, image_size: int) -> str | None:
    """What is wrong with the model for images of that size; None if a training step and an evaluation succeed."""
    try:
        torch.manual_seed(0)
        created = models.create(model, num_classes=num_classes, channels=channels)
        device = torch.device("cpu")
        learner = Learner(created, create("CE", num_classes=num_classes), seed=0, precision="fp32", device=device)
        images = torch.randn(2, channels, image_size, image_size)
        learner.begin_epoch(1)
        logits, loss = learner.step([images], torch.arange(2) % num_classes)
        if logits.shape != (2, num_classes):
            return f"it returns logits of shape {tuple(logits.shape)}, not (2, {num_classes})"
        loss.backward()
        learner.logits(images)
        width = getattr(created, "feature_dim", None)
        if width is not None and (features := learner.features(images)).shape != (2, width):
            return f"its features have shape {tuple(features.shape)}, not (2, feature_dim) = (2, {width})"
    except (Exception, SystemExit) as error:  # a model may raise anything for images that it does not support
        return _describe(error)
    return None


def try_augmentation(spec: Mapping[str, Any], *, channels: int, image_size: int) -> str | None:
    """What is wrong with the augmentation for images of that size; None if it returns images."""
    try:
        images = torch.zeros(_BATCH, channels, image_size, image_size, dtype=torch.uint8)
        augment(images, [augmentation.find(spec)], torch.Generator().manual_seed(0))
    except (Exception, SystemExit) as error:  # a user's file may raise anything
        return _describe(error)
    return None


def _describe(error: BaseException) -> str:
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
