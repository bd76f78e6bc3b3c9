"""Every hyper-parameter set of the papers, against the formulas in 50-digit arithmetic."""

from __future__ import annotations

import random

import pytest
import torch
from mpmath import mpf

from labelnoise.losses import catalogue, create
from labelnoise.published import presets
from support import loss_formulas as formulas

CLASSES = {"mnist": 10, "cifar10": 10, "cifar100": 100, "webvision_mini": 50, "clothing1m": 14}


def _sets() -> list[tuple[str, int, tuple[tuple[str, object], ...]]]:
    """Distinct (loss, classes, parameters) over all preset rows, for losses with a formula on one row of logits."""
    sets = set()
    for row in (row for preset in presets.names() for row in presets.rows(preset)):
        has_formula = all(entry.name in formulas.FORMULAS for entry in catalogue.parts(row.loss))
        if has_formula and not catalogue.is_entropy_regularised(row.loss):
            params = tuple(sorted(catalogue.resolve(row.loss, row.settings.params).items()))
            sets |= {(row.loss, CLASSES[dataset], params) for dataset in row.where["dataset"] or ["cifar10"]}
    return sorted(sets, key=str)


SETS = _sets()
NAMES = [f"{loss}-{num_classes}-{i}" for i, (loss, num_classes, _) in enumerate(SETS)]


def exact(loss: str, z: list[mpf], y: int, params: dict, k: int | None) -> mpf:
    """Value (k None) or derivative with respect to z_k of a single loss or a sum."""
    entries = catalogue.parts(loss)
    total = mpf(0)
    for entry, weight in zip(entries, ("alpha", "beta"), strict=False):
        prefix = f"{entry.name}." if len(entries) == 2 else ""
        own = {parameter.name: params[prefix + parameter.name] for parameter in entry.parameters}
        part = formulas.value(entry.name, z, y, own) if k is None else formulas.gradient_entry(entry.name, z, y, own, k)
        total += mpf(params[weight]) * part if len(entries) == 2 else part
    return total


def test_papers_have_many_parameter_sets():
    assert len(SETS) > 80


@pytest.mark.parametrize(("loss", "num_classes", "params"), SETS, ids=NAMES)
def test_value_and_gradient_at_published_parameters(loss: str, num_classes: int, params: tuple):
    values = dict(params)
    made = create(loss, num_classes=num_classes, reduction="none", **values)
    draw = random.Random(num_classes)
    for z, y in (
        ([draw.gauss(0, 3) for _ in range(num_classes)], num_classes // 2),
        ([30.0 if k == 1 else -30.0 for k in range(num_classes)], 1),
        ([30.0 if k == 1 else -30.0 for k in range(num_classes)], 0),
    ):
        logits = torch.tensor([z], dtype=torch.float64, requires_grad=True)
        value = made(logits, torch.tensor([y]))
        (grad,) = torch.autograd.grad(value.sum(), logits)
        exact_z = [mpf(v) for v in z]
        expected = exact(loss, exact_z, y, values, None)
        assert abs(mpf(value.item()) - expected) <= 1e-9 * max(abs(expected), mpf("1e-10"))
        for k in {y, 1}:
            expected = exact(loss, exact_z, y, values, k)
            assert abs(mpf(grad[0, k].item()) - expected) <= 1e-9 * max(abs(expected), mpf("1e-10")), k
