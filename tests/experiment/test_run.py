"""What the workflow asks of a run: what is finished, what is set aside, what each job waits for."""

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


def a_run(text: str = CONFIG) -> Run:
    Path("config.yaml").write_text(text)
    return Run.from_config(Path("config.yaml"), {})


def end(run: Run, *statuses: Status) -> None:
    """Give the first trials of the run results with these statuses."""
    for trial, status in zip(run.trials, statuses, strict=False):
        trial.folder.path.mkdir(parents=True, exist_ok=True)
        trial.folder.write_result(new_result(trial.spec, trial.hash, status, None, labels_sha256=None))


def test_finished_are_ok_and_diverged_trials_and_failed_ones_that_are_not_retried():
    end(a_run(), Status.OK, Status.DIVERGED, Status.FAILED)
    run = a_run()
    assert [trial in run.finished for trial in run.trials] == [True, True, False, False]
    assert list(run.unusable.values()) == [run.trials[2].folder.failed(1)]
    kept = a_run(CONFIG + "retry_failed: false\n")
    assert [trial in kept.finished for trial in kept.trials] == [True, True, True, False]
    assert kept.unusable == {}


def test_a_damaged_result_is_set_aside_beside_those_of_before():
    folder = a_run().trials[0].folder
    folder.path.mkdir(parents=True)
    folder.failed(1).write_text("")
    folder.result.write_text("{")
    run = a_run()
    assert run.unusable == {run.trials[0]: folder.failed(2)}
    assert any("is damaged: it is set aside" in line for line in run.warnings())


def test_a_finished_trial_waits_for_nothing_and_a_failed_one_for_what_is_set_aside():
    end(a_run(), Status.OK, Status.FAILED)
    run = a_run()
    done, failed, fresh = run.trials[:3]
    assert run.inputs_of_trial(done.hash) == []
    needed = [failed.labels, paths.dataset(failed.spec) / "dataset.json"]
    assert run.inputs_of_trial(failed.hash) == [*needed, failed.folder.failed(1)]
    assert run.inputs_of_trial(fresh.hash) == [fresh.labels, paths.dataset(fresh.spec) / "dataset.json"]


def test_images_that_have_moved_are_indexed_again_only_where_a_trial_needs_them(here: Path):
    for name in ("train", "test"):
        (here / "images" / name / "a").mkdir(parents=True)
        (here / "images" / name / "b").mkdir()
        for label in "ab":
            (here / "images" / name / label / f"{name}{label}.png").write_bytes(b"x")
    text = CONFIG.replace("[digits]", "[{name: mine, image_folder: images, like: animal10n}]")
    run = a_run(text)
    folder = paths.dataset(run.trials[0].spec)
    folder.mkdir(parents=True)
    (folder / "dataset.json").write_text(json.dumps({"root": "elsewhere"}))
    assert a_run(text).moved == {folder.name: folder / "moved-1.json"}
    assert a_run(text).inputs_of_dataset(folder.name) == [folder / "moved-1.json"]
    end(run, *[Status.OK] * 4)
    assert a_run(text).moved == {}


def test_features_come_from_kept_weights_and_what_is_lost_is_said():
    end(a_run(), Status.OK, Status.OK)
    run = a_run(CONFIG + "run: {keep: [weights, features]}\n")
    run.trials[0].folder.weights().write_bytes(b"")
    assert run.derivable == [run.trials[0]]
    told = list(run.warnings())
    assert "1 finished trials kept no weights: delete their folders to train them again" in told
    assert "1 finished trials kept no features: delete their folders to train them again" in told


def test_a_node_reads_what_the_run_wrote_whatever_became_of_the_config():
    run = a_run()
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
    run = a_run()
    list(run.warnings())
    assert (run.unusable, run.moved, run.derivable) == ({}, {}, [])
    assert set(here.rglob("*")) == before


def test_products_of_another_file_with_the_same_name_are_refused():
    a_run().write_files()
    manifest = Path("results/manifest.json")
    manifest.write_text(manifest.read_text().replace('"config": "config.yaml"', '"config": "other/config.yaml"'))
    with pytest.raises(UserError, match=r"holds the products of other/config\.yaml, which has the same name"):
        a_run()
