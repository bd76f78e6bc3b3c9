"""A recipe: everything about training except the loss, the labels and the seed. Needs no torch.

Every data set has one; presets, config.yaml's `train:` and a loss entry's `train:` override single values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, Literal

from labelnoise.bounds import Ge, Gt, Le, Len, Lt, MinLen

# By kind of images: arrays (batched tensor operations) and image files (torchvision, in worker processes).
AUGMENTATIONS: dict[str, tuple[str, ...]] = {
    "arrays": ("crop1", "crop4", "flip", "rotate20"),
    "files": ("resized_crop", "random_crop", "flip", "jitter"),
}

# Values that only some schedules, optimisers or kinds of images read; all others are always read.
READ_BY: dict[str, dict[str, tuple[str, ...]]] = {
    "schedule": {
        "cosine": ("lr_min",),
        "step": ("step_epochs", "step_factor"),
        "milestones": ("milestones", "step_factor"),
        "constant": (),
    },
    "optimizer": {"sgd": ("momentum", "nesterov"), "adam": (), "adamw": ()},
    "images": {"arrays": (), "files": ("image_size", "resize")},
}


@dataclass(frozen=True)
class Recipe:
    """One fully resolved recipe.

    `model` is a name of the catalogue or the spec of a user's own (`labelnoise.targets`), and so is each entry of
    `augmentation`. A value with a default was added after results existed: at its default it is left out of a trial's
    spec, so those results stay valid.

    `l1` adds l1 · Σ|θ| over all parameters to the loss. `version` is raised when the same values train differently.
    Image files are brought to `image_size` pixels per side: for testing by `resize` (a number: the shorter side; a
    pair: both sides) and a centre crop, for training by the augmentation (`random_crop` resizes first).
    """

    version: int
    model: str | dict[str, Any]
    epochs: Annotated[int, Ge(1)]
    batch_size: Annotated[int, Ge(2)]
    optimizer: Literal["sgd", "adam", "adamw"]
    lr: Annotated[float, Gt(0)]
    momentum: Annotated[float, Ge(0), Lt(1)]
    nesterov: bool
    weight_decay: Annotated[float, Ge(0)]
    l1: Annotated[float, Ge(0)]
    schedule: Literal["cosine", "constant", "step", "milestones"]
    lr_min: Annotated[float, Ge(0)]
    step_epochs: Annotated[int, Ge(1)]
    milestones: list[Annotated[int, Ge(1)]]
    step_factor: Annotated[float, Gt(0), Le(1)]
    clip_norm: Annotated[float, Gt(0)] | None
    mean: Annotated[list[float], MinLen(1)]
    std: Annotated[list[Annotated[float, Gt(0)]], MinLen(1)]
    augmentation: list[
        Literal["crop1", "crop4", "flip", "rotate20", "resized_crop", "random_crop", "jitter"] | dict[str, Any]
    ]
    image_size: Annotated[int, Ge(1)] | None
    resize: Annotated[int, Ge(1)] | Annotated[list[Annotated[int, Ge(1)]], Len(2, 2)] | None
    pretrained: bool
    validation: Annotated[float, Ge(0), Lt(1)]
    precision: Literal["auto", "fp32", "bf16"]
    threads: Annotated[int, Ge(1)]
    warmup_epochs: Annotated[int, Ge(0)] = 0
    fold: Annotated[int, Ge(1)] = 1

    def learning_rate(self, epoch: int) -> float:
        """The learning rate of `epoch` (1-based): constant within an epoch, as the papers step it.

        In the first `warmup_epochs` epochs the schedule's rate is multiplied by epoch / (warmup_epochs + 1).
        """
        return self._scheduled(epoch) * min(1.0, epoch / (self.warmup_epochs + 1))

    def held_out(self, size: int) -> tuple[int, int]:
        """The part of a random order of `size` samples that is held out, as a range: fold `fold` of 1 / validation."""
        return round((self.fold - 1) * self.validation * size), round(self.fold * self.validation * size)

    def _scheduled(self, epoch: int) -> float:
        if self.schedule == "cosine":
            wave = (1 + math.cos(math.pi * (epoch - 1) / self.epochs)) / 2
            return self.lr_min + (self.lr - self.lr_min) * wave
        if self.schedule == "step":
            return self.lr * self.step_factor ** ((epoch - 1) // self.step_epochs)
        if self.schedule == "milestones":
            return self.lr * self.step_factor ** sum(epoch > milestone for milestone in self.milestones)
        return self.lr


def unread(recipe: Mapping[str, Any], *, images: str) -> dict[str, str]:
    """The values that nothing in the recipe reads, each with what would; `images` is `arrays` or `files`."""
    chosen = {"schedule": recipe["schedule"], "optimizer": recipe["optimizer"], "images": images}
    unread_values = {}
    for choice, readers in READ_BY.items():
        for key in dict.fromkeys(key for keys in readers.values() for key in keys):
            if key not in readers[chosen[choice]]:
                settings = " or ".join(f"`{choice}: {name}`" for name, keys in readers.items() if key in keys)
                unread_values[key] = "image files" if choice == "images" else settings
    return unread_values


def idle(recipe: Mapping[str, Any]) -> dict[str, str]:
    """The values that are read but have no effect, each with the remedy."""
    messages = {}
    schedule, epochs = recipe["schedule"], recipe["epochs"]
    if schedule in ("step", "milestones") and recipe["step_factor"] == 1:
        messages["schedule"] = "step_factor is 1, so the learning rate never changes; give a step_factor below 1"
    if schedule == "milestones" and not any(epoch < epochs for epoch in recipe["milestones"]):
        messages["milestones"] = f"no milestone comes before the last of {epochs} epochs; give one that does"
    if schedule == "step" and recipe["step_epochs"] >= epochs:
        messages["step_epochs"] = (
            f"the first step would come after {recipe['step_epochs']} of {epochs} epochs; give fewer"
        )
    if recipe.get("warmup_epochs", 0) >= epochs:
        messages["warmup_epochs"] = f"the warm-up takes {recipe['warmup_epochs']} of {epochs} epochs; give fewer"
    return messages


def without_defaults(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe as a spec holds it: without values added later that are at their default."""
    return {key: value for key, value in recipe.items() if key not in DEFAULTS or value != DEFAULTS[key]}


def markdown_table() -> str:
    """`READ_BY` as docs/reference/recipes.md shows it."""
    rows = ["| key | value | reads |", "|---|---|---|"]
    for choice, readers in READ_BY.items():
        for name, keys in readers.items():
            rows.append(f"| `{choice}` | {name} | {', '.join(f'`{key}`' for key in keys) or 'nothing of its own'} |")
    return "\n".join(rows)


# What each value sets, for the documentation and the schema of config.yaml.
HELP: dict[str, str] = {
    "model": "the network: a name of the catalogue, or your own, `{target: my_models:Net, width: 32}`",
    "epochs": "number of epochs",
    "batch_size": "images per step",
    "optimizer": "`sgd`, `adam` or `adamw` (decoupled weight decay)",
    "lr": "learning rate of the first epoch",
    "momentum": "momentum of SGD",
    "nesterov": "Nesterov momentum of SGD",
    "weight_decay": "L2 regularisation, added to the gradient",
    "l1": "L1 regularisation: l1 · Σ|θ| over all parameters is added to the loss",
    "schedule": "schedule of the learning rate, which changes between epochs only",
    "lr_min": "where the cosine ends",
    "step_epochs": "the rate is multiplied by `step_factor` every so many epochs",
    "milestones": "epochs after which the rate is multiplied by `step_factor`",
    "step_factor": "factor of the schedules `step` and `milestones`",
    "clip_norm": "largest L2 norm of the gradient, or null",
    "mean": "normalisation: the mean, one value per channel",
    "std": "normalisation: the standard deviation, one value per channel",
    "augmentation": "a list; for arrays crop1, crop4, flip, rotate20; for image files resized_crop, random_crop, flip, "
    "jitter; an entry may be your own, `{target: my_augmentations:cutout, size: 4}`",
    "image_size": "side in pixels that image files are cropped to",
    "resize": "image files are resized to it for testing, and before random_crop: a number for the shorter side, or"
    " a pair",
    "pretrained": "start from ImageNet weights (resnet50, timm)",
    "validation": "share of the training set to hold out, with its noisy labels; it chooses an epoch without clean "
    "labels, whose accuracy is reported beside the last and the best one",
    "precision": "`fp32`, `bf16`, or `auto`: bf16 where it was measured to be faster (cnn4, cnn8 and resnet34 on CPUs "
    "with AVX-512 bf16) and on GPUs that support it (not measured yet), else fp32",
    "threads": "CPU threads of a trial",
    "warmup_epochs": "linear warm-up: in the first N epochs the rate of the schedule is multiplied by epoch / (N + 1)",
    "fold": "which of 1 / `validation` equal parts is held out, from 1; the parts depend on the seed only",
}

FIELDS = tuple(field.name for field in fields(Recipe) if field.name != "version")
DEFAULTS = {field.name: field.default for field in fields(Recipe) if field.default is not MISSING}
