"""The real Snakefile on a real one-node SLURM cluster (cluster.sh), with everything that happens to jobs on clusters.

Fault tests end with the tables and, bit for bit, the results of a reference run on this machine, each trial trained to
its end once. Run by `make test-slurm`; the smoke test also runs in .ci/run.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.project import ROOT, Project
from support.reference_run import ReferenceRun

pytestmark = pytest.mark.slurm

CLUSTER = ROOT / "tests" / "slurm" / "cluster.sh"
# About fifteen seconds per trial and one checkpoint per second.
CONFIG = """\
datasets: [digits]
noise: [{kind: symmetric, rate: 0.4}]
losses: [CE, {loss: GCE, q: 0.7}]
seeds: [1]
train: {epochs: 250, batch_size: 64}
run: {checkpoint_epochs: 10}
"""
SHORT = CONFIG.replace("epochs: 250", "epochs: 3").replace("seeds: [1]", "seeds: [1, 2]")
# As profiles/slurm, but polls the jobs more often and without an accounting database.
QUICK = [
    "--profile", str(ROOT / "profiles" / "slurm"), "--slurm-status-command", "squeue", "--latency-wait", "20",
    "--seconds-between-status-checks", "2", "--slurm-init-seconds-before-status-checks", "2",
]  # fmt: skip


@dataclass(frozen=True)
class Submitted(Project):
    """A project whose jobs go to the cluster."""

    resources: tuple[str, ...] = ("train:mem_mb=1200", "train:runtime=5")
    options: tuple[str, ...] = ()

    def command(self, *arguments: str, file: Path | None = ROOT / "Snakefile") -> list[str]:
        quick = [*QUICK, "--set-resources", *self.resources, *self.options]
        return [*super().command(file=file), *quick, "--default-resources", "mem_mb=1200", "runtime=5", *arguments]

    def started(self) -> subprocess.Popen[str]:
        """Start Snakemake in the background, in its own session."""
        log = (self.folder / "driver.log").open("a")
        return subprocess.Popen(
            self.command(), cwd=self.folder, stdout=log, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )

    def checkpoints(self) -> list[Path]:
        return list(self.results.glob("trials/*/*/*/*/checkpoint.pt"))

    def histories(self) -> list[str]:
        """The history of each trial: one line for each start, and one for its end."""
        return [path.read_text() for path in self.results.glob("trials/*/*/*/*/history.log")]


def slurm(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def training_jobs(state: str = "all") -> list[str]:
    """Ids of the cluster's jobs of rule train in this state."""
    rows = slurm("squeue", "-h", "-t", state, "-o", "%i|%k").split("\n")
    return [row.split("|")[0] for row in rows if "|rule_train" in row or "|group_" in row or "|rule_trials" in row]


def wait_until(is_so: Callable[[], object], *, seconds: float = 120, what: str = "") -> None:
    for _ in range(round(seconds / 0.2)):
        if is_so():
            return
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} s: {what}")


def finish(driver: subprocess.Popen, project: Submitted, *, expect: int = 0, seconds: float = 280) -> None:
    assert driver.wait(timeout=seconds) == expect, (project.folder / "driver.log").read_text()[-5000:]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    if os.geteuid() or not shutil.which("slurmctld"):
        pytest.skip("needs root and SLURM's packages: bash tests/slurm/cluster.sh install")
    subprocess.run(["bash", str(CLUSTER), "up"], check=True)
    yield
    subprocess.run(["bash", str(CLUSTER), "down"], check=True)


@pytest.fixture(autouse=True)
def idle_cluster(cluster: None) -> Iterator[None]:
    yield
    subprocess.run(["scancel", "--user", "root"], check=True)
    wait_until(lambda: not slurm("squeue", "-h"), what="an idle cluster")


@pytest.fixture
def submitted(tmp_path: Path) -> Submitted:
    project = Submitted(tmp_path)
    project.write(CONFIG)
    return project


@pytest.fixture(scope="module")
def reference_run(tmp_path_factory: pytest.TempPathFactory) -> ReferenceRun:
    """The same experiment run on this machine without SLURM and without faults."""
    project = Project(tmp_path_factory.mktemp("reference"))
    project.write(CONFIG)
    project.snakemake()
    return ReferenceRun(project)


def test_smoke_jobs_request_the_resources_of_the_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # Without an accounting database, sacctmgr cannot list the accounts.
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "sacctmgr").write_text("#!/bin/sh\necho noisy_labels\n")
    (tools / "sacctmgr").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    resources = ("train:mem_mb=1100", "train:runtime=7", "train:slurm_partition=gpu", "train:gpu=1")
    project = Submitted(tmp_path, (*resources, "train:slurm_account=noisy_labels"))
    project.write(SHORT)
    project.snakemake()
    jobs = training_jobs()
    assert len(jobs) == 4
    for job in jobs:
        requested = slurm("scontrol", "show", "job", job)
        for value in ("Partition=gpu", "Account=noisy_labels", "MinMemoryNode=1100M", "TimeLimit=00:07:00", "gpu:1"):
            assert value in requested, requested
    assert project.would_run() == {}


def test_tiny_trials_are_grouped_into_one_submission(tmp_path: Path):
    packed = ("--groups", "train=trials", "--group-components", "trials=2")
    project = Submitted(tmp_path, options=packed)
    project.write(SHORT)
    before = set(training_jobs())
    project.snakemake()
    assert len(set(training_jobs()) - before) == 2
    assert len(project.finished()) == 4


def test_tiny_trials_are_submitted_as_job_arrays(tmp_path: Path):
    project = Submitted(tmp_path, options=("--slurm-array-jobs", "train"))
    project.write(SHORT)
    before = set(slurm("squeue", "-h", "-t", "all", "-o", "%F %K").splitlines())
    project.snakemake()
    tasks = set(slurm("squeue", "-h", "-t", "all", "-o", "%F %K").splitlines()) - before
    array = [row.split()[0] for row in tasks if not row.endswith("N/A")]
    assert len(array) == 4 and len(set(array)) <= 2  # one array for the trials whose labels are ready together
    assert len(project.finished()) == 4


def test_project_of_ones_own_runs_by_the_profile_of_any_scheduler(tmp_path: Path):
    project = Project(tmp_path)
    assert project.labelnoise("init").returncode == 0
    project.write(SHORT)
    profile = ("--profile", "profiles/cluster-generic", "--default-resources", "mem_mb=1200", "runtime=5")
    project.snakemake(*profile, "--set-resources", "train:mem_mb=1200", "train:runtime=5", file=None)
    assert len(project.finished()) == 4 and (project.results / "complete").exists()


def test_config_edited_while_jobs_wait_does_not_affect_them(submitted: Submitted, reference_run: ReferenceRun):
    driver = submitted.started()
    wait_until(lambda: training_jobs("pending,running"), what="a submitted trial")
    submitted.write("losses: [broken")
    assert driver.wait(timeout=300) == 0, (submitted.folder / "driver.log").read_text()
    submitted.write(CONFIG)
    reference_run.assert_equal_to(submitted)


def test_cancelled_job_resumes(submitted: Submitted, reference_run: ReferenceRun):
    driver = submitted.started()
    wait_until(submitted.checkpoints, what="a checkpoint")
    slurm("scancel", training_jobs("running")[0])
    finish(driver, submitted)
    reference_run.assert_equal_to(submitted)
    assert any(history.count("begins") > 1 for history in submitted.histories())


def test_job_over_its_time_limit_resumes_while_it_advances(tmp_path: Path):
    project = Submitted(tmp_path, ("train:mem_mb=1200", "train:runtime=1"))
    project.write(CONFIG.replace("epochs: 250", "epochs: 5000").replace("CE, {loss: GCE, q: 0.7}", "CE"))
    driver = project.started()
    finish(driver, project, seconds=590)
    (history,) = project.histories()
    assert history.count("begins") > 1
    assert history.count(" ok, ") == 1


def test_job_over_its_memory_limit_fails_and_succeeds_with_more(tmp_path: Path, reference_run: ReferenceRun):
    project = Submitted(tmp_path, ("train:mem_mb=500", "train:runtime=5"))
    project.write(CONFIG)
    driver = project.started()
    finish(driver, project, expect=1)
    assert "2 of 2" in (project.results / "tables" / "digits-last.md").read_text()
    roomy = Submitted(tmp_path)
    roomy.snakemake()
    reference_run.assert_equal_to(roomy)


def test_preempted_job_is_requeued_and_resumes(submitted: Submitted, reference_run: ReferenceRun):
    driver = submitted.started()
    wait_until(submitted.checkpoints, what="a checkpoint")
    slurm("sbatch", "-p", "urgent", "--exclusive", "--output", "/dev/null", "--wrap", "sleep 5")
    finish(driver, submitted)
    reference_run.assert_equal_to(submitted)
    assert any(history.count("begins") > 1 for history in submitted.histories())


def test_controller_restart_loses_nothing(submitted: Submitted, reference_run: ReferenceRun):
    driver = submitted.started()
    wait_until(submitted.checkpoints, what="a checkpoint")
    subprocess.run(["pkill", "-x", "slurmctld"], check=True)
    time.sleep(4)
    subprocess.run(["slurmctld"], check=True)
    finish(driver, submitted)
    reference_run.assert_equal_to(submitted)


def test_drained_node_continues_its_work_when_resumed(submitted: Submitted, reference_run: ReferenceRun):
    node = slurm("hostname", "-s").strip()
    driver = submitted.started()
    wait_until(submitted.checkpoints, what="a checkpoint")
    slurm("scontrol", "update", f"NodeName={node}", "State=DRAIN", "Reason=test")
    time.sleep(5)
    slurm("scontrol", "update", f"NodeName={node}", "State=RESUME")
    finish(driver, submitted)
    reference_run.assert_equal_to(submitted)


def test_driver_killed_and_restarted_while_its_jobs_run(submitted: Submitted, reference_run: ReferenceRun):
    driver = submitted.started()
    wait_until(submitted.checkpoints, what="a checkpoint")
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    assert training_jobs("running")
    again = submitted.started()
    finish(again, submitted)
    reference_run.assert_equal_to(submitted)
    assert all(history.count("begins") == 1 for history in submitted.histories())
    assert submitted.would_run() == {}
