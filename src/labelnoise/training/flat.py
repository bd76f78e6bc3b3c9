"""All parameters of a model as one vector: L1, clipping and the optimiser are then a few operations, not hundreds."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import torch
from torch import nn

# On a GPU parameters start at multiples of this many elements, as kernels load 16 bytes at once. The gaps hold zeros.
ALIGNMENT = 16


class FlatParameters:
    """Holds all parameters in one vector, `values`, and all gradients in another, `values.grad`.

    The modules keep working as before: `parameter.data` and `parameter.grad` become views that keep the parameter's
    memory order. Gradients are accumulated in place, so clear them with `zero_grad()`, never by `grad = None`.
    """

    def __init__(self, modules: Iterable[nn.Module]):
        unique = dict.fromkeys(p for module in modules for p in module.parameters() if p.requires_grad)
        parameters = list(unique)
        first = parameters[0]
        step = ALIGNMENT if first.device.type == "cuda" else 1
        offsets = [0, *itertools.accumulate(-(-p.numel() // step) * step for p in parameters)]
        self.values = nn.Parameter(torch.zeros(offsets[-1], dtype=first.dtype, device=first.device))
        self.grad = self.values.grad = torch.zeros_like(self.values.data)
        for p, offset in zip(parameters, offsets, strict=False):
            for name, flat in (("data", self.values.data), ("grad", self.grad)):
                view = flat[offset : offset + p.numel()].as_strided(p.shape, p.stride(), offset)
                if name == "data":
                    view.copy_(p.data)
                setattr(p, name, view)

    def zero_grad(self) -> None:
        self.grad.zero_()

    def add_l1(self, weight: float) -> None:
        """Add the gradient of weight · Σ|θ|."""
        self.grad.add_(self.values.detach().sign(), alpha=weight)

    def clip(self, max_norm: float) -> None:
        """Scale the gradient to an L2 norm of at most `max_norm`, as `torch.nn.utils.clip_grad_norm_` does."""
        norm = torch.linalg.vector_norm(self.grad)
        self.grad.mul_((max_norm / (norm + 1e-6)).clamp(max=1.0))
