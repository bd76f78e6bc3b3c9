"""Looking changes nothing: a dry run, a plan or another config leave a run and its products as they are."""

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
    """Every file's hash and time, but for Snakemake's own."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and ".snakemake" not in path.parts]
    return {
        path.relative_to(folder).as_posix(): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in files
    }


def test_looking_writes_nothing_whatever_the_config_says(copied: Project):
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
    """A command of somebody who may read the project and not write it."""
    for parent in [project.folder, *project.folder.parents]:
        if parent.is_relative_to("/tmp") and parent.stat().st_mode & 0o005 != 0o005:
            parent.chmod(parent.stat().st_mode | 0o055)
    environment = os.environ | {"HOME": "/tmp", "XDG_CACHE_HOME": "/tmp/nobody-cache"}
    command = ["setpriv", f"--reuid={NOBODY}", "--clear-groups", *arguments]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True, env=environment, timeout=120)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_dry_run_works_in_a_folder_that_may_not_be_written(project: Project, copied: Project):
    for found, expected in ((project, r"train +8"), (copied, "Nothing to be done")):
        done = as_nobody(found, *found.command("-n"))
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(expected, done.stdout + done.stderr)
    done = as_nobody(copied, *copied.command("--config", "seeds=[9]"))
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr


def test_a_dry_run_with_other_seeds_leaves_a_run_its_trials(project: Project):
    run = subprocess.Popen(project.command(), cwd=project.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while not project.finished():
        time.sleep(0.1)
    project.edit(seeds=[7], losses=["CE"])
    project.snakemake("-n")
    output = run.communicate(timeout=120)[0].decode()
    assert run.returncode == 0, output
    trials = pd.read_csv(project.results / "trials.csv")
    assert (len(trials), set(trials.seed)) == (8, {1, 2})


def test_tables_refuse_a_trials_csv_that_is_not_their_manifests(copied: Project):
    copied.edit(train={"epochs": 1})
    copied.snakemake("--until", "train")
    for step in ("tables", "figures", "report"):
        done = copied.labelnoise(step, "results/manifest.json")
        assert done.returncode == 2
        assert "results/trials.csv was made from another config than results/manifest.json" in done.stderr
    assert copied.labelnoise("collect", "results/manifest.json").returncode == 0
    assert copied.labelnoise("report", "results/manifest.json").returncode == 2  # the tables are still the old ones
    for step in ("tables", "figures", "report"):
        assert copied.labelnoise(step, "results/manifest.json").returncode == 0
    assert set(pd.read_csv(copied.results / "trials.csv").epochs) == {1}


def test_a_run_with_another_config_waits_its_turn_and_one_with_the_same_shares(project: Project):
    project.edit(train={"epochs": 40})
    run = subprocess.Popen(project.command(), cwd=project.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (project.results / "manifest.json").exists():
        time.sleep(0.05)
    before = (project.results / "manifest.json").read_bytes()
    project.edit(seeds=[7])
    output = project.snakemake(expect=1)
    assert (
        "writes results/ from another config: wait until it has ended, or give this config a file of its own" in output
    )
    assert "Traceback" not in output
    assert (project.results / "manifest.json").read_bytes() == before
    project.edit(seeds=[1, 2])
    project.snakemake()
    assert run.wait(timeout=120) == 0


def test_forcing_says_that_finished_trials_are_kept(copied: Project):
    output = copied.snakemake("-R", "train")
    assert "finished trials are kept, whatever is forced: to train one again, delete its folder" in output


def test_a_job_on_another_node_trains_from_its_spec_whatever_became_of_the_config(copied: Project):
    """What an executor plugin calls there, with the config edited or broken since."""
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


def test_a_run_that_has_just_begun_is_waited_for_before_its_config_is_compared(tmp_path: Path):
    """The lock's file may still hold an older run's config when a run has taken the lock and not yet said its own."""
    import fcntl
    import threading

    from labelnoise.errors import UserError
    from labelnoise.experiment.run import Run

    (tmp_path / ".run.lock").write_text("ours process 1 on a host\n")
    with (tmp_path / ".run.lock").open("a+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        found: list[str] = []

        def begin() -> None:
            try:
                with Run(tmp_path, {"manifest": "ours"}).exclusive():
                    found.append("shares")
            except UserError:
                found.append("refused")

        second = threading.Thread(target=begin)
        second.start()
        time.sleep(0.3)
        assert not found
        handle.truncate(0)
        handle.write("theirs process 2 on a host\n")
        handle.flush()
        fcntl.flock(handle, fcntl.LOCK_SH)
        second.join(timeout=10)
    assert found == ["refused"]
