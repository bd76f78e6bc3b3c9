"""A user's own loss is checked by parsing its file; only a trial runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelnoise import targets
from labelnoise.errors import UserError

FILE = """\
raise SystemExit("this file was run")

class Base:
    def __init__(self, num_classes, q, weight=1.0): ...

class Mine(Base): ...

class Free:
    def __init__(self, **anything): ...

class Plain: ...

class Smooth(nn.CrossEntropyLoss): ...

@dataclass(eq=False)
class Fields(nn.Module):
    q: float
    weight: float = 1.0

class Below(Fields): ...
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FILE)
    return tmp_path


@pytest.mark.parametrize(
    ("cls", "params"),
    [
        ("Mine", {"q": 1}),
        ("Free", {"x": 1}),
        ("Plain", {}),
        ("Smooth", {"label_smoothing": 0.1}),
        ("Fields", {"q": 1}),
        ("Below", {"q": 1, "weight": 2}),
    ],
)
def test_valid_parameters_pass_without_running_the_file(cls: str, params: dict):
    targets.resolve(f"mine:{cls}", params, supplied=("num_classes",))


@pytest.mark.parametrize(
    ("cls", "params", "message"),
    [
        ("Mine", {"q": 1, "wieght": 2}, "unknown parameter 'wieght' — did you mean weight\\? Allowed: q, weight"),
        ("Mine", {}, "needs a value for: q"),
        ("Plain", {"q": 1}, "takes no parameters"),
        ("Mien", {}, "did you mean Mine"),
        ("Fields", {"wieght": 1}, "unknown parameter 'wieght' — did you mean weight"),
        ("Below", {}, "needs a value for: q"),
    ],
)
def test_wrong_class_or_parameter_is_refused(cls: str, params: dict, message: str):
    with pytest.raises(UserError, match=message):
        targets.resolve(f"mine:{cls}", params, supplied=("num_classes",))


def test_syntax_error_is_named_with_its_line(folder: Path):
    (folder / "broken.py").write_text("class A:\n  def")
    with pytest.raises(UserError, match=r"broken.py, line 2"):
        targets.resolve("broken:A", {})


def test_dataclass_beside_the_loss_with_postponed_annotations_loads(folder: Path):
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    (folder / "data.py").write_text(text + "@dataclass\nclass A:\n    x: int = 1\n\nclass Good: ...\n")
    assert targets.create(targets.resolve("data:Good", {}), num_classes=2) is not None


def test_num_classes_is_passed_if_init_takes_it(folder: Path):
    (folder / "good.py").write_text(
        FILE.split("class Smooth")[0].split("\n", 1)[1].replace("Plain: ...", "Plain:\n    q = 3")
    )
    assert targets.create(targets.resolve("good:Mine", {"q": 1}, supplied=("num_classes",)), num_classes=7) is not None
    assert targets.create(targets.resolve("good:Plain", {}), num_classes=7).q == 3
