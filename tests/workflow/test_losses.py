"""Every loss trains through the Snakefile, and the losses also work in a user's own training loop."""

from __future__ import annotations

import math
import subprocess
import sys

import pandas as pd

from labelnoise.losses import catalogue, create
from labelnoise.published import presets
from labelnoise.training import loop
from labelnoise.training.data import assemble
from support.project import Project
from support.small_training import ARRAYS, CPU, PREPARED, a_recipe, data


def test_every_loss_trains_on_digits():
    published = {row.loss for preset in presets.names() for row in presets.rows(preset)}
    chosen = a_recipe(epochs=1, augmentation=["crop1"])  # GJS gets two different views of each image
    prepared = data(chosen)
    final_loss = dict.fromkeys([*catalogue.names(), *sorted(published)], math.inf)
    for name in final_loss:
        loss = create(name, num_classes=10, **({"margin": 0.3} if name == "LT-APL" else {}))
        outcome = loop.train(prepared, loss, chosen, seed=1, device=CPU)
        final_loss[name] = outcome.metrics[-1]["train_loss"]
    assert all(map(math.isfinite, final_loss.values())), final_loss


def test_learnable_parameters_of_a_loss_are_trained():
    chosen, labels = a_recipe(epochs=20), ARRAYS.labels["train"]
    clean = assemble(PREPARED, labels, labels, chosen, seed=1, device=CPU)
    outcome = loop.train(clean, create("LT", num_classes=10), chosen, seed=1, device=CPU)
    assert outcome.metrics[-1]["test_accuracy"] > 90


def test_losses_work_in_a_training_loop_outside_the_repository(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import torch\n"
        "from labelnoise.losses import create\n"
        "model = torch.nn.Linear(5, 3)\n"
        "loss = create('NCE+AGCE', num_classes=3, alpha=1, beta=4, a=6, q=1.5)\n"
        "before = loss(model(torch.ones(8, 5)), torch.zeros(8, dtype=torch.int64))\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        "before.backward(); optimizer.step()\n"
        "after = loss(model(torch.ones(8, 5)), torch.zeros(8, dtype=torch.int64))\n"
        "assert after < before\n"
    )
    subprocess.run([sys.executable, "mine.py"], cwd=tmp_path, check=True)


OWN = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, num_classes, channels, width=16):
        super().__init__()
        hidden = nn.Linear(64 * channels, width)
        self.body = nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), nn.Linear(width, num_classes))

    def forward(self, images):
        return self.body(images)


def erase(images, generator, size=2):
    kept = torch.rand(images.shape, generator=generator) > size / 10
    return images * kept
"""


def test_own_model_and_augmentation_train_and_a_recipe_sweep_has_labels(project: Project):
    project.write(OWN, "mine.py")
    train = {
        "epochs": 1,
        "model": {"target": "mine:Net", "width": [16, 32]},
        "augmentation": ["crop1", {"target": "mine:erase", "size": 3}],
        "optimizer": "adamw",
        "lr": 0.003,
        "weight_decay": [0.0, 0.01],
    }
    project.edit(noise=["clean"], losses=["CE"], seeds=[1], train=train)
    project.snakemake("trials")
    trials = pd.read_csv(project.results / "trials.csv")
    assert set(trials.label) == {
        f"CE model=Net width={width} weight_decay={decay}" for width in (16, 32) for decay in ("0", "0.01")
    }
    assert set(trials.model) == {"Net width=16", "Net width=32"}
    project.labelnoise("tables", "results/manifest.json")
    caption = (project.results / "tables" / "digits-last.md").read_text()
    assert "model Net width=16, but Net width=32 for" in caption
    assert "Trained with the augmentation crop1+erase size=3 of one's own" in caption
    assert (trials.status == "ok").all(), trials.reason
    # A comment and another class train nothing again.
    project.write(
        OWN.replace("import torch\n", "# a comment\nimport torch\n", 1) + "\n\nclass Other:\n    pass\n", "mine.py"
    )
    assert "train" not in project.would_run()


def test_model_without_features_is_refused_for_a_loss_that_needs_them(project: Project):
    project.write(OWN, "mine.py")
    project.edit(noise=["clean"], losses=["LT"], seeds=[1], train={"epochs": 1, "model": {"target": "mine:Net"}})
    project.snakemake("trials", expect=0)
    (reason,) = pd.read_csv(project.results / "trials.csv").reason
    assert "the loss needs features, but the model has no `features(images)`" in reason
