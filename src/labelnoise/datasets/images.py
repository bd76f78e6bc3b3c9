"""Image files: reading one, and finding those that cannot be read before anything is trained on them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from labelnoise.errors import UserError

# At most this share of a training set may be unreadable; those are left out. Test sets are judged whole or not at all.
UNREADABLE_LIMIT = 1e-3

# Modes whose values a conversion to 8 bits would clip, not scale.
_DEEP = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")


def read(path: Path):
    """The image as an RGB PIL image; OSError when it is missing or broken."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.mode in _DEEP:
                raise OSError(f"{path}: its pixels have more than 8 bits (mode {image.mode}); convert it")
            return image.convert("RGB")
    except (SyntaxError, ValueError, Image.DecompressionBombError) as error:  # what PIL raises beside OSError
        raise OSError(f"{path}: {error}") from None


def _unreadable(root: Path, files: Sequence[str], what: str) -> dict[int, str]:
    """Index → reason of every file that cannot be decoded. All are read, in parallel, with progress."""
    from tqdm import tqdm

    found: dict[int, str] = {}
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        reasons = pool.map(partial(_reason, root), files, chunksize=64)
        for index, reason in enumerate(
            tqdm(reasons, total=len(files), desc=f"reading {what}", file=sys.stdout, ascii=True, mininterval=2)
        ):
            if reason:
                found[index] = reason
    return found


def readable(root: Path, files: Sequence[str], labels: Sequence[int], what: str, *, complete: bool):
    """(files, labels, skipped): those that can be decoded, and `file: reason` of those that cannot.

    Raises `UserError` when more than `UNREADABLE_LIMIT` of them (at least one) cannot, or any where `complete`.
    """
    broken = _unreadable(root, files, what)
    told = [f"{files[index]}: {reason}" for index, reason in broken.items()]
    allowed = 0 if complete else max(1, int(UNREADABLE_LIMIT * len(files)))
    if len(broken) > allowed:
        listed = "\n".join(f"  {line}" for line in told[:10])
        more = f"\n  … and {len(told) - 10} more" if len(told) > 10 else ""
        rule = "a test set is judged whole" if complete else f"up to {allowed} would be left out"
        raise UserError(
            f"{root}: {len(broken)} of {len(files)} images of {what} cannot be read ({rule}); get them anew:\n"
            f"{listed}{more}"
        )
    kept = [index for index in range(len(files)) if index not in broken]
    return [files[index] for index in kept], [labels[index] for index in kept], told


def _reason(root: Path, file: str) -> str:
    """Why the image cannot be read; empty when it can."""
    try:
        read(root / file)
    except OSError as error:
        return str(error).replace(str(root / file), "").strip(" :'") or "broken"
    return ""
