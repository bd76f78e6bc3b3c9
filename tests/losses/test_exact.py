"""Values and gradients against the formulas in 50-digit arithmetic."""

from __future__ import annotations

import inspect
import random

import pytest
import torch
from mpmath import mpf

from labelnoise.losses import LossError, catalogue, create, entries
from labelnoise.losses.base import Loss
from labelnoise.losses.info import Need, Takes
from support import loss_formulas as formulas

# Losses called as loss(logits, targets) that return the same value every time.
PLAIN = [name for name in catalogue.names() if not {"views", "features", "draws", "index"} & set(catalogue.needs(name))]
SINGLE = list(formulas.FORMULAS)


def rows(num_classes: int) -> list[tuple[list[float], int]]:
    """Normal, dominated (±30), shifted and near-uniform rows, each with a correct and a wrong label."""
    draw = random.Random(num_classes)
    normal = [draw.gauss(0, 2) for _ in range(num_classes)]
    sharp = [30.0 if k == 0 else -30.0 + 0.5 * k / num_classes for k in range(num_classes)]
    even = [1e-9 * draw.random() for _ in range(num_classes)]
    cases = []
    for z in (normal, sharp, [v + 1000.0 for v in normal], even):
        cases += [(z, 0), (z, num_classes - 1)]
    return cases


@pytest.mark.parametrize("num_classes", [2, 10, 14, 50, 100])
@pytest.mark.parametrize("name", SINGLE)
def test_value_and_gradient_equal_the_formula(name: str, num_classes: int):
    params = catalogue.resolve(name, {})
    loss = create(name, num_classes=num_classes, reduction="none", **params)
    for z, y in rows(num_classes):
        exact_z = [mpf(v) for v in z]
        logits = torch.tensor([z], dtype=torch.float64, requires_grad=True)
        value = loss(logits, torch.tensor([y]))
        (grad,) = torch.autograd.grad(value.sum(), logits)
        expected = formulas.value(name, exact_z, y, params)
        assert abs(mpf(value.item()) - expected) <= 1e-9 * max(abs(expected), mpf("1e-10")), (z, y)
        # 100 central differences per row are slow at 50 digits: test the label, the top class and two more.
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
def test_reduction_mean_is_the_mean_over_samples(name: str):
    z, y = torch.randn(16, 10, generator=torch.Generator().manual_seed(0)), torch.arange(16) % 10
    each = create(name, num_classes=10, reduction="none")(z, y)
    assert each.shape == (16,)
    torch.testing.assert_close(create(name, num_classes=10)(z, y), each.mean())


def test_cross_entropy_equals_torch():
    z, y = torch.randn(64, 10, dtype=torch.float64), torch.arange(64) % 10
    torch.testing.assert_close(create("CE", num_classes=10)(z, y), torch.nn.functional.cross_entropy(z, y))


def test_sum_weights_its_parts():
    z, y = torch.randn(8, 10, dtype=torch.float64), torch.arange(8)
    first, second = create("NCE", num_classes=10)(z, y), create("AGCE", num_classes=10, a=6, q=1.5)(z, y)
    total = create("NCE+AGCE", num_classes=10, alpha=2, beta=4, a=6, q=1.5)(z, y)
    torch.testing.assert_close(total, 2 * first + 4 * second)


@pytest.mark.parametrize("alias", [name for name in entries.ALIASES if name in PLAIN and not name.endswith("-ER")])
def test_framework_equals_its_sum(alias: str):
    z, y = torch.randn(8, 10), torch.arange(8)
    total = create(entries.ALIASES[alias].stands_for, num_classes=10)
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
def test_wrong_input_raises_a_clear_error(logits: torch.Tensor, targets: torch.Tensor, message: str):
    with pytest.raises(LossError, match=message):
        create("CE", num_classes=10)(logits, targets)


def test_catalogue_and_classes_take_the_same_parameters():
    for entry in entries.LOSSES.values():
        cls = entry.load()
        lineage = cls.__mro__[: cls.__mro__.index(Loss)]
        taken = {name for ancestor in lineage for name in inspect.signature(ancestor.__init__).parameters}
        taken -= {"self", "args", "kwargs", "num_classes", "reduction"}
        assert taken == {parameter.name for parameter in entry.parameters}, entry.name


def test_catalogue_and_classes_have_the_same_needs():
    for name in catalogue.names():
        assert tuple(create(name, num_classes=3).needs) == catalogue.needs(name), name
    for entry in entries.LOSSES.values():
        assert tuple(entry.load().needs) == entry.needs, entry.name
        assert (entry.takes == Takes.VIEWS) == (Need.VIEWS in entry.needs), entry.name
        assert (entry.takes == Takes.FEATURES) == (Need.FEATURES in entry.needs), entry.name


@pytest.mark.parametrize("name", PLAIN)
def test_losses_of_probabilities_ignore_a_constant_added_to_all_logits(name: str):
    z, y = torch.randn(8, 10, dtype=torch.float64), torch.arange(8)
    loss = create(name, num_classes=10, reduction="none")
    is_seen = not torch.allclose(loss(z, y), loss(z + 3, y), rtol=1e-9)
    assert is_seen == any(entry.takes == Takes.LOGITS for entry in catalogue.parts(name))


def test_capturable_comes_from_the_catalogue_and_is_not_inherited_by_user_classes():
    for name in catalogue.names():
        assert create(name, num_classes=3).capturable == catalogue.is_capturable(name)

    class Mine(entries.LOSSES["CE"].load()):
        pass

    assert not Mine(num_classes=3).capturable


def test_class_counts_of_a_sum_reach_its_parts():
    z, y = torch.randn(6, 3), torch.tensor([0, 0, 0, 0, 1, 2])
    total = create("NLNL+MAE", num_classes=3, alpha=1, beta=0)
    total.set_class_counts(torch.bincount(y))
    alone = create("NLNL", num_classes=3)
    alone.set_class_counts(torch.bincount(y))
    values = []
    for loss in (total, alone):
        torch.manual_seed(0)
        values.append(loss(z, y))
    assert torch.equal(*values)


@pytest.mark.parametrize("name", ["ANL-FL", "ANL-FL-ER", "JAL-FL"])
def test_frameworks_take_the_parameters_of_their_papers(name: str):
    resolved = catalogue.resolve(name, {"alpha": 2, "beta": 3, "gamma": 0.25})
    assert {value for full, value in resolved.items() if full.endswith(".gamma")} == {0.25}
    with pytest.raises(LossError, match="'gamma' is in both parts"):
        catalogue.resolve("NFL+NNFL", {"gamma": 0.25})
    with pytest.raises(LossError, match="given twice"):
        catalogue.resolve("ANL-FL", {"gamma": 0.25, "NFL.gamma": 1})


def test_parameters_added_later_do_not_change_identities():
    assert "scale" not in catalogue.identity("NNCE", {})
    assert "NNCE.scale" not in catalogue.identity("ANL-CE", {})
    assert catalogue.identity("NNCE", {"scale": 5})["scale"] == 5
    z, y = torch.randn(8, 10), torch.arange(8)
    ones, fives = (create("NNCE", num_classes=10, scale=scale)(z, y) for scale in (1, 5))
    torch.testing.assert_close(fives, 5 * ones)


@pytest.mark.parametrize("gamma", [0.0, 0.001, 0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("name", ["FL", "NFL", "NNFL", "EFL"])
def test_differentiated_focal_factors_have_finite_gradients_at_one_hot_predictions(name: str, gamma: float):
    loss = create(name, num_classes=3, gamma=gamma, constant_factor=False)
    for gap in (50.0, 87.0, 90.0, 100.0, 104.0, 110.0, 200.0, 1e10):
        z = torch.tensor([[gap, 0.0, 0.5]] * 3, requires_grad=True)
        loss(z, torch.arange(3)).backward()
        assert z.grad.isfinite().all(), gap
