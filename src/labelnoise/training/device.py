"""Where a trial runs, in which precision, and how exactly it repeats itself."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from labelnoise.errors import UserError
from labelnoise.models import catalogue as models

WAIT_SECONDS = 0.5
# mallopt's parameters, from glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
# Up to this size: the largest tensor of the papers' CNNs has 34 MB; keeping larger ones costs more than it gains.
KEPT_BYTES = 64 << 20


@contextlib.contextmanager
def acquired(gpus: int | None = None, trials_per_gpu: int = 1) -> Iterator[torch.device]:
    """A device of this trial's own until the block ends: a free slot of a GPU, the CPU where there is no GPU.

    `gpus`: how many of the visible GPUs to use (None: all; 0: the CPU). What CUDA_VISIBLE_DEVICES hides, SLURM's or the
    user's, stays hidden. Waits while all slots are taken. Raises `UserError` when fewer GPUs are visible than asked.
    """
    if trials_per_gpu < 1 or (gpus is not None and gpus < 0):
        raise UserError(f"gpus must be ≥ 0 and trials_per_gpu ≥ 1, got {gpus} and {trials_per_gpu}")
    visible = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if gpus is not None and gpus > visible:
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        why = f" (CUDA_VISIBLE_DEVICES={hidden})" if hidden is not None else ""
        raise UserError(f"{gpus} GPUs are asked for, but {visible} can be used here{why}; give another `gpus`")
    use = visible if gpus is None else gpus
    if use == 0:
        prepare(torch.device("cpu"))
        yield torch.device("cpu")
        return
    names = [str(torch.cuda.get_device_properties(number).uuid) for number in range(use)]
    with slot(names, trials_per_gpu) as number:
        torch.cuda.set_device(number)
        prepare(torch.device("cuda", number))
        yield torch.device("cuda", number)


@contextlib.contextmanager
def slot(names: list[str], trials_per_gpu: int, folder: Path | None = None) -> Iterator[int]:
    """The index of the device, of those called `names`, that has a free slot, empty devices first.

    A slot is a `flock`, so it is free again when its process dies, however it dies. They lie in a folder of the user's
    in the machine's temporary folder, so all experiments on the machine share them.
    """
    folder = folder or Path(tempfile.gettempdir()) / f"labelnoise-gpus-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    told = False
    while True:
        for place in range(trials_per_gpu):
            for number, name in enumerate(names):
                with (folder / f"{name}-{place}.lock").open("w") as handle:
                    try:
                        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        continue
                    yield number
                    return
        if not told:
            print(f"waiting for one of {len(names) * trials_per_gpu} GPU slots in {folder}", flush=True)
            told = True
        time.sleep(WAIT_SECONDS)


def prepare(device: torch.device) -> None:
    """What a process does once before it trains on the device."""
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False  # fp32 means fp32; bf16 does not use it
    else:
        _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Let this process keep the memory it frees for its next tensors: every step allocates what the last one freed.

    By itself glibc gives large blocks back to the system, and getting them again costs a page fault for each 4 kB
    (benchmarks/README.md has the gain and what it costs in memory). Does nothing where there is no glibc. Older ones
    refuse a threshold of more than 32 MB; without one they would map every block anew, so trimming is set last.
    """
    with contextlib.suppress(AttributeError):
        libc = ctypes.CDLL(None)
        if libc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES) or libc.mallopt(M_MMAP_THRESHOLD, 32 << 20):
            libc.mallopt(M_TRIM_THRESHOLD, -1)


def precision_used(requested: str, device: torch.device, model: str) -> str:
    """`auto` is bf16 on a CPU that has it for the networks that were measured to be faster (benchmarks/README.md).

    And on a GPU that has it, which is taken for granted until it is measured. It is fp32 elsewhere.
    """
    if requested != "auto":
        return requested
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    has_it = torch.cpu._is_avx512_bf16_supported()
    return "bf16" if has_it and models.find(model).faster_in_bf16 else "fp32"


def autocast(precision: str, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """The forward pass's context; losses leave it by themselves and compute in float32."""
    if precision == "bf16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


@contextlib.contextmanager
def deterministic(wanted: bool = True) -> Iterator[None]:
    """On a GPU, inside the block: kernels that give the same bits every time if `wanted`, else the fastest ones.

    Warned about, not refused, is what has no such kernel. The CPU gives the same bits every time in any case. cuBLAS
    reads CUBLAS_WORKSPACE_CONFIG when it is first used, so a process does not go back from it.
    """
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = not wanted
    if wanted:  # only then: it imports torch._inductor, a second
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        # Filling memory finds bugs, and costs kernels.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before
        if wanted:
            torch.use_deterministic_algorithms(False)
