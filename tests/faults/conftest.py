from __future__ import annotations

import pytest

from project import Project
from undisturbed import Undisturbed

CONFIG = """\
datasets: [digits]
noise: [{kind: symmetric, rate: 0.4}]
losses: [CE, {loss: GCE, q: 0.7}]
seeds: [1, 2]
train: {epochs: 60}
run: {checkpoint_epochs: 2}
"""


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    found = Project(tmp_path_factory.mktemp("undisturbed"))
    found.write(CONFIG)
    found.snakemake()
    return Undisturbed(found)


@pytest.fixture
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The experiment, not yet run."""
    found = Project(tmp_path_factory.mktemp("fresh"))
    found.write(CONFIG)
    return found
