"""Random draws that depend on (seed, purpose, epoch) only.

So trials of different losses are paired, and a resumed trial draws the same as an uninterrupted one.
"""

from __future__ import annotations

import hashlib
import random
from typing import Any

import numpy as np
import torch


def generator(seed: int, purpose: str, epoch: int = 0, device: torch.device | str = "cpu") -> torch.Generator:
    """A separate generator for each (seed, purpose, epoch)."""
    return torch.Generator(device).manual_seed(_mix(seed, purpose, epoch))


def reseed(generator: torch.Generator, seed: int, purpose: str, epoch: int) -> None:
    """Reset a generator to the state in which `generator` would create it."""
    generator.manual_seed(_mix(seed, purpose, epoch))


def seed_globally(seed: int, purpose: str, epoch: int = 0) -> None:
    """Seed the global generators, for code that takes no generator (initialisation, transforms, a user's loss)."""
    mixed = _mix(seed, purpose, epoch)
    torch.manual_seed(mixed)
    random.seed(mixed)
    np.random.seed(mixed % 2**32)


def global_state(device: torch.device) -> dict[str, Any]:
    """The state of torch's, Python's and numpy's global generators, in a form that a checkpoint can hold."""
    version, words, gauss = random.getstate()
    numpy_state: Any = np.random.get_state()
    _, keys, position, has_gauss, cached = numpy_state
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        "python": [version, list(words), gauss],
        "numpy": [keys.tolist(), position, has_gauss, cached],
    }


def restore_global(state: dict[str, Any], device: torch.device) -> None:
    """Restore what `global_state` returned."""
    torch.set_rng_state(state["torch"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    keys, *rest = state["numpy"]
    np.random.set_state(("MT19937", np.array(keys, dtype=np.uint32), *rest))


def _mix(seed: int, purpose: str, epoch: int) -> int:
    digest = hashlib.sha256(f"{seed}/{purpose}/{epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "little", signed=True)
