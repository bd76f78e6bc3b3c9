"""Everything that a trial's spec names, loaded once: recipe, data on the device, labels, identity."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from labelnoise import losses, paths, targets
from labelnoise.datasets import store
from labelnoise.errors import UserError
from labelnoise.files import canonical_hash
from labelnoise.noise import label_file
from labelnoise.noise.audit import sha256
from labelnoise.training import device as devices
from labelnoise.training.data import Data, assemble
from labelnoise.training.recipe import Recipe


@dataclass(frozen=True)
class Inputs:
    """What a trial is trained with on `device`.

    `identity` is the full hash of the spec, `labels_sha256` that of the noisy labels. The loss is created on demand by
    `create_loss`: an error in it is the trial's failure, not a reason not to start.
    """

    spec: Mapping[str, Any]
    identity: str
    recipe: Recipe
    data: Data
    labels_sha256: str
    device: torch.device

    @property
    def seed(self) -> int:
        seed: int = self.spec["seed"]
        return seed

    @property
    def precision(self) -> str:
        """The precision used, with `auto` resolved."""
        return devices.precision_used(self.recipe.precision, self.device, self.recipe.model)

    @property
    def has_user_code(self) -> bool:
        recipe = self.spec["recipe"]
        return any(map(targets.is_target, (self.spec["loss"], recipe["model"], *recipe["augmentation"])))

    def create_loss(self) -> nn.Module:
        """The loss of the spec."""
        return create_loss(self.spec["loss"], num_classes=self.data.num_classes)


def load_inputs(spec: Mapping[str, Any], device: torch.device) -> Inputs:
    """Load the data set and the label file that the spec names; use as many threads as its recipe says.

    Raises `UserError` if one of them is missing or wrong, or there are too few cores.
    """
    recipe = Recipe(**spec["recipe"])
    cores = len(os.sched_getaffinity(0))
    if recipe.threads > cores:
        raise UserError(
            f"the recipe asks for {recipe.threads} threads, but there are {cores} cores; lower train: {{threads: …}}"
        )
    torch.set_num_threads(recipe.threads)
    prepared = store.open_prepared(paths.dataset(spec), spec["dataset"])
    noisy_tests = spec["dataset"].get("test_labels") == "given"
    noisy, clean = label_file.read(paths.labels(spec), np.array(prepared.train.labels))
    return Inputs(
        spec=spec,
        identity=canonical_hash(spec, digits=64),
        recipe=recipe,
        data=assemble(prepared, noisy, clean, recipe, seed=spec["seed"], device=device, noisy_tests=noisy_tests),
        labels_sha256=sha256(noisy),
        device=device,
    )


def create_loss(spec: Mapping[str, Any], *, num_classes: int) -> nn.Module:
    """The loss that a spec names: from the catalogue, or a user's class whose code has not changed since planning."""
    if "target" not in spec:
        return losses.create(spec["name"], num_classes=num_classes, **spec["params"])
    loss = targets.create(spec, num_classes=num_classes)
    if not isinstance(loss, nn.Module):
        raise UserError(f"target {spec['target']!r} is a {type(loss).__name__}; a loss must be a torch.nn.Module")
    return loss
