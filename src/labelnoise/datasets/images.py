"""Read image files, and find unreadable ones before training."""

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

# Modes whose values a conversion to 8 bits would clip rather than scale.
_DEEP = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")

# EXIF's orientation tag, and its value for upright.
_ORIENTATION, _UPRIGHT = 0x0112, 1


def may_be_left_out(count: int) -> int:
    """The number of training images, out of `count`, that may be unreadable."""
    return max(1, int(UNREADABLE_LIMIT * count))


def read(path: Path) -> Image:
    """Read an image as RGB, as torchvision's ImageFolder does; raises `OSError` if it is missing or broken.

    Palettes, grey, CMYK and transparent images are converted (transparency is dropped); an EXIF rotation is not
    applied. More than 8 bits per channel are an error, since a conversion would clip them.
    """
    from PIL import Image as pillow

    if path.is_file() and not path.stat().st_size:
        raise OSError(f"{path}: the file is empty (0 bytes)")
    try:
        with pillow.open(path) as image:
            if image.mode in _DEEP:
                raise OSError(f"{path}: its pixels have more than 8 bits (mode {image.mode}); convert it")
            return image.convert("RGB")
    except (SyntaxError, ValueError, pillow.DecompressionBombError) as error:  # PIL raises these too
        raise OSError(f"{path}: {error}") from None


def _inspect_all(root: Path, files: Sequence[str], what: str) -> tuple[dict[int, str], int]:
    """Index → reason of every unreadable file, and the number of other files with an EXIF rotation.

    Reads all files in parallel and shows progress.
    """
    from tqdm import tqdm

    broken: dict[int, str] = {}
    rotated = 0
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        inspections = pool.map(partial(_inspect, root), files, chunksize=64)
        for index, (reason, is_rotated) in enumerate(
            tqdm(inspections, total=len(files), desc=f"reading {what}", file=sys.stdout, ascii=True, mininterval=2)
        ):
            rotated += is_rotated
            if reason:
                broken[index] = reason
    return broken, rotated


def unreadable(root: Path, files: Sequence[str], what: str, *, complete: bool) -> tuple[dict[int, str], int]:
    """Index → reason of every unreadable file, and the number of other files with an EXIF rotation (not applied).

    Raises `UserError` if more files are unreadable than `may_be_left_out`, or if any is and `complete` is true.
    """
    broken, rotated = _inspect_all(root, files, what)
    problems = [f"{files[index]}: {reason}" for index, reason in broken.items()]
    allowed = 0 if complete else may_be_left_out(len(files))
    if len(broken) > allowed:
        listed = "\n".join(f"  {line}" for line in problems[:10])
        more = f"\n  … and {len(problems) - 10} more" if len(problems) > 10 else ""
        rule = "a test set must be complete" if complete else f"up to {allowed} would be left out"
        raise UserError(
            f"{root}: {len(broken)} of {len(files)} images of {what} cannot be read ({rule}); replace them:\n"
            f"{listed}{more}"
        )
    return broken, rotated


def _inspect(root: Path, file: str) -> tuple[str, bool]:
    """Why the image is unreadable (empty if it is readable), and whether it has an EXIF rotation."""
    try:
        image = read(root / file)
    except OSError as error:
        return str(error).replace(str(root / file), "").strip(" :'") or "broken", False
    return "", image.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT
