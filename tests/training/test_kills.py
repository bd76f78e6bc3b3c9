"""A trial killed at any moment, in real processes: half-written files are never read, the result is the same bits."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labelnoise import labelling, paths
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.store import prepare
from labelnoise.errors import Stopped
from labelnoise.experiment.config_file import ConfigFile
from labelnoise.experiment.trials import expand
from labelnoise.files import write_json

pytestmark = pytest.mark.faults

CONFIG = {
    "datasets": ["digits"], "noise": [{"kind": "symmetric", "rate": 0.4}], "losses": ["NLNL"], "seeds": [1],
    "train": {"epochs": 150, "batch_size": 64, "augmentation": ["crop1"], "validation": 0.1},
}  # fmt: skip
RESULTS = ("result.json", "metrics.csv", "predictions.npz", "weights.pt")


@pytest.fixture
def here(tmp_path: Path, monkeypatch) -> Path:
    """The working folder, with a prepared data set, a label file and spec.json."""
    monkeypatch.chdir(tmp_path)
    (trial,) = expand(ConfigFile("config.yaml", CONFIG))[1]
    prepare(DATASETS["digits"], Path(), paths.dataset(trial.spec))
    labelling.write_for_trial(trial.spec, None, trial.labels)
    write_json(Path("spec.json"), trial.spec)
    return tmp_path


def started(folder: str, seconds: float = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "labelnoise", "train", "--spec", "spec.json", "--out", f"{folder}/s1-trial"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*command, "--checkpoint-minutes", str(seconds / 60), "--keep", "weights"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def contents(folder: str) -> dict[str, bytes]:
    return {name: Path(folder, "s1-trial", name).read_bytes() for name in RESULTS}


def temporary(folder: Path, process: subprocess.Popen) -> Path:
    """The temporary file of the checkpoint that the process is writing."""
    return folder / f".checkpoint.pt.{process.pid}.tmp"


def checkpoints(folder: Path, process: subprocess.Popen) -> Iterator[str]:
    """Yield `write` while the process writes a checkpoint, `new` once per complete one, and `` in between."""
    path, last = folder / "checkpoint.pt", None
    while process.poll() is None:
        if temporary(folder, process).exists():
            yield "write"
            continue
        now = path.stat().st_mtime_ns if path.exists() else None
        yield "new" if now not in (None, last) else ""
        last = now or last


def test_twenty_kills_do_not_change_the_result(here: Path):
    draw = random.Random(0)
    uninterrupted = started("uninterrupted")
    assert uninterrupted.wait(timeout=120) == 0
    folder = here / "killed" / "s1-trial"
    moments = {"before the first checkpoint": 0, "after one": 0, "during a write": 0}
    epochs = 0
    for kill in range(20):
        process = started("killed")
        had_one = (folder / "checkpoint.pt").exists()
        seen = 0
        wanted = "write" if kill % 2 else "new"  # a write may end before the signal arrives, so try often
        if kill < 2:
            time.sleep(draw.uniform(0.2, 0.6))  # while it starts
        else:
            for event in checkpoints(folder, process):
                seen += event == "new"
                if seen >= 6 and event == wanted:
                    break
            if wanted == "new":
                time.sleep(draw.uniform(0, 0.03))  # anywhere within an epoch
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it had ended before it was killed"
        epochs += seen
        moments["during a write"] += temporary(folder, process).exists()
        moments["after one" if had_one or seen else "before the first checkpoint"] += 1
    last = started("killed")
    output, _ = last.communicate(timeout=120)
    assert last.returncode == 0
    assert "resuming after epoch" in output
    assert contents("killed") == contents("uninterrupted")
    assert epochs >= 100, "kills are spread over the 150 epochs"
    assert moments["after one"] >= 15, moments
    assert moments["during a write"] >= 3, moments
    assert not (folder / "checkpoint.pt").exists()
    assert not list(folder.glob(".*.tmp"))


def test_stopped_trial_saves_within_the_epoch_and_exits_with_its_code(here: Path):
    uninterrupted = started("uninterrupted")
    assert uninterrupted.wait(timeout=120) == 0
    for number, moment in ((signal.SIGTERM, 0.2), (signal.SIGINT, 0.35), (signal.SIGTERM, 0.5)):
        process = started("stopped", seconds=3600)
        while process.stdout.read(1) != "%":  # the progress bar begins, so training does
            assert process.poll() is None
        time.sleep(moment)
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == Stopped.EXIT_CODE, output
        assert f"{number.name}: saving a checkpoint" in output
        assert not Path("stopped/s1-trial/result.json").exists()
    last = started("stopped", seconds=3600)
    output, _ = last.communicate(timeout=120)
    assert last.returncode == 0
    assert "steps of the next" in output
    assert contents("stopped") == contents("uninterrupted")


def test_checkpoint_is_never_resumed_by_another_spec(here: Path):
    process = started("killed")
    for event in checkpoints(here / "killed" / "s1-trial", process):
        if event == "new":
            break
    process.kill()
    process.wait()
    spec = json.loads(Path("spec.json").read_text())
    spec["recipe"]["lr"] = 0.05
    write_json(Path("spec.json"), spec)
    other = started("killed")
    output, _ = other.communicate(timeout=120)
    assert "it belongs to another trial" in output
    assert "resuming" not in output
    assert Path("killed/s1-trial/checkpoint.unusable").exists()
