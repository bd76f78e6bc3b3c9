"""An .npz of images as zips of lossless pictures, each small enough to be carried to another machine, and back.

python benchmarks/image_parts.py cifar10.npz build/cells      writes build/cells/images-1.zip, images-2.zip, …
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

LIMIT = 50 << 20
_PER_SHEET, _ROWS = 1000, 25


def write(images: Path, folder: Path) -> list[Path]:
    """Write the parts of an .npz with x_train, y_train, x_test and y_test; images are `(N, side, side, 3)`."""
    folder.mkdir(parents=True, exist_ok=True)
    with np.load(images) as arrays:
        held = dict(arrays)
    labels = io.BytesIO()
    np.savez(labels, **{name: values for name, values in held.items() if not name.startswith("x_")})
    members = [("labels.npz", labels.getvalue())]
    for name in ("x_train", "x_test"):
        for start in range(0, len(held[name]), _PER_SHEET):
            members.append((f"{name}-{start:06}.webp", _sheet(held[name][start : start + _PER_SHEET])))
    parts: list[list[tuple[str, bytes]]] = [[]]
    for member in members:
        if sum(len(content) for _, content in parts[-1]) + len(member[1]) > LIMIT:
            parts.append([])
        parts[-1].append(member)
    paths = [folder / f"images-{number}.zip" for number in range(1, len(parts) + 1)]
    for path, part in zip(paths, parts, strict=True):
        with zipfile.ZipFile(path, "w") as archive:  # its members are compressed already
            for name, content in part:
                archive.writestr(name, content)
    return paths


def read(parts: Sequence[Path], images: Path) -> Path:
    """Write the .npz again from all its parts; the arrays, and so the data set's identity, are the same."""
    members: dict[str, bytes] = {}
    for path in parts:
        with zipfile.ZipFile(path) as archive:
            members |= {name: archive.read(name) for name in archive.namelist()}
    with np.load(io.BytesIO(members.pop("labels.npz"))) as arrays:
        held = dict(arrays)
    for name in ("x_train", "x_test"):
        sheets = [members[member] for member in sorted(members) if member.startswith(f"{name}-")]
        wanted = len(held[f"y_{name[2:]}"])
        if _PER_SHEET * len(sheets) < wanted:
            sys.exit(f"{len(sheets)} sheets of {name} are too few for {wanted} labels: a part is missing")
        held[name] = np.concatenate([_images(sheet) for sheet in sheets])[:wanted]
    np.savez(images, **{name: held[name] for name in ("x_train", "y_train", "x_test", "y_test")})
    return images


def _sheet(images: np.ndarray) -> bytes:
    """Rows of images in one lossless picture; a last row is filled up with black."""
    count, side, _, _ = images.shape
    columns = -(-_PER_SHEET // _ROWS)
    padded = np.zeros((_PER_SHEET, side, side, 3), dtype=np.uint8)
    padded[:count] = images
    picture = padded.reshape(_ROWS, columns, side, side, 3).transpose(0, 2, 1, 3, 4)
    content = io.BytesIO()
    Image.fromarray(picture.reshape(_ROWS * side, columns * side, 3)).save(content, "WEBP", lossless=True)
    return content.getvalue()


def _images(sheet: bytes) -> np.ndarray:
    picture = np.asarray(Image.open(io.BytesIO(sheet)).convert("RGB"))
    side = picture.shape[0] // _ROWS
    columns = picture.shape[1] // side
    return picture.reshape(_ROWS, side, columns, side, 3).transpose(0, 2, 1, 3, 4).reshape(-1, side, side, 3)


if __name__ == "__main__":
    for written in write(Path(sys.argv[1]), Path(sys.argv[2])):
        print(f"{written}: {written.stat().st_size / (1 << 20):.1f} MiB")
