"""Reads the pickles of official data sets without running code that they may contain."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise.errors import UserError


def _reconstruct(cls: type, shape: tuple[int, ...], kind: Any) -> np.ndarray:
    """Create a pickled array before its state is set."""
    if cls is not np.ndarray:
        raise pickle.UnpicklingError("an array must be a plain ndarray")
    return np.ndarray.__new__(np.ndarray, shape, kind)


def _encode(text: str, encoding: str) -> bytes:
    """Decode bytes as pickle protocol 2 encodes them."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes are encoded in {encoding}")
    return text.encode("latin1")


_ALLOWED = {
    ("_codecs", "encode"): _encode,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _NumpyUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it requests {module}.{name}, which no data set needs") from None


def numpy_pickle(content: bytes, what: str) -> Any:
    """Unpickle lists, dictionaries, strings and numpy arrays; raises `UserError` that names `what` otherwise."""
    try:
        return _NumpyUnpickler(io.BytesIO(content), encoding="latin1").load()
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{what} cannot be read safely ({error}); nothing in it was run. Download the file again"
        ) from None


def torch_pickle(path: Path) -> Any:
    """Read the same types from a file written by `torch.save`, through torch's `weights_only` reader."""
    import torch
    from numpy._core.multiarray import _reconstruct as reconstruct

    allowed: list[Any] = [
        (reconstruct, "numpy.core.multiarray._reconstruct"),
        (reconstruct, "numpy._core.multiarray._reconstruct"),
        np.ndarray,
        np.dtype,
        *(type(np.dtype(kind)) for kind in ("int64", "int32", "uint8")),
    ]
    try:
        with torch.serialization.safe_globals(allowed):
            return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, KeyError, TypeError, ValueError) as error:
        reason = (str(error).splitlines() or ["it ends early"])[0]
        raise UserError(
            f"{path} cannot be read safely ({reason}); nothing in it was run. Download the file again"
        ) from None
