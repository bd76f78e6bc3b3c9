"""The default run's table from an independent loop: how far cells and ranks move with everything else the same.

    python benchmarks/independent_loop.py results/manifest.json

Retrains every trial of a finished default run from its spec and its label file with a plain PyTorch loop: its own
initialisation and order, torch.optim, no flat parameters. Prints how much cell means and average ranks differ from
those of trials.csv.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from labelnoise import paths
from labelnoise.analysis.results import read
from labelnoise.analysis.statistics import average_ranks
from labelnoise.datasets.store import open_prepared
from labelnoise.models import catalogue as models
from labelnoise.training.inputs import create_loss
from labelnoise.trial_folder import TrialFolder


def accuracy_of(spec: dict, labels: Path) -> float:
    """Last-epoch test accuracy in percent of one trial, trained from scratch."""
    recipe, prepared = spec["recipe"], open_prepared(paths.dataset(spec), spec["dataset"])
    torch.manual_seed(1000 + spec["seed"])
    with np.load(labels) as file:
        targets = torch.from_numpy(file["noisy_labels"])

    def normalised(images: np.ndarray) -> torch.Tensor:
        return (torch.from_numpy(np.array(images)).float() / 255 - recipe["mean"][0]) / recipe["std"][0]

    images, test = normalised(prepared.train.images), prepared.test_sets["test"]
    model = models.create(recipe["model"], num_classes=10, channels=1)
    loss = create_loss(spec["loss"], num_classes=10)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=recipe["lr"], momentum=recipe["momentum"], weight_decay=recipe["weight_decay"]
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=recipe["epochs"])
    for _ in range(recipe["epochs"]):
        model.train()
        for batch in torch.randperm(len(targets)).split(recipe["batch_size"]):
            value = loss(model(images[batch]), targets[batch])
            value = value + recipe["l1"] * sum(p.abs().sum() for p in model.parameters())
            optimizer.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(model.parameters(), recipe["clip_norm"])
            optimizer.step()
        schedule.step()
    model.eval()
    with torch.inference_mode():
        hits = model(normalised(test.images)).argmax(dim=1).numpy() == test.labels
    return 100 * float(hits.mean())


def main() -> None:
    torch.set_num_threads(1)
    results = read(Path(sys.argv[1]))
    rows = results.trials.copy()
    labels = {entry["hash"]: Path(entry["labels"]) for entry in results.manifest["trials"]}
    rows["independent"] = [
        accuracy_of(TrialFolder(Path(trial.folder)).read_result()["spec"], labels[trial.trial])
        for trial in rows.itertuples()
    ]

    def means(column: str) -> pd.DataFrame:
        return rows.groupby(["label", "noise"])[column].mean().unstack("noise")

    ours, theirs = means("last_accuracy"), means("independent")
    ranks = pd.DataFrame({"ours": average_ranks(ours), "independent": average_ranks(theirs)})
    print((theirs - ours).round(2).to_string())
    print(ranks.round(2).to_string())
    moved = (theirs - ours).abs()
    print(f"difference of a cell: median {moved.stack().median():.2f}, largest {moved.max(axis=None):.2f} points")
    print(f"largest difference of an average rank: {(ranks.ours - ranks.independent).abs().max():.2f}")


if __name__ == "__main__":
    main()
