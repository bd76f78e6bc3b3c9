"""What has to be true before a release; `make release` then builds it.

    python envs/release.py

The version must be the same everywhere, CHANGELOG.md must have a dated section for it, everything must be committed,
and the tag must be new or that of this commit.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent

# Where the version is stated besides pyproject.toml.
STATED = {
    "src/labelnoise/__init__.py": r'__version__ = "(.+)"',
    "workflow/Snakefile": r'VERSION = "(.+?)"',
    "CITATION.cff": r"\nversion: (.+)",
    "Containerfile": r"labelnoise:(\S+) \.",
    "docs/how-to/cluster.md": r"--tag labelnoise:(\S+) \.",
}


def version() -> str:
    stated: str = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return stated


def mistakes_in_files() -> Iterator[str]:
    """Yield what is wrong in the files."""
    for name, pattern in STATED.items():
        found = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"))
        if found is None or found[1] != version():
            yield f"{name} states version {found[1] if found else 'none'}, pyproject.toml {version()}"
    heading = rf"^## \[{re.escape(version())}\] - \d{{4}}-\d\d-\d\d$"
    if not re.search(heading, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE):
        yield f"CHANGELOG.md has no section `## [{version()}] - YYYY-MM-DD`"


def mistakes_in_git() -> Iterator[str]:
    """Yield what is wrong in the repository."""
    if _git("status", "--porcelain"):
        yield "something is not committed"
    tagged = _git("tag", "--list", f"v{version()}") and _git("rev-list", "-n", "1", f"v{version()}")
    if tagged and tagged != _git("rev-parse", "HEAD"):
        yield f"the tag v{version()} is that of another commit: raise the version"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    if found := [*mistakes_in_files(), *mistakes_in_git()]:
        sys.exit("\n".join(found))
    print(f"labelnoise {version()} can be released: git tag v{version()} && git push --tags")
