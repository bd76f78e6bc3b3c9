"""Digits trials without Snakemake and label files, for measurements that need many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.store import open_prepared
from labelnoise.datasets.store import prepare as prepare_any
from labelnoise.noise.generate import generate
from labelnoise.training import draws
from labelnoise.training.data import assemble
from labelnoise.training.inputs import create_loss
from labelnoise.training.loop import Outcome, train
from labelnoise.training.recipe import Recipe


def prepare(folder: Path) -> None:
    """Write the prepared data set into `folder`."""
    prepare_any(DATASETS["digits"], Path(), folder)


def trained(folder: Path, spec: dict[str, Any], **overrides: object) -> Outcome:
    """Train the spec's trial on one thread, with recipe overrides, on the data prepared in `folder`."""
    torch.set_num_threads(1)
    prepared = open_prepared(folder, spec["dataset"])
    labels = np.array(prepared.train.labels)
    noisy = generate(labels, num_classes=prepared.num_classes, noise=spec["noise"])
    recipe = Recipe(**spec["recipe"] | overrides)
    device = torch.device("cpu")
    data = assemble(prepared, noisy, labels, recipe, seed=spec["seed"], device=device)
    draws.seed_globally(spec["seed"], "loss")
    loss = create_loss(spec["loss"], num_classes=prepared.num_classes)
    return train(data, loss, recipe, seed=spec["seed"], device=device)
