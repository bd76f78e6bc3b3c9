"""Negative learning: "the label is not this one"."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from labelnoise.losses.base import Loss, Prediction


class NLNL(Loss):
    """−w_y Σ_j log(1 − p_ȳj) over complementary labels ȳ ≠ y, drawn again at each call (Kim et al. 2019, eq. 2).

    The first stage (NL) only, as in the code of APL and ALF: `num_negative` labels are drawn with replacement, the
    sum over them is not divided by their number, and 1 − p is clamped at `eps`. w_c = max count / count of class c
    after `set_class_counts`, else 1. Draws come from `generator` (None: torch's global one).
    """

    needs = ("class_counts", "draws")

    def __init__(self, *, num_negative: float, eps: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.num_negative, self.eps = int(num_negative), eps
        self.weights: Tensor
        self.generator: torch.Generator | None = None
        self.register_buffer("weights", torch.ones(self.num_classes), persistent=False)

    def set_class_counts(self, counts: Tensor) -> None:
        """Set the training samples per noisy label, `(K,)`; a class without samples is weighted as if it had one."""
        super().set_class_counts(counts)
        counts = counts.to(self.weights).clamp(min=1)
        self.weights.copy_(counts.max() / counts)

    def draw(self, targets: Tensor) -> Tensor:
        """Complementary labels `(B, num_negative)`, uniform over the other classes."""
        shape = (len(targets), self.num_negative)
        offset = torch.randint(1, self.num_classes, shape, generator=self.generator, device=targets.device)
        return (targets.unsqueeze(1) + offset) % self.num_classes

    def _log_one_minus_p(self, prediction: Prediction) -> Tensor:
        """log max(1 − p, eps) for every class, exact for small p (log1p) and for p near 1 (1 − p from its sum)."""
        if_small = torch.log1p(-prediction.p.clamp(max=0.5))
        if_large = prediction.one_minus_p.clamp(min=self.eps).log()
        return torch.where(prediction.p < 0.5, if_small, if_large)

    def per_sample(self, prediction: Prediction) -> Tensor:
        values = self._log_one_minus_p(prediction).gather(1, self.draw(prediction.targets)).sum(dim=1)
        # gather, unlike indexing, does not read a label of −1 as the last class.
        return -self.weights.to(values.dtype).gather(0, prediction.targets) * values
