"""Active losses: they raise the probability of the labelled class only (APL §3.2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from labelnoise.losses.base import Loss, Prediction


def focal(prediction: Prediction, gamma: float) -> Tensor:
    """−(1 − p_k)^γ · log p_k for every class, `(B, K)`.

    The factor is constant in the gradient, as in the published code of all four papers; the formula of
    Lin et al. would differentiate through it (same value, other gradient).
    """
    return -(prediction.one_minus_p.detach() ** gamma) * prediction.log_p


class CE(Loss):
    """−log p_y."""

    def per_sample(self, prediction: Prediction) -> Tensor:
        return -prediction.log_p_y


class FL(Loss):
    """−(1 − p_y)^γ · log p_y (Lin et al. 2017, eq. 4); the factor is constant in the gradient, see `focal`."""

    def __init__(self, *, gamma: float, **kwargs):
        super().__init__(**kwargs)
        self.gamma = gamma

    def per_sample(self, prediction: Prediction) -> Tensor:
        return -(prediction.rest.detach() ** self.gamma) * prediction.log_p_y


class GCE(Loss):
    """(1 − p_y^q) / q (Zhang & Sabuncu 2018, eq. 6), with p_y clamped at `eps`."""

    def __init__(self, *, q: float, eps: float, **kwargs):
        super().__init__(**kwargs)
        self.q, self.floor = q, math.log(eps)

    def per_sample(self, prediction: Prediction) -> Tensor:
        return -torch.expm1(self.q * prediction.log_p_y.clamp(min=self.floor)) / self.q


class NCE(Loss):
    """scale · log p_y / Σ_k log p_k (APL eq. 8)."""

    def __init__(self, *, scale: float, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def per_sample(self, prediction: Prediction) -> Tensor:
        return self.scale * prediction.log_p_y / prediction.log_p.sum(dim=1)


class NFL(Loss):
    """scale · FL_y / Σ_k FL_k (APL eq. 9); every focal factor is constant in the gradient."""

    def __init__(self, *, gamma: float, scale: float, **kwargs):
        super().__init__(**kwargs)
        self.gamma, self.scale = gamma, scale

    def per_sample(self, prediction: Prediction) -> Tensor:
        values = focal(prediction, self.gamma)
        return self.scale * prediction.of_label(values) / values.sum(dim=1)


class NGCE(Loss):
    """scale · (1 − p_y^q) / (K − Σ_k p_k^q) (APL §3.1), probabilities clamped at `eps`."""

    def __init__(self, *, q: float, scale: float, eps: float, **kwargs):
        super().__init__(**kwargs)
        self.q, self.scale, self.floor = q, scale, math.log(eps)

    def per_sample(self, prediction: Prediction) -> Tensor:
        values = -torch.expm1(self.q * prediction.log_p.clamp(min=self.floor))
        return self.scale * prediction.of_label(values) / values.sum(dim=1)


class AGCE(Loss):
    """[(a + 1)^q − (a + p_y)^q] / q (ALF §4.2), written in 1 − p_y so that nothing cancels near p_y = 1."""

    def __init__(self, *, a: float, q: float, **kwargs):
        super().__init__(**kwargs)
        self.a, self.q = a, q

    def per_sample(self, prediction: Prediction) -> Tensor:
        top = self.a + 1
        return -(top**self.q) / self.q * torch.expm1(self.q * torch.log1p(-prediction.rest / top))


class AUL(Loss):
    """[(a − p_y)^p − (a − 1)^p] / p (ALF §4.2), written in 1 − p_y so that nothing cancels near p_y = 1."""

    def __init__(self, *, a: float, p: float, **kwargs):
        super().__init__(**kwargs)
        self.a, self.p = a, p

    def per_sample(self, prediction: Prediction) -> Tensor:
        base = self.a - 1
        if base == 0:
            return prediction.rest**self.p / self.p
        return base**self.p / self.p * torch.expm1(self.p * torch.log1p(prediction.rest / base))


class AEL(Loss):
    """exp(−p_y / a) (ALF §4.2). Its smallest value is e^(−1/a), not 0, as in the published code."""

    def __init__(self, *, a: float, **kwargs):
        super().__init__(**kwargs)
        self.a = a

    def per_sample(self, prediction: Prediction) -> Tensor:
        return torch.exp(-prediction.p_y / self.a)
