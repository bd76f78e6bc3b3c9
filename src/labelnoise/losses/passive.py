"""Passive losses: they also lower the probability of some other class (APL §3.2)."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from labelnoise.losses.active import power
from labelnoise.losses.base import DifferentiableTwice, Loss, Prediction


class MAE(Loss):
    """scale · (1 − p_y). scale = 2 is Σ_k |p_k − e_k| (Ghosh et al. 2017); inside a sum the published code uses 1."""

    def __init__(self, *, scale: float, **kwargs: Any):
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
    """−Σ_k p_k log e_k with log 0 replaced by log 10^A (Wang et al. 2019, eq. 5): 9.2103 (1 − p_y) at A = −4.

    Probabilities are clamped at `eps` first.
    """

    def __init__(self, *, A: float, eps: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.weight, self.eps = -A * math.log(10), eps

    def per_sample(self, prediction: Prediction) -> Tensor:
        return self.weight * prediction.of_others(prediction.p.clamp(min=self.eps)).sum(dim=1)


class AMSE(Loss):
    """(1/K) Σ_k |a e_k − p_k|^q (JAL eq. 7). The constant (a − 1)^q is kept, as in the published code."""

    def __init__(self, *, a: float, q: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.a, self.q = a, q

    def per_sample(self, prediction: Prediction) -> Tensor:
        # a − p_y = (a − 1) + (1 − p_y)
        labelled = power(self.a - 1 + prediction.rest, self.q)
        others = prediction.of_others(power(prediction.p, self.q)).sum(dim=1)
        return (labelled + others) / self.num_classes


class NNCE(Loss):
    """scale · (1 − r_y / Σ_k r_k) with r_k = A + log max(p_k, m), A = −log m (ANL eq. 9).

    ANL+ also clamps from above, at `max_prob` = 1 − m.
    """

    def __init__(self, *, min_prob: float, max_prob: float, scale: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.low, self.high, self.scale = math.log(min_prob), math.log(max_prob), scale

    def per_sample(self, prediction: Prediction) -> Tensor:
        flipped = prediction.log_p.clamp(self.low, self.high) - self.low
        share = prediction.of_others(flipped).sum(dim=1) / flipped.sum(dim=1)
        return share if self.scale == 1 else self.scale * share


class _NegativeShare(DifferentiableTwice):
    """Σ_{k≠y} r_k / Σ_k r_k, `(B,)`, of r_k = A + f_k log p_k; the gradient holds the factors f `(B, K)` constant."""

    @staticmethod
    def sums(factor: Tensor, log_p: Tensor, column: Tensor, top: float) -> tuple[Tensor, Tensor]:
        """Σ_{k≠y} r_k and Σ_k r_k, each `(B, 1)`."""
        flipped = top + factor * log_p
        return flipped.scatter(1, column, 0.0).sum(dim=1, keepdim=True), flipped.sum(dim=1, keepdim=True)

    @staticmethod
    def forward(factor: Tensor, log_p: Tensor, column: Tensor, top: float) -> Tensor:
        others, total = _NegativeShare.sums(factor, log_p, column, top)
        return (others / total).squeeze(1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:-1])
        ctx.top = inputs[-1]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, None, None]:
        factor, log_p, column = ctx.saved_tensors
        others, total = _NegativeShare.sums(factor, log_p, column, ctx.top)
        grad = grad.unsqueeze(1)
        to_others = (grad / total).expand_as(log_p).scatter(1, column, 0.0)
        return None, (to_others - grad * ((others / total) / total)) * factor, None, None


class NNFL(Loss):
    """NNCE with the focal loss flipped at A = −(1 − m)^γ log m (ANL eq. 10); see `weighted` for its gradient."""

    def __init__(self, *, gamma: float, min_prob: float, max_prob: float, constant_factor: bool, **kwargs: Any):
        super().__init__(**kwargs)
        self.gamma, self.constant_factor = gamma, constant_factor
        self.low, self.high = math.log(min_prob), math.log(max_prob)
        self.top = -((1 - min_prob) ** gamma) * self.low
        self.one_minus_range = (1 - max_prob, 1 - min_prob)

    def per_sample(self, prediction: Prediction) -> Tensor:
        factor = power(prediction.one_minus_p.clamp(*self.one_minus_range), self.gamma)
        log_p = prediction.log_p.clamp(self.low, self.high)
        if self.constant_factor:
            return _NegativeShare.apply(factor, log_p, prediction.column, self.top)
        others, total = _NegativeShare.sums(factor, log_p, prediction.column, self.top)
        return (others / total).squeeze(1)
