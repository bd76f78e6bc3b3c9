"""SGD, Adam and AdamW over one flat vector, equal to torch.optim's (a test checks this). `lr` is a 0-d tensor.

torch.optim imports torch._dynamo and sympy at first use: 0.76 s, as long as a digits trial (benchmarks/README.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from labelnoise.training.recipe import Recipe


class Optimizer(Protocol):
    """Updates the flat vector from its gradient."""

    def step(self, lr: Tensor) -> None:
        """Take one step at the learning rate `lr`; changes the gradient."""

    def state(self) -> dict[str, Tensor]:
        """The tensors to checkpoint, by name; they are updated in place."""


def gradient(values: nn.Parameter) -> Tensor:
    """The gradient, which a flat vector always has; raises `RuntimeError` otherwise."""
    if values.grad is None:
        raise RuntimeError("the vector has no gradient")
    return values.grad


class SGD:
    """v ← μ v + g + λ θ; θ ← θ − lr · v (Nesterov: lr · (g + λ θ + μ v))."""

    def __init__(self, values: nn.Parameter, recipe: Recipe):
        self.values, self.recipe = values, recipe
        self.velocity = torch.zeros_like(values.data)

    @torch.no_grad()
    def step(self, lr: Tensor) -> None:
        recipe, grad = self.recipe, gradient(self.values)
        if recipe.weight_decay:
            grad.add_(self.values, alpha=recipe.weight_decay)
        self.velocity.mul_(recipe.momentum).add_(grad)
        update = grad.add_(self.velocity, alpha=recipe.momentum) if recipe.nesterov else self.velocity
        self.values.addcmul_(update, lr, value=-1)

    def state(self) -> dict[str, Tensor]:
        """The tensors to checkpoint, by name; they are updated in place."""
        return {"velocity": self.velocity}


class Adam:
    """Adam with torch's defaults (β = 0.9, 0.999; ε = 1e-8) and weight decay as L2."""

    BETAS, EPS = (0.9, 0.999), 1e-8
    decoupled = False

    def __init__(self, values: nn.Parameter, recipe: Recipe):
        self.values, self.recipe = values, recipe
        self.mean, self.square = torch.zeros_like(values.data), torch.zeros_like(values.data)
        self.steps = torch.zeros((), device=values.device, dtype=torch.float64)

    @torch.no_grad()
    def step(self, lr: Tensor) -> None:
        grad, (beta1, beta2) = gradient(self.values), self.BETAS
        if self.recipe.weight_decay and self.decoupled:
            self.values.mul_(1 - lr * self.recipe.weight_decay)
        elif self.recipe.weight_decay:
            grad.add_(self.values, alpha=self.recipe.weight_decay)
        self.steps += 1
        self.mean.lerp_(grad, 1 - beta1)
        self.square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        scale = (self.square / (1 - beta2**self.steps).to(grad.dtype)).sqrt_().add_(self.EPS)
        self.values.sub_(lr * (self.mean / (1 - beta1**self.steps).to(grad.dtype)) / scale)

    def state(self) -> dict[str, Tensor]:
        """The tensors to checkpoint, by name; they are updated in place."""
        return {"mean": self.mean, "square": self.square, "steps": self.steps}


class AdamW(Adam):
    """Adam with decoupled weight decay: θ ← θ − lr · λ θ, before the step (Loshchilov & Hutter 2019)."""

    decoupled = True


OPTIMIZERS: dict[str, Callable[[nn.Parameter, Recipe], Optimizer]] = {"sgd": SGD, "adam": Adam, "adamw": AdamW}
