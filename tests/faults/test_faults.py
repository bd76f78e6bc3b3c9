"""Faults injected into real processes: nothing finished is lost, nothing half-written is read."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from support.project import Project
from support.reference_run import ReferenceRun

pytestmark = pytest.mark.faults

NOBODY = 65534
DAY = 86_400


def started(project: Project, *arguments: str) -> subprocess.Popen:
    log = (project.folder / "driver.log").open("a")
    command = project.command(*arguments)
    return subprocess.Popen(command, cwd=project.folder, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


def wait_until(is_so: Callable[[], object], seconds: float = 90) -> None:
    for _ in range(round(seconds / 0.05)):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s")


def has_checkpoint(project: Project) -> Callable[[], object]:
    return lambda: list(project.results.glob("trials/*/*/*/*/checkpoint.pt"))


def trials_running(project: Project) -> list[int]:
    """Process ids of the trainers running in this project."""
    process_ids = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            arguments = (process / "cmdline").read_bytes().split(b"\0")
            if b"labelnoise" in arguments and b"train" in arguments and (process / "cwd").readlink() == project.folder:
                process_ids.append(int(process.name))
    return process_ids


def a_trial(project: Project) -> Path:
    return project.folder / sorted(project.finished())[0]


def first_spec(project: Project) -> Path:
    """The spec of a trial whose data set and labels exist, before any trial is trained."""
    project.snakemake("--until", "labels")
    return sorted(project.results.glob("trials/*/*/*/*/spec.json"))[0]


def a_copy(reference_run: ReferenceRun, fresh: Project) -> Project:
    """The finished experiment, to be damaged."""
    shutil.copytree(reference_run.project.results, fresh.results)
    return fresh


# Processes


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_driver_ended_during_trials_and_restarted_at_once(
    fresh: Project, reference_run: ReferenceRun, number: signal.Signals
):
    driver = started(fresh)
    wait_until(has_checkpoint(fresh))
    os.kill(driver.pid, number)  # the driver only: its trials may continue
    if number != signal.SIGKILL:
        driver.wait(timeout=60)
    fresh.snakemake()
    driver.wait()
    reference_run.assert_equal_to(fresh)


def test_control_c_reaches_driver_and_trials(fresh: Project, reference_run: ReferenceRun):
    driver = started(fresh)
    wait_until(has_checkpoint(fresh))
    for _ in range(3):  # asyncio, in which Snakemake schedules, loses a SIGINT that comes while its task ends
        os.killpg(driver.pid, signal.SIGINT)
        time.sleep(2)
        if "Terminating processes on user request" in (fresh.folder / "driver.log").read_text():
            break
    driver.wait(timeout=60)
    wait_until(lambda: not trials_running(fresh))
    log = (fresh.folder / "driver.log").read_text()
    assert "saved their state; run the same command to resume them" in log
    assert "Error in rule" not in log
    fresh.snakemake()
    reference_run.assert_equal_to(fresh)


def test_everything_killed_at_once(fresh: Project, reference_run: ReferenceRun):
    driver = started(fresh)
    wait_until(has_checkpoint(fresh))
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    fresh.snakemake()
    reference_run.assert_equal_to(fresh)


def test_killed_trial_is_restarted_in_the_same_run(fresh: Project, reference_run: ReferenceRun):
    driver = started(fresh)
    wait_until(has_checkpoint(fresh))
    os.kill(trials_running(fresh)[-1], signal.SIGKILL)
    assert driver.wait(timeout=120) == 0
    reference_run.assert_equal_to(fresh)


def test_two_drivers_in_one_folder(fresh: Project, reference_run: ReferenceRun):
    drivers = [started(fresh), started(fresh)]
    for driver in drivers:
        driver.wait(timeout=180)
    fresh.snakemake()
    reference_run.assert_equal_to(fresh)


def test_trial_waits_for_the_lock_of_a_live_process_and_names_it(fresh: Project):
    spec = first_spec(fresh)
    command = [sys.executable, "-m", "labelnoise", "train", "--spec", str(spec), "--out", str(spec.parent)]
    with (spec.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("process 12 on elsewhere\n")
        lock.flush()
        trial = subprocess.Popen(command, cwd=fresh.folder, stdout=subprocess.PIPE, text=True)
        assert trial.stdout.readline().rstrip().endswith(".lock, held by process 12 on elsewhere")
        assert not (spec.parent / "result.json").exists()
    assert "ok: " in trial.communicate(timeout=60)[0]


def test_lock_of_a_dead_process_or_host_is_free(fresh: Project):
    spec = first_spec(fresh)
    (spec.parent / ".lock").write_text("process 12 on a host that is gone\n")
    done = fresh.labelnoise("train", "--spec", str(spec), "--out", str(spec.parent))
    assert done.returncode == 0
    assert "waiting" not in done.stdout


# The disk


@contextlib.contextmanager
def small_disk(place: Path, kilobytes: int) -> Iterator[None]:
    place.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(place)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path) -> Path:
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return filler


@pytest.mark.parametrize(("kilobytes", "what"), [(64, "checkpoint.pt"), (0, "metrics.csv")])
def test_disk_full_during_a_trial(fresh: Project, kilobytes: int, what: str):
    spec = first_spec(fresh)
    place = fresh.folder / "disk"
    with small_disk(place, 2000):
        (place / "s1-x").mkdir()
        (place / "s1-x" / ".lock").write_text("process 1 on a host of a long enough name to have a block\n")
        reserve = place / "reserve"
        reserve.write_bytes(bytes(kilobytes * 1024))
        filler = fill(place)
        reserve.unlink()
        command = ["train", "--spec", str(spec), "--out", str(place / "s1-x"), "--checkpoint-epochs"]
        done = fresh.labelnoise(*command, "1" if what == "checkpoint.pt" else "1000")
        assert done.returncode == 2
        assert "No space left on device: make room and run again" in done.stderr
        assert not {"checkpoint.pt", "metrics.csv", "result.json"} & {path.name for path in place.glob("s1-x/*")}
        filler.unlink()
        assert fresh.labelnoise(*command, "1").returncode == 0
        assert json.loads((place / "s1-x" / "result.json").read_text())["status"] == "ok"


def test_disk_full_while_writing_tables(fresh: Project, reference_run: ReferenceRun):
    with small_disk(fresh.results, 60_000):
        fresh.snakemake("trials")
        filler = fill(fresh.results)
        output = fresh.snakemake(expect=1)
        assert "No space left on device" in output
        filler.unlink()
        fresh.snakemake()
        reference_run.assert_equal_to(fresh)


def test_results_folder_without_write_permission(fresh: Project):
    if os.geteuid():
        pytest.skip("only root can become another user")
    fresh.results.mkdir()
    fresh.folder.chmod(0o755)
    for parent in fresh.folder.parents:
        if parent.stat().st_mode & 0o005 != 0o005 and parent.is_relative_to("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o055)
    environment = os.environ | {"HOME": "/tmp", "XDG_CACHE_HOME": "/tmp/nobody-cache"}
    command = ["setpriv", f"--reuid={NOBODY}", "--clear-groups", *fresh.command()]
    done = subprocess.run(command, cwd=fresh.folder, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 1
    assert "Permission denied" in done.stdout + done.stderr
    assert "results" in done.stdout + done.stderr
    assert not list(fresh.results.iterdir())


# Files


def test_truncated_empty_or_foreign_result_is_moved_aside(fresh: Project, reference_run: ReferenceRun):
    copied = a_copy(reference_run, fresh)
    first, second, third, fourth = (copied.folder / folder / "result.json" for folder in sorted(copied.finished()))
    first.write_bytes(first.read_bytes()[:100])
    second.write_bytes(b"")
    third.write_bytes(fourth.read_bytes())
    assert copied.would_run()["train"] == 3
    copied.snakemake()
    reference_run.assert_equal_to(copied)
    assert len(list(copied.results.rglob("failed-1.json"))) == 3


def test_trial_without_result_and_copy_is_retrained_to_the_same_bits(fresh: Project, reference_run: ReferenceRun):
    copied = a_copy(reference_run, fresh)
    folder = a_trial(copied)
    for name in ("result.json", ".result.json", "history.log"):
        (folder / name).unlink()
    copied.snakemake()
    reference_run.assert_equal_to(copied)


@pytest.mark.parametrize("name", ["metrics.csv", "predictions.npz", "run.json"])
def test_partly_deleted_trial_folder(fresh: Project, reference_run: ReferenceRun, name: str):
    copied = a_copy(reference_run, fresh)
    (a_trial(copied) / name).unlink()
    shutil.rmtree(copied.results / "figures")
    output = copied.snakemake(expect=1) if name == "metrics.csv" else copied.snakemake()
    if name == "metrics.csv":
        lost = a_trial(copied).relative_to(copied.folder) / name
        assert f"{lost} is missing: delete its folder" in output
        shutil.rmtree(a_trial(copied))
        copied.snakemake()
        reference_run.assert_equal_to(copied)


def test_labels_changed_after_training_are_reported_and_nothing_is_retrained(
    fresh: Project, reference_run: ReferenceRun
):
    copied = a_copy(reference_run, fresh)
    path = sorted(copied.results.glob("labels/digits/*.npz"))[0]
    with np.load(path) as file:
        noisy, clean = file["noisy_labels"], file["clean_labels"]
    np.savez(path, noisy_labels=np.roll(noisy, 1), clean_labels=clean)
    output = copied.snakemake()
    assert f"{path.relative_to(copied.folder)} has changed since 2 finished trials were trained on it" in output
    assert copied.would_run() == {}
    shutil.rmtree(a_trial(copied))
    assert "the labels do not match its audit; delete both and run again" in copied.snakemake(expect=1)
    path.unlink()
    path.with_suffix(".json").unlink()
    copied.snakemake()
    reference_run.assert_equal_to(copied)


def test_file_times_in_the_future_retrain_nothing(fresh: Project, reference_run: ReferenceRun):
    copied = a_copy(reference_run, fresh)
    for path in [*copied.results.glob("data/digits/*"), *copied.results.glob("labels/digits/*"), copied.config]:
        os.utime(path, (time.time() + DAY, time.time() + DAY))
    assert "train" not in copied.would_run()
    shutil.rmtree(a_trial(copied))
    copied.snakemake()
    reference_run.assert_equal_to(copied)
    assert "train" not in copied.would_run()


def test_damaged_spec_manifest_and_trials_csv_are_rebuilt(fresh: Project, reference_run: ReferenceRun):
    copied = a_copy(reference_run, fresh)
    folder = a_trial(copied)
    for name in ("result.json", ".result.json", "history.log"):
        (folder / name).unlink()
    (folder / "spec.json").write_text("{")
    (copied.results / "manifest.json").write_text("")
    (copied.results / "trials.csv").write_text("trial,")
    copied.snakemake()
    reference_run.assert_equal_to(copied)


def test_damaged_data_set_is_named(fresh: Project):
    first_spec(fresh)
    arrays = next(path for path in fresh.results.glob("data/digits/*.npy"))
    arrays.write_bytes(arrays.read_bytes()[:200])
    output = fresh.snakemake(expect=1)
    assert str(arrays.relative_to(fresh.folder)) in output or "results/data/digits" in output


def test_leftover_of_a_killed_write_is_removed(fresh: Project):
    spec = first_spec(fresh)
    leftover = spec.parent / ".checkpoint.pt.123.tmp"
    leftover.write_bytes(b"half")
    fresh.labelnoise("train", "--spec", str(spec), "--out", str(spec.parent))
    assert not leftover.exists()


# The machine


def test_missing_gpu_is_reported_and_the_trial_is_retried_at_the_next_call(fresh: Project, reference_run: ReferenceRun):
    output = fresh.snakemake("--set-resources", "train:gpus=99", expect=1)
    assert "99 GPUs are requested, but" in output
    assert not list(fresh.results.rglob("checkpoint.pt"))
    fresh.snakemake()
    reference_run.assert_equal_to(fresh)


def test_trial_out_of_memory_fails_with_the_reason_and_the_others_continue(fresh: Project):
    fresh.write(
        "import torch\n\n\nclass Greedy(torch.nn.Module):\n    def forward(self, logits, targets):\n"
        "        return logits.new_ones(10**13).sum()\n",
        "my_losses.py",
    )
    fresh.edit(losses=["CE", {"target": "my_losses:Greedy"}], seeds=[1])
    output = fresh.snakemake(expect=1)
    assert "1 ok" in output
    assert "can't allocate memory" in output or "not enough memory" in output
