"""Diverging, crashing, killed and damaged trials, run through the Snakefile."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest

from support.project import Project

MY_LOSSES = """
import os
import signal

import torch


class Crashing(torch.nn.Module):
    def forward(self, logits, targets):
        raise RuntimeError("out of ideas")


class Killed(torch.nn.Module):
    def forward(self, logits, targets):
        os.kill(os.getpid(), signal.SIGKILL)


class Mine(torch.nn.Module):
    def __init__(self, weight=1.0):
        super().__init__()
        self.weight = weight

    def forward(self, logits, targets):
        return self.weight * torch.nn.functional.cross_entropy(logits, targets)
"""

# Its trials of CE are among those of the finished project, so a copy of that trains only the other loss.
CONFIG = """\
datasets: [digits]
noise: [{{kind: symmetric, rate: 0.4}}]
losses: [CE, {loss}]
seeds: [1, 2]
train: {{epochs: 2}}
"""


def _statuses(project: Project) -> dict[str, str]:
    return pd.read_csv(project.results / "trials.csv").groupby("label").status.first().to_dict()


def test_diverged_trial_is_final_and_its_cell_has_no_mean(copied: Project):
    copied.write(CONFIG.format(loss="{loss: GCE, label: wild, train: {lr: 1e30, clip_norm: null}}"))
    copied.snakemake()
    assert _statuses(copied) == {"CE": "ok", "wild": "diverged"}
    assert "| – 0/2" in (copied.results / "tables" / "digits-last.md").read_text()
    assert "PARTIAL" in (copied.results / "tables" / "digits-last.md").read_text()
    assert "not finite in epoch 1" in (copied.results / "report.html").read_text()
    assert copied.would_run() == {}


def test_crashing_trial_fails_the_run_after_the_tables_and_is_retried(copied: Project):
    copied.write(MY_LOSSES, "my_losses.py")
    copied.write(CONFIG.format(loss="{target: my_losses:Crashing}"))
    output = copied.snakemake(expect=1)
    assert "out of ideas" in output
    assert _statuses(copied) == {"CE": "ok", "Crashing": "failed"}
    assert "RuntimeError: out of ideas" in (copied.results / "report.html").read_text()
    assert "the loss Crashing (my_losses:Crashing): RuntimeError: out of ideas" in copied.labelnoise("plan").stderr

    copied.edit(retry_failed=False)
    assert "train" not in copied.would_run()
    copied.edit(retry_failed=True)
    assert copied.would_run()["train"] == 2
    assert list(copied.results.rglob("failed-1.json")) == []  # a dry run changes nothing
    copied.snakemake("--until", "check", expect=1)
    assert len(list(copied.results.rglob("failed-1.json"))) == 2
    assert not (copied.results / "complete").exists()


@pytest.mark.faults
def test_trial_killed_three_times_without_progress_fails(project: Project):
    project.write(MY_LOSSES, "my_losses.py")
    project.write(CONFIG.format(loss="{target: my_losses:Killed}"))
    project.snakemake(expect=1)
    assert _statuses(project) == {"CE": "ok", "Killed": "failed"}
    assert "3 attempts in a row ended before the next checkpoint" in (project.results / "report.html").read_text()
    assert "PARTIAL: 2 of 4" in (project.results / "tables" / "digits-last.md").read_text()
    assert project.would_run()["train"] == 2


def test_users_own_loss_trains_and_editing_its_file_makes_a_new_trial(copied: Project):
    copied.write(MY_LOSSES, "my_losses.py")
    copied.write(CONFIG.format(loss="{target: my_losses:Mine, weight: 2.0}"))
    copied.snakemake("trials")
    assert _statuses(copied) == {"CE": "ok", "Mine": "ok"}
    copied.write(MY_LOSSES.replace("return self.weight", "return 2 * self.weight"), "my_losses.py")
    assert copied.would_run("trials") == {"train": 2, "collect": 1}


def test_finished_trial_is_adopted_not_retrained(copied: Project):
    folder = next(iter(copied.finished()))
    before = (copied.folder / folder / "result.json").read_bytes()
    done = copied.labelnoise("train", "--spec", str(folder / "spec.json"), "--out", str(folder))
    assert "adopted" in done.stdout
    assert (copied.folder / folder / "result.json").read_bytes() == before


def test_result_of_another_spec_is_refused(copied: Project):
    first, second, *_ = sorted(copied.finished())
    done = copied.labelnoise("train", "--spec", str(first / "spec.json"), "--out", str(second))
    assert done.returncode == 2
    assert "belongs to another trial" in done.stderr


@pytest.mark.faults
def test_finished_trial_whose_result_was_deleted_is_not_retrained(project: Project):
    """Snakemake deletes a job's declared output before running it, even if another run has just written it."""
    project.write(CONFIG.format(loss="MAE"))
    project.snakemake()
    folder = project.folder / next(iter(project.finished()))
    before = (folder / "result.json").read_bytes()
    (folder / "result.json").unlink()
    project.snakemake()
    assert (folder / "result.json").read_bytes() == before
    assert "adopted" in (folder / "train.log").read_text()


@pytest.mark.parametrize("loss", ["CE", "GCE"])
def test_same_spec_gives_the_same_bits(copied: Project, loss: str):
    folder = next(path for path in sorted(copied.finished()) if path.parts[-3:-1] == ("symmetric-0.4", loss))
    copied.labelnoise("train", "--spec", str(folder / "spec.json"), "--out", "again")
    for name in ("metrics.csv", "predictions.npz"):
        assert (copied.folder / "again" / name).read_bytes() == (copied.folder / folder / name).read_bytes(), name
    results = [json.loads((copied.folder / f / "result.json").read_text()) for f in (folder, "again")]
    assert results[0] | {"trial": None} == results[1] | {"trial": None}


def test_damaged_result_is_set_aside_and_its_trial_reruns(copied: Project):
    damaged = copied.folder / sorted(copied.finished())[0] / "result.json"
    good = damaged.read_bytes()
    damaged.write_bytes(good[: len(good) // 2])
    assert copied.would_run("trials") == {"set_aside": 1, "train": 1, "collect": 1}
    output = copied.snakemake("trials")
    assert f"{damaged.relative_to(copied.folder)} is damaged: it is set aside, and the trial is run again" in output
    assert "latency" not in output
    assert "clock" not in output
    assert damaged.read_bytes() == good
    assert damaged.with_name("failed-1.json").exists()


CONTRACT = {
    "Vector": ("return z.sum(1)", "a loss must return a scalar tensor, the mean over the batch, not shape (128,)"),
    "Float": ("return 0.5", "the mean over the batch, not float"),
    "Changing": ("y.zero_(); return z.mean()", "the loss changes its targets in place"),
}


@pytest.fixture(scope="module")
def reasons(finished_project: Project, tmp_path_factory: pytest.TempPathFactory) -> pd.Series:
    """Why the trials of the losses in CONTRACT failed, by loss."""
    folder = tmp_path_factory.mktemp("contract") / "copy"
    shutil.copytree(finished_project.folder, folder, symlinks=True)
    copied = Project(folder)
    classes = (
        f"class {name}(torch.nn.Module):\n    def forward(self, z, y):\n        {line}\n"
        for name, (line, _) in CONTRACT.items()
    )
    copied.write("import torch\n" + "".join(classes), "v.py")
    copied.write(CONFIG.format(loss=", ".join(f"{{target: v:{name}}}" for name in CONTRACT)))
    copied.snakemake("trials")
    return pd.read_csv(copied.results / "trials.csv").set_index("label").reason


@pytest.mark.parametrize("loss", CONTRACT)
def test_loss_that_breaks_the_contract_fails_with_a_clear_reason(reasons: pd.Series, loss: str):
    assert len(reasons[loss]) == 2
    assert all(CONTRACT[loss][1] in reason for reason in reasons[loss])


@pytest.mark.faults
def test_more_threads_than_cores_are_refused(project: Project):
    project.write(CONFIG.format(loss="MAE").replace("epochs: 2", "epochs: 2, threads: 64"))
    assert "asks for 64 threads, but there are" in project.snakemake(expect=1)
    reasons = pd.read_csv(project.results / "trials.csv").reason
    assert reasons.str.startswith("3 attempts in a row ended before the next checkpoint: the recipe asks for 64").all()
