"""What the recipes of the four papers share. A data set's module adds its own values."""

from __future__ import annotations

from typing import Any


def papers_recipe(
    *, model: str, epochs: int, lr: float, weight_decay: float, mean: list[float], std: list[float], **others: Any
) -> dict[str, Any]:
    """Every value of a recipe (`labelnoise.training.recipe.Recipe`): those given, and what APL, ALF, ANL and JAL share.

    `others` differ from what they share. `version` must be raised when the same values train otherwise.
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
        "validation": 0.0,  # share of the training set that is held out, with its noisy labels
        "precision": "fp32",
        "threads": 1,
    }
    if unknown := set(others) - set(shared):
        raise TypeError(f"no values of a recipe: {', '.join(sorted(unknown))}")
    own = {"model": model, "epochs": epochs, "lr": lr, "weight_decay": weight_decay, "mean": mean, "std": std}
    return shared | own | others


IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
