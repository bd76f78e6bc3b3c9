"""What a run tells the workflow: finished trials, files to set aside, and the inputs of each job."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labelnoise import paths
from labelnoise.errors import UserError
from labelnoise.experiment.run import Run
from labelnoise.trial_folder import Status, new_result

CONFIG = "datasets: [digits]\nnoise: [clean]\nlosses: [CE, {loss: GCE, q: 0.7}]\nseeds: [1, 2]\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(CONFIG)
    return tmp_path


def make_run(text: str = CONFIG) -> Run:
    Path("config.yaml").write_text(text)
    return Run.from_config(Path("config.yaml"), {})


def finish(run: Run, *statuses: Status) -> None:
    """Write results with these statuses for the first trials of the run."""
    for trial, status in zip(run.trials, statuses, strict=False):
        trial.folder.path.mkdir(parents=True, exist_ok=True)
        trial.folder.write_result(new_result(trial.spec, trial.hash, status, None, labels_sha256=None))


def test_finished_trials_are_ok_diverged_or_failed_without_retry():
    finish(make_run(), Status.OK, Status.DIVERGED, Status.FAILED)
    run = make_run()
    assert [trial in run.finished for trial in run.trials] == [True, True, False, False]
    assert list(run.unusable.values()) == [run.trials[2].folder.failed(1)]
    kept = make_run(CONFIG + "retry_failed: false\n")
    assert [trial in kept.finished for trial in kept.trials] == [True, True, True, False]
    assert kept.unusable == {}


def test_damaged_result_is_set_aside_without_overwriting_earlier_ones():
    folder = make_run().trials[0].folder
    folder.path.mkdir(parents=True)
    folder.failed(1).write_text("")
    folder.result.write_text("{")
    run = make_run()
    assert run.unusable == {run.trials[0]: folder.failed(2)}
    assert any("is damaged: it is set aside" in line for line in run.warnings())


def test_finished_trial_has_no_inputs_and_failed_one_needs_its_result_set_aside():
    finish(make_run(), Status.OK, Status.FAILED)
    run = make_run()
    done, failed, fresh = run.trials[:3]
    assert run.inputs_of_trial(done.hash) == []
    needed = [failed.labels, paths.dataset(failed.spec) / "dataset.json"]
    assert run.inputs_of_trial(failed.hash) == [*needed, failed.folder.failed(1)]
    assert run.inputs_of_trial(fresh.hash) == [fresh.labels, paths.dataset(fresh.spec) / "dataset.json"]


def test_moved_images_are_reindexed_only_if_a_trial_needs_them(here: Path):
    for name in ("train", "test"):
        (here / "images" / name / "a").mkdir(parents=True)
        (here / "images" / name / "b").mkdir()
        for label in "ab":
            (here / "images" / name / label / f"{name}{label}.png").write_bytes(b"x")
    text = CONFIG.replace("[digits]", "[{name: mine, image_folder: images, like: animal10n}]")
    run = make_run(text)
    folder = paths.dataset(run.trials[0].spec)
    folder.mkdir(parents=True)
    (folder / "dataset.json").write_text(json.dumps({"root": "elsewhere"}))
    assert make_run(text).moved == {folder.name: folder / "moved-1.json"}
    assert make_run(text).inputs_of_dataset(folder.name) == [folder / "moved-1.json"]
    finish(run, *[Status.OK] * 4)
    assert make_run(text).moved == {}


def test_features_derive_from_kept_weights_and_missing_files_are_reported():
    finish(make_run(), Status.OK, Status.OK)
    run = make_run(CONFIG + "run: {keep: [weights, features]}\n")
    run.trials[0].folder.weights().write_bytes(b"")
    assert run.derivable == [run.trials[0]]
    warnings = list(run.warnings())
    assert "1 finished trials kept no weights: delete their folders to train them again" in warnings
    assert "1 finished trials kept no features: delete their folders to train them again" in warnings


def test_node_reads_the_runs_files_not_the_config():
    run = make_run()
    run.write_files()
    Path("config.yaml").write_text("losses: [broken")
    node = Run.on_node(Path("config.yaml"))
    assert node.jobs == run.jobs
    assert (node.products, node.trials, list(node.warnings())) == (run.products, (), [])
    trial = run.trials[0]
    assert node.threads(trial.hash, trial.folder.path) == trial.spec["recipe"]["threads"]
    assert node.inputs_of_trial(trial.hash) == []


def test_reading_a_config_writes_nothing(here: Path):
    before = set(here.rglob("*"))
    run = make_run()
    list(run.warnings())
    assert (run.unusable, run.moved, run.derivable) == ({}, {}, [])
    assert set(here.rglob("*")) == before


def test_products_of_another_config_with_the_same_name_are_refused():
    make_run().write_files()
    manifest = Path("results/manifest.json")
    manifest.write_text(manifest.read_text().replace('"config": "config.yaml"', '"config": "other/config.yaml"'))
    with pytest.raises(UserError, match=r"holds the products of other/config\.yaml, which has the same name"):
        make_run()
