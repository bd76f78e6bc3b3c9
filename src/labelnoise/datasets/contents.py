"""What a data set's images held when they were read: shows files rewritten in place, and copies in test sets.

Names, sizes and times do not show that a file was rewritten at the same size, as pictures without compression are.
Preparing a data set reads every file anyway, and records the hashes of their contents; from then on a file is read
again only when its size or time has changed.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise.files import canonical_hash, replacing

_NAME = "contents.npz"
_BYTES = 16

# Copies are listed up to this number.
_LISTED = 5


def digest(content: Any) -> bytes:
    """The hash of a file's or an image's bytes."""
    return hashlib.blake2b(content, digest_size=_BYTES).digest()


@dataclass(frozen=True)
class Contents:
    """Files, relative to the data set's folder, with their size, time of change in ns, and hash, each `(N,)`."""

    files: np.ndarray
    sizes: np.ndarray
    times: np.ndarray
    digests: np.ndarray

    @classmethod
    def of(cls, files: Sequence[str], stats: Sequence[os.stat_result], digests: Sequence[bytes]) -> Contents:
        """From one entry per file, which is listed once."""
        return cls(
            np.array([file.encode() for file in files], dtype=bytes),
            np.array([stat.st_size for stat in stats], dtype=np.int64),
            np.array([stat.st_mtime_ns for stat in stats], dtype=np.int64),
            np.frombuffer(b"".join(digests), dtype=f"V{_BYTES}"),
        )

    def keys(self) -> list[tuple[bytes, int, int]]:
        """The name, size and time of each file, which identify its content."""
        return list(zip(self.files.tolist(), self.sizes.tolist(), self.times.tolist(), strict=True))

    def save(self, folder: Path) -> None:
        with replacing(folder / _NAME) as temporary, temporary.open("wb") as file:
            np.savez(file, files=self.files, sizes=self.sizes, times=self.times, digests=self.digests)

    def has_contents_of(self, other: Contents) -> bool:
        """Whether the same files have the same contents."""
        return np.array_equal(self.files, other.files) and self.digests.tobytes() == other.digests.tobytes()

    def has_times_of(self, other: Contents) -> bool:
        """Whether the same files have the same sizes and times."""
        mine, theirs = (self.files, self.sizes, self.times), (other.files, other.sizes, other.times)
        return all(np.array_equal(ours, others) for ours, others in zip(mine, theirs, strict=True))

    def __len__(self) -> int:
        return len(self.files)


def read(folder: Path) -> Contents | None:
    """The contents recorded in the folder of a prepared data set; None if there is no readable record."""
    try:
        with np.load(folder / _NAME, allow_pickle=False) as file:
            return Contents(*(file[name] for name in ("files", "sizes", "times", "digests")))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def look(
    source: Path, files: Sequence[str], stats: Sequence[os.stat_result], known: Iterable[Contents]
) -> Contents | None:
    """The contents of the files now; a file that a record knows at its size and time is not read. None if one is gone.

    `stats` are the files' sizes and times. Returns the record itself if it is up to date.
    """
    unread = Contents.of(files, stats, [bytes(_BYTES)] * len(files))
    digests: dict[tuple[bytes, int, int], bytes] = {}
    for record in known:
        if record.has_times_of(unread):
            return record
        digests |= dict(zip(record.keys(), record.digests.tolist(), strict=True))
    found = []
    for file, key in zip(files, unread.keys(), strict=True):
        try:
            found.append(digests[key] if key in digests else digest((source / file).read_bytes()))
        except OSError:
            return None
    return Contents.of(files, stats, found)


def fingerprint(base: str, first: Contents, now: Contents) -> str:
    """The identity of a data set: `base` while its files hold what they held when it was first prepared."""
    return base if now.has_contents_of(first) else canonical_hash([base, digest(now.digests.tobytes()).hex()])


def copies(
    train: Sequence[tuple[str, bytes]], tests: Mapping[str, Sequence[tuple[str, bytes]]]
) -> dict[str, dict[str, Any]]:
    """How many images of each test set equal a training image, with the names of the first; from (name, hash) pairs.

    Test sets without copies are left out.
    """
    originals: dict[bytes, str] = {}
    for name, hashed in train:
        originals.setdefault(hashed, name)
    found = {}
    for test_set, images in tests.items():
        pairs = [[name, originals[hashed]] for name, hashed in images if hashed in originals]
        if pairs:
            found[test_set] = {"count": len(pairs), "size": len(images), "first": pairs[:_LISTED]}
    return found


def describe_copies(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A sentence for each test set with copies."""
    return [
        f"{copied['count']} of {copied['size']} images of {test_set} are copies of training images, so their accuracy "
        f"is too high ({', '.join(f'{copy} = {original}' for copy, original in copied['first'])}"
        f"{' …' if copied['count'] > len(copied['first']) else ''})"
        for test_set, copied in found.items()
    ]
