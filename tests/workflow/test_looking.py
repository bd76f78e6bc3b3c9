"""Dry runs, plans and runs of other configs do not change a run or its products."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from support.project import Project

NOBODY = 65534


def contents(folder: Path) -> dict[str, tuple[str, int]]:
    """The hash and modification time of every file, except Snakemake's own."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and ".snakemake" not in path.parts]
    return {
        path.relative_to(folder).as_posix(): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in files
    }


def test_read_only_commands_write_nothing(copied: Project):
    damaged, failed = (copied.folder / folder / "result.json" for folder in sorted(copied.finished())[:2])
    damaged.write_bytes(damaged.read_bytes()[:50])
    failed.write_text(failed.read_text().replace('"status": "ok"', '"status": "failed"'))
    copied.edit(seeds=[1, 2, 3], highlight="top3", train={"epochs": 3})
    before = contents(copied.folder)
    for arguments in (["-n"], ["--lint"], ["--dag"], ["--summary"]):
        done = subprocess.run(copied.command(*arguments), cwd=copied.folder, capture_output=True, text=True)
        assert "Traceback" not in done.stderr
        assert contents(copied.folder) == before, arguments
    for command in (["plan"], ["losses"], ["losses", "GCE"], ["check", "results/manifest.json"]):
        copied.labelnoise(*command)
        assert contents(copied.folder) == before, command
    assert copied.labelnoise("audit", str(next(copied.results.rglob("labels/**/*.npz")))).returncode == 0
    assert contents(copied.folder) == before


def as_nobody(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user who may read the project but not write to it."""
    for parent in [project.folder, *project.folder.parents]:
        if parent.is_relative_to("/tmp") and parent.stat().st_mode & 0o005 != 0o005:
            parent.chmod(parent.stat().st_mode | 0o055)
    environment = os.environ | {"HOME": "/tmp", "XDG_CACHE_HOME": "/tmp/nobody-cache"}
    command = ["setpriv", f"--reuid={NOBODY}", "--clear-groups", *arguments]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True, env=environment, timeout=120)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_dry_run_works_in_a_read_only_folder(project: Project, copied: Project):
    for folder, expected in ((project, r"train +8"), (copied, "Nothing to be done")):
        done = as_nobody(folder, *folder.command("-n"))
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(expected, done.stdout + done.stderr)
    done = as_nobody(copied, *copied.command("--config", "seeds=[9]"))
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr


def test_dry_run_with_other_seeds_does_not_affect_a_running_run(project: Project):
    project.edit(losses=["CE"])
    run = subprocess.Popen(project.command(), cwd=project.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while not project.finished():
        time.sleep(0.1)
    project.edit(seeds=[7], losses=["MAE"])
    project.snakemake("-n")
    output = run.communicate(timeout=120)[0].decode()
    assert run.returncode == 0, output
    trials = pd.read_csv(project.results / "trials.csv")
    assert (len(trials), set(trials.seed), set(trials.label)) == (4, {1, 2}, {"CE"})


def test_tables_refuse_trials_csv_of_another_manifest(copied: Project):
    copied.edit(train={"epochs": 1}, losses=["CE"], seeds=[1])
    copied.snakemake("--until", "train")
    for step in ("tables", "figures", "report"):
        done = copied.labelnoise(step, "results/manifest.json")
        assert done.returncode == 2
        assert "results/trials.csv was made from another config than results/manifest.json" in done.stderr
    assert copied.labelnoise("collect", "results/manifest.json").returncode == 0
    assert copied.labelnoise("report", "results/manifest.json").returncode == 2  # the tables are outdated
    for step in ("tables", "figures", "report"):
        assert copied.labelnoise(step, "results/manifest.json").returncode == 0
    assert set(pd.read_csv(copied.results / "trials.csv").epochs) == {1}


def test_run_with_another_config_is_refused_and_with_the_same_config_shares(project: Project):
    project.edit(train={"epochs": 40}, losses=["CE"])
    run = subprocess.Popen(project.command(), cwd=project.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (project.results / "manifest.json").exists():
        time.sleep(0.05)
    before = (project.results / "manifest.json").read_bytes()
    project.edit(seeds=[7])
    output = project.snakemake(expect=1)
    assert "is writing results/ from another config: wait until it ends, or put this config into its own file" in output
    assert "Traceback" not in output
    assert (project.results / "manifest.json").read_bytes() == before
    project.edit(seeds=[1, 2])
    project.snakemake()
    assert run.wait(timeout=120) == 0


def test_forcing_warns_that_finished_trials_are_kept(copied: Project):
    output = copied.snakemake("trials", "-R", "train")
    assert "finished trials are kept even if forced: to train one again, delete its folder" in output


def test_job_on_another_node_trains_from_its_spec_not_the_config(copied: Project):
    """Runs what an executor plugin runs there, after the config was broken."""
    folder = sorted(copied.finished())[0]
    for name in ("result.json", ".result.json"):
        (copied.folder / folder / name).unlink()
    copied.write("losses: [broken")
    command = copied.command(
        f"{folder}/result.json", "--allowed-rules", "train", "--mode", "remote", "--force", "--nolock"
    )
    done = subprocess.run(command, cwd=copied.folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (copied.folder / folder / "result.json").exists()


def test_run_lock_waits_until_a_new_run_has_written_its_config(tmp_path: Path):
    """The lock file may still name an older run's config when a new run has the lock but has not written its own."""
    import fcntl
    import threading

    from labelnoise.errors import UserError
    from labelnoise.experiment.run import Run

    (tmp_path / ".run.lock").write_text("ours process 1 on a host\n")
    with (tmp_path / ".run.lock").open("a+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        outcomes: list[str] = []

        def begin() -> None:
            try:
                with Run(tmp_path, {"manifest": "ours"}).exclusive():
                    outcomes.append("shares")
            except UserError:
                outcomes.append("refused")

        second = threading.Thread(target=begin)
        second.start()
        time.sleep(0.3)
        assert not outcomes
        handle.truncate(0)
        handle.write("theirs process 2 on a host\n")
        handle.flush()
        fcntl.flock(handle, fcntl.LOCK_SH)
        second.join(timeout=10)
    assert outcomes == ["refused"]
