"""Losses in users' own loops: second derivatives, per-sample gradients, compilation."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.func import grad, jacrev, vmap

from labelnoise.losses import create
from support.loss_cases import CASES, extra, function, inputs, made, rows

K = 4
TARGETS = torch.tensor([0, 2, 3])


@pytest.mark.parametrize("case", CASES)
def test_second_derivative_is_the_derivative_of_the_gradient(case: str):
    value, leaves = function(made(case, K), TARGETS)
    ones = torch.ones((), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(value, leaves, ones, atol=1e-7, rtol=1e-5)


def hessian_norm(value, logits: Tensor) -> float:
    return torch.autograd.functional.hessian(value, logits).norm().item()


def test_hessian_of_gce_equals_plain_autograd():
    logits, targets = rows(8, 10), torch.arange(8)

    def plain(z: Tensor) -> Tensor:
        return ((1 - z.softmax(dim=1).gather(1, targets.unsqueeze(1)) ** 0.7) / 0.7).mean()

    loss = create("GCE", num_classes=10, q=0.7)
    assert hessian_norm(lambda z: loss(z, targets), logits) == pytest.approx(hessian_norm(plain, logits), rel=1e-9)


@pytest.mark.parametrize("constant", [True, False])
def test_hessian_of_fl_holds_the_factor_constant_in_the_gradient_only(constant: bool):
    """Row i of the Hessian is the derivative of ∂L/∂z_i, with the factor treated as a constant in ∂L/∂z_i."""
    logits, targets = rows(1, K)[0], torch.tensor([1])
    loss = create("FL", num_classes=K, gamma=2, constant_factor=constant)

    def gradient(z: Tensor) -> Tensor:
        p = z.softmax(dim=0)
        label = torch.nn.functional.one_hot(targets[0], K)
        of_factor = 0 if constant else 2 * (1 - p[1]) * p[1] * p[1].log() * (label - p)
        return of_factor + (1 - p[1]) ** 2 * (p - label)

    ours = jacrev(grad(lambda z: loss(z[None], targets)))(logits)
    torch.testing.assert_close(ours, jacrev(gradient)(logits))


@pytest.mark.parametrize("case", CASES)
def test_per_sample_gradients_of_vmap_equal_a_loop(case: str):
    """NLNL uses the same draw for every sample: no loop reproduces the draws of `randomness="different"`."""
    loss = made(case, K)
    logits, targets = rows(6, K), torch.arange(6) % K
    others = logits.flip(0)

    def value(z: Tensor, other: Tensor, y: Tensor) -> Tensor:
        return loss(inputs(loss, z[None], other[None]), y[None], **extra(loss, y[None]))

    torch.manual_seed(0)
    ours = vmap(grad(value), randomness="same")(logits, others, targets)
    for i in range(6):
        z = logits[i].clone().requires_grad_()
        torch.manual_seed(0)
        (expected,) = torch.autograd.grad(value(z, others[i], targets[i]), z)
        torch.testing.assert_close(ours[i], expected)


def test_per_sample_gradients_of_lt_means_equal_a_loop():
    loss = made("LT", K)
    features, targets = rows(5, K), torch.arange(5) % K
    parameters = {name: parameter.detach() for name, parameter in loss.named_parameters()}

    def value(values: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return torch.func.functional_call(loss, values, (x[None], y[None]))

    ours = vmap(grad(value), in_dims=(None, 0, 0))(parameters, features, targets)
    for i in range(5):
        expected = grad(value)(parameters, features[i], targets[i])
        torch.testing.assert_close({name: each[i] for name, each in ours.items()}, expected)


def test_nlnl_draws_per_sample_only_if_vmap_randomness_says_so():
    """A limitation of torch: vmap requires a choice of `randomness`."""
    loss = create("NLNL", num_classes=K)

    def value(z: Tensor, y: Tensor) -> Tensor:
        return loss(z[None], y[None])

    with pytest.raises(RuntimeError, match="randomness"):
        vmap(grad(value))(rows(4, K), torch.arange(4))
    same_row, same_label = rows(1, K).expand(64, K), torch.zeros(64, dtype=torch.int64)
    drawn = vmap(grad(value), randomness="different")(same_row, same_label)
    assert len(drawn.unique(dim=0)) == K - 1


@pytest.fixture
def fresh_compiler():
    yield
    torch.compiler.reset()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.usefixtures("fresh_compiler")
def test_compiles_as_one_graph_to_the_same_values_and_gradients(case: str):
    loss = made(case, K, reduction="none")
    compiled = torch.compile(loss, fullgraph=True, backend="eager")
    logits, targets = rows(6, K).requires_grad_(), torch.arange(6) % K
    results = []
    for each in (loss, compiled):
        torch.manual_seed(0)
        values = each(inputs(loss, logits), targets, **extra(loss, targets))
        results.append((values.detach(), torch.autograd.grad(values.sum(), logits)[0]))
    torch.testing.assert_close(results[1], results[0])


@pytest.mark.usefixtures("fresh_compiler")
def test_lt_compiles_before_it_knows_its_width():
    loss, targets = create("LT", num_classes=K), torch.arange(6) % K
    value = torch.compile(loss, fullgraph=True, backend="aot_eager")(rows(6, 3), targets)
    torch.testing.assert_close(value, loss(rows(6, 3), targets))


@pytest.mark.usefixtures("fresh_compiler")
@pytest.mark.filterwarnings("ignore:Dynamo does not know how to trace")
def test_nlnl_with_a_generator_compiles_only_with_graph_breaks():
    """A limitation of torch.compile, which cannot trace generators. With the global one, NLNL compiles to one graph."""
    loss = create("NLNL", num_classes=K)
    loss.generator = torch.Generator()
    with pytest.raises(torch._dynamo.exc.Unsupported, match="Generator"):
        torch.compile(loss, fullgraph=True, backend="eager")(rows(4, K), torch.arange(4))
    values = []
    for run in (loss, torch.compile(loss, backend="eager")):
        loss.generator.manual_seed(0)
        values.append(run(rows(4, K), torch.arange(4)))
    torch.testing.assert_close(values[1], values[0])


@pytest.mark.usefixtures("fresh_compiler")
@pytest.mark.parametrize("name", ["CE", "NLNL", "GJS", "LT"])
def test_compiled_loss_rejects_a_wrong_label_with_a_torch_error(name: str):
    """The check is part of the graph, so its error is a `RuntimeError`. −1, which inductor accepts, becomes K."""
    loss = made(name, K)
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    with pytest.raises(RuntimeError, match="index 4 is out of bounds"):
        compiled(inputs(loss, rows(3, K)), torch.tensor([0, -1, 2]))
