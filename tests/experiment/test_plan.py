"""`plan` finds before a run what would make its trials fail, and describes the data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from labelnoise.errors import UserError
from labelnoise.experiment import plan
from support.project import SMALL

LOSSES = """
import torch
from torch import nn


class Smooth(nn.CrossEntropyLoss): ...


class Weighted(nn.Module):
    def __init__(self, weights):
        super().__init__()
        self.register_buffer("weights", torch.tensor(weights))

    def forward(self, z, y):
        return nn.functional.cross_entropy(z, y, weight=self.weights)


class Needy(nn.Module):
    needs = ("neighbours",)

    def forward(self, z, y):
        return z.mean()


class PerSample(nn.Module):
    def forward(self, z, y):
        return nn.functional.cross_entropy(z, y, reduction="none")


class Constant(nn.Module):
    def forward(self, z, y):
        return torch.ones(())
"""

NETS = """
import torch
from torch import nn


class Output(dict):
    def __getattr__(self, name):
        if name in self:
            return self[name]
        raise AttributeError(name)


class Net(nn.Module):
    def __init__(self, num_classes, channels, variant):
        super().__init__()
        self.variant = variant
        self.last = nn.LazyLinear(num_classes) if variant == "lazy" else nn.Linear(64 * channels, num_classes)
        if variant == "double":
            self.scale = nn.Parameter(torch.ones(1, dtype=torch.float64))
        if variant == "frozen":
            self.requires_grad_(False)

    def forward(self, images):
        out = self.last(images.flatten(1))
        if self.variant == "memory" and len(images) > 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        if self.variant == "evaluation" and not self.training:
            raise ValueError("only for training")
        outputs = {"tuple": (out, None), "dict": {"scores": out}, "output": Output(logits=out), "map": out[..., None]}
        if self.variant == "auxiliary":
            return (out, out) if self.training else out
        return outputs.get(self.variant, out)
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(LOSSES)
    Path("nets.py").write_text(NETS)
    return tmp_path


def planned(**changes: object) -> str:
    Path("config.yaml").write_text(yaml.safe_dump(yaml.safe_load(SMALL) | changes))
    return plan.describe(Path("config.yaml"), cores=2)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ({"target": "mine:Needy"}, "the loss needs neighbours; the engine only supplies views"),
        ({"target": "mine:PerSample"}, "must return a scalar tensor"),
        ({"target": "mine:Constant"}, "its value does not depend on the logits"),
        ({"target": "mine:Smooth", "smoothing": 0.1}, "unexpected keyword argument 'smoothing'"),
        ({"target": "mine:Weighted", "weights": [[1.0, 2.0]]}, "weight tensor should be defined"),
    ],
)
def test_loss_that_would_fail_is_reported(loss: dict, message: str):
    with pytest.raises(UserError, match=message) as caught:
        planned(losses=["CE", loss])
    assert f"({loss['target']})" in str(caught.value)


def test_losses_with_inherited_init_or_list_parameters_are_accepted():
    losses = [{"target": "mine:Smooth", "label_smoothing": 0.1}, {"target": "mine:Weighted", "weights": [[1.0] * 10]}]
    assert "Smooth, Weighted" in planned(losses=losses)
    assert "Weighted weights=1, Weighted weights=2" in planned(
        losses=[{"target": "mine:Weighted", "weights": [[1.0] * 10, [2.0] * 10]}]
    )


@pytest.mark.parametrize(
    ("model", "message"),
    [("timm/no_such_model", "timm has no model"), ("timm/vit_tiny_patch16_224", r"8 × 8")],
)
def test_timm_model_that_does_not_fit_the_images_is_reported(model: str, message: str):
    with pytest.raises(UserError, match=message):
        planned(train={"model": model}, losses=["CE"])


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ("auxiliary", "returns a tuple of 2, perhaps the logits and auxiliary outputs"),
        ("tuple", "returns a tuple of 2"),
        ("dict", "returns a dict with the keys scores"),
        ("output", "returns a Output, whose logits are `.logits`"),
        ("map", r"returns shape \(2, 10, 1\), not logits"),
        ("lazy", "model.last.weight has no size yet"),
        ("frozen", "nothing to train"),
        ("double", "model.scale is float64"),
        ("evaluation", "ValueError: only for training"),
    ],
)
def test_model_that_cannot_be_trained_or_evaluated_is_reported(variant: str, message: str):
    with pytest.raises(UserError, match=message) as caught:
        planned(train={"model": {"target": "nets:Net", "variant": variant}}, losses=["CE"])
    assert f"the model Net variant={variant} on digits (8 × 8)" in str(caught.value)


def test_plan_without_a_forecast_says_why():
    text = planned(train={"model": {"target": "nets:Net", "variant": "memory"}, "epochs": 2}, losses=["CE"])
    assert "warning: no forecast, as a training step failed here: OutOfMemoryError: CUDA out of memory." in text
    assert "is valid" in text


def test_classes_and_sample_counts_are_listed():
    images = np.full((30, 8, 8), 9, np.uint8)
    np.savez("m.npz", x_train=images, y_train=np.arange(30) % 3, x_test=images[:9], y_test=np.arange(9) % 3)
    text = planned(datasets=["digits", {"name": "mine", "arrays": "m.npz", "like": "digits"}], losses=["CE"])
    assert "mine: 3 classes (0, 1, 2), 30 training samples, 9 in test, labels taken as true" in text
    assert "digits: 10 classes (0, 1, 2, 3, 4 …), 1442 training samples" in text


def test_duplicate_rate_is_one_mistake():
    with pytest.raises(UserError) as caught:
        planned(noise=[{"kind": "symmetric", "rate": [0.2, 0.2]}])
    assert len(str(caught.value).splitlines()) == 1


def test_home_and_variables_in_paths_are_expanded(here: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.setenv("DATA", str(here))
    np.save("labels.npy", np.zeros(1442, int))
    for path in ("~/labels.npy", "$HOME/labels.npy", "${DATA}/labels.npy"):
        assert "is valid" in planned(noise=[{"kind": "file", "path": path}], losses=["CE"])
