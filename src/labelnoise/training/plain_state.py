"""Saves and restores plain attributes of a loss or a user's model: neither parameters nor buffers.

`state_dict` holds parameters and persistent buffers only. A user's loss may keep a running mean as `self.ema`, or a
weight that changes with the epoch; without them, a resumed trial would end with other numbers.
"""

from __future__ import annotations

import collections
import hashlib
import inspect
import pickle
import random
import sys
import sysconfig
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import labelnoise

# Attributes that `nn.Module` itself keeps in every instance.
_OF_MODULE = frozenset(vars(nn.Module()))

# Held by reference, not changed by training, and the same in a new process.
_CONSTANT = (type, types.ModuleType, types.BuiltinFunctionType, torch.dtype, torch.device, nn.Module)


# The folders of installed packages and of labelnoise itself.
_LIBRARIES = [
    *(Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib", "stdlib")),
    Path(labelnoise.__file__).resolve().parent,
]


class UnsavableError(Exception):
    """An attribute changed to a value of a kind that a checkpoint cannot hold."""


class PlainState:
    """The plain attributes of modules and their parts, by name, compared with their values at the start.

    This covers instance attributes and non-persistent buffers of every part, the data of a user's own class, and the
    globals of its file. `changed()` returns those that differ, as values that `torch.load(weights_only=True)` reads on
    any machine; `restore()` puts tensors that were on the `device` of the training back there.
    """

    def __init__(self, modules: Mapping[str, nn.Module], device: torch.device):
        self.modules, self.device = modules, device
        self._initial_marks = {key: _mark(value) for key, (_, value) in self._values()}

    def changed(self) -> dict[str, Any]:
        """The attributes that differ from the start, by name; raises `UnsavableError` for one that cannot be saved."""
        changed = {}
        for key, (_, value) in self._values():
            mark = _mark(value)
            if mark is not None and mark == self._initial_marks.get(key):
                continue
            try:
                changed[key] = _encoded(value)
            except UnsavableError as error:
                raise UnsavableError(f"{key} changes in training, and a checkpoint cannot hold a {error}") from None
        return changed

    def restore(self, saved: dict[str, Any]) -> None:
        """Restore what `changed` returned; buffers in place, so that a captured step sees them."""
        places = {key: (holder, value) for key, (holder, value) in self._values()}
        for key, encoded in saved.items():
            name = key.rpartition(".")[2]
            holder, now = places.get(key, (self._holder(key), None))
            if encoded[0] in _STREAMS:
                _STREAMS[encoded[0]][2](now, encoded[1])
                continue
            value = _decoded(encoded, self.device)
            if isinstance(now, Tensor) and isinstance(value, Tensor) and now.shape == value.shape:
                now.copy_(value)
            elif isinstance(holder, dict):
                holder[name] = value
            else:
                setattr(holder, name, value)

    def _holder(self, key: str) -> Any:
        """The holder of an attribute that was created during training."""
        return {name: holder for name, holder, _ in self._holders()}[key.rpartition(".")[0]]

    def _values(self) -> Iterator[tuple[str, tuple[Any, Any]]]:
        """Yield (name, (holder, value)) for everything that may change."""
        for name, holder, values in self._holders():
            for key, value in values.items():
                is_constant = isinstance(value, _CONSTANT) or (
                    isinstance(value, types.FunctionType) and value.__closure__ is None
                )
                if not is_constant:
                    yield f"{name}.{key}", (holder, value)

    def _holders(self) -> Iterator[tuple[str, Any, dict[str, Any]]]:
        seen = set()
        parts = ((root, name, part) for root, module in self.modules.items() for name, part in module.named_modules())
        for root, name, part in parts:
            where = f"{root}.{name}" if name else root
            hidden = {key: part._buffers[key] for key in part._non_persistent_buffers_set}
            own = {key: value for key, value in vars(part).items() if key not in _OF_MODULE and key != "generator"}
            yield where, part, {key: value for key, value in (own | hidden).items() if value is not None}
            cls = type(part)
            if cls in seen or _is_library_class(cls):
                continue
            seen.add(cls)
            yield f"{where}.__class__", cls, {k: v for k, v in vars(cls).items() if _is_data(k, v)}
            file = vars(sys.modules[cls.__module__])
            yield f"{where}.__globals__", file, {k: v for k, v in file.items() if _is_data(k, v)}


def _is_library_class(cls: type) -> bool:
    """Whether the class is defined in an installed package or in labelnoise, not in a file of the user."""
    try:
        file = Path(inspect.getfile(cls)).resolve()
    except (TypeError, OSError):  # built in, or defined interactively without a file
        return False
    return any(file.is_relative_to(folder) for folder in _LIBRARIES)


def _is_data(name: str, value: Any) -> bool:
    """Whether an entry of a class or a file is data that code may change, not code."""
    plain = (bool, int, float, complex, str, bytes, Tensor, np.ndarray, np.generic)
    grouped = (list, tuple, dict, set, frozenset, collections.deque)
    return not name.startswith("__") and isinstance(value, plain + grouped)


_GROUPS = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "deque": collections.deque}


# Random streams: their class, and how to read and set their state.
_STREAMS: dict[str, tuple[type, Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    "torch.Generator": (
        torch.Generator,
        lambda stream: stream.get_state(),
        lambda stream, state: stream.set_state(state),
    ),
    "numpy.random.Generator": (
        np.random.Generator,
        lambda stream: stream.bit_generator.state,
        lambda stream, state: setattr(stream.bit_generator, "state", state),
    ),
    "random.Random": (
        random.Random,
        lambda stream: [stream.getstate()[0], list(stream.getstate()[1]), stream.getstate()[2]],
        lambda stream, state: stream.setstate((state[0], tuple(state[1]), state[2])),
    ),
}


def _encoded(value: Any) -> Any:
    """The value as [kind, content] that a checkpoint can hold; raises `UnsavableError` if there is no such form."""
    if value is None or type(value) in (bool, int, float, complex, str, bytes):
        return ["plain", value]
    if isinstance(value, Tensor):
        kind = "tensor" if value.device.type == "cpu" else "device tensor"
        return [kind, value.detach().clone().cpu()]
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufc":
        return ["array" if isinstance(value, np.ndarray) else "scalar", torch.from_numpy(np.array(value))]
    if type(value) in (dict, collections.OrderedDict, collections.Counter):
        return [type(value).__name__, [[_encoded(key), _encoded(entry)] for key, entry in value.items()]]
    if type(value) is collections.deque:
        return ["deque", [[_encoded(entry) for entry in value], value.maxlen]]
    if type(value).__name__ in _GROUPS and type(value) in _GROUPS.values():
        entries = [_encoded(entry) for entry in value]
        return [type(value).__name__, sorted(entries, key=repr) if isinstance(value, set | frozenset) else entries]
    for kind, (cls, state, _) in _STREAMS.items():
        if isinstance(value, cls):
            return [kind, state(value)]
    raise UnsavableError(type(value).__name__)


def _mark(value: Any) -> str | None:
    """A hash that shows whether the value has changed; None if there is no way to tell."""
    try:
        return _digest(_encoded(value))
    except (UnsavableError, RuntimeError):  # torch raises it for tensors without values
        pass
    try:
        return hashlib.sha256(pickle.dumps(value)).hexdigest()
    except Exception:  # a user's own class may raise anything
        return None


def _decoded(encoded: Any, device: torch.device) -> Any:
    kind, content = encoded
    if kind in ("plain", "tensor"):
        return content
    if kind == "device tensor":
        return content.to(device)
    if kind in ("array", "scalar"):
        return content.numpy() if kind == "array" else content.numpy()[()]
    if kind in ("dict", "OrderedDict", "Counter"):
        mapping = {"dict": dict, "OrderedDict": collections.OrderedDict, "Counter": collections.Counter}[kind]()
        mapping.update({_decoded(key, device): _decoded(entry, device) for key, entry in content})
        return mapping
    if kind == "deque":
        return collections.deque([_decoded(entry, device) for entry in content[0]], maxlen=content[1])
    return _GROUPS[kind](_decoded(entry, device) for entry in content)


def _digest(encoded: Any) -> str:
    """A hash of an encoded value; tensors by type, shape and bytes."""
    digest = hashlib.sha256()

    def add(entry: Any) -> None:
        if isinstance(entry, Tensor):
            values = entry.cpu().contiguous()
            digest.update(f"{values.dtype}{tuple(values.shape)}".encode())
            digest.update(values.reshape(-1).view(torch.uint8).numpy().tobytes() if values.numel() else b"")
        elif isinstance(entry, list):
            digest.update(b"[")
            for part in entry:
                add(part)
            digest.update(b"]")
        else:
            digest.update(f"{type(entry).__name__}:{entry!r},".encode())

    add(encoded)
    return digest.hexdigest()
