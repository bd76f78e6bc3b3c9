"""Which files of a folder are images: by their ending, as torchvision's ImageFolder decides; hidden files never are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePath

# torchvision's IMG_EXTENSIONS.
ENDINGS = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")

# Folders that systems and tools leave beside a user's: macOS's archives, Synology, QNAP, Windows, Linux.
_LEFT_BY_SYSTEMS = frozenset(
    ("__MACOSX", "@eaDir", "#recycle", "@Recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found")
)


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden or left by a system, such as `._name` and `@eaDir`."""
    return name.startswith(".") or name in _LEFT_BY_SYSTEMS


def split(names: Iterable[str]) -> tuple[list[str], Counter[str]]:
    """The images among the file names, sorted, and how many others there are by ending; hidden ones are neither."""
    shown = sorted(name for name in names if not is_hidden(name))
    images = [name for name in shown if _ending(name) in ENDINGS]
    return images, Counter(_ending(name) or "without ending" for name in shown if _ending(name) not in ENDINGS)


def describe(others: Mapping[str, int]) -> str:
    """`8 other files: 4 .gif, 4 .jfif`; empty if there are none."""
    if not others:
        return ""
    count = sum(others.values())
    listed = ", ".join(f"{number} {ending}" for ending, number in sorted(others.items()))
    return f"{count} other file{'s' if count > 1 else ''}: {listed}"


def _ending(name: str) -> str:
    return PurePath(name).suffix.lower()
