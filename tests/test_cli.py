"""The command line: every command has help, and user errors take one line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from labelnoise import cli
from support.project import Project

COMMANDS = (
    "plan",
    "losses",
    "data",
    "download",
    "noise",
    "audit",
    "train",
    "collect",
    "tables",
    "figures",
    "report",
    "check",
    "theory",
)


@pytest.mark.parametrize("arguments", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_describes_the_command(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    assert left.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: labelnoise")
    assert len(text.split("\n\n")) >= 3


def test_losses_lists_and_explains(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["losses"]) == 0
    assert "JAL-CE    = NCE+AMSE" in capsys.readouterr().out
    assert cli.main(["losses", "NCE+AGCE"]) == 0
    text = capsys.readouterr().out
    assert "NCE+AGCE = alpha · NCE + beta · AGCE" in text
    assert "AGCE.q = 2" in text
    assert cli.main(["losses", "NCE+AGC"]) == 2
    assert "did you mean NCE+AGCE?" in capsys.readouterr().err


def test_plan_counts_and_estimates(project: Project):
    done = project.labelnoise("plan", "--cores", "2")
    assert done.returncode == 0
    assert "config.yaml is valid: 8 trials" in done.stdout
    assert "to train 8" in done.stdout
    assert "on 2 cores (from a few training steps)" in done.stdout
    assert not project.results.exists()


def test_plan_counts_finished_trials(finished_project: Project):
    done = finished_project.labelnoise("plan")
    assert "done 8, diverged 0, failed 0 (to retry), to train 0" in done.stdout
    assert "about" not in done.stdout


def test_audit_describes_a_label_file(finished_project: Project):
    path = next((finished_project.results / "labels").rglob("symmetric*.npz"))
    text = finished_project.labelnoise("audit", str(path)).stdout
    assert "577 of 1442 labels are wrong: actual rate 0.4001, nominal 0.4" in text
    assert "clean labels dominate" in text


def test_missing_file_is_a_one_line_error(project: Project):
    done = project.labelnoise("train", "--spec", "nowhere.json", "--out", "x")
    assert done.returncode == 2
    assert done.stderr.strip() == "labelnoise train: error: nowhere.json: there is no such trial spec"


def test_closed_pipe_ends_a_command_quietly():
    command = f"{sys.executable} -m labelnoise losses | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.stdout
    assert done.stderr == ""
