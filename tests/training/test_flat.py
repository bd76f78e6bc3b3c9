"""One vector for all parameters: whatever their layout, they train as torch trains them, or are refused by name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from labelnoise.errors import UserError
from labelnoise.training.flat import FlatParameters, check_parameters

IMAGES, TARGETS = torch.randn(12, 6, generator=torch.Generator().manual_seed(1)), torch.arange(12) % 3


class Net(nn.Module):
    """Two layers, of which the second's weight is made from `wide` `(8, 8)` by `lay_out`."""

    def __init__(self, lay_out: Callable[[Tensor], Tensor], *, is_last: bool):
        super().__init__()
        torch.manual_seed(0)
        wide, self.first = torch.randn(8, 8), nn.Linear(6, 8)
        self.second = nn.Linear(8, 8)
        self.second.weight = nn.Parameter(lay_out(wide))
        if is_last:
            self.second.bias = None  # type: ignore[assignment]
        else:
            self.third = nn.Linear(8, 8)

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.second(self.first(images).relu()[:, : self.second.weight.shape[1]])
        return hidden if not hasattr(self, "third") else self.third(hidden.relu())


def losses_of(step: Callable[[Tensor], None], net: nn.Module, zero_grad: Callable[[], None]) -> list[float]:
    losses = []
    for _ in range(50):
        loss = nn.functional.cross_entropy(net(IMAGES), TARGETS)
        zero_grad()
        loss.backward()
        step(loss)
        losses.append(loss.item())
    return losses


LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "columns": lambda wide: wide[:, :4],
    "every_second_row": lambda wide: torch.cat((wide, wide))[::2],
    "transposed": lambda wide: wide.t(),
    "flipped_offset": lambda wide: torch.randn(100, generator=torch.Generator().manual_seed(2))[36:].view(8, 8),
}


@pytest.mark.parametrize("is_last", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_parameter_trains_as_in_torch_whatever_its_memory_layout(layout: str, is_last: bool):
    ours, theirs = (Net(LAYOUTS[layout], is_last=is_last) for _ in range(2))
    flat, sgd = FlatParameters([ours]), torch.optim.SGD(theirs.parameters(), lr=0.1)

    @torch.no_grad()
    def step(_: Tensor) -> None:
        flat.values.sub_(0.1 * flat.grad)

    mine = losses_of(step, ours, flat.zero_grad)
    assert mine == pytest.approx(losses_of(lambda _: sgd.step(), theirs, sgd.zero_grad), rel=1e-5)
    assert mine[-1] < mine[0]


def test_tied_and_empty_parameters_train_as_in_torch():
    def net() -> nn.Module:
        torch.manual_seed(0)
        made = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 3))
        made[2].weight = made[0].weight
        made.empty = nn.Parameter(torch.zeros(0, 4))
        return made

    ours, theirs = net(), net()
    check_parameters({"model": ours})
    flat, sgd = FlatParameters([ours]), torch.optim.SGD(theirs.parameters(), lr=0.1)

    @torch.no_grad()
    def step(_: Tensor) -> None:
        flat.values.sub_(0.1 * flat.grad)

    assert losses_of(step, ours, flat.zero_grad) == pytest.approx(
        losses_of(lambda _: sgd.step(), theirs, sgd.zero_grad), rel=1e-5
    )
    assert ours[2].weight is ours[0].weight


def with_parameter(value: Tensor) -> nn.Module:
    net = nn.Linear(2, 2)
    net.extra = nn.Parameter(value)
    return net


def sharing_storage() -> nn.Module:
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = nn.Parameter(net[0].weight.data.t())
    return net


def buffer_of_a_weight() -> nn.Module:
    net = nn.Linear(2, 2)
    net.register_buffer("copy", net.weight.data[0])
    return net


REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "expanded": (lambda: with_parameter(torch.ones(1).expand(3)), "model.extra is expanded"),
    "double": (lambda: with_parameter(torch.ones(1, dtype=torch.float64)), "model.extra is float64"),
    "complex": (lambda: with_parameter(torch.ones(1, dtype=torch.complex64)), "model.extra is complex64"),
    "half": (lambda: with_parameter(torch.ones(1, dtype=torch.float16)), "model.extra is float16"),
    "frozen": (lambda: nn.Linear(2, 2).requires_grad_(False), "nothing to train"),
    "lazy": (lambda: nn.LazyLinear(2), "model.weight has no size yet"),
    "two_parameters_in_one_memory": (sharing_storage, "model.0.weight and model.1.weight share memory"),
    "buffer_in_a_parameters_memory": (buffer_of_a_weight, "model.weight and model.copy share memory"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_parameters_that_would_train_otherwise_than_in_torch_are_refused_by_name(case: str):
    make, message = REFUSED[case]
    with pytest.raises(UserError, match=message):
        check_parameters({"model": make()})


def test_frozen_parameters_of_any_type_and_slices_of_one_tensor_are_accepted():
    net = nn.Linear(2, 2)
    net.numbers = nn.Parameter(torch.arange(3), requires_grad=False)
    queries_and_keys = torch.randn(4, 8)
    net.queries, net.keys = nn.Parameter(queries_and_keys[:, :4]), nn.Parameter(queries_and_keys[:, 4:])
    check_parameters({"model": net, "loss": nn.Module()})
