"""The hash of a user's code changes exactly with what the class uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelnoise.source_code import code_hash

FILE = '''\
"""A module."""
import math

from helper import scale

FACTOR = 2


def double(x):
    return FACTOR * x


class Unused:
    value = 1


class Mine:
    """Mine."""

    def __call__(self, x):
        return double(scale(x)) + math.pi


if __name__ == "__main__":
    print(Mine())
'''
HELPER = "def scale(x):\n    return OFFSET + x\n\nOFFSET = 1\n\ndef other(x):\n    return x\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(FILE)
    Path("helper.py").write_text(HELPER)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("mine.py", '"""Mine."""', '"""Changed."""'),
        ("mine.py", "import math", "import math  # a comment"),
        ("mine.py", "FACTOR * x", "(FACTOR * x)"),
        ("mine.py", "value = 1", "value = 2"),
        ("mine.py", "print(Mine())", "print()"),
        ("helper.py", "    return x\n", "    return 2 * x\n"),
    ],
)
def test_what_the_class_does_not_use_leaves_the_hash_unchanged(file: str, old: str, new: str):
    before = code_hash(Path("mine.py"), "Mine")
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new))
    assert code_hash(Path("mine.py"), "Mine") == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("mine.py", "math.pi", "math.e"),
        ("mine.py", "FACTOR = 2", "FACTOR = 3"),
        ("mine.py", "FACTOR * x", "FACTOR + x"),
        ("mine.py", "import math", "import cmath as math"),
        ("mine.py", "    print(Mine())\n", "    print(Mine())\nelse:\n    FACTOR = 5\n"),
        ("mine.py", "\n\nif __name__", "\n\nMine.factor = 3\n\nif __name__"),
        ("helper.py", "OFFSET + x", "OFFSET - x"),
        ("helper.py", "OFFSET = 1", "OFFSET = 2"),
    ],
)
def test_what_the_class_uses_changes_the_hash(file: str, old: str, new: str):
    before = code_hash(Path("mine.py"), "Mine")
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new))
    assert code_hash(Path("mine.py"), "Mine") != before


def test_code_that_may_reach_any_name_depends_on_its_whole_file():
    Path("mine.py").write_text(FILE.replace("double(scale(x))", "globals()['double'](scale(x))"))
    before = code_hash(Path("mine.py"), "Mine")
    Path("mine.py").write_text(Path("mine.py").read_text().replace("value = 1", "value = 2"))
    assert code_hash(Path("mine.py"), "Mine") != before
