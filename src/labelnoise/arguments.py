"""Types of command-line arguments."""

from __future__ import annotations

import argparse


def seed(text: str) -> int:
    """A seed of numpy's RandomState."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"a seed must be a whole number from 0 to 2³² − 1, got {text!r}")
    return int(text)


def rate(text: str) -> float | dict[str, float]:
    """`0.4`, or a rate per class as `cat=0.3,dog=0.1`."""
    if "=" in text:
        return {name: float(value) for name, value in map(text).items()}
    return float(text)


def map(text: str) -> dict[str, str]:
    """`cat=dog,dog=cat`."""
    pairs = [pair.split("=") for pair in text.split(",")]
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise argparse.ArgumentTypeError(f"must look like cat=dog,dog=cat, got {text!r}")
    mapping = {true.strip(): wrong.strip() for true, wrong in pairs}
    if len(mapping) < len(pairs):
        raise argparse.ArgumentTypeError(f"names a class twice: {text!r}")
    return mapping
