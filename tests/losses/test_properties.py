"""Properties that the papers state for the losses, on random inputs."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from labelnoise.losses import catalogue, create, entries
from support.loss_cases import extra

PLAIN = [name for name in catalogue.names() if not {"views", "features", "draws", "index"} & set(catalogue.needs(name))]
SYMMETRIC = [name for name, entry in entries.LOSSES.items() if entry.symmetric]

batches = st.tuples(st.integers(2, 12), st.integers(0, 10**6), st.floats(0.1, 8)).map(
    lambda t: (
        t[2] * torch.randn(6, t[0], dtype=torch.float64, generator=torch.Generator().manual_seed(t[1])),
        torch.randint(0, t[0], (6,), generator=torch.Generator().manual_seed(t[1] + 1)),
    )
)


def value(name: str, z: torch.Tensor, y: torch.Tensor, **params: object) -> torch.Tensor:
    return create(name, num_classes=z.shape[1], reduction="none", **params)(z, y)


@given(batches)
def test_gce_interpolates_between_ce_and_mae(batch):
    z, y = batch
    torch.testing.assert_close(value("GCE", z, y, q=1e-8, eps=1e-30), value("CE", z, y), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(value("GCE", z, y, q=1, eps=1e-30), value("MAE", z, y))


@given(batches)
def test_amse_with_a_1_equals_mse(batch):
    torch.testing.assert_close(value("AMSE", *batch, a=1), value("MSE", *batch))


@given(batches)
def test_fl_with_gamma_0_equals_ce(batch):
    torch.testing.assert_close(value("FL", *batch, gamma=0), value("CE", *batch))
    torch.testing.assert_close(value("NFL", *batch, gamma=0), value("NCE", *batch))


@given(batches)
def test_rce_is_proportional_to_mae(batch):
    torch.testing.assert_close(value("RCE", *batch, eps=1e-30), 4 * math.log(10) * value("MAE", *batch))


@given(batches)
def test_taylor_ce_interpolates_between_mae_and_ce(batch):
    z, y = batch
    torch.testing.assert_close(value("TaylorCE", z, y, t=1), value("MAE", z, y))
    terms = [value("TaylorCE", z, y, t=t) for t in (1, 2, 5, 20)]
    assert all((a <= b + 1e-12).all() for a, b in zip(terms, [*terms[1:], value("CE", z, y)], strict=True))


@given(batches)
def test_ece_with_m_0_and_nls_with_rate_0_equal_ce(batch):
    torch.testing.assert_close(value("ECE", *batch, m=0, eps=1e-30), value("CE", *batch))
    torch.testing.assert_close(value("NLS", *batch, rate=0), value("CE", *batch))


@given(batches)
def test_js_near_pi_0_approaches_ce(batch):
    z, y = batch
    z = z.clamp(-4, 4)  # −log p_y must stay far below −log pi
    torch.testing.assert_close(value("JS", z, y, pi=1e-7, eps=1e-30), value("CE", z, y), rtol=1e-3, atol=1e-3)


@given(batches)
def test_nnce_is_between_0_and_1(batch):
    for name in ("NNCE", "NNFL"):
        values = value(name, *batch)
        assert (values >= 0).all()
        assert (values <= 1).all()


@pytest.mark.parametrize("name", SYMMETRIC)
@given(batch=batches)
@settings(max_examples=25)
def test_symmetric_loss_sums_to_a_constant_over_labels(name: str, batch):
    z, _ = batch
    z = z.clamp(-6, 6)  # above every clamp of a probability
    totals = sum(value(name, z, torch.full((6,), k)) for k in range(z.shape[1]))
    torch.testing.assert_close(totals, totals[0].expand(6), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", PLAIN)
@given(batch=batches)
@settings(max_examples=15)
def test_loss_is_invariant_to_class_order_and_logit_shift(name: str, batch):
    z, y = batch
    order = torch.randperm(z.shape[1], generator=torch.Generator().manual_seed(0))
    permuted = value(name, z[:, order], order.argsort()[y])
    torch.testing.assert_close(permuted, value(name, z, y), rtol=1e-7, atol=1e-9)
    if name not in ("CE+LC", "SR"):  # these depend on the norm of the logits
        torch.testing.assert_close(value(name, z + 100, y), value(name, z, y), rtol=1e-7, atol=1e-9)


class _NoWaiting(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        assert name not in ("_local_scalar_dense", "nonzero", "masked_select"), f"{name} waits for the device"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", catalogue.names())
def test_loss_never_waits_for_the_device(name: str):
    loss = create(name, num_classes=10)
    y = torch.arange(16) % 10
    if "features" in loss.needs:
        loss.initialise(12)
    if "dataset_size" in loss.needs:
        loss.set_dataset_size(16)
    width = 12 if "features" in loss.needs else 10
    z = torch.randn(16, width, requires_grad=True)
    with _NoWaiting():
        loss((z, 2 * z) if "views" in loss.needs else z, y, **extra(loss, y)).backward()
        if "epoch" in loss.needs:
            loss.set_epoch(3)
    assert z.grad.isfinite().all()
