"""The asymmetric condition on class weights (ALF Definition 2), measured, and as the papers claim it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from labelnoise.losses.parameters import Value
from labelnoise.theory.closed_forms import ael_ratio, agce_ratio, amse_holds, aul_ratio, symmetric_noise_weights
from labelnoise.theory.risks import binary_loss, label_losses, simplex_points

# Risks this close, relative to their range, count as equal. GCE has a minimum beside the vertex at every clean level
# below 1; from about 0.95 on it is shallower than this.
TOLERANCE = 1e-9


def is_asymmetric(name: str, params: Mapping[str, Value], weights: np.ndarray) -> bool:
    """Whether Σ_k w_k L(u, k) is smallest at the vertex of the largest weight (vertices, edges, inner points)."""
    return _is_minimum(int(np.argmax(weights)), label_losses(name, params, simplex_points(len(weights))) @ weights)


def _is_minimum(vertex: int, risks: np.ndarray) -> bool:
    """Whether no risk is below that of the vertex (the first K points are the vertices)."""
    slack = TOLERANCE * (np.quantile(risks, 0.99) - risks.min()) + 1e-14
    return bool(risks[vertex] <= risks.min() + slack)


def asymmetric_from(name: str, params: Mapping[str, Value], num_classes: int) -> float | None:
    """The smallest clean level 1 − η of symmetric noise at which the loss is asymmetric, to 0.001; None if none.

    1/K means: for every noise in which clean labels dominate.
    """
    points = simplex_points(num_classes)
    losses = label_losses(name, params, points)

    def holds(clean: float) -> bool:
        return _is_minimum(0, losses @ symmetric_noise_weights(clean, num_classes))

    low, high = 1 / num_classes, 0.99
    if not holds(high):
        return None
    if holds(low + 1e-4):
        return low
    while high - low > 5e-4:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def asymmetry_ratio(name: str, params: Mapping[str, Value], *, steps: int = 60) -> float:
    """r of an active loss (ALF Definition 3): inf [ℓ(u1) − ℓ(u1 + u2)] / [ℓ(0) − ℓ(u2)] over u1 + u2 ≤ 1, u2 > 0.

    All of u2 moves to u1, as in the proof of Theorem 6; this gives the values of Corollaries 1–3. (Partial moves would
    give AGCE with q > 1 less than 1, but Corollary 1 calls it completely asymmetric.)
    """
    ends = np.logspace(-5, -2, 7)
    grid = np.concatenate([[0.0], ends, np.linspace(0.02, 0.98, steps), 1 - ends, [1.0]])
    u1, u2 = (axis.ravel() for axis in np.meshgrid(grid, grid))
    inside = (u1 + u2 <= 1 + 1e-12) & (u2 > 0)
    u1, u2 = u1[inside], u2[inside]
    gained = binary_loss(name, params, u1) - binary_loss(name, params, np.minimum(u1 + u2, 1.0))
    lost = binary_loss(name, params, np.zeros_like(u2)) - binary_loss(name, params, u2)
    return float((gained / lost).min())


def asymmetry_ratio_bound(name: str, params: Mapping[str, Value]) -> float:
    """r_u: the same infimum on the edge u1 + u2 = 1 with Δ = u2 (ALF §3.4); never below r."""
    u = np.concatenate([np.logspace(-6, -2, 40), np.linspace(0.01, 0.99, 99), 1 - np.logspace(-2, -6, 40)])
    zero, one = (binary_loss(name, params, np.array([end]))[0] for end in (0.0, 1.0))
    return float(((binary_loss(name, params, u) - one) / (zero - binary_loss(name, params, 1 - u))).min())


def claimed_from(name: str, params: Mapping[str, Value], num_classes: int) -> float | None:
    """The clean level of symmetric noise from which the papers' closed form calls the loss asymmetric.

    None if no paper gives a closed form for the loss.
    """
    number = {key: float(value) for key, value in params.items() if isinstance(value, int | float)}
    ratios = {
        "AGCE": lambda: agce_ratio(number["a"], number["q"]),
        "AUL": lambda: aul_ratio(number["a"], number["p"]),
        "AEL": lambda: ael_ratio(number["a"]),
        "TaylorCE": lambda: 1 / number["t"],
        "PHuberCE": lambda: 1 / number["tau"],
        "PHuberGCE": lambda: 1 / number["tau"],
    }
    if name in ratios:
        # w_m/w_n = clean (K − 1)/(1 − clean) ≥ 1/r
        needed = 1 / ratios[name]()
        return needed / (needed + num_classes - 1)
    if name == "AMSE":
        levels = np.linspace(1 / num_classes, 1, 5001)[1:-1]
        holds = [amse_holds(number["a"], number["q"], symmetric_noise_weights(c, num_classes)) for c in levels]
        return float(levels[holds.index(True)]) if any(holds) else None
    return None
