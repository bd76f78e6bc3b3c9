"""What a data set's images held when they were read: shows files rewritten in place, and copies in test sets.

Names, sizes and times do not show that a file was rewritten at the same size, as pictures without compression are.
Preparing a data set reads every file anyway, and records the hashes of their contents; from then on a file is read
again only when its size or time has changed.
"""

from __future__ import annotations

import dataclasses
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
    """Files by name, relative to the data set's folder, with size, time of change in ns, and hash, each `(N,)`."""

    files: np.ndarray
    sizes: np.ndarray
    times: np.ndarray
    digests: np.ndarray

    @classmethod
    def of(cls, files: Sequence[str], stats: Sequence[os.stat_result], digests: Sequence[bytes]) -> Contents:
        """From one entry per file, in any order."""
        order = sorted(range(len(files)), key=lambda i: files[i])
        return cls(
            np.array([files[i].encode() for i in order], dtype=bytes),
            np.array([stats[i].st_size for i in order], dtype=np.int64),
            np.array([stats[i].st_mtime_ns for i in order], dtype=np.int64),
            np.frombuffer(b"".join(digests[i] for i in order), dtype=f"V{_BYTES}"),
        )

    def identifiers(self) -> list[tuple[bytes, int, int]]:
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
        digests |= dict(zip(record.identifiers(), record.digests.tolist(), strict=True))
    found = []
    for key in unread.identifiers():
        try:
            found.append(digests[key] if key in digests else digest((source / key[0].decode()).read_bytes()))
        except OSError:
            return None
    return dataclasses.replace(unread, digests=np.frombuffer(b"".join(found), dtype=f"V{_BYTES}"))


def fingerprint(base: str, first: Contents, now: Contents) -> str:
    """The identity of a data set: `base` while its files hold what they held when it was first prepared."""
    return base if now.has_contents_of(first) else canonical_hash([base, digest(now.digests.tobytes()).hex()])


# (name, hash) of each image of a split.
Hashes = Sequence[tuple[str, bytes]]


def of_arrays(images: Mapping[str, np.ndarray]) -> dict[str, Hashes]:
    """The hashes of the images `(N, C, H, W)` of each split."""
    return {
        split: [(f"{split} sample {i}", digest(image)) for i, image in enumerate(np.ascontiguousarray(values))]
        for split, values in images.items()
    }


def describe_copies(hashes: Mapping[str, Hashes]) -> list[str]:
    """A sentence for each test set that has copies of training images, with the names of the first."""
    originals: dict[bytes, str] = {}
    for name, hashed in hashes["train"]:
        originals.setdefault(hashed, name)
    sentences = []
    for test_set, images in hashes.items():
        copies = [f"{name} = {originals[hashed]}" for name, hashed in images if hashed in originals]
        if copies and test_set != "train":
            listed = ", ".join(copies[:_LISTED]) + (" …" if len(copies) > _LISTED else "")
            sentences.append(
                f"{len(copies)} of {len(images)} images of {test_set} are copies of training images: {listed}"
            )
    return sentences
