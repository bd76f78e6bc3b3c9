from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

# Workers of pytest-xdist share the cores: more threads of torch, which is imported below, would wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from support.project import SMALL, Project
from support.reference_run import TALLY


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    on_gpu = [item for item in items if item.get_closest_marker("gpu")]
    if on_gpu:
        import torch

        if not torch.cuda.is_available():
            for item in on_gpu:
                item.add_marker(pytest.mark.skip(reason="no CUDA device"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project with the small config."""
    created = Project(tmp_path)
    created.write(SMALL)
    return created


@pytest.fixture(scope="session")
def finished_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The small config, run once to its end: 8 trials and all outputs. Copy it before changing anything."""
    created = Project(tmp_path_factory.mktemp("finished"))
    created.write(SMALL)
    created.snakemake()
    return created


@pytest.fixture
def copied(finished_project: Project, tmp_path: Path) -> Project:
    """A copy of the finished project, with file times preserved."""
    shutil.copytree(finished_project.folder, tmp_path / "copy", symlinks=True)
    return Project(tmp_path / "copy")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if {"faults", "slurm"} & set(report.keywords) and (report.when == "call" or report.skipped):
        TALLY.update(
            {
                "faults tried": int(not report.skipped),
                "faults survived": int(report.passed),
                "skipped": int(report.skipped),
            }
        )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if TALLY["faults tried"]:
        names = ("faults tried", "faults survived", "skipped", "trials lost", "trials trained twice")
        terminalreporter.write_line(", ".join(f"{name}: {TALLY[name]}" for name in names))
