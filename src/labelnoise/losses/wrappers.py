"""Losses that are more than a formula on one prediction: two views, a changing weight, learnable class means."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.parameter import UninitializedParameter, is_lazy

from labelnoise.losses import catalogue, create
from labelnoise.losses.base import (
    DifferentiableTwice,
    Loss,
    Prediction,
    bounded,
    full_precision,
    never_negative,
    without_autocast,
)
from labelnoise.losses.divergence import jensen_shannon
from labelnoise.losses.parameters import LossError, Value


def _create_base(name: str, *, num_classes: int, **params: Value) -> Loss:
    """Create the loss of that name with those of the parameters that it has."""
    own: dict[str, Any] = {key: value for key, value in params.items() if key in catalogue.parameters(name)}
    return create(name, num_classes=num_classes, **own)


class GJS(Loss):
    """π KL(e_y ‖ m) + Σ_v (1 − π)/2 KL(p_v ‖ m) with m = π e_y + Σ_v (1 − π)/2 p_v, for two views v.

    Generalised Jensen-Shannon divergence (Englesson & Azizpour 2021, eq. 6), scaled and clamped as JS.
    """

    needs = ("views",)

    def __init__(self, *, pi: float, scaled: bool, eps: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.pi, self.scaled, self.eps = pi, scaled, eps

    def forward(self, logits: tuple[Tensor, Tensor], targets: Tensor) -> Tensor:  # type: ignore[override]
        """Mean loss of the two views' logits, each `(B, K)`, against targets `(B,)`."""
        if isinstance(logits, Tensor) or len(logits) != 2:
            raise LossError("GJS takes a pair of logits, one for each view: loss((z1, z2), targets)")
        for view in logits:
            self.check(view, targets)
        targets = never_negative(targets, self.num_classes)
        return self.guarded(
            lambda: jensen_shannon(
                [Prediction(bounded(view), targets) for view in logits], pi=self.pi, eps=self.eps, scaled=self.scaled
            ),
            targets,
        )


class SR(Loss):
    """base(ẑ/τ) + λ_t Σ_k max(p̂_k, ε)^p, p̂ = softmax(ẑ/τ), ẑ = z/‖z‖₂ (Zhou et al., ICCV 2021, eq. 10).

    λ_t = lam · growth^⌊(epoch − 1)/every⌋. Evaluation uses the raw logits.
    """

    needs = ("epoch",)

    def __init__(
        self,
        *,
        base: str,
        tau: float,
        p: float,
        lam: float,
        normalize: bool,
        growth: float,
        every: float,
        gamma: float,
        q: float,
        eps: float,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.tau, self.p, self.lam, self.normalize, self.eps = tau, p, lam, normalize, eps
        self.growth, self.every = growth, int(every)
        self.base = _create_base(base, num_classes=self.num_classes, gamma=gamma, q=q, eps=eps)
        self.weight: Tensor
        # A tensor, so that a captured training step sees it change.
        self.register_buffer("weight", torch.tensor(lam, dtype=torch.float64), persistent=False)

    def set_epoch(self, epoch: int) -> None:
        """Set λ for this epoch (1-based)."""
        self.weight.fill_(self.lam * self.growth ** ((epoch - 1) // self.every))

    def per_sample(self, prediction: Prediction) -> Tensor:
        logits = prediction.logits
        if self.normalize:
            logits = normalize(logits, dim=1)
        sharp = Prediction(logits / self.tau, prediction.targets)
        sparsity = (sharp.p.clamp(min=self.eps) ** self.p).sum(dim=1)
        return self.base.per_sample(sharp) + self.weight.to(sparsity.dtype) * sparsity


class LT(LazyModuleMixin, Loss):
    """Student loss (Zhang et al. 2024): logits are Student's t densities of the features around learnable class means.

    f and μ_c lie on the unit sphere, ν_c = raw_c² + 0.1, d_c = ½‖f − μ_c‖²/(1 + 1e-8), and the labelled class's d is
    multiplied by 1 + margin in training; logit_c ∝ Γ(h_c)/(Γ(ν_c/2) ν_c^(D'/2)) (1 + d_c/ν_c + 1e-8)^(−h_c) with h_c =
    (ν_c + D')/2, normalised over the classes by L2; plus lam · ½‖f − μ_y‖². D' = log D in the
    published code (`log_dim=False`: D, as printed).

    `means` `(K, D)` and `raw_freedom` `(K, 1)` are torch's lazy parameters: an optimiser can hold them from the start.
    They get their values once D is known: from `initialise(D)`, from the first call (with the dtype of its features) or
    from `load_state_dict` (with the dtype of the loss, float32 unless converted).
    """

    needs = ("features",)

    def __init__(
        self,
        *,
        base: str,
        margin: float,
        lam: float,
        alpha: float,
        beta: float,
        q: float,
        log_dim: bool,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.margin, self.lam, self.log_dim = margin, lam, log_dim
        self.base = _create_base(base, num_classes=self.num_classes, alpha=alpha, beta=beta, q=q)
        # Typed as Any: torch does not declare a lazy parameter as a parameter.
        self.means: Any = UninitializedParameter()
        self.raw_freedom: Any = UninitializedParameter()

    def initialise(self, feature_dim: int, like: Tensor | None = None) -> None:
        """Draw the class means `(K, D)`, then the degrees of freedom `(K, 1)`, xavier-uniform.

        They get the dtype and device of `like`; without it they are drawn on the CPU and moved to the loss's device.
        The parameters stay the same objects. Raises `LossError` if they already exist for another D.
        """
        if not is_lazy(self.means) and self.means.shape[1] != feature_dim:
            raise LossError(f"LT already has means for {self.means.shape[1]} features, not {feature_dim}")
        dtype, device = (None, None) if like is None else (like.dtype, like.device)
        for parameter, width in ((self.means, feature_dim), (self.raw_freedom, 1)):
            drawn = nn.init.xavier_uniform_(torch.empty(self.num_classes, width, dtype=dtype, device=device))
            if is_lazy(parameter):
                parameter.materialize(drawn.shape, device=device, dtype=dtype)
            with torch.no_grad():
                parameter.copy_(drawn)

    def initialize_parameters(self, features: Tensor, targets: Tensor) -> None:
        """Called by torch's lazy modules before the first forward pass."""
        self.check(features, targets, width=features.shape[-1:].numel())
        if self.has_uninitialized_params():
            self.initialise(features.shape[1], like=full_precision(features))

    def _student(self, features: Tensor, targets: Tensor | None) -> tuple[Tensor, Tensor]:
        """Unit-length logits `(B, K)`, with the margin if there are targets; distances to the labelled mean `(B,)`."""
        means, raw = self.means.to(features.dtype), self.raw_freedom.to(features.dtype)
        dim = means.shape[1]
        return _Student.apply(features, means, raw, targets, self.margin, math.log(dim) if self.log_dim else dim)[:2]

    def logits(self, features: Tensor) -> Tensor:
        """Logits `(B, K)` of features `(B, D)` without the margin, for predictions."""
        if self.has_uninitialized_params():
            raise LossError("LT has no class means yet; first call it on a batch, initialise(D) or load_state_dict")
        features = full_precision(features)
        with without_autocast(features.device.type):
            return self._student(features, None)[0]

    def forward(self, features: Tensor, targets: Tensor) -> Tensor:
        """Mean loss of features `(B, D)` against targets `(B,)`."""
        features = full_precision(features)
        self.check(features, targets, width=self.means.shape[1])
        targets = never_negative(targets, self.num_classes)
        return self.guarded(lambda: self._values(features, targets), targets)

    def _values(self, features: Tensor, targets: Tensor) -> Tensor:
        logits, own_distance = self._student(features, targets)
        return self.base.per_sample(Prediction(logits, targets)) + self.lam * own_distance


class _Student(DifferentiableTwice):
    """Distances on the unit sphere and Student's t logits with their gradient, as one function for speed.

    Returns logits `(B, K)` and the distance to the labelled class's mean `(B,)`; the other outputs are for backward.
    """

    @staticmethod
    def forward(
        features: Tensor, means: Tensor, raw: Tensor, targets: Tensor | None, margin: float, dim: float
    ) -> tuple[Tensor, ...]:
        feature_norm = torch.linalg.vector_norm(features, dim=1, keepdim=True).clamp(min=1e-12)
        mean_norm = torch.linalg.vector_norm(means, dim=1, keepdim=True).clamp(min=1e-12)
        f, mu = features / feature_norm, means / mean_norm
        # ½‖f‖² + ½‖μ‖² − f·μ, where ‖f‖ is 1 unless all features are zero
        lengths = (f.square().sum(dim=1, keepdim=True) + 1) / 2
        distance = (lengths - f @ mu.T).clamp(min=0)
        freedom = (raw**2 + 0.1).squeeze(1)
        half = (freedom + dim) / 2
        column = None if targets is None else targets.unsqueeze(1)
        own = distance[:, :1] if column is None else distance.gather(1, column)
        widened = distance if column is None else distance.scatter(1, column, (1 + margin) * own)
        per_freedom = widened / (freedom * (1 + 1e-8))
        log_term = torch.log1p(per_freedom + 1e-8)
        constant = torch.lgamma(half) - torch.lgamma(freedom / 2) - dim / 2 * freedom.log()
        logarithm = constant - half * log_term
        logits = torch.exp(logarithm - torch.logsumexp(2 * logarithm, dim=1, keepdim=True) / 2)
        return logits, own.squeeze(1), f, mu, feature_norm, mean_norm, per_freedom

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        _, _, raw, targets, ctx.margin, ctx.dim = inputs
        logits, _, *others = output
        ctx.save_for_backward(raw, targets, logits, *others)
        _Student.leave_unused_gradients_out(ctx)

    @staticmethod
    def backward(
        ctx: Any, grad: Tensor | None, grad_own: Tensor | None, *grads: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        raw, targets, logits, f, mu, feature_norm, mean_norm, per_freedom = ctx.saved_tensors
        grad_f, grad_mu, grad_feature_norm, grad_mean_norm, grad_per_freedom = grads
        freedom = (raw**2 + 0.1).squeeze(1)
        half = (freedom + ctx.dim) / 2
        log_term = torch.log1p(per_freedom + 1e-8)
        weighted = torch.zeros_like(logits) if grad is None else grad * logits
        to_log = weighted - logits**2 * weighted.sum(dim=1, keepdim=True)
        to_per_freedom = _added(-to_log * half / (1 + 1e-8 + per_freedom), grad_per_freedom)
        slope = (torch.digamma(half) - torch.digamma(freedom / 2) - ctx.dim / freedom) / 2
        to_freedom = (to_log * (slope - log_term / 2) - to_per_freedom * per_freedom / freedom).sum(dim=0)
        to_distance = to_per_freedom / (freedom * (1 + 1e-8))
        if targets is not None:
            column = targets.unsqueeze(1)
            at_own = (1 + ctx.margin) * to_distance.gather(1, column)
            at_own = _added(at_own, None if grad_own is None else grad_own.unsqueeze(1))
            to_distance = to_distance.scatter(1, column, at_own)
        to_f, to_mu = _added(-to_distance @ mu, grad_f), _added(-to_distance.T @ f, grad_mu)
        to_features = _before_unit_length(to_f, grad_feature_norm, f, feature_norm)
        to_means = _before_unit_length(to_mu, grad_mean_norm, mu, mean_norm)
        return to_features, to_means, 2 * raw * to_freedom.unsqueeze(1), None, None, None


def _added(grad: Tensor, more: Tensor | None) -> Tensor:
    """The gradient plus the contribution of the second derivative, if there is one."""
    return grad if more is None else grad + more


def _before_unit_length(grad: Tensor, grad_norm: Tensor | None, unit: Tensor, norm: Tensor) -> Tensor:
    """Gradient with respect to x `(B, D)` from `grad`, with respect to x/‖x‖, and `grad_norm` `(B, 1)`, to ‖x‖."""
    tangent = (grad - unit * (grad * unit).sum(dim=1, keepdim=True)) / norm
    return tangent if grad_norm is None else tangent + grad_norm * unit
