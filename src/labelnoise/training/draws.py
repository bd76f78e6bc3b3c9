"""Random draws that depend on (seed, purpose, epoch) and on nothing else.

So trials are paired over losses, and a resumed trial draws what an undisturbed one would have drawn.
"""

from __future__ import annotations

import hashlib
import random
from typing import Any

import numpy as np
import torch


def generator(seed: int, purpose: str, epoch: int = 0, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator of its own for each (seed, purpose, epoch)."""
    return torch.Generator(device).manual_seed(_mix(seed, purpose, epoch))


def reseed(generator: torch.Generator, seed: int, purpose: str, epoch: int) -> None:
    """Put a generator to where `generator` would start one."""
    generator.manual_seed(_mix(seed, purpose, epoch))


def seed_globally(seed: int, purpose: str, epoch: int = 0) -> None:
    """Seed the global generators, for code that takes no generator (initialisation, transforms, a user's loss)."""
    mixed = _mix(seed, purpose, epoch)
    torch.manual_seed(mixed)
    random.seed(mixed)
    np.random.seed(mixed % 2**32)


def global_state(device: torch.device) -> dict[str, Any]:
    """Where torch's, Python's and numpy's global generators stand, as a checkpoint may hold it."""
    version, words, gauss = random.getstate()
    held: Any = np.random.get_state()
    _, keys, position, has_gauss, cached = held
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        "python": [version, list(words), gauss],
        "numpy": [keys.tolist(), position, has_gauss, cached],
    }


def restore_global(state: dict[str, Any], device: torch.device) -> None:
    """Put them back to where `global_state` found them."""
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
