"""Losses that need more than one prediction: views, epochs, class counts, features, a whole batch."""

from __future__ import annotations

import math

import pytest
import torch
from mpmath import mpf

from labelnoise.losses import LossError, create
from support import loss_formulas as formulas


def rows(*shape: int, scale: float = 2.0) -> torch.Tensor:
    return scale * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def to_mp(row: torch.Tensor) -> list[mpf]:
    return [mpf(v) for v in row.tolist()]


@pytest.mark.parametrize("scaled", [True, False])
def test_gjs_equals_the_divergence_of_label_and_two_views(scaled: bool):
    z1, z2, y = rows(5, 10), rows(5, 10, scale=-1), torch.tensor([0, 1, 2, 3, 9])
    values = create("GJS", num_classes=10, pi=0.3, scaled=scaled, reduction="none")((z1, z2), y)
    for i in range(5):
        views = [formulas.softmax(to_mp(z1[i])), formulas.softmax(to_mp(z2[i]))]
        expected = formulas.js_of(views, int(y[i]), 0.3, scaled, 1e-7)
        assert float(abs(mpf(values[i].item()) - expected) / expected) < 1e-9


def test_gjs_of_two_equal_views_equals_js():
    z, y = rows(8, 10), torch.arange(8)
    js = create("JS", num_classes=10, pi=0.4)(z, y)
    torch.testing.assert_close(create("GJS", num_classes=10, pi=0.4)((z, z), y), js)


def test_gjs_requires_a_pair_of_logits():
    with pytest.raises(LossError, match="pair of logits"):
        create("GJS", num_classes=10)(rows(4, 10), torch.arange(4))


def test_sr_weight_grows_by_epochs():
    loss = create("SR", num_classes=10, lam=4.0, growth=2.0, every=5)
    weights = []
    for epoch in (1, 5, 6, 10, 11):
        loss.set_epoch(epoch)
        weights.append(loss.weight.item())
    assert weights == [4, 4, 8, 8, 16]


def test_nlnl_draws_complementary_labels_evenly():
    loss = create("NLNL", num_classes=5, num_negative=4000)
    loss.generator = torch.Generator().manual_seed(1)
    drawn = loss.draw(torch.tensor([0, 3]))
    counts = torch.stack([torch.bincount(row, minlength=5) for row in drawn])
    assert counts[0, 0] == counts[1, 3] == 0
    others = counts[counts > 0].double()
    assert ((others - 1000) ** 2 / 1000).sum() < 22.46  # chi-square, 6 degrees of freedom, once in 1,000 seeds


def test_nlnl_equals_the_formula_at_its_own_draws():
    z, y = rows(6, 10), torch.tensor([0, 1, 2, 3, 3, 9])
    loss = create("NLNL", num_classes=10, num_negative=3, reduction="none")
    counts = torch.tensor([1, 1, 1, 2, 1, 1, 1, 1, 1, 1])
    loss.set_class_counts(counts)
    loss.generator = torch.Generator().manual_seed(5)
    values = loss(z, y)
    loss.generator = torch.Generator().manual_seed(5)
    drawn = loss.draw(y)
    for i in range(6):
        p = formulas.softmax(to_mp(z[i]))
        weight = mpf(2) / int(counts[y[i]])
        expected = -weight * sum(formulas.log(max(1 - p[k], mpf("1e-5"))) for k in drawn[i].tolist())
        assert float(abs(mpf(values[i].item()) - expected) / expected) < 1e-9


def test_entropy_term_equals_the_formula_and_is_zero_iff_the_mean_is_uniform():
    z, y = rows(7, 10), torch.arange(7)
    plain = create("NCE+NNCE", num_classes=10, alpha=5, beta=5, **{"NNCE.max_prob": 1 - 1e-7})(z, y)
    regularised = create("ANL-CE-ER", num_classes=10, alpha=5, beta=5, lam=2)(z, y)
    expected = formulas.entropy_term([formulas.softmax(to_mp(row)) for row in z], 1e-7)
    assert (regularised - plain).item() == pytest.approx(2 * float(expected), rel=1e-9)
    uniform_mean = 5 * torch.eye(10, dtype=torch.float64)  # each class once: the mean is uniform, each row is not
    labels = torch.arange(10)
    difference = create("ANL-CE-ER", num_classes=10, lam=2)(uniform_mean, labels) - create(
        "NCE+NNCE", num_classes=10, **{"NNCE.max_prob": 1 - 1e-7}
    )(uniform_mean, labels)
    assert abs(difference.item()) < 1e-14
    assert expected > 1e-3


@pytest.mark.parametrize("log_dim", [True, False])
@pytest.mark.parametrize("margin", [0.0, 0.3])
def test_lt_equals_the_formula(log_dim: bool, margin: float):
    features, y = rows(4, 6), torch.tensor([0, 1, 2, 2])
    loss = create("LT", num_classes=3, margin=margin, lam=0.05, log_dim=log_dim, reduction="none")
    values = loss(features, y)
    means = torch.nn.functional.normalize(loss.means.detach(), dim=1)
    freedom = [mpf(v) ** 2 + mpf("0.1") for v in loss.raw_freedom.detach().flatten().tolist()]
    dim = formulas.log(mpf(6)) if log_dim else mpf(6)
    for i in range(4):
        f = torch.nn.functional.normalize(features[i], dim=0)
        squared = [
            sum((mpf(a) - mpf(b)) ** 2 for a, b in zip(f.tolist(), mean.tolist(), strict=True)) for mean in means
        ]
        logits = []
        for c in range(3):
            d = squared[c] / 2 * (1 + mpf(margin) * (c == int(y[i]))) / (1 + mpf("1e-8"))
            h = (freedom[c] + dim) / 2
            density = formulas.mp.gamma(h) / (formulas.mp.gamma(freedom[c] / 2) * freedom[c] ** (dim / 2))
            logits.append(density * (1 + d / freedom[c] + mpf("1e-8")) ** (-h))
        norm = formulas.sqrt(sum(v**2 for v in logits))
        z = [v / norm for v in logits]
        base = formulas.value("NCE", z, int(y[i]), {"scale": 1.0})
        base += 10 * formulas.value("RCE", z, int(y[i]), {"A": -4.0, "eps": 1e-7})
        expected = base + mpf("0.05") * squared[int(y[i])] / 2
        assert values[i].item() == pytest.approx(float(expected), rel=1e-9)


def test_lt_predicts_without_margin_and_learns_its_means():
    features, y = rows(8, 6), torch.arange(8) % 3
    loss = create("LT-APL", num_classes=3, margin=5.0)
    loss(features, y).backward()
    assert loss.means.grad.abs().sum() > 0
    assert loss.raw_freedom.grad.abs().sum() > 0
    assert loss.logits(features).shape == (8, 3)
    torch.testing.assert_close(loss.logits(features).norm(dim=1), torch.ones(8, dtype=torch.float64))


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.AdamW])
def test_lt_trains_its_means_in_an_optimizer_made_before_the_first_call(optimizer: type):
    loss = create("LT", num_classes=3)
    steps = optimizer(loss.parameters(), lr=0.1)
    loss(rows(8, 6), torch.arange(8) % 3).backward()
    before = {name: parameter.detach().clone() for name, parameter in loss.named_parameters()}
    steps.step()
    assert set(before) == {"means", "raw_freedom"}
    assert all((loss.get_parameter(name) != values).any() for name, values in before.items())


@pytest.mark.parametrize("from_initialised", [True, False])
@pytest.mark.parametrize("into_initialised", [True, False])
def test_lt_loads_its_state_before_and_after_the_first_call(from_initialised: bool, into_initialised: bool):
    source, loaded = create("LT", num_classes=3), create("LT", num_classes=3)
    if into_initialised:
        loaded.initialise(6)
    if not from_initialised:
        assert set(source.state_dict()) == {"means", "raw_freedom"}
        if not into_initialised:
            loaded.load_state_dict(source.state_dict())
        return
    source.initialise(6)
    held = list(loaded.parameters())
    loaded.load_state_dict(source.state_dict())
    assert all(ours is theirs for ours, theirs in zip(loaded.parameters(), held, strict=True))
    features = rows(8, 6).float()
    assert torch.equal(loaded.logits(features), source.logits(features))
    loaded(features, torch.arange(8) % 3)
    assert torch.equal(loaded.means, source.means)


def test_lt_draws_the_same_values_however_it_is_initialised():
    drawn = []
    for first in (lambda loss: loss.initialise(6), lambda loss: loss(rows(4, 6).float(), torch.arange(4) % 3)):
        torch.manual_seed(5)
        loss = create("LT", num_classes=3)
        first(loss)
        drawn.append((loss.means, loss.raw_freedom))
    torch.manual_seed(5)
    means = torch.nn.init.xavier_uniform_(torch.empty(3, 6))
    raw_freedom = torch.nn.init.xavier_uniform_(torch.empty(3, 1))
    assert all(torch.equal(a, means) and torch.equal(b, raw_freedom) for a, b in drawn)


def test_lt_without_means_explains_how_to_initialise_them():
    with pytest.raises(LossError, match=r"initialise\(D\)"):
        create("LT", num_classes=3).logits(rows(4, 6))


def test_lt_cannot_be_initialised_for_another_width():
    loss = create("LT", num_classes=3)
    loss.initialise(6)
    with pytest.raises(LossError, match="already has means for 6 features, not 7"):
        loss.initialise(7)


def test_lt_rejects_features_of_another_width():
    loss = create("LT", num_classes=3)
    loss.initialise(6)
    with pytest.raises(LossError, match=r"features must be \(B, 6\)"):
        loss(rows(4, 7), torch.zeros(4, dtype=torch.int64))


@pytest.mark.parametrize("name", ["GJS+MAE", "NCE+LT", "SR+RCE"])
def test_losses_beyond_one_prediction_cannot_be_summed(name: str):
    with pytest.raises(LossError, match="cannot be part of a sum"):
        create(name, num_classes=10)


def test_ce_lc_as_printed_is_continuous_and_as_coded_jumps():
    def at(norm: float, paper: bool) -> float:
        z = torch.zeros(1, 4, dtype=torch.float64)
        z[0, 0] = norm
        return create("CE+LC", num_classes=4, delta=2.5, paper=paper)(z, torch.tensor([0])).item()

    assert math.isclose(at(2.5 - 1e-9, True), at(2.5 + 1e-9, True), abs_tol=1e-8)
    assert at(0.4 + 1e-6, False) < at(0.4 - 1e-6, False) - 0.1


@pytest.mark.parametrize("log_dim", [True, False])
def test_gradients_of_lt_equal_finite_differences(log_dim: bool):
    loss = create("LT", num_classes=4, margin=0.3, log_dim=log_dim)
    loss.initialise(6, like=rows(1, 6))
    y = torch.tensor([0, 1, 3])

    def value(features: torch.Tensor, means: torch.Tensor, raw: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(loss, {"means": means, "raw_freedom": raw}, (features, y))

    inputs = (
        rows(3, 6).requires_grad_(),
        loss.means.detach().requires_grad_(),
        loss.raw_freedom.detach().requires_grad_(),
    )
    assert torch.autograd.gradcheck(value, inputs, eps=1e-6, atol=1e-7)
