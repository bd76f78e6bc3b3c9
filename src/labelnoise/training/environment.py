"""Where and with what a trial is trained: what run.json records besides the times."""

from __future__ import annotations

import os
import platform
import socket
from pathlib import Path
from typing import Any

import numpy as np
import torch

import labelnoise
from labelnoise.training.code_version import code_version

_CPU_INFO = Path("/proc/cpuinfo")


def describe_environment(device: torch.device) -> dict[str, Any]:
    """The machine, the device and the versions of all libraries that results may depend on."""
    return {
        "host": socket.gethostname(),
        "platform": platform.platform(),
        "device": device_name(device),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cuda": torch.version.cuda if device.type == "cuda" else None,
        "cudnn": torch.backends.cudnn.version() if device.type == "cuda" else None,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "labelnoise": labelnoise.__version__,
        "code": code_version(),
    }


def device_name(device: torch.device) -> str:
    """The model of the GPU or CPU; results are promised to have the same bits only on the same model."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else cpu_model()


def cpu_model() -> str:
    """The model of this machine's CPU, as the system names it, else its architecture."""
    try:
        lines = _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == "model name"]
    return next(filter(None, [*named, platform.processor()]), f"{os.uname().machine} CPU")
