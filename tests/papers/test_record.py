"""`labelnoise record`, and docs/reference/reproduced.md, which is made from what it recorded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from labelnoise.errors import UserError
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
    record.write_csv(path, kept, record.COLUMNS)
    before = path.read_text()
    done = recorded.labelnoise("record", "made-up-digits")
    assert done.returncode == 2
    assert f"has trial {kept[0]['trial']}" in done.stderr
    assert "nothing is recorded; delete the row to replace it" in done.stderr
    assert path.read_text() == before


def test_page_compares_recorded_cells_and_says_what_is_doubtful(recorded: Project):
    done = recorded.labelnoise("record", "made-up-digits")
    assert done.returncode == 0, done.stderr
    page = Path("docs/reference/reproduced.md").read_text()
    assert page == reproducing.text()
    (cell,) = [line for line in page.splitlines() if line.startswith("| made-up Table 1, digits")]
    mean = sum(float(row["last_accuracy"]) for row in rows() if row["label"] == "CE" and row["kind"] == "clean") / 2
    for part in ("| 1.00 ± 0.10 |", f"| {mean:.2f} |", "| above |", "far off"):
        assert part in cell


def test_trials_of_an_earlier_config_do_not_join_a_cell(recorded: Project):
    record.record("made-up-digits")
    before = reproducing.text()
    path = Path("experiments/made-up-digits.yaml")
    path.write_text(path.read_text().replace("epochs: 2", "epochs: 3"))
    assert "| made-up Table 1, digits" in before
    assert "| made-up Table 1, digits" not in reproducing.text()
    path.write_text(path.read_text().replace("epochs: 3", "epochs: 2"))
    assert reproducing.text() == before


def test_cell_with_a_diverged_seed_has_no_mean(recorded: Project):
    record.record("made-up-digits")
    path = Path("docs/measured/made-up-digits.csv")
    kept = rows()
    (one, *_) = [row for row in kept if row["label"] == "CE" and row["kind"] == "clean"]
    one |= {"status": "diverged", "last_accuracy": "", "test_set": ""}
    record.write_csv(path, kept, record.COLUMNS)
    assert "| made-up | Table 1 | digits | made-up-digits | 1 | 0 |" in reproducing.text()


def test_own_map_is_not_compared_with_the_printed_noise(recorded: Project):
    header = Path("made-up.csv").read_text().splitlines()[0]
    Path("made-up.csv").write_text(f"{header}\nmade-up,Table 1,digits,test,asymmetric,0.4,CE,1.0,0.1,\n")
    path = Path("experiments/made-up-digits.yaml")
    path.write_text(path.read_text().replace("symmetric, rate: 0.4", "asymmetric, rate: 0.4, map: {3: 8}"))
    manifest = record.manifest_of(path)
    noises = {tuple(entry["printed_as"]) for entry in manifest["trials"]}
    assert ("clean", 0.0) in noises
    assert ("asymmetric", 0.4) not in noises


def test_config_with_the_name_of_an_experiment_is_refused(recorded: Project):
    Path("other").mkdir()
    Path("other/made-up-digits.yaml").write_text(Path("experiments/made-up-digits.yaml").read_text())
    with pytest.raises(UserError, match=r"has the name of experiments/made-up-digits\.yaml"):
        record.record("other/made-up-digits.yaml")
    Path("other/made-up-digits.yaml").rename("other/elsewhere.yaml")
    assert "8 recorded" in record.record("other/elsewhere.yaml")
    assert "| made-up | Table 1 | digits | elsewhere | 1 | 1 |" in reproducing.text()


def test_reproducing_is_what_the_records_and_the_printed_numbers_give(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    assert reproducing.PAGE.read_text(encoding="utf-8") == reproducing.text()


def test_every_difference_says_what_paper_code_and_labelnoise_do():
    entries = [entry for paper in differences.read().values() for entry in paper]
    assert len(entries) >= 40
    assert all(entry.keys() == {"what", "paper", "code", "labelnoise"} for entry in entries)
    assert all(isinstance(value, str) and value for entry in entries for value in entry.values())


def test_every_row_of_a_table_on_the_page_has_as_many_cells_as_its_head():
    width = None
    for line in (ROOT / reproducing.PAGE).read_text(encoding="utf-8").splitlines():
        cells = len(re.split(r"(?<!\\)\|", line)) if line.startswith("|") else None
        assert width is None or cells in (None, width), line
        width = cells
