"""Read image files, and find unreadable ones before training."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from labelnoise.datasets import contents
from labelnoise.errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image

# At most this share of a training set may be unreadable and is left out. Test sets must be complete.
UNREADABLE_LIMIT = 1e-3

# Modes with more than 8 bits per channel.
_DEEP = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")

# TIFF's tag.
_BITS_PER_SAMPLE = 258

# EXIF's orientation tag, and its value for upright.
_ORIENTATION, _UPRIGHT = 0x0112, 1


class DeepImageError(OSError):
    """The image has more than 8 bits per channel. It is not damaged, so it is never left out."""


def may_be_left_out(count: int) -> int:
    """The number of training images, out of `count`, that may be unreadable."""
    return max(1, int(UNREADABLE_LIMIT * count))


def read(path: Path) -> Image:
    """Read an image as RGB, as torchvision's ImageFolder does; raises `OSError` if it is missing or broken.

    Palettes, grey, CMYK and transparent images are converted (transparency is dropped); an EXIF rotation is not
    applied. More than 8 bits per channel are an error, since a conversion would clip or cut them.
    """
    return _decode(path.read_bytes(), path)


def _decode(content: bytes, path: Path) -> Image:
    from PIL import Image as pillow

    if not content:
        raise OSError(f"{path}: the file is empty (0 bytes)")
    try:
        with pillow.open(io.BytesIO(content)) as image:
            if (bits := _bits_per_channel(image)) > 8:
                raise DeepImageError(f"{path}: its pixels have {bits} bits per channel; convert it to 8")
            return image.convert("RGB")
    except DeepImageError:
        raise
    except Exception as error:  # a damaged file may raise anything in Pillow
        raise OSError(f"{path}: {error or type(error).__name__}") from None


def _bits_per_channel(image: Image) -> int:
    """The bits per channel in the file, of which Pillow may keep only 8, as in a 16-bit RGB PNG."""
    tiles = [tile[3] for tile in getattr(image, "tile", [])]  # the arguments of the decoders
    if image.format == "PPM" and tiles and isinstance(tiles[0], tuple) and tiles[0][1]:  # (mode, largest value)
        return int(tiles[0][1]).bit_length()
    if image.mode in _DEEP:
        return 16 if image.mode.startswith("I;") else 32
    if image.format == "PNG":
        return 16 if any(";16" in str(arguments) for arguments in tiles) else 8
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, 8)
        return max(bits) if isinstance(bits, tuple) else int(bits)
    return 8


@dataclass(frozen=True)
class Inspection:
    """What reading a file showed: its content's hash and `stat`, None if it could not be opened.

    `problem` says why the image is unreadable, and is empty if it is not; `is_deep` that it has more than 8 bits.
    """

    digest: bytes | None
    stat: os.stat_result | None
    problem: str = ""
    is_deep: bool = False
    is_rotated: bool = False


def inspect_all(root: Path, files: Sequence[str], what: str) -> list[Inspection]:
    """Read all files in parallel, with progress."""
    from tqdm import tqdm

    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        inspections = pool.map(partial(_inspect, root), files, chunksize=64)
        return list(
            tqdm(inspections, total=len(files), desc=f"reading {what}", file=sys.stdout, ascii=True, mininterval=2)
        )


def unreadable(
    root: Path, files: Sequence[str], inspected: Sequence[Inspection], what: str, *, complete: bool
) -> dict[int, str]:
    """Index → reason of every unreadable file.

    Raises `UserError` if more files are unreadable than `may_be_left_out`, if any is and `complete` is true, or if any
    has more than 8 bits per channel.
    """
    broken = {index: inspection.problem for index, inspection in enumerate(inspected) if inspection.problem}
    problems = [f"{files[index]}: {reason}" for index, reason in broken.items()]
    is_deep = any(inspection.is_deep for inspection in inspected)
    allowed = 0 if complete or is_deep else may_be_left_out(len(files))
    if len(broken) > allowed:
        listed = "\n".join(f"  {line}" for line in problems[:10])
        more = f"\n  … and {len(problems) - 10} more" if len(problems) > 10 else ""
        rule = f"up to {allowed} would be left out"
        if complete or is_deep:
            rule = "images must have 8 bits per channel" if is_deep else "a test set must be complete"
        raise UserError(
            f"{root}: {len(broken)} of {len(files)} images of {what} cannot be read ({rule}); replace them:\n"
            f"{listed}{more}"
        )
    return broken


def _inspect(root: Path, file: str) -> Inspection:
    path = root / file
    try:
        stat, content = path.stat(), path.read_bytes()
    except OSError as error:
        return Inspection(None, None, _reason(error, path))
    digest = contents.digest(content)
    try:
        image = _decode(content, path)
    except OSError as error:
        return Inspection(digest, stat, _reason(error, path), is_deep=isinstance(error, DeepImageError))
    return Inspection(digest, stat, is_rotated=_is_rotated(image))


def _reason(error: OSError, path: Path) -> str:
    return str(error).replace(str(path), "").strip(" :'") or "broken"


def _is_rotated(image: Image) -> bool:
    """Whether EXIF or XMP says that the image is to be rotated; a damaged block says nothing."""
    try:
        return bool(image.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT)
    except Exception:  # Pillow raises anything from struct.error to SyntaxError
        return False
