"""What each noise is called and takes. Needs nothing but the standard library.

A new noise is a generator in generators.py and one entry here; `version` rises when its labels change.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NoiseInfo:
    """A catalogue entry; the first variant is the default."""

    kind: str
    title: str
    variants: tuple[str, ...] = ("exact",)
    needs_map: bool = False
    version: int = 1


_ENTRIES = (
    NoiseInfo("clean", "the given labels, unchanged"),
    NoiseInfo("symmetric", "each wrong label is drawn uniformly from the other classes"),
    NoiseInfo("asymmetric", "classes turn into one similar class each, by a map", needs_map=True),
)

NOISES: dict[str, NoiseInfo] = {entry.kind: entry for entry in _ENTRIES}
