"""A pretend CUDA device: tensors say that they are on cuda:0, and compute on the CPU.

`pretend()` replaces what the engine uses of `torch.cuda` and checks every operation as a GPU would:

- tensors of the device and of the host may not meet, except in a copy and for scalars;
- a tensor of the device has no numpy array and cannot be pickled;
- inside `no_waiting()`, and while a graph is captured, whatever waits for the device raises;
- a captured graph computes nothing at capture and is replayed operation by operation.

Autocast, random draws and all arithmetic are the CPU's, so a trial here has the bits of one on the CPU.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

CUDA = torch.device("cuda", 0)

# Operations whose result's values or shape the host must know.
_WAITING = frozenset(
    ("_local_scalar_dense", "is_nonzero", "equal", "nonzero", "nonzero_static", "masked_select", "bincount", "item",
     "repeat_interleave", "unique_dim", "_unique", "_unique2", "unique_consecutive", "histc")
)  # fmt: skip
_INDEXING = frozenset(("index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"))


class Waited(RuntimeError):
    """The host waited for the device, or copied data to or from it, where it must not."""


class OnDevice(Tensor):
    """A tensor on the pretend device; `host` has its values."""

    host: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, host: Tensor) -> OnDevice:
        # torch's own device is the CPU, so that the autograd engine needs no driver.
        made = Tensor._make_wrapper_subclass(
            cls, host.shape, strides=host.stride(), storage_offset=host.storage_offset(), dtype=host.dtype
        )
        made.host = host
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})

    @property
    def device(self) -> torch.device:
        return CUDA

    @property
    def is_cuda(self) -> bool:
        return True

    @property
    def data(self) -> Tensor:
        return self.detach()

    @data.setter
    def data(self, other: OnDevice) -> None:
        self.host = other.host

    def to(self, *args: Any, **kwargs: Any) -> Tensor:
        device, dtype, _, memory_format = torch._C._nn._parse_to(*args, **kwargs)
        if device is not None and device.type == "cpu":
            _waits(f"a copy to the host of {tuple(self.shape)}")
            return self.host.detach().clone().to(dtype=dtype, memory_format=memory_format or torch.preserve_format)
        if (dtype in (None, self.dtype)) and memory_format is None:
            return self
        return super().to(dtype=dtype or self.dtype, memory_format=memory_format or torch.preserve_format)

    def cpu(self) -> Tensor:
        return self.to("cpu")

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def numpy(self, *_: Any, **__: Any) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy it first.")

    def __deepcopy__(self, memo: Any) -> OnDevice:
        return OnDevice(self.host.detach().clone())

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise RuntimeError("a tensor of the device is saved, which a machine without one cannot load")

    def __repr__(self, **_: Any) -> str:
        return f"OnDevice({self.host})"


class _Generator(torch.Generator):
    """A generator that knows its pretend device."""

    def __new__(cls, device: Any = "cpu") -> _Generator:
        made = super().__new__(cls, "cpu")
        made.pretends = torch.device(device).type
        return made


class _State:
    """What is forbidden at the moment, and the graph that is being captured."""

    is_strict = False
    graph: _Graph | None = None
    replays = 0
    # Called with the name of each operation on the device; may raise what a broken GPU raises.
    fault: Callable[[str], None] = staticmethod(lambda name: None)


def _waits(what: str) -> None:
    if _State.graph is not None:
        _State.graph.is_invalid = True
        raise RuntimeError(f"CUDA error: operation not permitted when stream is capturing ({what})")
    if _State.is_strict:
        raise Waited(what)


def _host(value: Any) -> Any:
    return value.host if isinstance(value, OnDevice) else value


def _run(func: Any, args: Any, kwargs: Any) -> Any:
    name = func.overloadpacket.__name__
    values, _ = tree_flatten((args, kwargs))
    ours = [value for value in values if isinstance(value, OnDevice)]
    theirs = [value for value in values if isinstance(value, Tensor) and not isinstance(value, OnDevice)]
    to_device = kwargs.get("device") is not None and torch.device(kwargs["device"]).type == "cuda"
    if not ours and not to_device:
        return func(*args, **kwargs)
    _State.fault(name)
    kwargs = {key: value for key, value in kwargs.items() if key != "pin_memory"}
    if "device" in kwargs:
        kwargs["device"] = torch.device("cpu")
    if name == "_to_copy" and not ours:
        _waits(f"a copy to the device of {tuple(args[0].shape)}")
        return OnDevice(func(*args, **kwargs).clone())
    if name == "copy_":
        if theirs and args[1].ndim:
            _waits(f"a copy between host and device of {tuple(args[1].shape)}")
    else:
        _check_operation(name, args, ours, theirs)
    for generator in (value for value in values if isinstance(value, torch.Generator)):
        if getattr(generator, "pretends", "cpu") != "cuda":
            raise RuntimeError("Expected a 'cuda' device type for generator but found 'cpu'")
        if _State.graph is not None and generator not in _State.graph.generators:
            raise RuntimeError("the generator is not registered with the graph")
    if _State.graph is not None:
        _State.graph.remember(func, args, kwargs)
    host_args, host_kwargs = tree_map(_host, (args, kwargs))
    output = func(*host_args, **host_kwargs)
    if not isinstance(output, Tensor | tuple | list):
        return output
    made = tree_map(lambda value: _wrapped(value, ours), output)
    if _State.graph is not None:
        _State.graph.operations.append((func, args, kwargs, made))
    return made


def _check_operation(name: str, args: Any, ours: list[OnDevice], theirs: list[Tensor]) -> None:
    if name in _WAITING:
        _waits(name)
    if name in _INDEXING and isinstance(args[0], OnDevice):
        for index in (index for index in args[1] if index is not None):
            if not isinstance(index, OnDevice):
                _waits(f"{name} with an index on the host")
            if index.dtype in (torch.bool, torch.uint8):
                _waits(f"{name} with a mask")
        theirs = theirs if any(value.ndim for value in theirs if not any(value is i for i in args[1])) else []
    if ours and any(value.ndim for value in theirs):
        shapes = [tuple(value.shape) for value in theirs]
        raise RuntimeError(f"Expected all tensors to be on the same device, found cuda:0 and cpu! ({name}, {shapes})")


def _wrapped(value: Any, ours: list[OnDevice]) -> Any:
    """The result on the device; the argument itself if it was changed in place."""
    if not isinstance(value, Tensor):
        return value
    for argument in ours:
        if argument.host is value:
            return argument
    return OnDevice(value)


class _Mode(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class _Graph:
    """A CUDA graph: the operations of a capture. Nothing is computed at capture: what was changed is put back."""

    def __init__(self) -> None:
        self.operations: list[tuple[Any, Any, Any, Any]] = []
        self.generators: list[torch.Generator] = []
        self.is_invalid = False
        self._before: list[tuple[Tensor, Tensor]] = []

    def register_generator_state(self, generator: torch.Generator) -> None:
        self.generators.append(generator)

    def remember(self, func: Any, args: Any, kwargs: Any) -> None:
        """Keep the values of what the operation is about to change."""
        # The schema of batch norm hides that it updates the running mean and variance.
        hidden = (3, 4) if func.overloadpacket.__name__ == "native_batch_norm" else ()
        for place, (argument, value) in enumerate(zip(func._schema.arguments, args, strict=False)):
            if place in hidden or (argument.alias_info is not None and argument.alias_info.is_write):
                changed = value if isinstance(value, list | tuple) else [value]
                self._before += [(t.host, t.host.clone()) for t in changed if isinstance(t, OnDevice)]
        if "out" in kwargs:
            raise NotImplementedError("out= while capturing")

    @contextlib.contextmanager
    def capturing(self) -> Iterator[None]:
        states = [generator.get_state() for generator in self.generators]
        _State.graph = self
        try:
            yield
            if self.is_invalid:
                raise RuntimeError("CUDA error: operation failed due to a previous error during capture")
        finally:
            _State.graph = None
            for host, values in reversed(self._before):
                host.copy_(values)
            self._before.clear()
            for generator, state in zip(self.generators, states, strict=True):
                generator.set_state(state)

    def replay(self) -> None:
        _State.replays += 1
        with torch.no_grad(), torch._C._DisableTorchDispatch():
            for func, args, kwargs, output in self.operations:
                host_args, host_kwargs = tree_map(_host, (args, kwargs))
                again, _ = tree_flatten(func(*host_args, **host_kwargs))
                for old, new in zip(tree_flatten(output)[0], again, strict=True):
                    is_copy = isinstance(old, OnDevice) and old.host is not new
                    if is_copy and new.numel() and old.host.data_ptr() != new.data_ptr():
                        old.host.copy_(new)


class _Stream:
    def __init__(self, *_: Any) -> None: ...

    def wait_stream(self, other: Any) -> None: ...


@contextlib.contextmanager
def _capture(graph: _Graph, **_: Any) -> Iterator[None]:
    with graph.capturing():
        yield


@contextlib.contextmanager
def pretend() -> Iterator[None]:
    """Within the block there is one CUDA device, with bf16."""
    properties = SimpleNamespace(uuid="pretend", name="pretend", total_memory=1 << 30)
    cuda = {
        "_lazy_init": lambda: None, "is_available": lambda: True, "device_count": lambda: 1,
        "current_device": lambda: 0, "set_device": lambda device: None, "synchronize": lambda *_: None,
        "get_device_properties": lambda *_: properties, "get_device_name": lambda *_: "pretend",
        "get_device_capability": lambda *_: (9, 0), "get_arch_list": lambda: ["sm_90"],
        "is_bf16_supported": lambda including_emulation=True: True, "manual_seed_all": lambda seed: None,
        "get_rng_state": lambda *_: torch.zeros(16, dtype=torch.uint8), "set_rng_state": lambda *_: None,
        "Stream": _Stream, "current_stream": lambda *_: _Stream(), "stream": lambda _: contextlib.nullcontext(),
        "CUDAGraph": _Graph, "graph": _capture,
    }  # fmt: skip
    autocast, is_enabled = torch.autocast, torch.is_autocast_enabled
    before = torch.__future__.get_overwrite_module_params_on_conversion()
    with contextlib.ExitStack() as patches:
        for name, value in cuda.items():
            patches.enter_context(mock.patch.object(torch.cuda, name, value))
        patches.enter_context(mock.patch.object(torch, "Generator", _Generator))
        patches.enter_context(mock.patch.object(torch, "autocast", lambda _, **options: autocast("cpu", **options)))
        patches.enter_context(mock.patch.object(torch, "is_autocast_enabled", lambda *_: is_enabled("cpu")))
        patches.callback(torch.__future__.set_overwrite_module_params_on_conversion, before)
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        # torch.tensor(…, device="cuda") makes its tensor on the host and copies it.
        patches.callback(torch._C._set_only_lift_cpu_tensors, torch._C._only_lift_cpu_tensors())
        torch._C._set_only_lift_cpu_tensors(True)
        patches.enter_context(_Mode())
        yield


def replays() -> int:
    """How many graphs were replayed so far."""
    return _State.replays


@contextlib.contextmanager
def no_waiting(is_strict: bool = True) -> Iterator[None]:
    """Within the block, whatever makes the host wait for the device raises `Waited`, unless `is_strict` is False."""
    before, _State.is_strict = _State.is_strict, is_strict
    try:
        yield
    finally:
        _State.is_strict = before


@contextlib.contextmanager
def broken(fault: Callable[[str], None]) -> Iterator[None]:
    """Within the block, `fault` is called with the name of every operation on the device, and may raise."""
    with mock.patch.object(_State, "fault", staticmethod(fault)):
        yield
