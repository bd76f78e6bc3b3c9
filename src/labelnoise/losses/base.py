"""What every loss shares: input checks, exact softmax quantities, reduction. A subclass is one formula."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor, nn

from labelnoise.losses.parameters import LossError

REDUCTIONS = ("mean", "none")


class ExactLogSoftmax(torch.autograd.Function):
    """log softmax whose value and gradient stay exact where one class dominates.

    The plain form loses them there: log(1 + t) drops t below 1e-16 and 1 − p_m cancels. Here the sum over the
    other classes is kept apart from the largest one, and the largest one's gradient is built from that sum.
    """

    @staticmethod
    def forward(ctx, logits: Tensor) -> tuple[Tensor, Tensor]:
        top, index = logits.max(dim=1, keepdim=True)
        shifted = logits - top
        others = shifted.exp().scatter(1, index, 0.0)
        rest = others.sum(dim=1, keepdim=True)
        log_p = shifted - rest.log1p()
        p = log_p.exp()
        ctx.save_for_backward(p, index, rest)
        ctx.mark_non_differentiable(index)
        return log_p, index

    @staticmethod
    def backward(ctx, grad: Tensor, _index: Tensor) -> Tensor:
        p, index, rest = ctx.saved_tensors
        grad_top = grad.gather(1, index)
        grad_others = grad.scatter(1, index, 0.0).sum(dim=1, keepdim=True)
        out = grad - p * (grad_top + grad_others)
        return out.scatter(1, index, (grad_top * rest - grad_others) / (1 + rest))


class Prediction:
    """A batch of predictions with what the formulas are made of, each computed once and only when used.

    `log_p`, `p`: `(B, K)`; `log_p_y`, `p_y`, `rest` (1 − p_y, as the sum of the other classes): `(B,)`.
    """

    def __init__(self, logits: Tensor, targets: Tensor):
        self.logits = logits
        self.targets = targets
        self.num_classes = logits.shape[1]
        self.log_p, self._top = ExactLogSoftmax.apply(logits)

    @cached_property
    def _column(self) -> Tensor:
        return self.targets.unsqueeze(1)

    def of_label(self, values: Tensor) -> Tensor:
        """The labelled class's entry of each row: `(B, K)` to `(B,)`."""
        return values.gather(1, self._column).squeeze(1)

    def of_others(self, values: Tensor) -> Tensor:
        """The rows with the labelled class's entry set to zero: `(B, K)`."""
        return values.scatter(1, self._column, 0.0)

    @cached_property
    def p(self) -> Tensor:
        return self.log_p.exp()

    @cached_property
    def log_p_y(self) -> Tensor:
        return self.of_label(self.log_p)

    @cached_property
    def p_y(self) -> Tensor:
        return self.log_p_y.exp()

    @cached_property
    def rest(self) -> Tensor:
        return self.of_others(self.p).sum(dim=1)

    @cached_property
    def is_top(self) -> Tensor:
        """Whether the labelled class is the predicted one, `(B,)`."""
        return self._top.squeeze(1) == self.targets

    @cached_property
    def one_minus_p(self) -> Tensor:
        """1 − p_k for every class, exact also where p_k is near 1: `(B, K)`."""
        return -torch.expm1(self.log_p)


class Loss(nn.Module):
    """Base class: a subclass stores its parameters and implements `per_sample`.

    Half-precision logits are raised to float32, so a loss is safe under autocast. `needs` names what the training loop
    has to supply, see `create`.
    """

    needs: tuple[str, ...] = ()

    def __init__(self, *, num_classes: int, reduction: str = "mean"):
        super().__init__()
        self.num_classes = num_classes
        self.reduction = reduction

    def per_sample(self, prediction: Prediction) -> Tensor:
        """The loss of each sample, `(B,)`."""
        raise NotImplementedError

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Mean loss of float logits `(B, K)` against int64 targets `(B,)` with values 0..K−1.

        Raises `LossError` on a wrong shape or type, and on the CPU for a label out of range (on CUDA a device-side
        assertion: checking there would stop the stream in every step).
        """
        self.check(logits, targets)
        return self.guarded(lambda: self.per_sample(Prediction(full_precision(logits), targets)), logits.device.type)

    def guarded(self, values: Callable[[], Tensor], device_type: str) -> Tensor:
        """The reduced values, computed outside autocast; an index out of range becomes a `LossError`."""
        with torch.autocast(device_type, enabled=False):
            try:
                found = values()
            except (RuntimeError, IndexError) as error:
                if "out of bounds" not in str(error) and "out of range" not in str(error):
                    raise
                raise LossError(f"targets must lie in 0..{self.num_classes - 1}: {error}") from None
            return found.mean() if self.reduction == "mean" else found

    def check(self, inputs: Tensor, targets: Tensor, *, width: int | None = None) -> None:
        """Shapes and types of `(B, K)` logits (or `(B, width)` features) and `(B,)` labels."""
        what = "logits" if width is None else "features"
        width = self.num_classes if width is None else width
        if inputs.ndim != 2 or inputs.shape[1] != width:
            raise LossError(f"{what} must be (B, {width}), got {tuple(inputs.shape)}")
        if not inputs.is_floating_point():
            raise LossError(f"{what} must be floating point, got {inputs.dtype}")
        if targets.shape != inputs.shape[:1]:
            raise LossError(f"targets must be ({inputs.shape[0]},), got {tuple(targets.shape)}")
        if targets.dtype != torch.int64:
            raise LossError(f"targets must be int64 class indices, got {targets.dtype}")


def full_precision(values: Tensor) -> Tensor:
    """Half precision raised to float32; float32 and float64 as they are."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
