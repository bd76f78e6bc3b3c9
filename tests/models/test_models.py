"""Networks have the published numbers of parameters, and features that end in their classifier."""

from __future__ import annotations

import pytest
import torch

from labelnoise.models import catalogue

SHAPES = {"digits_cnn": (1, 8, 22_954), "cnn4": (1, 28, 422_090), "cnn8": (3, 32, 1_639_794)}


@pytest.mark.parametrize("name", catalogue.MODELS)
def test_parameters_are_counted_and_logits_come_from_features(name: str):
    channels, size, count = SHAPES[name]
    model = catalogue.create(name, num_classes=10, channels=channels).eval()
    assert sum(p.numel() for p in model.parameters()) == count
    images = torch.randn(4, channels, size, size)
    features = model.features(images)
    assert features.shape == (4, model.feature_dim)
    torch.testing.assert_close(model.classifier(features), model(images))
