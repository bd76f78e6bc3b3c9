"""Single images: depth, modes, metadata and damage are read as torchvision reads them, or named."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labelnoise.datasets import images


def test_palettes_cmyk_and_rotated_images_are_read_as_in_torchvision(tmp_path: Path):
    from torchvision.datasets.folder import default_loader

    picture = Image.fromarray(np.arange(8 * 6 * 3, dtype=np.uint8).reshape(8, 6, 3))
    picture.quantize(8).save(tmp_path / "palette.png", transparency=0)
    picture.convert("CMYK").save(tmp_path / "cmyk.jpg")
    picture.convert("LA").save(tmp_path / "alpha.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "rotated.jpg", exif=exif)
    for path in sorted(tmp_path.iterdir()):
        assert np.array_equal(images.read(path), default_loader(str(path))), path.name
    inspected = images.inspect_all(tmp_path, ["palette.png", "rotated.jpg"], "train")
    assert [inspection.is_rotated for inspection in inspected] == [False, True]


def test_empty_image_file_is_refused(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(OSError, match=r"the file is empty \(0 bytes\)"):
        images.read(tmp_path / "a.png")


def png(colour_type: int, channels: int, bits: int) -> bytes:
    """A PNG of 4 × 4 pixels; Pillow writes 16 bits per channel in grey only."""
    row = b"\0" + bytes(range(4 * channels * bits // 8))

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, bits, colour_type, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(4 * row)) + chunk(b"IEND", b"")


def tiff(bits: int, channels: int) -> bytes:
    """An uncompressed TIFF of 4 × 4 pixels."""
    pixels = bytes(16 * channels * bits // 8)
    extra, per_sample = 8 + 2 + 9 * 12 + 4, struct.pack(f"<{channels}H", *[bits] * channels)
    at = extra + 2 * channels
    tags = [
        (256, 3, 1, 4), (257, 3, 1, 4), (258, 3, channels, extra), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, at),
        (277, 3, 1, channels), (278, 3, 1, 4), (279, 4, 1, len(pixels)),
    ]  # fmt: skip
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    return b"II*\0\x08\0\0\0" + directory + per_sample + pixels


DEEP = {
    "grey.png": png(0, 1, 16), "rgb.png": png(2, 3, 16), "grey_alpha.png": png(4, 2, 16), "rgba.png": png(6, 4, 16),
    "rgb.tif": tiff(16, 3),
    "grey.pgm": b"P5 4 4 4095\n" + bytes(32), "rgb.ppm": b"P6 4 4 4095\n" + bytes(96),
    "plain.pgm": b"P2 2 2 4095\n0 1 2 4095\n",
}  # fmt: skip
PLAIN = {
    "rgb.png": png(2, 3, 8), "rgba.png": png(6, 4, 8), "rgb.tif": tiff(8, 3), "rgb.ppm": b"P6 4 4 255\n" + bytes(48),
    "dark.pgm": b"P5 4 4 15\n" + bytes(16),
}  # fmt: skip


@pytest.mark.parametrize("name", DEEP)
def test_images_with_more_than_eight_bits_are_refused_whatever_mode_pillow_gives_them(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(DEEP[name])
    with pytest.raises(OSError, match=rf"{name}: its pixels have 1[26] bits per channel; convert it to 8"):
        images.read(tmp_path / name)


@pytest.mark.parametrize("kind", ["uint16", "int32", "float32"])
def test_grey_images_with_more_than_eight_bits_are_refused(tmp_path: Path, kind: str):
    Image.fromarray(np.arange(64).reshape(8, 8).astype(kind)).save(tmp_path / "deep.tiff")
    with pytest.raises(OSError, match=r"its pixels have (16|32) bits per channel"):
        images.read(tmp_path / "deep.tiff")


@pytest.mark.parametrize("name", PLAIN)
def test_images_with_eight_bits_or_fewer_are_read(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(PLAIN[name])
    assert images.read(tmp_path / name).size == (4, 4)


def damaged_images() -> Iterator[tuple[str, bytes]]:
    """Yield 500 damaged files: cut, overwritten and extended, with EXIF, XMP and colour profiles."""
    random = np.random.default_rng(0)
    picture = Image.fromarray(random.integers(0, 256, (12, 10, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a title"
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="6"/></x:xmpmeta>'
    written = []
    for kind, options in (
        ("JPEG", {"exif": exif, "xmp": xmp, "icc_profile": b"profile"}), ("PNG", {"exif": exif}), ("BMP", {}),
        ("TIFF", {"exif": exif}), ("TIFF", {"compression": "tiff_lzw"}), ("WEBP", {"exif": exif, "xmp": xmp}),
        ("PPM", {}), ("GIF", {}),
    ):  # fmt: skip
        buffer = io.BytesIO()
        picture.save(buffer, kind, **options)
        written.append((kind.lower(), buffer.getvalue()))
    for i in range(500):
        kind, content = written[i % len(written)]
        damaged = bytearray(content)
        for _ in range(random.integers(1, 12)):
            # Most of the damage is in the headers, where the parsers are.
            damaged[int(len(damaged) * random.random() ** 3)] = random.integers(256)
        if i % 5 == 0:
            damaged = damaged[: random.integers(1, len(damaged))]
        yield f"{i:03}.{kind}", bytes(damaged)


def test_damaged_images_are_read_or_named_and_never_end_the_preparation(tmp_path: Path):
    names = []
    for name, content in damaged_images():
        (tmp_path / name).write_bytes(content)
        names.append(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inspected = [images._inspect(tmp_path, name) for name in names]
    assert all(inspection.digest and inspection.stat for inspection in inspected)
    unreadable = sum(bool(inspection.problem) for inspection in inspected)
    assert 50 < unreadable < 450


@pytest.mark.parametrize(
    "block", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\0\x02\x01"]
)
def test_broken_exif_block_means_no_rotation(tmp_path: Path, block: bytes):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", exif=block)
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png", exif=block)
    for name in ("a.jpg", "b.png"):
        inspection = images._inspect(tmp_path, name)
        assert (inspection.problem, inspection.is_rotated) == ("", False)
