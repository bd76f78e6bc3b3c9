"""Losses as functions of a probability vector: all labels' losses, weighted risks, the symmetric condition."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from labelnoise.losses import create
from labelnoise.losses.parameters import Value

# log 0 is replaced by log 1e-300: far below every clamp, but its exponential is still above 0.
FLOOR = 1e-300
CLAMP = 1e-290


def label_losses(name: str, params: Mapping[str, Value], points: np.ndarray) -> np.ndarray:
    """L(u, k) in float64 for probability vectors `(N, K)` and every label k: `(N, K)`.

    The numerical clamp `eps` is made negligible, because the conditions concern the formula.
    """
    count, num_classes = points.shape
    params = {key: CLAMP if key.split(".")[-1] == "eps" else value for key, value in params.items()}
    logits = torch.from_numpy(np.log(np.maximum(points, FLOOR)))
    loss = create(name, num_classes=num_classes, reduction="none", **params)
    targets = torch.arange(num_classes).repeat(count)
    values = loss(logits.repeat_interleave(num_classes, dim=0), targets)
    return values.detach().reshape(count, num_classes).numpy()


def binary_loss(name: str, params: Mapping[str, Value], u: np.ndarray) -> np.ndarray:
    """ℓ(u): the loss of the labelled class at probability u with two classes, for `(N,)` values of u."""
    return label_losses(name, params, np.stack([u, 1 - u], axis=1))[:, 0]


def simplex_points(num_classes: int, *, count: int = 400, seed: int = 0) -> np.ndarray:
    """Vertices, edges (dense towards their ends), the centre and random interior points, `(N, K)`."""
    random = np.random.RandomState(seed)
    steps = np.concatenate([np.logspace(-12, -1, 45), np.linspace(0.15, 0.85, 15), 1 - np.logspace(-1, -6, 11)])
    identity = np.eye(num_classes)
    # With weights of symmetric noise all classes but the first are alike: edges among the first three cover all cases.
    ends = [(i, j) for i in range(min(3, num_classes)) for j in range(min(3, num_classes)) if i != j]
    edges = [(1 - t) * identity[i] + t * identity[j] for i, j in ends for t in steps]
    inside = [random.dirichlet(np.full(num_classes, alpha), count // 4) for alpha in (0.05, 0.3, 1.0, 5.0)]
    return np.concatenate([identity, np.array(edges), np.full((1, num_classes), 1 / num_classes), *inside])


def symmetric_spread(name: str, params: Mapping[str, Value], num_classes: int) -> float:
    """(max − min) / max of Σ_k L(u, k) over points u: 0 for a symmetric loss (Ghosh et al. 2017, eq. 1)."""
    sums = label_losses(name, params, simplex_points(num_classes)).sum(axis=1)
    return float((sums.max() - sums.min()) / np.abs(sums).max())
