"""Tell errors of the machine, from which another attempt may recover, from those of the trial."""

from __future__ import annotations

import re

import torch

from labelnoise.errors import NO_ROOM

_RESUMES = "the trial resumes from its checkpoint"
_MEMORY = (
    "the GPU is out of memory, perhaps because of other trials on it: lower trials_per_gpu, and "
    f"{_RESUMES}; with a smaller batch_size it is a new trial"
)
_BROKEN = f"the GPU or its driver failed; {_RESUMES} when it is run again"

# What torch says → what it means, most specific first.
_MEANINGS = (
    (r"no kernel image|invalid device function|ARCH_MISMATCH",
     "this torch has no kernels for the GPU; install a torch that has, or set gpus: 0"),
    (r"busy or unavailable|device\(s\) is/are busy",
     f"another process has the GPU to itself (exclusive mode); wait for it, or set gpus: 0; {_RESUMES}"),
    (r"driver version is insufficient|driver on your system is too old|no NVIDIA driver",
     "the driver is too old for this torch, or missing; update it, or set gpus: 0"),
    (r"CUDA error: out of memory|CUDA out of memory|(CUBLAS|CUDNN)_STATUS_ALLOC_FAILED", _MEMORY),
    # cuBLAS and cuDNN often fail so when there is no memory left for their handle.
    (r"(CUBLAS|CUDNN)_STATUS_NOT_INITIALIZED", _MEMORY),
    (r"(CUBLAS|CUDNN)_STATUS_(INTERNAL_ERROR|EXECUTION_FAILED|MAPPING_ERROR|LICENSE_ERROR)", _BROKEN),
    (r"ECC error|CUDA (driver )?error|CUDA-capable device|CUDA initialization|NVML", _BROKEN),
    (r"DefaultCPUAllocator|Cannot allocate memory",
     f"the machine is out of memory, perhaps because of other trials on it: run fewer at a time; {_RESUMES}"),
)  # fmt: skip

# An index out of range and the like, in the trial's own code.
_OF_THE_TRIAL = "device-side assert"


def explain(error: BaseException) -> str | None:
    """What an error of the machine means, and the remedy; None if the error is the trial's own.

    A full disk is not explained here: it ends the job with an `OSError` that says so itself.
    """
    if isinstance(error, torch.OutOfMemoryError):
        return _with_text(_MEMORY, error)
    if not isinstance(error, RuntimeError) or _OF_THE_TRIAL in str(error):
        return None
    for pattern, meaning in _MEANINGS:
        if re.search(pattern, str(error)):
            return _with_text(meaning, error)
    return None


def _with_text(meaning: str, error: BaseException) -> str:
    return f"{meaning} ({str(error).strip().partition(chr(10))[0]})"


def is_no_room(error: BaseException) -> bool:
    """Whether the disk is full or read-only."""
    return isinstance(error, OSError) and error.errno in NO_ROOM
