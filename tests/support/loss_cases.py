"""All losses as users call them: every catalogue name, and focal losses that differentiate their factor."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import functional_call

from labelnoise.losses import catalogue, create
from labelnoise.losses.base import Loss

FOCAL = ("FL", "NFL", "NNFL", "EFL")
SUMS_OF_FOCAL = {"ANL-FL": ("NFL", "NNFL"), "JAL-FL": ("NFL",)}
CASES: dict[str, tuple[str, dict]] = {
    **{name: (name, {}) for name in catalogue.names()},
    **{f"{name} differentiated": (name, {"constant_factor": False}) for name in FOCAL},
    **{
        f"{name} differentiated": (name, {f"{part}.constant_factor": False for part in parts})
        for name, parts in SUMS_OF_FOCAL.items()
    },
    "SR on FL": ("SR", {"base": "FL"}),
    "LT on CE with D": ("LT", {"base": "CE", "log_dim": False}),
    "AMSE at q 0.5": ("AMSE", {"q": 0.5}),
    "AUL at a 1": ("AUL", {"a": 1}),
    "ECE at m 0": ("ECE", {"m": 0}),
}


def made(case: str, num_classes: int, dtype: torch.dtype = torch.float64, reduction: str = "mean") -> Loss:
    """Create the case's loss; LT gets as many features as there are classes."""
    name, params = CASES[case]
    loss = create(name, num_classes=num_classes, reduction=reduction, **params)
    if "dataset_size" in loss.needs:
        torch.manual_seed(0)
        loss.set_dataset_size(64)
        loss.eval()  # the state does not change
    if "features" in loss.needs:
        torch.manual_seed(0)
        loss.initialise(num_classes, like=torch.empty(0, dtype=dtype))
    return loss


def rows(batch: int, width: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(batch, width, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def inputs(loss: Loss, logits: Tensor, other_view: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
    """The first argument of the loss."""
    return (logits, logits.flip(0) if other_view is None else other_view) if "views" in loss.needs else logits


def extra(loss: Loss, targets: Tensor) -> dict[str, Tensor]:
    """The keyword arguments of the loss beside logits and targets."""
    return {"index": torch.arange(len(targets))} if "index" in loss.needs else {}


def function(loss: Loss, targets: Tensor) -> tuple[Callable[..., Tensor], list[Tensor]]:
    """The loss as a function of everything it has a gradient for, and float64 values for these arguments.

    Every call uses the same random draws.
    """
    leaves = [rows(len(targets), loss.num_classes)]
    if "views" in loss.needs:
        leaves.append(rows(len(targets), loss.num_classes, seed=1))
    names = [name for name, _ in loss.named_parameters()]
    leaves += [parameter.detach().clone() for parameter in loss.parameters()]

    def value(*values: Tensor) -> Tensor:
        if "draws" in loss.needs:
            loss.generator = torch.Generator().manual_seed(1)
        count = len(values) - len(names)
        logits = tuple(values[:count]) if count > 1 else values[0]
        return functional_call(
            loss, dict(zip(names, values[count:], strict=True)), (logits, targets), extra(loss, targets)
        )

    return value, [leaf.requires_grad_() for leaf in leaves]
