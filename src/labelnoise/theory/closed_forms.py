"""The papers' closed forms of the asymmetric condition, and the parameter value at which it begins. Needs no torch.

Weights `(K,)` are a row of a transition matrix: w_m is its largest entry, w_n the second largest.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


def symmetric_noise_weights(clean: float, num_classes: int) -> np.ndarray:
    """Class weights `(K,)` of one true class under symmetric noise: `clean` for class 0, the rest shared equally."""
    weights = np.full(num_classes, (1 - clean) / (num_classes - 1))
    weights[0] = clean
    return weights


def agce_ratio(a: float, q: float) -> float:
    """ALF Corollary 1: r = r_u = (a/(a+1))^(1−q) for q ≤ 1, else 1."""
    return (a / (a + 1)) ** (1 - q) if q <= 1 else 1.0


def aul_ratio(a: float, p: float) -> float:
    """ALF Corollary 2: r = r_u = ((a−1)/a)^(p−1) for p > 1, else 1."""
    return ((a - 1) / a) ** (p - 1) if p > 1 else 1.0


def ael_ratio(a: float) -> float:
    """ALF Corollary 3: r = r_u = e^(−1/a)."""
    return float(np.exp(-1 / a))


def amse_holds(a: float, q: float, weights: np.ndarray) -> bool:
    """JAL Theorem 4.1: w_m/w_n ≥ [a^(q−1) + Σ_{i≠m} w_i/w_n] / (a−1)^(q−1) for q > 1; always for q ≤ 1."""
    largest = int(np.argmax(weights))
    others = np.delete(weights, largest)
    rival = others.max()
    if q <= 1 or rival == 0:
        return True
    if a <= 1:
        return False
    return bool(weights[largest] / rival >= (a ** (q - 1) + others.sum() / rival) / (a - 1) ** (q - 1) - 1e-12)


def amse_root(q: float, weights: np.ndarray) -> float:
    """The smallest a that meets JAL Theorem 4.1 for these weights (q > 1), to 1e-10; `ValueError` if none does."""
    low, high = 1.0, 2.0
    while not amse_holds(high, q, weights):
        high *= 2
        if high > 1e9:
            raise ValueError("no a below 1e9 meets the condition")
    while high - low > 1e-10:
        middle = (low + high) / 2
        low, high = (low, middle) if amse_holds(middle, q, weights) else (middle, high)
    return high


@dataclass(frozen=True)
class Threshold:
    """The value of a parameter at which a loss becomes asymmetric: it is so `above` it, or else below it."""

    value: float
    above: bool


def threshold(loss: str, parameter: str, params: Mapping[str, float], weights: np.ndarray) -> Threshold | None:
    """Where the condition begins as `parameter` varies and the other `params` stay, for these weights.

    None if the papers give no closed form, if the condition does not depend on this parameter (AGCE with q ≥ 1, AUL
    with p ≤ 1, AMSE with q ≤ 1), if it is met by every or by no value, or if the largest weight is not unique. ALF
    Corollaries 1–3, JAL Theorem 4.1.
    """
    largest, second = np.sort(weights)[::-1][:2]
    if second == 0 or largest <= second:
        return None
    needed = math.log(largest / second)
    if (loss, parameter) == ("AGCE", "a") and params["q"] < 1:
        return Threshold(1 / math.expm1(needed / (1 - params["q"])), above=True)
    if (loss, parameter) == ("AGCE", "q"):
        q = 1 - needed / math.log1p(1 / params["a"])
        return Threshold(q, above=True) if q > 0 else None
    if (loss, parameter) == ("AUL", "a") and params["p"] > 1:
        return Threshold(1 / -math.expm1(-needed / (params["p"] - 1)), above=True)
    if (loss, parameter) == ("AUL", "p") and params["a"] > 1:
        return Threshold(1 + needed / -math.log1p(-1 / params["a"]), above=False)
    if (loss, parameter) == ("AEL", "a"):
        return Threshold(1 / needed, above=True)
    if (loss, parameter) == ("AMSE", "a") and params["q"] > 1:
        with contextlib.suppress(ValueError):
            return Threshold(amse_root(params["q"], weights), above=True)
    return None
