"""Recipes say what REFERENCE §3 says of the papers."""

from __future__ import annotations

import pytest

from labelnoise.datasets.catalogue import DATASETS
from labelnoise.experiment.recipes import resolve_recipe
from labelnoise.training.recipe import FIELDS

# model, epochs, batch, lr, weight decay, schedule, clip, augmentation
PUBLISHED = {
    "mnist": ("cnn4", 50, 128, 0.01, 1e-3, "cosine", 5.0, []),
    "cifar10": ("cnn8", 120, 128, 0.01, 1e-4, "cosine", 5.0, ["crop4", "flip"]),
    "cifar100": ("resnet34", 200, 128, 0.1, 1e-5, "cosine", 5.0, ["crop4", "flip", "rotate20"]),
    "webvision_mini": ("resnet50", 250, 256, 0.4, 3e-5, "step", 5.0, ["resized_crop", "flip", "jitter"]),
    "clothing1m": ("resnet50", 10, 256, 5e-3, 1e-3, "step", None, ["random_crop", "flip"]),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_recipe_is_the_papers(name: str):
    keys = ("model", "epochs", "batch_size", "lr", "weight_decay", "schedule", "clip_norm", "augmentation")
    found = resolve_recipe(name)
    assert tuple(found[key] for key in keys) == PUBLISHED[name]
    assert (found["momentum"], found["optimizer"]) == (0.9, "sgd")
    assert found["nesterov"] == (name == "webvision_mini")
    assert found["pretrained"] == (name == "clothing1m")


@pytest.mark.parametrize("name", sorted({info.recipe for info in DATASETS.values()}))
def test_every_data_set_has_a_complete_valid_recipe(name: str):
    plain = resolve_recipe(name)
    assert set(plain) == {"version", *FIELDS}
    # every value passes the checks that an override has to pass
    assert resolve_recipe(name, config={key: plain[key] for key in FIELDS}) == plain
