"""`labelnoise record`, and docs/reproducing.md, which is made from what it recorded."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from labelnoise.papers import record, reproducing
from labelnoise.published import differences
from support.project import ROOT, Project


@pytest.fixture
def recorded(copied: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A finished project whose config is an experiment that repeats a made-up paper."""
    monkeypatch.chdir(copied.folder)
    (copied.folder / "experiments").mkdir()
    text = copied.config.read_text() + "published: {paper: made-up.csv, tables: [Table 1]}\n"
    copied.write(text, "experiments/made-up-digits.yaml")
    columns = "paper,table,dataset,test_set,noise,rate,loss,mean,std,note"
    copied.write(f"{columns}\nmade-up,Table 1,digits,test,clean,0.0,CE,1.0,0.1,far off\n", "made-up.csv")
    return copied


def rows() -> list[dict[str, str]]:
    return record.read(Path("docs/measured/made-up-digits.csv"))


def test_finished_trials_are_recorded_with_their_circumstances(recorded: Project):
    assert "8 recorded, 0 already there, 0 trials not finished" in record.record("made-up-digits")
    assert len(rows()) == 8
    for row in rows():
        assert row["device"] and row["torch"] and row["python"] and row["code"] and row["labels_sha256"]
        assert row["precision"] == "fp32"
        assert json.loads(row["recipe"])["epochs"] == 2
        assert float(row["last_accuracy"]) > 0


def test_nothing_is_recorded_twice(recorded: Project):
    result = next(recorded.results.rglob("result.json"))
    result.rename(result.with_name("later.json"))
    assert "7 recorded, 0 already there, 1 trials not finished" in record.record("made-up-digits")
    result.with_name("later.json").rename(result)
    before = rows()
    assert "1 recorded, 7 already there, 0 trials not finished" in record.record("experiments/made-up-digits.yaml")
    assert rows()[:7] == before
    assert len({row["trial"] for row in rows()}) == 8


def test_other_numbers_of_a_recorded_trial_are_refused(recorded: Project):
    record.record("made-up-digits")
    path = Path("docs/measured/made-up-digits.csv")
    kept = rows()
    kept[0]["last_accuracy"] = "12.5"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, record.COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
    before = path.read_text()
    done = recorded.labelnoise("record", "made-up-digits")
    assert done.returncode == 2
    assert f"has trial {kept[0]['trial']}" in done.stderr
    assert "nothing is recorded; delete the row to replace it" in done.stderr
    assert path.read_text() == before


def test_page_compares_recorded_cells_and_says_what_is_doubtful(recorded: Project):
    done = recorded.labelnoise("record", "made-up-digits")
    assert done.returncode == 0, done.stderr
    page = Path("docs/reproducing.md").read_text()
    assert page == reproducing.text()
    (cell,) = [line for line in page.splitlines() if line.startswith("| made-up Table 1, digits")]
    mean = sum(float(row["last_accuracy"]) for row in rows() if row["label"] == "CE" and row["kind"] == "clean") / 2
    for part in ("| 1.00 ± 0.10 |", f"| {mean:.2f} |", "| above |", "far off"):
        assert part in cell


def test_reproducing_is_what_the_records_and_the_printed_numbers_give(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    assert reproducing.PAGE.read_text(encoding="utf-8") == reproducing.text()


def test_every_difference_says_what_paper_code_and_labelnoise_do():
    entries = [entry for paper in differences.read().values() for entry in paper]
    assert len(entries) >= 40
    assert all(entry.keys() == {"what", "paper", "code", "labelnoise"} for entry in entries)
    assert all(isinstance(value, str) and value for entry in entries for value in entry.values())
