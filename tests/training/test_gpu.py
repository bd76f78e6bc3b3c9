"""The step on a GPU. Tests that need one are marked `gpu` (`pytest -m gpu`); test_pretend_cuda.py needs none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from labelnoise import losses
from labelnoise.models import catalogue as models
from labelnoise.training import device as devices
from labelnoise.training import loop
from labelnoise.training import step as steps
from labelnoise.training.checkpoint import Checkpoint
from labelnoise.training.data import Data, Normalise, assemble
from labelnoise.training.learner import Learner
from labelnoise.training.recipe import Recipe
from support.small_training import ARRAYS, NOISY, PREPARED, Killed, a_recipe

GPU = torch.device("cuda", 0)
# Every formula, every need, and a sum.
NAMES = [*(name for name in losses.names() if "+" not in name), "NCE+RCE"]


def parameters(name: str) -> dict[str, object]:
    """The parameters of a loss without own defaults."""
    return {"alpha": 1.0, "beta": 1.0} if name in ("NCE+RCE",) else {}


def test_only_catalogue_losses_and_those_declaring_it_are_captured():
    class Users(nn.Module):
        def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
            return nn.functional.cross_entropy(logits, targets)

    class Promising(Users):
        capturable = True

    def is_capturable(loss: nn.Module) -> bool:
        model = models.create("digits_cnn", num_classes=10, channels=1)
        return Learner(model, loss, seed=1, precision="fp32", device=torch.device("cpu")).is_capturable

    assert is_capturable(losses.create("NCE+RCE", num_classes=10, alpha=1.0, beta=1.0))
    assert is_capturable(Promising())
    assert not is_capturable(Users())


# Tests from here on need a GPU.


def on_gpu(recipe: Recipe) -> Data:
    return assemble(PREPARED, NOISY, ARRAYS.labels["train"], recipe, seed=1, device=GPU)


def trained(recipe: Recipe, loss: str = "NCE+RCE", **options: object) -> loop.Outcome:
    made = losses.create(loss, num_classes=10, **parameters(loss))
    return loop.train(on_gpu(recipe), made, recipe, seed=1, device=GPU, **options)


@pytest.mark.gpu
@pytest.mark.parametrize("name", NAMES)
def test_captured_step_trains_like_the_uncaptured_one(name: str, monkeypatch: pytest.MonkeyPatch):
    recipe = a_recipe(epochs=2, lr=0.01, augmentation=["crop1"], l1=1e-5)
    with devices.deterministic():
        captured = trained(recipe, name)
        monkeypatch.setattr(steps, "CapturedStep", steps.Step)
        uncaptured = trained(recipe, name)
    for mine, plain in zip(captured.metrics, uncaptured.metrics, strict=True):
        assert mine["train_loss"] == pytest.approx(plain["train_loss"], rel=1e-3)
        assert mine["given_accuracy"] == pytest.approx(plain["given_accuracy"], abs=0.5)


@pytest.mark.gpu
def test_captured_step_never_waits():
    recipe = a_recipe(epochs=1, precision="bf16")
    data = on_gpu(recipe)
    learner = Learner(
        models.create("digits_cnn", num_classes=10, channels=1),
        losses.create("JAL-CE", num_classes=10),
        seed=1,
        precision="bf16",
        device=GPU,
    )
    step = steps.create(learner, Normalise(recipe, GPU), recipe)
    assert isinstance(step, steps.CapturedStep)
    step.begin_epoch(1)
    size = recipe.batch_size
    for _ in range(5):
        step([data.train.images[:size]], data.train.given[:size])
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(5):
            step([data.train.images[:size]], data.train.given[:size])
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.gpu
def test_gpu_learns_as_well_as_the_cpu():
    recipe = a_recipe(epochs=30, precision="bf16")
    assert trained(recipe).metrics[-1]["test_accuracy"] > 88


@pytest.mark.gpu
@pytest.mark.parametrize("loss", ["NCE+RCE", "NLNL", "SR"])
def test_deterministic_trial_repeats_its_bits_and_a_resumed_one_its_loss(tmp_path: Path, loss: str):
    recipe = a_recipe(epochs=4, augmentation=["crop1"])

    def killed_in(epoch: int):
        def on_epoch_end(row: dict) -> None:
            if row["epoch"] == epoch:
                raise Killed

        return on_epoch_end

    with devices.deterministic():
        first, again = trained(recipe, loss), trained(recipe, loss)
        with pytest.raises(Killed):
            checkpoint = Checkpoint(tmp_path / "checkpoint.pt", "trial", seconds=0)
            trained(recipe, loss, checkpoint=checkpoint, on_epoch_end=killed_in(3))
        resumed = trained(recipe, loss, checkpoint=Checkpoint(tmp_path / "checkpoint.pt", "trial", seconds=0))
    assert first.metrics == again.metrics
    # A resumed trial warms up again, operation by operation, while the other one replays its graph.
    assert resumed.metrics[-1]["train_loss"] == pytest.approx(first.metrics[-1]["train_loss"], rel=1e-3)
