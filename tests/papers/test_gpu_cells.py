"""benchmarks/gpu_cells.py: what it trains, in which order, and what it brings back."""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from labelnoise import paths
from labelnoise.experiment.run import Run
from labelnoise.papers import record
from support.project import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import gpu_cells


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The script's experiment on 40 random images."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")
    images = np.full((40, 32, 32, 3), 9, np.uint8)
    np.savez("images.npz", x_train=images, y_train=np.arange(40) % 10, x_test=images[:20], y_test=np.arange(20) % 10)
    gpu_cells.write_config(Path("images.npz"), epochs=2)
    return Run.from_config(gpu_cells.CONFIG, {})


def test_whole_columns_of_the_leading_losses_come_first(run: Run):
    trials = gpu_cells.ordered(run.trials)
    first = [(trial.spec["seed"], paths.noise_name(trial.spec["noise"]), trial.label) for trial in trials[:13]]
    assert [cell[2] for cell in first[:6]] == ["CE", "JAL-CE", "ANL-CE", "NCE+RCE", "NCE+AGCE", "GCE"]
    assert {cell[:2] for cell in first[:12]} == {(1, "symmetric-0.4-truncated")}
    assert first[12] == (1, "symmetric-0.8-truncated", "CE")
    assert [trial.spec["seed"] for trial in trials] == sorted(trial.spec["seed"] for trial in trials)


def test_cells_are_compared_with_cifar10_and_said_to_be_a_dry_run(run: Run):
    manifest = record.manifest_of(gpu_cells.CONFIG)
    assert len(manifest["published"]["cells"]) == 124
    assert {cell["dataset"] for cell in manifest["published"]["cells"]} == {"cifar10-images"}
    assert all("printed for cifar10" in cell["note"] for cell in manifest["published"]["cells"])
    assert all("epochs 2 (preset: 120)" in entry["unlike_preset"] for entry in manifest["trials"])


def test_archive_holds_the_small_files_of_finished_trials_only(run: Run):
    trials = gpu_cells.ordered(run.trials)[:2]
    for name in ("result.json", "run.json", "metrics.csv", "predictions.npz", "checkpoint.pt"):
        for trial in trials:
            trial.folder.path.mkdir(parents=True, exist_ok=True)
            (trial.folder.path / name).write_text("{}")
    done, unfinished = trials
    done.folder.write_result({"trial": done.hash, "status": "ok"})
    gpu_cells.pack(trials, Path("build/cells.tar.gz"))
    with tarfile.open("build/cells.tar.gz") as archive:
        names = {Path(name) for name in archive.getnames()}
    assert names == {done.folder.result, done.folder.run, done.folder.metrics, gpu_cells.CONFIG}
    assert unfinished.folder.result not in names
