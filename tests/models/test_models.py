"""Networks have the published parameter counts, and their logits are their classifier on their features."""

from __future__ import annotations

import pytest
import torch

from labelnoise.errors import UserError
from labelnoise.models import catalogue

# Channels, side, classes and parameters of each network; timm's has one channel, which no other library supports.
SHAPES = {
    "digits_cnn": (1, 8, 10, 22_954),
    "cnn4": (1, 28, 10, 422_090),
    "cnn8": (3, 32, 10, 1_639_794),
    "resnet34": (3, 32, 100, 21_328_292),
    "resnet50_small": (3, 32, 100, 23_705_252),
    "resnet50": (3, 64, 50, 23_610_482),
    "timm/resnet10t": (1, 64, 10, 4_927_186),
}


@pytest.mark.parametrize("name", [*catalogue.MODELS, "timm/resnet10t"])
def test_parameter_count_is_published_and_logits_come_from_features(name: str):
    channels, size, num_classes, count = SHAPES[name]
    model = catalogue.create(name, num_classes=num_classes, channels=channels).eval()
    assert sum(p.numel() for p in model.parameters()) == count
    images = torch.randn(4, channels, size, size)
    features = model.features(images)
    assert features.shape == (4, model.feature_dim)
    torch.testing.assert_close(model.classifier(features), model(images))


def test_tag_of_a_timm_model_is_checked_and_an_unknown_one_is_refused_with_its_tags():
    assert catalogue.create("timm/resnet18.a1_in1k", num_classes=10, channels=3).classifier.out_features == 10
    with pytest.raises(UserError, match=r"timm's resnet18 has no pretrained tag 'a9'; its tags: a1_in1k, a2_in1k"):
        catalogue.create("timm/resnet18.a9", num_classes=10, channels=3)


def test_unknown_timm_model_is_rejected_with_similar_names():
    with pytest.raises(UserError, match=r"timm has no model 'resnet51'; similar names: .*resnet50"):
        catalogue.create("timm/resnet51", num_classes=10, channels=3)


def test_pretrained_is_rejected_for_models_without_weights():
    with pytest.raises(UserError, match="no pretrained weights for cnn8"):
        catalogue.create("cnn8", num_classes=10, channels=3, pretrained=True)


def test_pooling_before_relu_equals_relu_before_pooling():
    """The papers' code pools after ReLU; ours pool before ReLU, with the same values and gradients."""
    images = torch.randn(8, 3, 32, 32)
    first = catalogue.create("cnn8", num_classes=10, channels=3)
    second = catalogue.create("cnn8", num_classes=10, channels=3)
    second.load_state_dict(first.state_dict())
    layers: list[torch.nn.Module] = []
    for layer in second.features:
        if isinstance(layer, torch.nn.ReLU) and isinstance(layers[-1], torch.nn.MaxPool2d):
            layers.insert(-1, torch.nn.ReLU())
        else:
            layers.append(layer)
    assert [type(layer) for layer in layers] != [type(layer) for layer in first.features]
    second.features = torch.nn.Sequential(*layers)
    outputs = [model(images) for model in (first, second)]
    assert torch.equal(*outputs)
    for output in outputs:
        output.square().sum().backward()
    for ours, papers in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(ours.grad, papers.grad)
