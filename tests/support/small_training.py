"""The digits with noisy labels, and recipes of a few epochs, for tests of the training engine."""

from __future__ import annotations

from pathlib import Path

import torch

from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.digits import load
from labelnoise.datasets.store import Prepared, Split
from labelnoise.noise.generators import symmetric
from labelnoise.training import recipe
from labelnoise.training.data import Data, assemble

CPU = torch.device("cpu")
ARRAYS = load(DATASETS["digits"], Path())
PREPARED = Prepared(
    name="digits",
    classes=list("0123456789"),
    train=Split(ARRAYS.labels["train"], ARRAYS.images["train"]),
    test_sets={"test": Split(ARRAYS.labels["test"], ARRAYS.images["test"])},
)
NOISY = symmetric(ARRAYS.labels["train"], num_classes=10, rate=0.4, seed=1)


def a_recipe(**changes: object) -> recipe.Recipe:
    return recipe.Recipe(**{**DATASETS["digits"].recipe, "epochs": 2, **changes})


def data(chosen: recipe.Recipe, seed: int = 1) -> Data:
    return assemble(PREPARED, NOISY, ARRAYS.labels["train"], chosen, seed=seed, device=CPU)


class Killed(BaseException):
    """Ends a training at the point where a killed process would end."""
