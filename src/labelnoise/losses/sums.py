"""Weighted sums of two losses: the active-passive frameworks (APL eq. 10, ANL, JAL)."""

from __future__ import annotations

from torch import Tensor

from labelnoise.losses.base import Loss, Prediction


class Sum(Loss):
    """alpha · first + beta · second, over one shared prediction."""

    def __init__(self, first: Loss, second: Loss, *, alpha: float, beta: float, reduction: str = "mean"):
        super().__init__(num_classes=first.num_classes, reduction=reduction)
        self.first, self.second = first, second
        self.alpha, self.beta = alpha, beta

    def per_sample(self, prediction: Prediction) -> Tensor:
        return self.alpha * self.first.per_sample(prediction) + self.beta * self.second.per_sample(prediction)
