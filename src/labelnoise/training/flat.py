"""All parameters of a model as one vector: L1, clipping and the optimiser are then a few operations, not hundreds."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn

from labelnoise.errors import UserError

# On a GPU parameters start at multiples of this many elements, as kernels load 16 bytes at once. The gaps hold zeros.
ALIGNMENT = 16


class FlatParameters:
    """Holds all parameters in one vector, `values`, and all gradients in another, `values.grad`.

    The modules keep working as before: `parameter.data` and `parameter.grad` become views that keep the parameter's
    memory order, or are contiguous where that order leaves gaps, as in a slice. Gradients are accumulated in place, so
    clear them with `zero_grad()`, never by `grad = None`. The parameters must have passed `check_parameters`.
    """

    def __init__(self, modules: Iterable[nn.Module]):
        parameters = list(dict.fromkeys(p for module in modules for p in module.parameters() if p.requires_grad))
        first = parameters[0]
        step = ALIGNMENT if first.device.type == "cuda" else 1
        offsets = [0, *itertools.accumulate(-(-p.numel() // step) * step for p in parameters)]
        self.values = nn.Parameter(torch.zeros(offsets[-1], dtype=first.dtype, device=first.device))
        self.grad = self.values.grad = torch.zeros_like(self.values.data)
        for p, offset in zip(parameters, offsets, strict=False):
            # `empty_like` keeps the strides of a tensor without gaps and overlaps, and makes others contiguous.
            strides = torch.empty_like(p, device="meta").stride()
            for name, flat in (("data", self.values.data), ("grad", self.grad)):
                view = flat[offset : offset + p.numel()].as_strided(p.shape, strides, offset)
                if name == "data":
                    view.copy_(p.data)
                setattr(p, name, view)

    def zero_grad(self) -> None:
        self.grad.zero_()

    def add_l1(self, weight: float) -> None:
        """Add the gradient of weight · Σ|θ|."""
        self.grad.add_(self.values.detach().sign(), alpha=weight)

    def clip(self, max_norm: float) -> None:
        """Scale the gradient to an L2 norm of at most `max_norm`, as `torch.nn.utils.clip_grad_norm_` does."""
        norm = torch.linalg.vector_norm(self.grad)
        self.grad.mul_((max_norm / (norm + 1e-6)).clamp(max=1.0))


def check_parameters(modules: Mapping[str, nn.Module]) -> None:
    """Raise `UserError`, naming the parameter, if one vector cannot hold the parameters of the named modules.

    One parameter under several names is fine. Call it before the modules are moved to a device, which copies
    parameters that share memory.
    """
    named: dict[nn.Parameter, str] = {}
    for root, module in modules.items():
        for name, parameter in module.named_parameters():
            named.setdefault(parameter, f"{root}.{name}")
    for parameter, name in named.items():
        if nn.parameter.is_lazy(parameter):
            raise UserError(f"the parameter {name} has no size yet, as its module is lazy; give the module its sizes")
    trained = {parameter: name for parameter, name in named.items() if parameter.requires_grad}
    if not sum(parameter.numel() for parameter in trained):
        raise UserError("there is nothing to train: no parameter of the network has requires_grad=True")
    for parameter, name in trained.items():
        if parameter.dtype != torch.float32:
            kind = str(parameter.dtype).removeprefix("torch.")
            raise UserError(f"the parameter {name} is {kind}; trained parameters must be float32")
        if any(stride == 0 and size > 1 for stride, size in zip(parameter.stride(), parameter.shape, strict=True)):
            raise UserError(
                f"the parameter {name} is expanded: several of its elements are one in memory; call .contiguous() "
                "before making it a parameter"
            )
    tensors: dict[Tensor, str] = dict(named.items())
    for root, module in modules.items():
        tensors |= {buffer: f"{root}.{name}" for name, buffer in module.named_buffers()}
    for first, second in _sharing_memory(tensors):
        raise UserError(
            f"{first} and {second} share memory but are different tensors, so training would separate them; to tie "
            "them, assign one parameter to both modules, else copy one with .clone()"
        )


def _sharing_memory(named: Mapping[Tensor, str]) -> Iterator[tuple[str, str]]:
    """Yield the names of pairs of tensors that have elements in common, one of them trained."""
    by_storage: dict[int, list[Tensor]] = defaultdict(list)
    for tensor in named:
        if tensor.layout == torch.strided and tensor.numel():
            by_storage[tensor.untyped_storage().data_ptr()].append(tensor)
    for group in by_storage.values():
        for first, second in itertools.combinations(group, 2):
            is_trained = first.requires_grad or second.requires_grad
            if is_trained and torch.isin(_addresses(first), _addresses(second)).any():
                yield named[first], named[second]


def _addresses(tensor: Tensor) -> Tensor:
    """The position of each element in the tensor's storage, in bytes."""
    positions = torch.tensor(tensor.storage_offset())
    for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
        positions = positions.unsqueeze(-1) + torch.arange(size) * stride
    return positions * tensor.element_size()
