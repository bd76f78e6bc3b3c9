"""Active losses: they raise the probability of the labelled class only (APL §3.2)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from labelnoise.losses.base import DifferentiableTwice, Loss, Prediction


class _ConstantFactor(DifferentiableTwice):
    """factor · value with the factor held constant in the gradient; the second derivative depends on both."""

    @staticmethod
    def forward(factor: Tensor, value: Tensor) -> Tensor:
        return factor * value

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        (factor,) = ctx.saved_tensors
        return None, grad * factor


def weighted(factor: Tensor, value: Tensor, constant: bool) -> Tensor:
    """factor · value for a focal factor, held constant in the gradient if `constant`.

    The published code of all four papers holds it constant; the formula of Lin et al. 2017 differentiates through it
    (same value, different gradient). Either way the second derivative is the derivative of that gradient, as long as
    what follows is linear in the product. Quotients have their own functions, `_Share` and `_NegativeShare`.
    """
    return _ConstantFactor.apply(factor, value) if constant else factor * value


def power(base: Tensor, exponent: float) -> Tensor:
    """base^exponent for a base ≥ 0 computed from probabilities; the gradient is 0 if the base is 0 or subnormal.

    For an exponent below 1 the slope there is infinite or overflows, but the base's slope with respect to the logits
    goes to 0 faster, so the limit of the product is 0, not ∞ · 0.
    """
    if 0 < exponent < 1:
        base = torch.where(base < torch.finfo(base.dtype).tiny, base.detach(), base)
    return base**exponent


class CE(Loss):
    """−log p_y."""

    def per_sample(self, prediction: Prediction) -> Tensor:
        return -prediction.log_p_y


class FL(Loss):
    """−(1 − p_y)^γ · log p_y (Lin et al. 2017, eq. 4); see `weighted` for its gradient."""

    def __init__(self, *, gamma: float, constant_factor: bool, **kwargs: Any):
        super().__init__(**kwargs)
        self.gamma, self.constant_factor = gamma, constant_factor

    def per_sample(self, prediction: Prediction) -> Tensor:
        return weighted(-power(prediction.rest, self.gamma), prediction.log_p_y, self.constant_factor)


class GCE(Loss):
    """(1 − p_y^q) / q (Zhang & Sabuncu 2018, eq. 6), with p_y clamped at `eps`."""

    def __init__(self, *, q: float, eps: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.q, self.floor = q, math.log(eps)

    def per_sample(self, prediction: Prediction) -> Tensor:
        return -torch.expm1(self.q * prediction.log_p_y.clamp(min=self.floor)) / self.q


class _Share(DifferentiableTwice):
    """f_y a_y / Σ_k f_k a_k for a_k = −log p_k, with a gradient that does not cancel when classes tie.

    Since a_k = a_y − (z_k − z_y), the sum is F a_y − Δ with F = Σ f_k and Δ = Σ f_k (z_k − z_y). The quotient's
    derivative is then (a_y dΔ − Δ da_y − a_y² dF) / (sum)²; the quotient rule in a_k would subtract nearly equal
    numbers. The gradient therefore goes to a_y `(B,)`, to the gaps z_k − z_y `(B, K)` and, unless constant, to the
    factors `(B, K)` (None: 1). The sum itself is computed from log p `(B, K)`, also in the second derivative.
    """

    @staticmethod
    def forward(
        a_y: Tensor, gaps: Tensor, factor: Tensor | None, log_p: Tensor, column: Tensor, constant: bool
    ) -> Tensor:
        if factor is None:
            return a_y / -log_p.sum(dim=1)
        return factor.gather(1, column).squeeze(1) * (a_y / -(factor * log_p).sum(dim=1))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs[:-1])
        ctx.constant = inputs[-1]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        a_y, gaps, factor, log_p, column = ctx.saved_tensors
        if factor is None:
            scaled = grad / log_p.sum(dim=1) ** 2
            return -gaps.sum(dim=1) * scaled, (a_y * scaled).unsqueeze(1).expand_as(gaps), None, None, None, None
        others = factor.scatter(1, column, 0.0)
        total = -(factor * log_p).sum(dim=1)
        scaled = grad * factor.gather(1, column).squeeze(1) / total**2
        to_spread = (a_y * scaled).unsqueeze(1)
        to_factor = None
        if not ctx.constant:
            own = torch.zeros_like(factor).scatter(1, column, (grad * (a_y / total)).unsqueeze(1))
            to_factor = own - (a_y**2 * scaled).unsqueeze(1) + (to_spread * gaps).scatter(1, column, 0.0)
        return -(others * gaps).sum(dim=1) * scaled, to_spread * others, to_factor, None, None, None


def normalised(prediction: Prediction, factor: Tensor | None = None, constant: bool = False) -> Tensor:
    """f_y log p_y / Σ_k f_k log p_k, `(B,)`: the normalised losses of APL eq. 3.

    `factor` `(B, K)` (None: 1) is held constant in the gradient if `constant`, see `weighted`.
    """
    logits = prediction.logits
    gaps = logits - prediction.of_label(logits).unsqueeze(1)
    return _Share.apply(-prediction.log_p_y, gaps, factor, prediction.log_p, prediction.column, constant)


class NCE(Loss):
    """scale · log p_y / Σ_k log p_k (APL eq. 8)."""

    def __init__(self, *, scale: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale

    def per_sample(self, prediction: Prediction) -> Tensor:
        return self.scale * normalised(prediction)


class NFL(Loss):
    """scale · FL_y / Σ_k FL_k (APL eq. 9); see `weighted` for the gradient of the factors."""

    def __init__(self, *, gamma: float, scale: float, constant_factor: bool, **kwargs: Any):
        super().__init__(**kwargs)
        self.gamma, self.scale, self.constant_factor = gamma, scale, constant_factor

    def per_sample(self, prediction: Prediction) -> Tensor:
        factor = power(prediction.one_minus_p, self.gamma)
        return self.scale * normalised(prediction, factor, self.constant_factor)


class NGCE(Loss):
    """scale · (1 − p_y^q) / (K − Σ_k p_k^q) (APL §3.1), probabilities clamped at `eps`."""

    def __init__(self, *, q: float, scale: float, eps: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.q, self.scale, self.floor = q, scale, math.log(eps)

    def per_sample(self, prediction: Prediction) -> Tensor:
        values = -torch.expm1(self.q * prediction.log_p.clamp(min=self.floor))
        return self.scale * prediction.of_label(values) / values.sum(dim=1)


class AGCE(Loss):
    """[(a + 1)^q − (a + p_y)^q] / q (ALF §4.2), written in 1 − p_y to avoid cancellation near p_y = 1."""

    def __init__(self, *, a: float, q: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.a, self.q = a, q

    def per_sample(self, prediction: Prediction) -> Tensor:
        top = self.a + 1
        return -(top**self.q) / self.q * torch.expm1(self.q * torch.log1p(-prediction.rest / top))


class AUL(Loss):
    """[(a − p_y)^p − (a − 1)^p] / p (ALF §4.2), written in 1 − p_y to avoid cancellation near p_y = 1."""

    def __init__(self, *, a: float, p: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.a, self.p = a, p

    def per_sample(self, prediction: Prediction) -> Tensor:
        base = self.a - 1
        if base == 0:
            return power(prediction.rest, self.p) / self.p
        return base**self.p / self.p * torch.expm1(self.p * torch.log1p(prediction.rest / base))


class AEL(Loss):
    """exp(−p_y / a) (ALF §4.2). Its minimum is e^(−1/a), not 0, as in the published code."""

    def __init__(self, *, a: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.a = a

    def per_sample(self, prediction: Prediction) -> Tensor:
        return torch.exp(-prediction.p_y / self.a)


class TaylorCE(Loss):
    """Σ_{i=1..t} (1 − p_y)^i / i (Feng et al. 2020, eq. 6): t = 1 is 1 − p_y, t → ∞ is CE. Horner's scheme."""

    def __init__(self, *, t: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.t = int(t)

    def per_sample(self, prediction: Prediction) -> Tensor:
        rest = prediction.rest
        value = rest / self.t
        for i in range(self.t - 1, 0, -1):
            value = rest * (1 / i + value)
        return value


class PHuberCE(Loss):
    """−log p_y, continued linearly below p_y = 1/τ: −τ p_y + log τ + 1 (Menon et al. 2020, eq. 10)."""

    def __init__(self, *, tau: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.tau = tau

    def per_sample(self, prediction: Prediction) -> Tensor:
        linear = -self.tau * prediction.p_y + (math.log(self.tau) + 1)
        return torch.where(prediction.p_y <= 1 / self.tau, linear, -prediction.log_p_y)


class PHuberGCE(Loss):
    """(1 − p_y^q)/q, continued linearly below p* = τ^(1/(q−1)): −τ p_y + τ p* + (1 − p*^q)/q (Menon et al. 2020)."""

    def __init__(self, *, q: float, tau: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.q, self.tau = q, tau
        self.edge = tau ** (1 / (q - 1))

    def per_sample(self, prediction: Prediction) -> Tensor:
        linear = -self.tau * prediction.p_y + (self.tau * self.edge + (1 - self.edge**self.q) / self.q)
        power = -torch.expm1(self.q * prediction.log_p_y) / self.q
        return torch.where(prediction.p_y <= self.edge, linear, power)


class NLS(Loss):
    """(1 − r) · CE + (r/K) Σ_k −log p_k (Wei et al. 2022, eq. 4); r may be strongly negative."""

    def __init__(self, *, rate: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.rate = rate

    def per_sample(self, prediction: Prediction) -> Tensor:
        uniform = prediction.log_p.sum(dim=1) / self.num_classes
        return (self.rate - 1) * prediction.log_p_y - self.rate * uniform
