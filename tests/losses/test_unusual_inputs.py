"""Labels out of range, masked logits, NaN and infinity."""

from __future__ import annotations

import math

import pytest
import torch

from labelnoise.losses import LossError, create
from support.loss_cases import CASES, extra, inputs, made, rows

K = 4


@pytest.mark.parametrize("label", [-1, -5, -100, K])
@pytest.mark.parametrize("case", CASES)
def test_label_out_of_range_is_rejected(case: str, label: int):
    loss = made(case, K)
    targets = torch.tensor([0, label, 2])
    with pytest.raises(LossError, match=r"targets must lie in 0..3.*-100 or -1 usually mark samples to ignore"):
        loss(inputs(loss, rows(3, K)), targets, **extra(loss, targets))


MASKED = torch.tensor(
    [
        [0.3, -math.inf, 1.0, -0.5],  # another class
        [-math.inf, 0.2, 1.0, -0.5],  # the labelled class
        [0.3, -math.inf, -math.inf, -math.inf],  # all but the labelled class
        [-math.inf, -math.inf, 0.7, -math.inf],  # all but another one
        [-math.inf] * 4,
        [0.3, torch.finfo(torch.float32).min, 1.0, -0.5],  # often used instead of −inf
    ]
)
WITH_LOGITS = [case for case, (name, _) in CASES.items() if not name.startswith("LT")]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("case", WITH_LOGITS)
def test_masked_logits_have_finite_values_and_gradients(case: str, dtype: torch.dtype):
    loss = made(case, K)
    logits = MASKED.clone().to(dtype).requires_grad_()
    targets = torch.zeros(len(MASKED), dtype=torch.int64)
    value = loss(inputs(loss, logits), targets, **extra(loss, targets))
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()
    assert (logits.grad[logits.isinf()] == 0).all()


def test_masked_class_is_equivalent_to_removing_the_class():
    logits = rows(5, K)
    masked = torch.cat([logits, torch.full((5, 1), -math.inf, dtype=torch.float64)], dim=1)
    for name in ("CE", "FL", "GCE", "MAE", "RCE"):
        params = {"eps": 1e-30} if name == "RCE" else {}
        with_mask = create(name, num_classes=K + 1, **params)(masked, torch.arange(5) % K)
        torch.testing.assert_close(with_mask, create(name, num_classes=K, **params)(logits, torch.arange(5) % K))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("case", CASES)
def test_nan_and_infinity_propagate_to_the_loss(case: str, bad: float):
    """Training relies on this to detect divergence. LT's inputs are features, where −inf must propagate too."""
    loss = made(case, K)
    for number in (bad, -bad) if CASES[case][0].startswith("LT") else (bad,):
        logits = rows(3, K)
        logits[1, 2] = number
        targets = torch.tensor([0, 1, 2])
        assert not loss(inputs(loss, logits), targets, **extra(loss, targets)).isfinite()


def test_only_logits_below_the_floor_are_raised():
    values = create("CE", num_classes=2, reduction="none")(
        torch.tensor([[-9e11, 0.0], [-2e12, 0.0]]), torch.zeros(2).long()
    )
    torch.testing.assert_close(values, torch.tensor([9e11, 1e12]))
