from __future__ import annotations

import pytest

from support.project import Project
from support.reference_run import ReferenceRun

CONFIG = """\
datasets: [digits]
noise: [{kind: symmetric, rate: 0.4}]
losses: [CE, {loss: GCE, q: 0.7}]
seeds: [1, 2]
train: {epochs: 60}
run: {checkpoint_epochs: 2}
"""


@pytest.fixture(scope="session")
def reference_run(tmp_path_factory: pytest.TempPathFactory) -> ReferenceRun:
    """The experiment, run without faults."""
    project = Project(tmp_path_factory.mktemp("reference"))
    project.write(CONFIG)
    project.snakemake()
    return ReferenceRun(project)


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The experiment, not yet run."""
    project = Project(tmp_path_factory.mktemp("fresh"))
    project.write(CONFIG)
    return project
