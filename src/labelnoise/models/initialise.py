"""The initialisation of all four papers' networks."""

from __future__ import annotations

from torch import nn


def initialise(model: nn.Module) -> None:
    """Convolutions kaiming-uniform (fan-in, ReLU), linear layers xavier-uniform; the rest keeps torch's defaults."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
