"""benchmarks/gpu_cells.py: what it trains, in which order, and what it brings to and from a bare machine."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from labelnoise import paths
from labelnoise.papers import record
from labelnoise.trial_folder import TrialFolder
from support.project import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import gpu_cells
import image_parts


@pytest.fixture
def trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """The script's plan for 400 random images."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")
    images = np.random.default_rng(0).integers(0, 256, (400, 32, 32, 3), dtype=np.uint8)
    np.savez("images.npz", x_train=images, y_train=np.arange(400) % 10, x_test=images[:20], y_test=np.arange(20) % 10)
    return gpu_cells.plan(Path("images.npz"), epochs=2)


def test_whole_columns_of_the_leading_losses_come_first(trials: list[dict]):
    first = [(t["spec"]["seed"], paths.noise_name(t["spec"]["noise"]), t["label"]) for t in trials[:13]]
    assert [cell[2] for cell in first[:6]] == ["CE", "JAL-CE", "ANL-CE", "NCE+RCE", "NCE+AGCE", "GCE"]
    assert {cell[:2] for cell in first[:12]} == {(1, "symmetric-0.4-truncated")}
    assert first[12] == (1, "symmetric-0.8-truncated", "CE")
    assert [t["spec"]["seed"] for t in trials] == sorted(t["spec"]["seed"] for t in trials)
    assert {t["spec"]["recipe"]["precision"] for t in trials} == {"bf16"}


def test_cells_are_compared_with_cifar10_and_said_to_be_a_dry_run(trials: list[dict]):
    manifest = record.manifest_of(gpu_cells.CONFIG)
    assert len(manifest["published"]["cells"]) == 124
    assert {cell["dataset"] for cell in manifest["published"]["cells"]} == {"cifar10-images"}
    assert all("printed for cifar10" in cell["note"] for cell in manifest["published"]["cells"])
    assert all("epochs 2 (preset: 120)" in entry["unlike_preset"] for entry in manifest["trials"])


def test_archive_holds_small_files_of_finished_trials_and_checkpoints_of_others(trials: list[dict]):
    done, unfinished = (TrialFolder(Path(trial["folder"])) for trial in trials[:2])
    for name in ("result.json", "run.json", "metrics.csv", "predictions.npz", "checkpoint.pt"):
        for folder in (done, unfinished):
            folder.path.mkdir(parents=True, exist_ok=True)
            (folder.path / name).write_text("{}")
    done.write_result({"trial": done.identity, "status": "ok"})
    gpu_cells.pack(trials[:2], gpu_cells.ARCHIVE)
    with tarfile.open(gpu_cells.ARCHIVE) as archive:
        names = {Path(name) for name in archive.getnames()}
    assert names == {done.result, done.run, done.metrics, unfinished.checkpoint, gpu_cells.CONFIG}


def test_images_in_parts_are_the_same_images(tmp_path: Path, trials: list[dict], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(image_parts, "LIMIT", 1000)
    parts = image_parts.write(Path("images.npz"), tmp_path / "parts")
    assert len(parts) > 2
    image_parts.read(parts, tmp_path / "again.npz")
    with np.load("images.npz") as before, np.load(tmp_path / "again.npz") as after:
        assert all(np.array_equal(before[name], after[name]) for name in before.files)
    with pytest.raises(SystemExit, match="a part is missing"):
        image_parts.read(parts[:-1], tmp_path / "again.npz")


def test_trials_are_trained_and_resumed_without_pydantic_and_snakemake(trials: list[dict], tmp_path: Path):
    image_parts.write(Path("images.npz"), gpu_cells.FOLDER)
    blocked = tmp_path / "blocked"
    for name in ("pydantic", "annotated_types", "snakemake"):
        (blocked / name).mkdir(parents=True)
        (blocked / name / "__init__.py").write_text(f"raise ModuleNotFoundError('No module named {name}')")
    code = f"""
import sys; sys.path[:0] = [{str(blocked)!r}, {str(ROOT / "benchmarks")!r}]
import gpu_cells, image_parts, json
from pathlib import Path
images = image_parts.read(sorted(gpu_cells.FOLDER.glob("images-*.zip")), Path("elsewhere.npz"))
gpu_cells.prepare(json.loads(gpu_cells.PLAN.read_text())[0], images)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert paths.labels(trials[0]["spec"]).exists()
    assert TrialFolder(Path(trials[0]["folder"])).spec.exists()
