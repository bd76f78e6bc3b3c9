"""Jensen-Shannon divergences between the label and one or more predictions."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from labelnoise.losses.base import Loss, Prediction


def jensen_shannon(predictions: list[Prediction], *, pi: float, eps: float, scaled: bool) -> Tensor:
    """Σ_j w_j KL(d_j ‖ m) of the label (weight π) and V predictions ((1 − π)/V each) to their mean m, `(B,)`.

    Probabilities inside logarithms are clamped at `eps`. `scaled` divides by −(1 − π) log(1 − π).
    """
    weight = (1 - pi) / len(predictions)
    # m_y = 1 − Σ_j w_j (1 − p_j,y): exact even if every prediction is certain of the label
    log_m_y = torch.log1p(-weight * _total([prediction.rest for prediction in predictions]))
    mean = weight * _total([prediction.p for prediction in predictions])
    log_mean = mean.clamp(min=eps).log()
    value = -pi * log_m_y
    for prediction in predictions:
        terms = prediction.p * (prediction.log_p.clamp(min=math.log(eps)) - log_mean)
        labelled = prediction.p_y * (prediction.log_p_y.clamp(min=math.log(eps)) - log_m_y)
        value = value + weight * (labelled + prediction.of_others(terms).sum(dim=1))
    return value / (-(1 - pi) * math.log1p(-pi)) if scaled else value


def _total(tensors: list[Tensor]) -> Tensor:
    return sum(tensors[1:], start=tensors[0])


class JS(Loss):
    """π KL(e_y ‖ m) + (1 − π) KL(p ‖ m) with m = π e_y + (1 − π) p (Englesson & Azizpour 2021, eq. 4).

    `scaled` divides by −(1 − π) log(1 − π). Probabilities inside logarithms are clamped at `eps`.
    """

    def __init__(self, *, pi: float, scaled: bool, eps: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.pi, self.scaled, self.eps = pi, scaled, eps

    def per_sample(self, prediction: Prediction) -> Tensor:
        return jensen_shannon([prediction], pi=self.pi, eps=self.eps, scaled=self.scaled)
