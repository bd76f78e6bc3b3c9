"""The values that the recipes of the four papers share. A data set's module adds its own."""

from __future__ import annotations

from typing import Any


def papers_recipe(
    *, model: str, epochs: int, lr: float, weight_decay: float, mean: list[float], std: list[float], **others: Any
) -> dict[str, Any]:
    """A complete `labelnoise.training.recipe.Recipe`: the given values, and those shared by APL, ALF, ANL and JAL.

    `others` override shared values. Raise `version` when the same values train differently.
    """
    shared = {
        "version": 1,
        "batch_size": 128,
        "optimizer": "sgd",
        "momentum": 0.9,
        "nesterov": False,
        "l1": 0.0,
        "schedule": "cosine",
        "lr_min": 0.0,
        "step_epochs": 1,
        "milestones": [],
        "step_factor": 1.0,
        "clip_norm": 5.0,
        "augmentation": [],
        "image_size": None,  # image files only
        "resize": None,
        "pretrained": False,
        "validation": 0.0,  # share of the training set to hold out, with its noisy labels
        "precision": "fp32",
        "threads": 1,
    }
    if unknown := set(others) - set(shared):
        raise TypeError(f"unknown recipe values: {', '.join(sorted(unknown))}")
    own = {"model": model, "epochs": epochs, "lr": lr, "weight_decay": weight_decay, "mean": mean, "std": std}
    return shared | own | others


IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
