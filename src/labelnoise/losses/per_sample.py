"""Losses that remember something of every training sample: they get its index, and their state is in checkpoints."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from labelnoise.losses.base import Loss, Prediction, bounded, never_negative, require
from labelnoise.losses.parameters import LossError


class PerSampleLoss(Loss):
    """Called as `loss(logits, targets, index=index)`, with each sample's position in the training set, int64 `(B,)`.

    The state changes only in training mode. A subclass registers it as buffers in `set_dataset_size` and implements
    `values`.
    """

    needs = ("index", "dataset_size")
    size = 0

    def set_dataset_size(self, size: int) -> None:
        """Make the state for so many training samples."""
        self.size = size

    def values(self, prediction: Prediction, index: Tensor) -> Tensor:
        """The loss of each sample, `(B,)`; updates the state in training mode."""
        raise NotImplementedError

    def forward(self, logits: Tensor, targets: Tensor, index: Tensor | None = None) -> Tensor:
        """Mean loss of logits `(B, K)` against targets `(B,)`; raises `LossError` as `Loss.forward` does."""
        self.check(logits, targets)
        if not self.size:
            raise LossError("the loss keeps state for every sample: call set_dataset_size(n) first")
        if index is None or index.shape != targets.shape or index.dtype != torch.int64:
            got = "none" if index is None else f"{index.dtype} {tuple(index.shape)}"
            raise LossError(f"index must be int64 {tuple(targets.shape)}, the samples' positions; got {got}")
        require(((index >= 0) & (index < self.size)).all(), f"index must lie in 0..{self.size - 1}")
        targets = never_negative(targets, self.num_classes)
        return self.guarded(lambda: self.values(Prediction(bounded(logits), targets), index), targets)


class ELR(PerSampleLoss):
    """−log p_y + λ log(1 − ⟨p, t⟩) with t ← β t + (1 − β) p, from t = 0 (Liu et al., NeurIPS 2020).

    t is updated before it is used, and p is clamped to [eps, 1 − eps] in all but the first term, as in the published
    code; in the mean, p is normalised after clamping.
    """

    average: Tensor

    def __init__(self, *, lam: float, beta: float, eps: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.lam, self.beta, self.eps = lam, beta, eps

    def set_dataset_size(self, size: int) -> None:
        """Make the running means, `(size, K)`."""
        super().set_dataset_size(size)
        self.register_buffer("average", torch.zeros(size, self.num_classes))

    def values(self, prediction: Prediction, index: Tensor) -> Tensor:
        p = prediction.p.clamp(self.eps, 1 - self.eps)
        average = self.average[index].to(p.dtype)
        if self.training:
            now = p.detach()
            average = self.beta * average + (1 - self.beta) * now / now.sum(dim=1, keepdim=True)
            if torch.compiler.is_dynamo_compiling():
                # Compiled, backward would compute `average` again, from the rows that were written here.
                self.average = self.average.index_put((index,), average.to(self.average.dtype))
            else:
                self.average[index] = average.to(self.average.dtype)
        return -prediction.log_p_y + self.lam * torch.log1p(-(average * p).sum(dim=1))


class SOP(PerSampleLoss):
    """CE and MSE of predictions with a sparse noise s = u² ⊙ e_y − v² ⊙ (1 − e_y) of each sample's own label.

    −log φ(p + s)_y + ‖h + s − e_y‖², where φ clamps to eps and normalises to sum 1, and h is the predicted class as
    one-hot (Liu et al., ICML 2022). The network learns from the first term only. u learns from both and v from
    the second, each by its own plain SGD at a constant rate, as in the published code; that step is done here, in
    training mode, by the gradient of the mean over the batch.
    """

    u: Tensor
    v: Tensor

    def __init__(self, *, lr_u: float, lr_v: float, std: float, eps: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.lr_u, self.lr_v, self.std, self.eps = lr_u, lr_v, std, eps

    def set_dataset_size(self, size: int) -> None:
        """Draw u `(size,)` and v `(size, K)` from N(0, std²), from torch's global generator."""
        super().set_dataset_size(size)
        self.register_buffer("u", torch.randn(size) * self.std)
        self.register_buffer("v", torch.randn(size, self.num_classes) * self.std)

    def values(self, prediction: Prediction, index: Tensor) -> Tensor:
        u, v = self.u[index].to(prediction.p.dtype), self.v[index].to(prediction.p.dtype)
        at_label, at_others = u.square().clamp(max=1), prediction.of_others(v.square().clamp(max=1))
        noise = (-at_others).scatter(1, prediction.column, at_label.unsqueeze(1))
        shifted = (prediction.p + noise).clamp(min=self.eps)
        total = shifted.sum(dim=1)
        share = (prediction.of_label(shifted) / total).clamp(min=self.eps)
        predicted = torch.zeros_like(noise).scatter(1, prediction.logits.argmax(dim=1, keepdim=True), 1.0)
        residual = predicted + noise
        residual = residual.scatter_add(1, prediction.column, -torch.ones_like(prediction.column, dtype=noise.dtype))
        if self.training:
            self._step(prediction, index, u, v, shifted.detach(), total.detach(), residual)
        return -share.log() + residual.square().sum(dim=1)

    @torch.no_grad()
    def _step(
        self,
        prediction: Prediction,
        index: Tensor,
        u: Tensor,
        v: Tensor,
        shifted: Tensor,
        total: Tensor,
        residual: Tensor,
    ) -> None:
        """One step of SGD on u and v; a clamped value has no gradient."""
        batch = index.shape[0]
        own = prediction.of_label(shifted)
        is_learning = (prediction.p_y + u.square().clamp(max=1) >= self.eps) & (own / total >= self.eps)
        of_share = torch.where(is_learning, 1 / total - 1 / own, 0.0)
        to_u = (of_share + 2 * prediction.of_label(residual)) * torch.where(u.square() <= 1, 2 * u, 0.0)
        to_v = prediction.of_others(-2 * residual * torch.where(v.square() <= 1, 2 * v, 0.0))
        self.u[index] = (u - self.lr_u / batch * to_u).to(self.u.dtype)
        self.v[index] = (v - self.lr_v / batch * to_v).to(self.v.dtype)
