"""Weighted sums of two losses: the active-passive frameworks (APL eq. 10, ANL, JAL), and ANL+'s entropy term."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from labelnoise.losses.base import Loss, Prediction
from labelnoise.losses.info import Need


class Sum(Loss):
    """alpha · first + beta · second, over one shared prediction."""

    def __init__(self, first: Loss, second: Loss, *, alpha: float, beta: float, reduction: str = "mean"):
        super().__init__(num_classes=first.num_classes, reduction=reduction)
        self.first, self.second = first, second
        self.alpha, self.beta = alpha, beta
        self.needs = tuple(dict.fromkeys((*first.needs, *second.needs)))

    def set_class_counts(self, counts: Tensor) -> None:
        """Pass the number of training samples per noisy label, `(K,)`, to the parts that need it."""
        super().set_class_counts(counts)
        for part in (self.first, self.second):
            if Need.CLASS_COUNTS in part.needs:
                part.set_class_counts(counts)

    def per_sample(self, prediction: Prediction) -> Tensor:
        return self.alpha * self.first.per_sample(prediction) + self.beta * self.second.per_sample(prediction)


class EntropyRegularisedSum(Sum):
    """A sum plus lam · (log K − entropy of the batch's mean prediction) (ANL+), which is 0 for a uniform mean.

    The term is computed per batch: with `reduction="none"`, every sample includes all of it.
    """

    def __init__(self, first: Loss, second: Loss, *, lam: float, min_prob: float, **kwargs: Any):
        super().__init__(first, second, **kwargs)
        self.lam, self.min_prob = lam, min_prob

    def per_sample(self, prediction: Prediction) -> Tensor:
        return super().per_sample(prediction) + self.lam * mean_prediction_divergence(prediction.p, self.min_prob)


def mean_prediction_divergence(p: Tensor, min_prob: float) -> Tensor:
    """log K + Σ_k p̄_k log p̄_k for the mean p̄ of `p` `(B, K)`, both clamped to [min_prob, 1 − min_prob]: a scalar ≥ 0.

    In terms of d_k = K p̄_k − 1, each class adds (1 + d) log(1 + d) − d ≥ 0, so nothing cancels near a uniform mean.
    The last term corrects for what the second clamp adds to Σ p̄ = 1.
    """
    num_classes = p.shape[1]
    clamped = p.clamp(min_prob, 1 - min_prob)
    mean = clamped.sum(dim=0) / clamped.sum()
    inside = mean.clamp(min_prob, 1 - min_prob)
    d = num_classes * inside - 1
    excess = (inside - mean).sum()
    return ((1 + d) * torch.log1p(d) - d).sum() / num_classes + excess * (1 - math.log(num_classes))
