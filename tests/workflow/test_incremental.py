"""A change reruns exactly what depends on it, as counted by dry runs on a small finished run (8 trials)."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time

import yaml

from support.project import SMALL, Project

# Jobs that rerun when the set of trials or their presentation changes.
PRODUCTS = {"collect": 1, "tables": 1, "figures": 1, "report": 1, "check": 1}


def test_finished_run_has_nothing_to_do(finished_project: Project):
    assert finished_project.would_run() == {}
    assert len(finished_project.finished()) == 8


def test_comment_in_config_runs_nothing(copied: Project):
    copied.write("# a remark\n" + copied.config.read_text().replace("seeds:", "# another\nseeds:"))
    assert copied.would_run() == {}


def test_changed_parameter_runs_only_that_loss(copied: Project):
    copied.edit(losses=["CE", {"loss": "GCE", "q": 0.5}])
    assert copied.would_run() == {"train": 4, **PRODUCTS}


def test_added_loss_runs_only_that_loss(copied: Project):
    copied.edit(losses=["CE", {"loss": "GCE", "q": 0.7}, "MAE"])
    assert copied.would_run() == {"train": 4, **PRODUCTS}


def test_added_seed_runs_only_that_seed(copied: Project):
    copied.edit(seeds=[1, 2, 3])
    assert copied.would_run() == {"train": 4, "labels": 1, **PRODUCTS}


def test_removed_loss_trains_nothing_and_disappears_from_the_tables(copied: Project):
    copied.edit(losses=["CE"])
    assert copied.would_run() == PRODUCTS
    copied.snakemake("--until", "tables")
    assert "GCE" not in (copied.results / "tables" / "digits-last.md").read_text()
    assert "GCE" not in (copied.results / "trials.csv").read_text()
    assert len(copied.finished()) == 8
    copied.write(SMALL)
    assert copied.would_run() == PRODUCTS


def test_run_options_retrain_nothing_and_report_missing_files(copied: Project):
    copied.edit(run={"keep": ["weights", "features"], "checkpoint_epochs": 1, "deterministic": True})
    assert copied.would_run() == {}
    output = copied.snakemake("-n")
    assert "8 finished trials kept no features: delete their folders to train them again" in output
    assert "8 finished trials kept no weights" in output


def test_features_requested_later_derive_from_kept_weights(project: Project):
    project.edit(run={"keep": "weights"}, noise=["clean"], seeds=[1])
    project.snakemake("trials")
    assert len(list(project.results.glob("trials/*/*/*/*/weights.pt"))) == 2
    project.edit(run={"keep": ["weights", "features"]})
    rest = {name: count for name, count in PRODUCTS.items() if name != "collect"}
    assert project.would_run() == {"features": 2, **rest}
    project.snakemake("--until", "features")
    assert len(list(project.results.glob("trials/*/*/*/*/features.npz"))) == 2
    assert project.would_run() == rest


def test_deleted_snakemake_folder_runs_nothing(copied: Project):
    shutil.rmtree(copied.folder / ".snakemake")
    assert copied.would_run() == {}


def test_loss_removed_after_deleting_snakemake_folder_disappears_from_the_tables(copied: Project):
    shutil.rmtree(copied.folder / ".snakemake")
    copied.edit(losses=[{"loss": "GCE", "q": 0.7}])
    assert copied.would_run() == PRODUCTS
    copied.snakemake("--until", "tables")
    table = (copied.results / "tables" / "digits-last.md").read_text()
    assert "GCE" in table
    assert "| CE" not in table


def test_touched_files_train_nothing(copied: Project):
    files = [path for path in copied.folder.rglob("*") if path.is_file()]
    random.Random(0).shuffle(files)
    now = time.time()
    for i, path in enumerate(files):
        os.utime(path, (now - i, now - i))
    assert "train" not in copied.would_run()


def test_deleted_label_file_trains_nothing(copied: Project):
    label_file = next((copied.results / "labels").rglob("*.npz"))
    label_file.unlink()
    assert copied.would_run() == {}
    label_file.with_suffix(".json").unlink()
    assert "train" not in copied.would_run()


def test_copied_folder_trains_nothing(finished_project: Project, tmp_path):
    shutil.copytree(finished_project.folder, tmp_path / "elsewhere", copy_function=shutil.copyfile)
    moved = Project(tmp_path / "elsewhere")
    assert "train" not in moved.would_run()


def test_deleted_products_are_made_again_without_training(copied: Project):
    shutil.rmtree(copied.results / "tables")
    (copied.results / "trials.csv").unlink()
    made = copied.would_run()
    assert "train" not in made
    assert {"collect", "tables"} <= set(made)


def test_experiments_with_the_same_name_do_not_overwrite_each_other(copied: Project):
    for folder in ("one", "two"):
        (copied.folder / folder).mkdir()
        copied.write(SMALL, f"{folder}/mine.yaml")
    copied.snakemake("trials", "--configfile", "one/mine.yaml")
    output = copied.snakemake("-n", "--configfile", "two/mine.yaml", expect=1)
    assert "holds the products of one/mine.yaml" in output


def test_changed_presentation_trains_nothing(copied: Project):
    copied.edit(highlight="top3")
    assert copied.would_run() == PRODUCTS


def test_second_experiment_trains_only_its_own(copied: Project):
    shared = yaml.safe_load(SMALL) | {"losses": ["CE", "MAE"], "seeds": [1]}
    copied.write(yaml.safe_dump(shared), "other.yaml")
    assert copied.would_run("--configfile", "other.yaml") == {"train": 2, **PRODUCTS}
    copied.snakemake("--configfile", "other.yaml")
    assert (copied.results / "experiments" / "other" / "report.html").exists()
    assert copied.would_run() == {}


def test_only_runs_a_subset_without_new_identities(copied: Project):
    copied.edit(only={"losses": ["GCE"], "noise": ["symmetric"], "seeds": [1]})
    assert copied.would_run() == PRODUCTS


def test_killed_run_resumes_with_the_missing_trials(project: Project):
    project.edit(losses=["CE"])
    driver = subprocess.Popen(
        project.command("results/trials.csv"),
        cwd=project.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.time() + 90
    while len(project.finished()) < 2 and time.time() < deadline:
        time.sleep(0.05)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    before = {folder: (project.folder / folder / "result.json").stat().st_mtime for folder in project.finished()}
    assert 2 <= len(before) < 4
    assert project.would_run("trials")["train"] == 4 - len(before)
    project.snakemake("trials")
    assert len(project.finished()) == 4
    assert all((project.folder / folder / "result.json").stat().st_mtime == mtime for folder, mtime in before.items())
