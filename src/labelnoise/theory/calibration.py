"""Classification calibration with two classes (ALF Appendix B): H, H⁻ and the excess-risk transform ψ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from labelnoise.losses.parameters import Value
from labelnoise.theory.risks import binary_loss

# A value just below ½ replaces ½, where a loss that depends on the predicted class is ambiguous.
_U = np.concatenate([[0.0], np.logspace(-8, -2, 60), np.linspace(0.011, 0.5 - 1e-9, 400)])
_U = np.unique(np.concatenate([_U, 1 - _U]))


def optimal_risks(name: str, params: Mapping[str, Value], eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """H(η) = min_u ηℓ(u) + (1 − η)ℓ(1 − u), and H⁻(η), the same where (2u − 1)(2η − 1) ≤ 0 (eqs. 12–14)."""
    loss = binary_loss(name, params, _U)
    risks = eta[:, None] * loss + (1 - eta)[:, None] * loss[::-1]
    wrong_side = (2 * _U - 1) * (2 * eta[:, None] - 1) <= 1e-12
    return risks.min(axis=1), np.where(wrong_side, risks, np.inf).min(axis=1)


def is_calibrated(name: str, params: Mapping[str, Value]) -> bool:
    """Whether H⁻(η) > H(η) on a grid of η ≠ ½."""
    eta = np.concatenate([np.linspace(0.02, 0.48, 24), np.linspace(0.52, 0.98, 24)])
    best, wrong = optimal_risks(name, params, eta)
    return bool((wrong - best > 1e-9 * (1 + np.abs(best))).all())


def psi(name: str, params: Mapping[str, Value], theta: np.ndarray) -> np.ndarray:
    """ψ(θ) = H⁻((1 + θ)/2) − H((1 + θ)/2) (eq. 21).

    For a strictly and completely asymmetric loss ψ(θ) ≥ |θ| (ℓ(0) − ℓ(1))/2, which gives Theorem 2's excess risk bound.
    """
    best, wrong = optimal_risks(name, params, (1 + theta) / 2)
    return wrong - best
