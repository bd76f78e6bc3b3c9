"""Passive losses: they also lower the probability of some other class (APL §3.2)."""

from __future__ import annotations

import math

from torch import Tensor

from labelnoise.losses.active import focal_factor
from labelnoise.losses.base import Loss, Prediction


class MAE(Loss):
    """scale · (1 − p_y). scale = 2 is Σ_k |p_k − e_k| (Ghosh et al. 2017); inside a sum the codes use 1."""

    def __init__(self, *, scale: float, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def per_sample(self, prediction: Prediction) -> Tensor:
        return self.scale * prediction.rest


class MSE(Loss):
    """(1/K) Σ_k (p_k − e_k)²."""

    def per_sample(self, prediction: Prediction) -> Tensor:
        others = prediction.of_others(prediction.p)
        return (prediction.rest**2 + (others**2).sum(dim=1)) / self.num_classes


class RCE(Loss):
    """−Σ_k p_k log e_k with log 0 read as log 10^A (Wang et al. 2019, eq. 5): 9.2103 (1 − p_y) at A = −4.

    Probabilities are clamped at `eps` first.
    """

    def __init__(self, *, A: float, eps: float, **kwargs):
        super().__init__(**kwargs)
        self.weight, self.eps = -A * math.log(10), eps

    def per_sample(self, prediction: Prediction) -> Tensor:
        return self.weight * prediction.of_others(prediction.p.clamp(min=self.eps)).sum(dim=1)


class AMSE(Loss):
    """(1/K) Σ_k |a e_k − p_k|^q (JAL eq. 7). The constant (a − 1)^q is kept, as in the published code."""

    def __init__(self, *, a: float, q: float, **kwargs):
        super().__init__(**kwargs)
        self.a, self.q = a, q

    def per_sample(self, prediction: Prediction) -> Tensor:
        # a − p_y = (a − 1) + (1 − p_y)
        labelled = (self.a - 1 + prediction.rest) ** self.q
        others = prediction.of_others(prediction.p**self.q).sum(dim=1)
        return (labelled + others) / self.num_classes


class NNCE(Loss):
    """1 − r_y / Σ_k r_k with r_k = A + log max(p_k, m), A = −log m (ANL eq. 9).

    ANL+ clamps from above as well, by `max_prob` = 1 − m.
    """

    def __init__(self, *, min_prob: float, max_prob: float, **kwargs):
        super().__init__(**kwargs)
        self.low, self.high = math.log(min_prob), math.log(max_prob)

    def per_sample(self, prediction: Prediction) -> Tensor:
        flipped = prediction.log_p.clamp(self.low, self.high) - self.low
        return prediction.of_others(flipped).sum(dim=1) / flipped.sum(dim=1)


class NNFL(Loss):
    """NNCE with the focal loss flipped at A = −(1 − m)^γ log m (ANL eq. 10); for its gradient see `focal_factor`."""

    def __init__(self, *, gamma: float, min_prob: float, max_prob: float, constant_factor: bool, **kwargs):
        super().__init__(**kwargs)
        self.gamma, self.constant_factor = gamma, constant_factor
        self.low, self.high = math.log(min_prob), math.log(max_prob)
        self.top = -((1 - min_prob) ** gamma) * self.low
        self.one_minus_range = (1 - max_prob, 1 - min_prob)

    def per_sample(self, prediction: Prediction) -> Tensor:
        one_minus_p = prediction.one_minus_p.clamp(*self.one_minus_range)
        factor = focal_factor(one_minus_p, self.gamma, self.constant_factor)
        flipped = self.top + factor * prediction.log_p.clamp(self.low, self.high)
        return prediction.of_others(flipped).sum(dim=1) / flipped.sum(dim=1)
