"""ELR and SOP against independent formulas, class weights, and soft targets."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from labelnoise.losses import LossError, catalogue, create
from labelnoise.losses.info import Need
from support.loss_cases import rows

N, K = 8, 5
TARGETS = torch.arange(N) % K


def test_elr_equals_its_formula_over_several_epochs():
    loss = create("ELR", num_classes=K, lam=3, beta=0.7)
    loss.set_dataset_size(N)
    mean = torch.zeros(N, K, dtype=torch.float64)
    for epoch in range(3):
        order = torch.randperm(N, generator=torch.Generator().manual_seed(epoch))
        logits = rows(N, K, seed=epoch)
        p = F.softmax(logits, dim=1).clamp(1e-4, 1 - 1e-4)
        mean[order] = 0.7 * mean[order] + 0.3 * p / p.sum(dim=1, keepdim=True)
        expected = F.cross_entropy(logits, TARGETS) + 3 * (1 - (mean[order] * p).sum(dim=1)).log().mean()
        torch.testing.assert_close(loss(logits, TARGETS, index=order), expected, rtol=1e-6, atol=1e-7)


def test_sop_equals_its_formula_and_steps_by_the_gradient_of_autograd():
    loss = create("SOP", num_classes=K, lr_u=0.5, lr_v=0.25, std=0.4)
    torch.manual_seed(0)
    loss.set_dataset_size(N)
    u, v = loss.u.double().requires_grad_(), loss.v.double().requires_grad_()
    label = F.one_hot(TARGETS, K).double()
    for seed in range(3):
        logits = rows(N, K, seed=seed)
        at_label, at_others = u.square()[:, None].clamp(max=1) * label, v.square().clamp(max=1) * (1 - label)
        shifted = (F.softmax(logits, dim=1) + at_label - at_others.detach()).clamp(min=1e-4)
        share = (shifted / shifted.sum(dim=1, keepdim=True)).clamp(min=1e-4)
        hard = F.one_hot(logits.argmax(dim=1), K)
        expected = -(label * share.log()).sum() / N + (hard + at_label - at_others - label).square().sum() / N
        torch.testing.assert_close(loss(logits, TARGETS, index=torch.arange(N)), expected, rtol=1e-5, atol=1e-6)
        to_u, to_v = torch.autograd.grad(expected, (u, v))
        u, v = (u - 0.5 * to_u).detach().requires_grad_(), (v - 0.25 * to_v).detach().requires_grad_()
        torch.testing.assert_close(loss.u.double(), u, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(loss.v.double(), v, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["ELR", "SOP"])
def test_state_of_samples_changes_in_training_only_and_wrong_indices_are_refused(name: str):
    loss, logits = create(name, num_classes=K), rows(N, K)
    with pytest.raises(LossError, match="set_dataset_size"):
        loss(logits, TARGETS, index=torch.arange(N))
    loss.set_dataset_size(N)
    for index in (None, torch.arange(N) - 1, torch.arange(N) + 1, torch.arange(N).int()):
        with pytest.raises(LossError, match="index must"):
            loss(logits, TARGETS, index=index)
    before = {key: value.clone() for key, value in loss.state_dict().items()}
    loss.eval()(logits, TARGETS, index=torch.arange(N))
    assert all(torch.equal(value, before[key]) for key, value in loss.state_dict().items())


def test_weighted_cross_entropy_equals_torch():
    weight = [1.0, 2.0, 0.5, 3.0, 1.5]
    logits = rows(N, K)
    for reduction in ("mean", "none"):
        ours = create("CE", num_classes=K, weight=weight, reduction=reduction)(logits, TARGETS)
        torch.testing.assert_close(
            ours, F.cross_entropy(logits, TARGETS, torch.tensor(weight).double(), reduction=reduction)
        )


def test_balanced_weights_are_those_of_scikit_learn():
    from sklearn.utils.class_weight import compute_class_weight

    loss = create("NCE+MAE", num_classes=3, weight="balanced")
    labels = torch.tensor([0, 0, 0, 0, 1, 2, 2])
    assert Need.CLASS_COUNTS in loss.needs
    with pytest.raises(LossError, match="set_class_counts"):
        loss(rows(7, 3), labels)
    loss.set_class_counts(torch.bincount(labels))
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels.numpy())
    torch.testing.assert_close(loss.class_weight, torch.from_numpy(expected))


@pytest.mark.parametrize("bad", [[1, 2], [1, -1, 2, 1, 1], "equal", 3, []])
def test_wrong_weights_are_refused(bad: object):
    with pytest.raises(LossError, match="weight"):
        create("CE", num_classes=K, weight=bad)


LINEAR = [name for name in catalogue.names() if not catalogue.not_linear(name)]


@pytest.mark.parametrize("name", LINEAR)
def test_soft_targets_average_the_losses_of_hard_ones(name: str):
    loss, logits = create(name, num_classes=K, reduction="none"), rows(N, K)
    other = (TARGETS + 2) % K
    soft = 0.3 * F.one_hot(TARGETS, K).double() + 0.7 * F.one_hot(other, K)
    torch.testing.assert_close(loss(logits, soft), 0.3 * loss(logits, TARGETS) + 0.7 * loss(logits, other))
    torch.testing.assert_close(loss(logits, F.one_hot(TARGETS, K).double()), loss(logits, TARGETS))


def test_soft_targets_that_are_no_distribution_are_refused():
    with pytest.raises(LossError, match="sum to 1"):
        create("CE", num_classes=K)(rows(N, K), torch.ones(N, K))


@pytest.mark.parametrize("name", ["RCE", "NCE+RCE", "MSE", "JAL-CE", "ANL-CE-ER"])
def test_soft_targets_are_refused_by_name_if_the_loss_is_not_linear_in_them(name: str):
    with pytest.raises(LossError, match=f"{catalogue.not_linear(name)[0]}.*cannot take soft targets"):
        create(name, num_classes=K)(rows(N, K), torch.full((N, K), 1 / K))
