"""Training on a pretend CUDA device (support/pretend_cuda.py) gives the CPU's bits, and never waits inside a step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from labelnoise import losses
from labelnoise.errors import Stopped
from labelnoise.losses import catalogue
from labelnoise.training import flat, loop
from labelnoise.training import step as steps
from labelnoise.training.checkpoint import Checkpoint
from labelnoise.training.data import Data, ImagesInMemory
from labelnoise.training.learner import Learner
from labelnoise.training.recipe import Recipe
from support import pretend_cuda
from support.pretend_cuda import CUDA, no_waiting, pretend
from support.small_training import CPU, a_recipe

BATCH = 24


@pytest.fixture(autouse=True)
def unaligned(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU parameters are aligned in memory, which changes the order of sums."""
    monkeypatch.setattr(flat, "ALIGNMENT", 1)


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps on the pretend device may not wait for it."""
    for cls in (steps.Step, steps.CapturedStep):
        call = cls.__call__

        def checked(self, *args, call=call):
            with no_waiting():
                return call(self, *args)

        monkeypatch.setattr(cls, "__call__", checked)
    look = Learner.capturing_state

    def waiting_once(self):
        with no_waiting(False):  # torch waits for the device too before it captures
            return look(self)

    monkeypatch.setattr(Learner, "capturing_state", waiting_once)


def random_data(device: torch.device, *, channels: int = 1, size: int = 8, count: int) -> Data:
    generator = torch.Generator().manual_seed(5)
    images = torch.randint(0, 256, (count, channels, size, size), generator=generator, dtype=torch.uint8)
    true = torch.arange(count) % 10
    given = (true + (torch.arange(count) % 3 == 0).long()) % 10
    train = ImagesInMemory(images.to(device), given.to(device), true.to(device))
    test = ImagesInMemory(images[:30].to(device), true[:30].to(device), true[:30].to(device))
    return Data(train, None, {"test": test}, 10)


def small_recipe(**changes: object) -> Recipe:
    defaults = {"epochs": 2, "batch_size": BATCH, "augmentation": ["crop1", "rotate20"], "lr": 0.01, "clip_norm": 1.0}
    return a_recipe(**defaults | {"l1": 1e-5, "precision": "bf16"} | changes)


def train(device: torch.device, loss: nn.Module, recipe: Recipe, **options: object) -> loop.Outcome:
    shape = {"channels": len(recipe.mean), "size": {"cnn4": 28, "cnn8": 32}.get(recipe.model, 8)}
    count = 6 * recipe.batch_size + 2  # three batches to warm up, one to capture, one to replay, and a smaller one
    return loop.train(random_data(device, count=count, **shape), loss, recipe, seed=1, device=device, **options)


def assert_same(pretended: loop.Outcome, plain: loop.Outcome) -> None:
    assert pretended.metrics == plain.metrics
    assert pretended.predictions.keys() == plain.predictions.keys()
    for name, values in plain.predictions.items():
        assert torch.equal(pretended.predictions[name], values), name


@pytest.mark.parametrize("name", losses.names())
@pytest.mark.usefixtures("strict")
def test_loss_trains_on_the_device_as_on_the_cpu_and_never_waits(name: str):
    recipe = small_recipe()
    plain = train(CPU, losses.create(name, num_classes=10), recipe)
    before = pretend_cuda.replays()
    with pretend():
        assert_same(train(CUDA, losses.create(name, num_classes=10), recipe), plain)
    assert (pretend_cuda.replays() > before) == catalogue.is_capturable(name)


@pytest.mark.parametrize("name", ["ELR", "SOP"])
@pytest.mark.usefixtures("strict")
def test_losses_that_are_not_captured_yet_would_have_the_same_bits(name: str):
    def captured() -> nn.Module:
        loss = losses.create(name, num_classes=10)
        loss.capturable = True
        return loss

    plain = train(CPU, captured(), small_recipe())
    with pretend():
        assert_same(train(CUDA, captured(), small_recipe()), plain)


MODELS = {
    "cnn4": {"mean": [0.5], "std": [0.5], "precision": "bf16"},
    "cnn8": {"mean": [0.5] * 3, "std": [0.5] * 3},
    "resnet34": {"mean": [0.5] * 3, "std": [0.5] * 3},
    "timm/resnet10t": {"mean": [0.5] * 3, "std": [0.5] * 3, "precision": "bf16"},
}


@pytest.mark.parametrize(
    "model", [pytest.param(name, marks=pytest.mark.long) if name == "resnet34" else name for name in MODELS]
)
@pytest.mark.usefixtures("strict")
def test_network_trains_on_the_device_as_on_the_cpu(model: str):
    recipe = small_recipe(
        **{"model": model, "augmentation": ["flip"], "epochs": 1, "batch_size": 4, "precision": "fp32"} | MODELS[model]
    )
    plain = train(CPU, losses.create("JAL-CE", num_classes=10), recipe)
    with pretend():
        assert_same(train(CUDA, losses.create("JAL-CE", num_classes=10), recipe), plain)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.usefixtures("strict")
def test_optimiser_updates_on_the_device_as_on_the_cpu(optimizer: str, nesterov: bool):
    recipe = small_recipe(optimizer=optimizer, nesterov=nesterov, weight_decay=1e-3, precision="fp32")
    plain = train(CPU, losses.create("CE", num_classes=10), recipe)
    with pretend():
        assert_same(train(CUDA, losses.create("CE", num_classes=10), recipe), plain)


@pytest.mark.usefixtures("strict")
def test_aligned_parameters_train_alike(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(flat, "ALIGNMENT", 16)
    recipe = small_recipe(precision="fp32")
    plain = train(CPU, losses.create("CE", num_classes=10), recipe)
    with pretend():
        aligned = train(CUDA, losses.create("CE", num_classes=10), recipe)
    for mine, other in zip(aligned.metrics, plain.metrics, strict=True):
        assert mine["train_loss"] == pytest.approx(other["train_loss"], rel=1e-5)


class Keeping(nn.Module):
    """A user's loss that keeps tensors made in training, in attributes that were something else at first."""

    def __init__(self, kind: str):
        super().__init__()
        self.kind, self.mean, self.last, self.by_name = kind, None, [], {}

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        mean = logits.float().softmax(dim=1).detach().mean(dim=0)
        if self.kind == "attribute":
            self.mean = mean if self.mean is None else 0.9 * self.mean + 0.1 * mean
        elif self.kind == "list":
            self.last = [mean, *self.last[:3]]
            self.mean = sum(self.last) / len(self.last)
        elif self.kind == "dict":
            self.by_name["mean"] = mean + self.by_name.get("mean", 0)
            self.mean = self.by_name["mean"]
        elif self.kind == "host":
            # Kept on the host on purpose: it stays there.
            self.last = [*self.last, torch.ones(2)]
            self.mean = mean * float(sum(values.sum() for values in self.last)) / 100
        return nn.functional.cross_entropy(logits.float() - self.mean, targets)


def resumed(make: object, folder: Path, stop_after: int, recipe: Recipe) -> tuple[loop.Outcome, loop.Outcome]:
    """The outcomes of an uninterrupted trial, and of one that was stopped after some steps and resumed."""
    calls = 0

    def stop() -> bool:
        nonlocal calls
        calls += 1
        return calls == stop_after

    with pretend():
        whole = train(CUDA, make(), recipe)
        with pytest.raises(Stopped):
            train(CUDA, make(), recipe, checkpoint=Checkpoint(folder / "c.pt", "trial", seconds=0), stop=stop)
        checkpoint = Checkpoint(folder / "c.pt", "trial", seconds=0)
        again = train(CUDA, make(), recipe, checkpoint=checkpoint)
    assert checkpoint.epochs_restored == 1
    assert torch.load(folder / "c.pt", weights_only=True)["metrics"]  # no tensor of the device is in it
    return again, whole


@pytest.mark.parametrize("kind", ["attribute", "list", "dict", "host"])
def test_users_loss_with_tensors_made_in_training_resumes_on_the_device(tmp_path: Path, kind: str):
    assert_same(*resumed(lambda: Keeping(kind), tmp_path, 10, small_recipe(epochs=3, precision="fp32")))


@pytest.mark.parametrize("name", ["CE", "NLNL", "SR", "ELR", "SOP", "GJS", "LT"])
def test_trial_stopped_within_an_epoch_resumes_on_the_device_with_the_same_bits(tmp_path: Path, name: str):
    assert_same(*resumed(lambda: losses.create(name, num_classes=10), tmp_path, 10, small_recipe(epochs=3)))


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_state_of_the_optimiser_resumes_on_the_device(tmp_path: Path, optimizer: str):
    recipe = small_recipe(epochs=3, optimizer=optimizer, precision="fp32")
    assert_same(*resumed(lambda: losses.create("CE", num_classes=10), tmp_path, 10, recipe))


class Copying(nn.Module):
    """A user's loss that says it may be captured, but copies from the host in every step."""

    capturable = True

    def __init__(self) -> None:
        super().__init__()
        self.steps, self.generator = 0, None

    needs = ("draws",)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        self.steps += 1
        noise = torch.rand(len(logits), generator=self.generator, device=logits.device)
        scale = torch.tensor([1.0 + self.steps / 10]).to(logits.device)
        return (nn.functional.cross_entropy(logits.float(), targets, reduction="none") * (scale + noise)).mean()


def test_step_that_cannot_be_captured_goes_on_uncaptured_with_the_same_bits(capsys: pytest.CaptureFixture[str]):
    recipe = small_recipe(precision="fp32")
    plain = train(CPU, Copying(), recipe)
    with pretend():
        assert_same(train(CUDA, Copying(), recipe), plain)
    said = [line for line in capsys.readouterr().out.splitlines() if "captured" in line]
    assert len(said) == 1
    assert "operation not permitted when stream is capturing" in said[0]


def test_capture_can_be_switched_off():
    recipe, before = small_recipe(), pretend_cuda.replays()
    with pretend():
        train(CUDA, losses.create("CE", num_classes=10), recipe, capture=False)
    assert pretend_cuda.replays() == before


@pytest.mark.parametrize("batch", ["host tensor", "item", "numpy", "mask"])
def test_pretend_device_raises_what_a_step_must_not_do(batch: str):
    with pretend():
        ours = torch.arange(6.0).to(CUDA)
        with no_waiting(), pytest.raises((RuntimeError, TypeError)):
            if batch == "host tensor":
                ours + torch.ones(6)
            elif batch == "item":
                ours.sum().item()
            elif batch == "numpy":
                np.asarray(ours)
            else:
                ours[ours > 2]
        assert float(ours.sum()) == 15
        assert (ours.to("cpu") + torch.ones(6)).tolist() == [1, 2, 3, 4, 5, 6]
