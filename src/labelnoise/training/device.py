"""Where a trial runs and in which precision."""

from __future__ import annotations

import contextlib
import platform

import torch


def choose() -> torch.device:
    """The first visible CUDA device, else the CPU."""
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def describe(device: torch.device) -> str:
    """The device in words, for run.json."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu ({platform.processor() or platform.machine()})"


def precision_used(requested: str, device: torch.device) -> str:
    """`auto` is bf16 on a GPU that has it and fp32 elsewhere."""
    if requested != "auto":
        return requested
    return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "fp32"


def autocast(precision: str, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """The forward pass's context; losses leave it by themselves and compute in float32."""
    if precision == "bf16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()
