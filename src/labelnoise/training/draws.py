"""Random draws that depend on (seed, purpose, epoch) and on nothing else.

So trials are paired over losses, and a resumed trial draws what an undisturbed one would have drawn.
"""

from __future__ import annotations

import hashlib

import torch


def generator(seed: int, purpose: str, epoch: int = 0, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator of its own for each (seed, purpose, epoch)."""
    return torch.Generator(device).manual_seed(_mix(seed, purpose, epoch))


def reseed(generator: torch.Generator, seed: int, purpose: str, epoch: int) -> None:
    """Put a generator to where `generator` would start one."""
    generator.manual_seed(_mix(seed, purpose, epoch))


def seed_globally(seed: int, purpose: str, epoch: int = 0) -> None:
    """Seed torch's global generators, for code that takes no generator (initialisation, transforms, a user's loss)."""
    torch.manual_seed(_mix(seed, purpose, epoch))


def _mix(seed: int, purpose: str, epoch: int) -> int:
    digest = hashlib.sha256(f"{seed}/{purpose}/{epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "little", signed=True)
