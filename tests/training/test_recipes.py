"""Recipes match the papers."""

from __future__ import annotations

import pytest

from labelnoise.datasets.catalogue import DATASETS
from labelnoise.experiment.recipes import resolve_recipe
from labelnoise.training.recipe import DEFAULTS, FIELDS

# model, epochs, batch, lr, weight decay, schedule, clip, augmentation
PUBLISHED = {
    "mnist": ("cnn4", 50, 128, 0.01, 1e-3, "cosine", 5.0, []),
    "cifar10": ("cnn8", 120, 128, 0.01, 1e-4, "cosine", 5.0, ["crop4", "flip"]),
    "cifar100": ("resnet34", 200, 128, 0.1, 1e-5, "cosine", 5.0, ["crop4", "flip", "rotate20"]),
    "webvision_mini": ("resnet50", 250, 256, 0.4, 3e-5, "step", 5.0, ["resized_crop", "flip", "jitter"]),
    "clothing1m": ("resnet50", 10, 256, 5e-3, 1e-3, "step", None, ["random_crop", "flip"]),
}

STEPS = {"webvision_mini": (1, 0.97, 224, 256), "clothing1m": (5, 0.1, 224, [256, 256])}
NORMALISATION = {
    "mnist": ([0.1307], [0.3081]),
    "cifar10": ([0.49139968, 0.48215827, 0.44653124], [0.24703233, 0.24348505, 0.26158768]),
    "cifar100": ([0.5071, 0.4865, 0.4409], [0.2673, 0.2564, 0.2762]),
    "webvision_mini": ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    "clothing1m": ([0.6959, 0.6537, 0.6371], [0.3113, 0.3192, 0.3214]),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_recipe_matches_the_papers(name: str):
    keys = ("model", "epochs", "batch_size", "lr", "weight_decay", "schedule", "clip_norm", "augmentation")
    resolved = resolve_recipe(DATASETS[name].recipe)
    assert tuple(resolved[key] for key in keys) == PUBLISHED[name]
    assert (resolved["momentum"], resolved["optimizer"]) == (0.9, "sgd")
    assert resolved["nesterov"] == (name == "webvision_mini")
    assert resolved["pretrained"] == (name == "clothing1m")
    if name in STEPS:
        keys = ("step_epochs", "step_factor", "image_size", "resize")
        assert tuple(resolved[key] for key in keys) == STEPS[name]
    assert (resolved["mean"], resolved["std"]) == NORMALISATION[name]
    assert (resolved["l1"], resolved["lr_min"], resolved["validation"]) == (0, 0, 0)


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_has_a_complete_valid_recipe(name: str):
    plain = resolve_recipe(DATASETS[name].recipe)
    # Values with a default came later, and are left out at their default.
    assert set(plain) == {"version", *FIELDS} - set(DEFAULTS)
    # every value passes the checks for an override
    assert resolve_recipe(plain, config={key: plain[key] for key in plain if key != "version"} | DEFAULTS) == plain
