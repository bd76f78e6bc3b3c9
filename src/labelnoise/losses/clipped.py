"""Losses on a modified softmax: clipped logits, ε-softmax."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from labelnoise.losses.active import power, weighted
from labelnoise.losses.base import Loss, Prediction


class CELC(Loss):
    """Cross entropy after logit clipping (Wei et al. 2023), as coded for JAL: z' = δ z/n where n = ‖z‖₂ > 1/δ.

    The code's threshold is 1/δ but it sets the norm to δ, so z' jumps at the threshold unless δ = 1. `paper=True` clips
    as printed (eq. 4): z' = δ z/‖z‖₂ where ‖z‖₂ ≥ δ. p_y is clamped at `eps`.
    """

    def __init__(self, *, delta: float, paper: bool, eps: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.delta, self.floor = delta, math.log(eps)
        self.threshold = delta if paper else 1 / delta
        self.small = 0.0 if paper else 1e-8

    def per_sample(self, prediction: Prediction) -> Tensor:
        logits = prediction.logits
        norm = torch.linalg.vector_norm(logits, dim=1, keepdim=True) + self.small
        clipped = torch.where(norm > self.threshold, logits * (self.delta / norm.clamp(min=1e-30)), logits)
        return -Prediction(clipped, prediction.targets).log_p_y.clamp(min=self.floor)


class ECE(Loss):
    """−log p'_y with p' = (p + m · e_argmax) / (m + 1), the ε-softmax (Wang et al. 2024, eq. 5); p'_y clamped at `eps`.

    The class that gets m is the predicted one, not the labelled one.
    """

    def __init__(self, *, m: float, eps: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.m, self.floor = m, math.log(eps)

    def log_epsilon_softmax(self, prediction: Prediction) -> Tensor:
        """log p'_y, `(B,)`: log(1 − (1 − p_y)/(m + 1)) if y is the predicted class, else log p_y − log(m + 1)."""
        # With m = 0, the formula for y predicted may give −∞ for samples where another class is predicted.
        rest = torch.where(prediction.is_top, prediction.rest, 0.0)
        as_top = torch.log1p(-rest / (self.m + 1))
        return torch.where(prediction.is_top, as_top, prediction.log_p_y - math.log1p(self.m)).clamp(min=self.floor)

    def per_sample(self, prediction: Prediction) -> Tensor:
        return -self.log_epsilon_softmax(prediction)


class EFL(ECE):
    """−(1 − p'_y)^γ · log p'_y on the ε-softmax (Wang et al. 2024, §3.2); see `weighted` for its gradient."""

    def __init__(self, *, gamma: float, constant_factor: bool, **kwargs: Any):
        super().__init__(**kwargs)
        self.gamma, self.constant_factor = gamma, constant_factor

    def per_sample(self, prediction: Prediction) -> Tensor:
        log_p = self.log_epsilon_softmax(prediction)
        return weighted(-power(-torch.expm1(log_p), self.gamma), log_p, self.constant_factor)
