"""benchmarks/compile.csv covers the catalogue, and torch.compile and torch.export still do what it says."""

from __future__ import annotations

import csv
import sys

import pytest
import torch

from labelnoise.losses import names
from support.project import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import compile as benchmark

with benchmark.CSV.open() as _file:
    ROWS = {row["loss"]: row for row in csv.DictReader(_file)}

# One of each family: active, normalised, focal, passive, negative, clipped logits, ε-softmax, divergence, two views,
# epoch, features, per sample, sums, entropy term.
REPRESENTATIVES = (
    "GCE", "NCE", "NFL", "MAE", "NNFL", "NLNL", "CE+LC", "EFL", "JS", "GJS", "SR", "LT", "ELR", "SOP", "ANL-CE-ER",
)  # fmt: skip


@pytest.fixture(autouse=True)
def fresh_compiler():
    yield
    torch.compiler.reset()


def test_csv_names_every_loss_once():
    with benchmark.CSV.open() as file:
        assert [row["loss"] for row in csv.DictReader(file)] == names()


@pytest.mark.parametrize("name", ["NCE", "GJS", "LT", "ELR", "SOP", "ANL-CE-ER"])  # all others: test_transforms.py
def test_compiles_as_one_graph_to_the_values_gradients_and_state_of_training(name: str):
    assert benchmark.compiled(name, "eager") == ""


def test_elr_compiled_by_aot_autograd_has_the_gradient_of_eager_mode():
    assert benchmark.compiled("ELR", "aot_eager") == ""  # it was silently wrong: see ELR.values


@pytest.mark.parametrize("name", REPRESENTATIVES)
def test_exports_as_the_csv_says(name: str):
    exported, reasons = benchmark.exported(name)
    assert exported == ROWS[name]["export"]
    assert ("batch size is fixed" in reasons) == ("batch size is fixed" in ROWS[name]["reason"])


def test_a_difference_is_found():
    values = {"value": [torch.tensor(1.0)], "gradient": [torch.tensor([[1.0, 1.0], [0.0, 1e-3]])], "state": []}
    other = values | {"gradient": [torch.tensor([[1.0, 1.0], [0.0, 2e-3]])]}
    assert benchmark.differences(values, values) == {}
    assert benchmark.differences(values, other) == {"gradient": "gradient differs by 50 %"}
