"""What all losses share: input checks, exact softmax quantities, reduction. A subclass adds its formula."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import threshold

from labelnoise.losses.info import Need
from labelnoise.losses.parameters import BALANCED, LossError

REDUCTIONS = ("mean", "none")

# Entries of the logits that a pass over soft targets computes at once, to bound the memory.
_SOFT_ENTRIES = 1 << 22

# How far the sum of a row of soft targets may be from 1 (half precision rounds by less).
_SOFT_TOLERANCE = 1e-2

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
    loop must supply, see `create`. `create` also sets `capturable`, which a user's subclass must declare itself, and
    `not_linear`, the parts because of which soft targets are refused.
    """

    needs: Sequence[str] = ()
    capturable: bool = False
    not_linear: Sequence[str] = ("this loss",)
    class_weight: Tensor | None

    def __init__(self, *, num_classes: int, reduction: str = "mean"):
        super().__init__()
        self.num_classes = num_classes
        self.reduction = reduction
        self.is_balanced = False
        self.register_buffer("class_weight", None, persistent=False)

    def weight_classes(self, weight: Sequence[float] | str) -> None:
        """Weight the classes by `(K,)` positive numbers, or `balanced`: N / (K · N_k), once the counts are set."""
        if weight == BALANCED:
            self.is_balanced = True
            self.needs = tuple(dict.fromkeys((*self.needs, Need.CLASS_COUNTS)))
            return
        if len(weight) != self.num_classes:
            raise LossError(f"weight must have a number for each of {self.num_classes} classes, got {len(weight)}")
        self.class_weight = torch.tensor([float(number) for number in weight], dtype=torch.float64)

    def set_class_counts(self, counts: Tensor) -> None:
        """Set the number of training samples with each noisy label, `(K,)`; for losses that need it."""
        if self.is_balanced:
            # A class without samples is never looked up.
            self.class_weight = counts.sum() / (self.num_classes * counts.clamp(min=1).double())

    def per_sample(self, prediction: Prediction) -> Tensor:
        """The loss of each sample, `(B,)`."""
        raise NotImplementedError

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Mean loss of float logits `(B, K)` against int64 targets `(B,)` with values 0..K−1, or soft targets `(B, K)`.

        Raises `LossError` for a wrong shape or dtype, for soft targets if the loss is not linear in them and, on the
        CPU, for a label out of range. On CUDA the latter is a device-side assertion, since checking there would stop
        the stream in every step.
        """
        if targets.ndim == 2 and not self.not_linear:
            return self._of_soft_targets(logits, targets)
        self.check(logits, targets)
        targets = never_negative(targets, self.num_classes)
        return self.guarded(lambda: self.per_sample(Prediction(bounded(logits), targets)), targets)

    def _of_soft_targets(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Σ_k t_k L(p, k), from the losses for every class."""
        self.check(logits, torch.empty(logits.shape[:1], dtype=torch.int64))
        if targets.shape != logits.shape or not targets.is_floating_point():
            raise LossError(
                f"soft targets must be floating point {tuple(logits.shape)}, got {targets.dtype} {tuple(targets.shape)}"
            )
        is_distribution = ((targets.sum(dim=1) - 1).abs() <= _SOFT_TOLERANCE) & (targets >= 0).all(dim=1)
        require(is_distribution.all(), "every row of soft targets must be ≥ 0 and sum to 1")
        z, at_once = bounded(logits), max(1, _SOFT_ENTRIES // max(1, logits.numel()))
        weight = self._weight_of_classes(z.dtype)
        with without_autocast(logits.device.type):
            shares = targets.to(z.dtype) if weight is None else targets.to(z.dtype) * weight
            losses = torch.zeros_like(z[:, 0])
            for share, classes in zip(
                shares.split(at_once, dim=1),
                torch.arange(self.num_classes, device=z.device).split(at_once),
                strict=True,
            ):
                repeated, labels = z.repeat_interleave(len(classes), dim=0), classes.repeat(len(z))
                values = self.per_sample(Prediction(repeated, labels)).view(share.shape)
                losses = losses + (values * share).sum(dim=1)
            if self.reduction == "none":
                return losses
            return losses.mean() if weight is None else losses.sum() / shares.sum()

    def _weight_of_classes(self, dtype: torch.dtype) -> Tensor | None:
        if self.is_balanced and self.class_weight is None:
            raise LossError("balanced weights need the class counts: call set_class_counts(counts) first")
        return None if self.class_weight is None else self.class_weight.to(dtype)

    def guarded(self, values: Callable[[], Tensor], targets: Tensor) -> Tensor:
        """The weighted and reduced values, computed outside autocast; raises `LossError` for an index out of range."""
        with without_autocast(targets.device.type):
            try:
                losses = values()
                weight = self._weight_of_classes(losses.dtype)
                if weight is not None:
                    weight = weight[targets]
                    losses = losses * weight
            except (RuntimeError, IndexError) as error:
                if "out of bounds" not in str(error) and "out of range" not in str(error):
                    raise
                raise LossError(
                    f"targets must lie in 0..{self.num_classes - 1}: {error}. "
                    "Labels of -100 or -1 usually mark samples to ignore: remove those from the batch first"
                ) from None
            if self.reduction == "none":
                return losses
            return losses.mean() if weight is None else losses.sum() / weight.sum()

    def check(self, inputs: Tensor, targets: Tensor, *, width: int | None = None) -> None:
        """Check shapes and dtypes of logits `(B, K)` (or features `(B, width)`) and labels `(B,)`; else `LossError`."""
        what = "logits" if width is None else "features"
        width = self.num_classes if width is None else width
        if inputs.ndim != 2 or inputs.shape[1] != width:
            raise LossError(f"{what} must be (B, {width}), got {tuple(inputs.shape)}")
        if not inputs.is_floating_point():
            raise LossError(f"{what} must be floating point, got {inputs.dtype}")
        if targets.ndim == 2 and targets.is_floating_point():
            raise LossError(
                f"{' and '.join(self.not_linear)} cannot take soft targets (B, K), only class indices (B,): they are "
                "for losses that are linear in the label"
            )
        if targets.shape != inputs.shape[:1]:
            raise LossError(f"targets must be ({inputs.shape[0]},), got {tuple(targets.shape)}")
        if targets.dtype != torch.int64:
            raise LossError(f"targets must be int64 class indices, got {targets.dtype}")


def require(condition: Tensor, message: str) -> None:
    """Raise `LossError` unless the 0-dimensional condition is true; on a GPU, without waiting, a device-side assertion.

    Not checked inside torch.func's transforms and compiled code.
    """
    if torch.compiler.is_compiling() or torch._C._functorch.peek_interpreter_stack() is not None:
        return
    try:
        torch._assert_async(condition, message)
    except RuntimeError as error:
        raise LossError(message) from error


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
