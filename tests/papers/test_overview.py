"""`labelnoise papers`, and how long trials are said to take."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import torch

from labelnoise.experiment import config_file
from labelnoise.experiment.forecast import FIXED_COST, Forecast
from labelnoise.experiment.trials import expand
from labelnoise.papers import overview
from labelnoise.training import probe
from labelnoise.training.recipe import Recipe
from support.project import ROOT, Project


def test_overview_counts_cells_trials_and_verdicts(copied: Project):
    (copied.folder / "experiments").mkdir()
    copied.write(copied.config.read_text(), "experiments/plain.yaml")
    published = "published: {paper: made-up.csv, tables: [Table 1]}\n"
    copied.write(copied.config.read_text() + published, "experiments/table.yaml")
    copied.write("extends: table.yaml\nseeds: [1, 2, 3]\n", "experiments/wider.yaml")
    columns = "paper,table,dataset,test_set,noise,rate,loss,mean,std,note"
    copied.write(f"{columns}\nmade-up,Table 1,digits,test,clean,0.0,CE,50,99,\n", "made-up.csv")
    done = copied.labelnoise("papers")
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line}
    assert "plain" not in lines  # it repeats nothing
    assert lines["table"][1:4] == ["made-up", "Table", "1"]
    assert lines["table"][4:7] == ["1", "8", "8"]
    assert lines["table"][-1] == "–"
    assert lines["wider"][4:7] == ["1", "12", "8"]
    assert "12 distinct trials, as experiments share trials; 4 to train" in done.stdout
    assert "(from finished trials)" in done.stdout


def test_experiments_are_those_of_the_folder_else_those_that_come_with_labelnoise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert overview.folder() == ROOT / "experiments"
    (tmp_path / "experiments").mkdir()
    assert overview.folder() == Path("experiments")


def test_forecast_uses_this_machines_finished_trials_only(copied: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(copied.folder)
    _, trials = expand(config_file.read(Path("config.yaml")))
    for trial in trials:
        run = trial.folder.read_run()
        run["seconds"]["train"] = 20.0
        trial.folder.run.write_text(json.dumps(run))
    forecast = Forecast(trials)
    assert forecast.seconds(trials[:4], cores=2) == pytest.approx(4 * (FIXED_COST + 20.0) / 2)
    assert forecast.bases == {"finished trials"}

    stopped = trials[0].folder
    stopped.run.write_text(json.dumps(stopped.read_run() | {"seconds": {"load": 0.1, "train": 0.1}}))
    stopped.result.write_text(json.dumps(stopped.read_result() | {"status": "diverged"}))
    assert Forecast(trials).seconds(trials[:1], cores=1) == pytest.approx(FIXED_COST + 20.0)

    for trial in trials:
        run = trial.folder.read_run()
        trial.folder.run.write_text(json.dumps(run | {"host": f"not {socket.gethostname()}"}))
    elsewhere = Forecast(trials)
    assert elsewhere.seconds(trials[:4], cores=2) < 20
    assert elsewhere.bases == {"a few training steps"}


def test_probe_runs_in_the_recipes_precision_and_restores_the_threads(monkeypatch: pytest.MonkeyPatch):
    before = torch.get_num_threads()
    _, (trial, *_) = expand(config_file.ConfigFile("x", {
        "datasets": ["mnist"], "noise": ["clean"], "losses": ["CE"], "seeds": [1], "train": {"precision": "bf16"},
    }))  # fmt: skip
    used = []
    asked = probe.devices.precision_used
    monkeypatch.setattr(probe.devices, "precision_used", lambda *a: used.append(asked(*a)) or used[-1])
    speed = probe.images_per_second(Recipe(**trial.spec["recipe"]), num_classes=10, channels=1, image_size=28, gpus=0)
    assert 50 < speed < 1e6
    assert used == ["bf16"]
    assert torch.get_num_threads() == before
