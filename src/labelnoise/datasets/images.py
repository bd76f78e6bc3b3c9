"""Image files: reading one, and finding those that cannot be read before anything is trained on them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from labelnoise.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image

# At most this share of a training set may be unreadable and is left out. Test sets must be complete.
UNREADABLE_LIMIT = 1e-3

# Modes whose values a conversion to 8 bits would clip, not scale.
_DEEP = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")


# EXIF's tag for how the camera was held, and its value for upright.
_ORIENTATION, _UPRIGHT = 0x0112, 1


def may_be_left_out(count: int) -> int:
    """The number of training images, out of `count`, that may be unreadable."""
    return max(1, int(UNREADABLE_LIMIT * count))


def read(path: Path) -> Image:
    """The image as an RGB PIL image, as torchvision's ImageFolder reads it; OSError when it is missing or broken.

    Palettes, grey, CMYK and transparent images are converted (transparency is dropped), an EXIF rotation is not
    applied. More than 8 bits a channel are an error, since a conversion would clip them.
    """
    from PIL import Image as pillow

    if path.is_file() and not path.stat().st_size:
        raise OSError(f"{path}: the file is empty (0 bytes)")
    try:
        with pillow.open(path) as image:
            if image.mode in _DEEP:
                raise OSError(f"{path}: its pixels have more than 8 bits (mode {image.mode}); convert it")
            return image.convert("RGB")
    except (SyntaxError, ValueError, pillow.DecompressionBombError) as error:  # what PIL raises beside OSError
        raise OSError(f"{path}: {error}") from None


def _inspected(root: Path, files: Sequence[str], what: str) -> tuple[dict[int, str], int]:
    """Index → reason of every file that cannot be decoded, and how many of the others have an EXIF rotation.

    All are read, in parallel, with progress.
    """
    from tqdm import tqdm

    broken: dict[int, str] = {}
    rotated = 0
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        looks = pool.map(partial(_look, root), files, chunksize=64)
        for index, (reason, is_rotated) in enumerate(
            tqdm(looks, total=len(files), desc=f"reading {what}", file=sys.stdout, ascii=True, mininterval=2)
        ):
            rotated += is_rotated
            if reason:
                broken[index] = reason
    return broken, rotated


def unreadable(root: Path, files: Sequence[str], what: str, *, complete: bool) -> tuple[dict[int, str], int]:
    """Index → reason of every file that cannot be decoded, and how many others have an EXIF rotation, not applied.

    Raises `UserError` when more than `UNREADABLE_LIMIT` of them (at least one) cannot, or any where `complete`.
    """
    broken, rotated = _inspected(root, files, what)
    told = [f"{files[index]}: {reason}" for index, reason in broken.items()]
    allowed = 0 if complete else may_be_left_out(len(files))
    if len(broken) > allowed:
        listed = "\n".join(f"  {line}" for line in told[:10])
        more = f"\n  … and {len(told) - 10} more" if len(told) > 10 else ""
        rule = "a test set must be complete" if complete else f"up to {allowed} would be left out"
        raise UserError(
            f"{root}: {len(broken)} of {len(files)} images of {what} cannot be read ({rule}); replace them:\n"
            f"{listed}{more}"
        )
    return broken, rotated


def _look(root: Path, file: str) -> tuple[str, bool]:
    """Why the image cannot be read (empty when it can), and whether it has an EXIF rotation."""
    try:
        image = read(root / file)
    except OSError as error:
        return str(error).replace(str(root / file), "").strip(" :'") or "broken", False
    return "", image.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT
