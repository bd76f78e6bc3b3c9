"""A trial's folder: results are read as written, adopted or moved aside, and never overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelnoise.errors import UserError
from labelnoise.trial_folder import Status, TrialFolder, new_result

SPEC = {"seed": 1}


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    (tmp_path / "s1-abc").mkdir()
    return TrialFolder(tmp_path / "s1-abc")


def result(status: Status, identity: str = "abc") -> dict:
    return new_result(SPEC, identity, status, None, labels_sha256="0")


@pytest.mark.parametrize("status", [Status.OK, Status.DIVERGED, Status.FAILED])
def test_result_is_read_as_written(folder: TrialFolder, status: Status):
    assert folder.status == Status.MISSING
    folder.write_result(result(status))
    assert folder.read_result() == result(status)
    assert folder.status == status


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"trial": "abc"}', '{"trial": "abc", "status": "fine"}', '{"trial": "abd", "status": "ok"}'],
)
def test_invalid_result_counts_as_missing(folder: TrialFolder, content: str):
    folder.result.write_text(content)
    assert folder.read_result() == {}
    assert folder.status == Status.MISSING


@pytest.mark.parametrize("status", [Status.OK, Status.DIVERGED])
def test_final_result_deleted_by_snakemake_is_adopted_from_its_copy(folder: TrialFolder, status: Status):
    folder.write_result(result(status))
    written = folder.result.read_bytes()
    folder.result.unlink()
    assert folder.adopt(SPEC) == result(status)
    assert folder.result.read_bytes() == written


def test_failed_result_has_no_copy_so_that_it_is_retried(folder: TrialFolder):
    folder.write_result(result(Status.FAILED))
    folder.result.rename(folder.next_failed())
    assert folder.adopt(SPEC) is None


def test_damaged_result_is_moved_aside_and_its_copy_adopted(folder: TrialFolder, capsys):
    folder.write_result(result(Status.OK))
    folder.result.write_text("{")
    assert folder.adopt(SPEC) == result(Status.OK)
    assert folder.result.with_suffix(".unusable").read_text() == "{"
    assert "damaged" in capsys.readouterr().out


def test_result_of_another_trial_is_rejected(folder: TrialFolder):
    folder.write_result(result(Status.OK))
    with pytest.raises(UserError, match="belongs to another trial"):
        folder.adopt({"seed": 2})


def test_failed_results_never_overwrite_each_other(folder: TrialFolder):
    names = []
    for _ in range(3):
        folder.next_failed().write_text("")
        names = sorted(path.name for path in folder.path.glob("failed-*"))
    assert names == ["failed-1.json", "failed-2.json", "failed-3.json"]


def test_last_error_is_from_the_last_job(folder: TrialFolder):
    assert folder.last_error() is None
    folder.record("begins")
    assert folder.last_error() is None
    folder.record("error: no room, process of all")
    assert folder.last_error() == "no room, process of all"
    folder.record("begins")
    assert folder.last_error() is None


def test_missing_features_are_paired_with_the_weights_of_the_same_epoch(folder: TrialFolder):
    for path in (folder.weights(), folder.weights(10), folder.weights(20), folder.features(20)):
        path.write_bytes(b"")
    assert folder.weights_without_features() == [
        (folder.weights(10), folder.features(10)),
        (folder.weights(), folder.features()),
    ]
