"""The version of the code that computed a trial. Needs no torch."""

from __future__ import annotations

import hashlib
from pathlib import Path

import labelnoise
from labelnoise.files import canonical_hash

ROOMS = ("losses", "noise", "datasets", "models", "training")


def code_version() -> str:
    """A short hash of the sources that determine what a trial computes."""
    package = Path(labelnoise.__file__).parent
    sources = sorted(path for room in ROOMS for path in (package / room).rglob("*") if path.suffix in (".py", ".yaml"))
    contents = {path.relative_to(package).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sources}
    return canonical_hash(contents, digits=8)
