"""Where a trial runs, in which precision, and how reproducibly."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import re
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch

from labelnoise.errors import UserError
from labelnoise.models import catalogue as models

WAIT_SECONDS = 0.5
# Exists where the NVIDIA driver has found a GPU.
_GPU_FILE = Path("/dev/nvidia0")
# mallopt's parameters, from glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
# Largest block to keep: the papers' CNNs have tensors of up to 34 MB; keeping larger ones costs more than it gains.
KEPT_BYTES = 64 << 20


@contextlib.contextmanager
def acquired(gpus: int | None = None, trials_per_gpu: int = 1) -> Iterator[torch.device]:
    """Reserve a device for this trial until the block ends: a free slot of a GPU, or the CPU if there is no GPU.

    `gpus` and what is raised are those of `usable_gpus`. Waits while all slots are taken.
    """
    if trials_per_gpu < 1:
        raise UserError(f"trials_per_gpu must be ≥ 1, got {trials_per_gpu}")
    use = usable_gpus(gpus)
    if use == 0:
        if gpus is None and (why := unusable_gpu()):
            print(f"warning: {why}; this trial runs on the CPU", flush=True)
        prepare(torch.device("cpu"))
        yield torch.device("cpu")
        return
    names = [str(torch.cuda.get_device_properties(number).uuid) for number in range(use)]
    with slot(names, trials_per_gpu) as number:
        torch.cuda.set_device(number)
        prepare(torch.device("cuda", number))
        yield torch.device("cuda", number)


def usable_gpus(gpus: int | None = None) -> int:
    """How many GPUs to use: `gpus` of the visible ones (None: all; 0: none).

    GPUs that SLURM or the user hides with CUDA_VISIBLE_DEVICES stay hidden. Raises `UserError` if fewer are visible
    than requested, or torch has no kernels for one of them.
    """
    if gpus is not None and gpus < 0:
        raise UserError(f"gpus must be ≥ 0, got {gpus}")
    visible = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if gpus is not None and gpus > visible:
        hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
        why = unusable_gpu() or (f"CUDA_VISIBLE_DEVICES={hidden}" if hidden is not None else "")
        raise UserError(
            f"{gpus} GPUs are requested, but {visible} can be used here{f' ({why})' * bool(why)}; lower `gpus`"
        )
    use = visible if gpus is None else gpus
    for number in range(use):
        _check_kernels(number)
    return use


def _check_kernels(number: int) -> None:
    """Raise `UserError` if torch has no kernels for the GPU, which would fail at the first operation."""
    major, minor = torch.cuda.get_device_capability(number)
    kernels = torch.cuda.get_arch_list()  # such as sm_90, and compute_90, from which later GPUs can be compiled for
    numbers = [(name.partition("_")[0], re.sub(r"\D", "", name)) for name in kernels]
    fits = any(
        (kind == "sm" and int(digits[:-1]) == major and int(digits[-1]) <= minor)
        or (kind == "compute" and (int(digits[:-1]), int(digits[-1])) <= (major, minor))
        for kind, digits in numbers
    )
    if numbers and not fits:
        raise UserError(
            f"torch {torch.__version__} has no kernels for {torch.cuda.get_device_name(number)} (compute capability "
            f"{major}.{minor}; it has {', '.join(kernels)}): install a torch that has, or set gpus: 0 for the CPU"
        )


def unusable_gpu() -> str | None:
    """Why torch cannot use the NVIDIA GPU of this machine; None if it can, or there is none."""
    if not _GPU_FILE.exists() and shutil.which("nvidia-smi") is None:
        return None
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return None  # hidden on purpose
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if torch.cuda.is_available():
            return None
    if torch.version.cuda is None:
        return "this machine has a GPU, but torch is a build without CUDA"
    said = str(caught[0].message).partition("(Triggered")[0].strip() if caught else "perhaps its driver is too old"
    return f"this machine has a GPU, but torch {torch.__version__} cannot use it: {said}"


@contextlib.contextmanager
def slot(names: list[str], trials_per_gpu: int, folder: Path | None = None) -> Iterator[int]:
    """Take a free slot of one of the devices `names`, empty devices first; yields the device's index in `names`.

    A slot is a `flock`, so it is freed when its process dies, however it dies. The lock files are in a folder of the
    user in the machine's temporary folder, so all of the user's experiments on the machine share them.
    """
    folder = folder or Path(tempfile.gettempdir()) / f"labelnoise-gpus-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    is_reported = False
    while True:
        for slot_number in range(trials_per_gpu):
            for number, name in enumerate(names):
                with (folder / f"{name}-{slot_number}.lock").open("w") as handle:
                    try:
                        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        continue
                    yield number
                    return
        if not is_reported:
            print(f"waiting for one of {len(names) * trials_per_gpu} GPU slots in {folder}", flush=True)
            is_reported = True
        time.sleep(WAIT_SECONDS)


def prepare(device: torch.device) -> None:
    """Configure the process, once, before it trains on the device."""
    if device.type == "cuda":
        torch.backends.cudnn.allow_tf32 = False  # fp32 means fp32; bf16 does not use TF32
    else:
        _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Keep freed memory in this process for its next tensors: every step allocates what the last one freed.

    By default glibc returns large blocks to the system, and getting them back costs a page fault per 4 kB
    (benchmarks/README.md has the gain and the cost in memory). Does nothing without glibc. Older versions refuse a
    threshold above 32 MB; without a threshold they would map every block again, so trimming is set last.
    """
    with contextlib.suppress(AttributeError):
        libc = ctypes.CDLL(None)
        if libc.mallopt(M_MMAP_THRESHOLD, KEPT_BYTES) or libc.mallopt(M_MMAP_THRESHOLD, 32 << 20):
            libc.mallopt(M_TRIM_THRESHOLD, -1)


def precision_used(requested: str, device: torch.device, model: models.Model) -> str:
    """Resolve `auto`: bf16 on a CPU that supports it, for networks measured to be faster (benchmarks/README.md).

    Also bf16 on a GPU that supports it, which is assumed to be faster until measured. Otherwise fp32.
    """
    if requested != "auto":
        return requested
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    has_bf16 = torch.cpu._is_avx512_bf16_supported()
    return "bf16" if has_bf16 and models.find(model).faster_in_bf16 else "fp32"


def autocast(precision: str, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """The context of the forward pass; losses disable it themselves and compute in float32."""
    if precision == "bf16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return contextlib.nullcontext()


@contextlib.contextmanager
def deterministic(wanted: bool = True) -> Iterator[None]:
    """On a GPU, inside the block: use kernels that give the same bits every time if `wanted`, else the fastest ones.

    An operation without such a kernel causes a warning, not an error. The CPU always gives the same bits. cuBLAS reads
    CUBLAS_WORKSPACE_CONFIG at first use, so that setting stays for the rest of the process.
    """
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = not wanted
    if wanted:  # only then, as it imports torch._inductor, which takes a second
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        # Filling memory helps find bugs, but costs kernels.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before
        if wanted:
            torch.use_deterministic_algorithms(False)
