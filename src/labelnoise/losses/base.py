"""What all losses share: input checks, exact softmax quantities, reduction. A subclass adds its formula."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import threshold

from labelnoise.losses.parameters import LossError

REDUCTIONS = ("mean", "none")

# Below any meaningful logit; its square times any number of classes still fits into float32.
LOGIT_FLOOR = -1e12


class DifferentiableTwice(torch.autograd.Function):
    """Base of our autograd functions: they support torch.func's transforms and a differentiable backward.

    To that end, backward uses inputs and outputs only; whatever else it needs is returned as an additional output.
    """

    generate_vmap_rule = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # `apply` reads the signature at every call; computing it there would take a tenth of a loss's time.
        cls.forward.__signature__ = inspect.signature(cls.forward)  # type: ignore[attr-defined]

    @staticmethod
    def leave_unused_gradients_out(ctx: Any) -> None:
        """Pass None, not zeros, to backward for an output that nothing depends on (torch.compile needs zeros)."""
        if not torch.compiler.is_compiling():
            ctx.set_materialize_grads(False)


class ExactLogSoftmax(DifferentiableTwice):
    """log softmax `(B, K)` whose value and gradient stay exact when one class dominates.

    The plain form loses precision there: log(1 + t) drops t below 1e-16, and 1 − p_m cancels. Here the sum over the
    other classes is kept separate from the largest class m, and the gradient of m is computed from that sum.

    The additional outputs are for backward: that sum divided by e^(z_m), and the index m, both `(B, 1)`.
    """

    @staticmethod
    def forward(logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        top, index = logits.max(dim=1, keepdim=True)
        shifted = logits - top
        others = shifted.exp().scatter(1, index, 0.0)
        # top − top is 0, or NaN if a logit is +∞: then the whole row is NaN, whatever a loss clamps.
        rest = others.sum(dim=1, keepdim=True) + (top - top)
        return shifted - rest.log1p(), rest, index

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: tuple[Tensor, Tensor, Tensor]) -> None:
        ctx.save_for_backward(*output)
        ctx.mark_non_differentiable(output[2])
        ExactLogSoftmax.leave_unused_gradients_out(ctx)

    @staticmethod
    def backward(ctx: Any, grad: Tensor | None, grad_rest: Tensor | None, _index: None) -> Tensor:
        log_p, rest, index = ctx.saved_tensors
        p = log_p.exp()
        if grad is None:
            grad = torch.zeros_like(p)
        grad_top = grad.gather(1, index)
        grad_others = grad.scatter(1, index, 0.0).sum(dim=1, keepdim=True)
        out = grad - p * (grad_top + grad_others)
        out = out.scatter(1, index, (grad_top * rest - grad_others) / (1 + rest))
        if grad_rest is None:
            return out
        # rest = Σ_{k≠m} e^(z_k − z_m), and each term is p_k (1 + rest)
        return out + grad_rest * (p * (1 + rest)).scatter(1, index, -rest)


class computed_once:
    """A property computed at first use and then cached; torch.compile supports it, unlike functools.cached_property."""

    def __init__(self, compute: Callable[[Prediction], Tensor]):
        self.compute = compute

    def __get__(self, prediction: Prediction, owner: type | None = None) -> Tensor:
        value = self.compute(prediction)
        # The instance attribute takes precedence over this descriptor, which has no __set__.
        setattr(prediction, self.compute.__name__, value)
        return value


class Prediction:
    """A batch of predictions with the quantities that the formulas use, each computed once, at first use.

    `log_p`, `p`: `(B, K)`; `log_p_y`, `p_y`, `rest` (1 − p_y, as the sum of the other classes): `(B,)`.
    """

    def __init__(self, logits: Tensor, targets: Tensor):
        self.logits = logits
        self.targets = targets
        self.num_classes = logits.shape[1]
        self.log_p, _, self._top = ExactLogSoftmax.apply(logits)

    @computed_once
    def column(self) -> Tensor:
        """The targets as an index into rows, `(B, 1)`."""
        return self.targets.unsqueeze(1)

    def of_label(self, values: Tensor) -> Tensor:
        """The labelled class's entry of each row: `(B, K)` to `(B,)`."""
        return values.gather(1, self.column).squeeze(1)

    def of_others(self, values: Tensor) -> Tensor:
        """The rows with the labelled class's entry set to zero: `(B, K)`."""
        return values.scatter(1, self.column, 0.0)

    @computed_once
    def p(self) -> Tensor:
        return self.log_p.exp()

    @computed_once
    def log_p_y(self) -> Tensor:
        return self.of_label(self.log_p)

    @computed_once
    def p_y(self) -> Tensor:
        return self.log_p_y.exp()

    @computed_once
    def rest(self) -> Tensor:
        return self.of_others(self.p).sum(dim=1)

    @computed_once
    def is_top(self) -> Tensor:
        """Whether the labelled class is the predicted one, `(B,)`."""
        return self._top.squeeze(1) == self.targets

    @computed_once
    def one_minus_p(self) -> Tensor:
        """1 − p_k for every class, exact even where p_k is near 1: `(B, K)`."""
        return -torch.expm1(self.log_p)


class Loss(nn.Module):
    """Base class: a subclass stores its parameters and implements `per_sample`.

    Half-precision logits are converted to float32, so a loss is safe under autocast. `needs` names what the training
    loop must supply, see `create`. `create` also sets `capturable`; a user's subclass must declare it itself.
    """

    needs: Sequence[str] = ()
    capturable: bool = False

    def __init__(self, *, num_classes: int, reduction: str = "mean"):
        super().__init__()
        self.num_classes = num_classes
        self.reduction = reduction

    def set_class_counts(self, counts: Tensor) -> None:
        """Set the number of training samples with each noisy label, `(K,)`; only for losses that need it."""
        raise NotImplementedError

    def per_sample(self, prediction: Prediction) -> Tensor:
        """The loss of each sample, `(B,)`."""
        raise NotImplementedError

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Mean loss of float logits `(B, K)` against int64 targets `(B,)` with values 0..K−1.

        Raises `LossError` for a wrong shape or dtype and, on the CPU, for a label out of range. On CUDA the latter is
        a device-side assertion, since checking there would stop the stream in every step.
        """
        self.check(logits, targets)
        targets = never_negative(targets, self.num_classes)
        return self.guarded(lambda: self.per_sample(Prediction(bounded(logits), targets)), logits.device.type)

    def guarded(self, values: Callable[[], Tensor], device_type: str) -> Tensor:
        """The reduced values, computed outside autocast; raises `LossError` for an index out of range."""
        with without_autocast(device_type):
            try:
                losses = values()
            except (RuntimeError, IndexError) as error:
                if "out of bounds" not in str(error) and "out of range" not in str(error):
                    raise
                raise LossError(
                    f"targets must lie in 0..{self.num_classes - 1}: {error}. "
                    "Labels of -100 or -1 usually mark samples to ignore: remove those from the batch first"
                ) from None
            return losses.mean() if self.reduction == "mean" else losses

    def check(self, inputs: Tensor, targets: Tensor, *, width: int | None = None) -> None:
        """Check shapes and dtypes of logits `(B, K)` (or features `(B, width)`) and labels `(B,)`; else `LossError`."""
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
    """Half precision converted to float32; float32 and float64 unchanged."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


def never_negative(targets: Tensor, num_classes: int) -> Tensor:
    """The targets; when compiling, negative ones become K, as a compiled kernel would read −1 as the last class."""
    return torch.where(targets < 0, num_classes, targets) if torch.compiler.is_compiling() else targets


def bounded(logits: Tensor) -> Tensor:
    """Logits in full precision, raised to −1e12 where below (masked classes, −inf); NaN and +inf are unchanged."""
    # Same as clamp, in fewer operations.
    return threshold(full_precision(logits), LOGIT_FLOOR, LOGIT_FLOOR)


def without_autocast(device_type: str) -> AbstractContextManager[object]:
    """A context with autocast disabled; entering it is free if autocast is off already."""
    return torch.autocast(device_type, enabled=False) if torch.is_autocast_enabled(device_type) else nullcontext()
