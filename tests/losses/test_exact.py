"""Values and gradients against the formulas in 50-digit arithmetic."""

from __future__ import annotations

import random

import formulas
import pytest
import torch
from mpmath import mpf

from labelnoise.losses import LossError, catalogue, create

# Called as loss(logits, targets) and giving the same value twice.
PLAIN = [name for name in catalogue.names() if not {"views", "features", "draws"} & set(catalogue.needs(name))]
SINGLE = list(formulas.FORMULAS)


def rows(num_classes: int) -> list[tuple[list[float], int]]:
    """Ordinary rows, dominated ones (±30), shifted ones, near-uniform ones; labels both right and wrong."""
    draw = random.Random(num_classes)
    normal = [draw.gauss(0, 2) for _ in range(num_classes)]
    sharp = [30.0 if k == 0 else -30.0 + 0.5 * k / num_classes for k in range(num_classes)]
    even = [1e-9 * draw.random() for _ in range(num_classes)]
    found = []
    for z in (normal, sharp, [v + 1000.0 for v in normal], even):
        found += [(z, 0), (z, num_classes - 1)]
    return found


@pytest.mark.parametrize("num_classes", [2, 10, 14, 50, 100])
@pytest.mark.parametrize("name", SINGLE)
def test_value_and_gradient_are_the_formulas(name: str, num_classes: int):
    params = catalogue.resolve(name, {})
    loss = create(name, num_classes=num_classes, reduction="none", **params)
    for z, y in rows(num_classes):
        exact_z = [mpf(v) for v in z]
        logits = torch.tensor([z], dtype=torch.float64, requires_grad=True)
        value = loss(logits, torch.tensor([y]))
        (grad,) = torch.autograd.grad(value.sum(), logits)
        expected = formulas.value(name, exact_z, y, params)
        assert abs(mpf(value.item()) - expected) <= 1e-9 * max(abs(expected), mpf("1e-10")), (z, y)
        # 100 central differences a row are slow at 50 digits: the label, the top class and two more say it all there.
        for k in {y, 0, num_classes // 2, num_classes - 1}:
            exact = formulas.gradient_entry(name, exact_z, y, params, k)
            assert abs(mpf(grad[0, k].item()) - exact) <= 1e-9 * max(abs(exact), mpf("1e-10")), (z, y, k)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradient_is_finite_at_extreme_logits(name: str, dtype: torch.dtype):
    loss = create(name, num_classes=10)
    z = torch.tensor([[30.0] + [-30.0] * 9] * 2, dtype=dtype, requires_grad=True)
    loss(z, torch.tensor([0, 9])).backward()
    assert z.grad.isfinite().all()


@pytest.mark.parametrize("name", PLAIN)
def test_mean_is_the_mean_of_the_samples(name: str):
    z, y = torch.randn(16, 10, generator=torch.Generator().manual_seed(0)), torch.arange(16) % 10
    each = create(name, num_classes=10, reduction="none")(z, y)
    assert each.shape == (16,)
    torch.testing.assert_close(create(name, num_classes=10)(z, y), each.mean())


def test_cross_entropy_is_torchs():
    z, y = torch.randn(64, 10, dtype=torch.float64), torch.arange(64) % 10
    torch.testing.assert_close(create("CE", num_classes=10)(z, y), torch.nn.functional.cross_entropy(z, y))


def test_sum_weighs_its_parts():
    z, y = torch.randn(8, 10, dtype=torch.float64), torch.arange(8)
    first, second = create("NCE", num_classes=10)(z, y), create("AGCE", num_classes=10, a=6, q=1.5)(z, y)
    total = create("NCE+AGCE", num_classes=10, alpha=2, beta=4, a=6, q=1.5)(z, y)
    torch.testing.assert_close(total, 2 * first + 4 * second)


@pytest.mark.parametrize("alias", [name for name, alias in catalogue.ALIASES.items() if not alias.entropy])
def test_framework_is_its_sum(alias: str):
    z, y = torch.randn(8, 10), torch.arange(8)
    total = create(catalogue.ALIASES[alias].sum, num_classes=10)
    torch.testing.assert_close(create(alias, num_classes=10)(z, y), total(z, y))


@pytest.mark.parametrize(
    ("logits", "targets", "message"),
    [
        (torch.zeros(4, 9), torch.zeros(4, dtype=torch.int64), r"logits must be \(B, 10\), got \(4, 9\)"),
        (torch.zeros(4, 10, dtype=torch.int64), torch.zeros(4, dtype=torch.int64), "must be floating point"),
        (torch.zeros(4, 10), torch.zeros(3, dtype=torch.int64), r"targets must be \(4,\), got \(3,\)"),
        (torch.zeros(4, 10), torch.zeros(4), "int64 class indices"),
        (torch.zeros(4, 10), torch.full((4,), 10), r"targets must lie in 0..9"),
        (torch.zeros(4, 10), torch.full((4,), -1), r"targets must lie in 0..9"),
    ],
)
def test_wrong_input_is_named(logits: torch.Tensor, targets: torch.Tensor, message: str):
    with pytest.raises(LossError, match=message):
        create("CE", num_classes=10)(logits, targets)


def test_catalogue_and_classes_take_the_same_parameters():
    import inspect

    for entry in catalogue.LOSSES.values():
        lineage = (cls for cls in entry.load().__mro__ if cls.__module__.startswith("labelnoise.losses"))
        taken = {name for cls in lineage for name in inspect.signature(cls.__init__).parameters}
        taken -= {"self", "args", "kwargs", "num_classes", "reduction"}
        assert taken == {parameter.name for parameter in entry.parameters}, entry.name
