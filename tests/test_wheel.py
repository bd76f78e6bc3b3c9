"""An installed wheel is enough: from an empty folder to a report, outside the repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import yaml

from support.project import ROOT

# Everything but labelnoise itself is taken from the environment of the tests.
DEPENDENCIES = sysconfig.get_paths()["purelib"]


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, distributions: Path) -> Path:
    """The `bin` of a fresh environment with the wheel; its site-packages are beside it."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (wheel,) = distributions.glob("*.whl")
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(site), str(wheel)]
    subprocess.run([sys.executable, *install], check=True)
    (site / "dependencies.pth").write_text(f"{DEPENDENCIES}\n")
    return folder / "bin"


def run(environment: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(environment / "python"), "-m", *arguments]
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, timeout=300)


def test_wheel_and_sdist_pass_twine_and_carry_the_workflow(distributions: Path):
    files = [str(path) for path in distributions.glob("labelnoise-*")]
    assert len(files) == 2
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *files], check=True, capture_output=True)
    (wheel,) = distributions.glob("*.whl")
    carried = {name.partition("project/files/")[2] for name in zipfile.ZipFile(wheel).namelist()}
    shared = ("workflow/**/*", "profiles/**/*", "experiments/*.yaml")
    wanted = {path for pattern in shared for path in ROOT.glob(pattern) if path.is_file()}
    assert {path.relative_to(ROOT).as_posix() for path in wanted} | {"config.yaml", "envs/labelnoise.yaml"} <= carried


def test_installed_wheel_runs_an_experiment_from_an_empty_folder(environment: Path, tmp_path: Path):
    begun = run(environment, tmp_path, "labelnoise", "init")
    assert begun.returncode == 0, begun.stderr
    assert yaml.safe_load((tmp_path / "config.yaml").read_text()) == yaml.safe_load((ROOT / "config.yaml").read_text())
    small = {"noise": ["clean"], "losses": ["CE", {"target": "my_losses:Capped"}], "seeds": [1], "train": {"epochs": 2}}
    config = yaml.safe_load((tmp_path / "config.yaml").read_text()) | small
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    done = run(environment, tmp_path, "snakemake", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "results" / "report.html").stat().st_size > 0
    assert f"{ROOT}/workflow" not in done.stdout + done.stderr and f"{ROOT}/profiles" not in done.stdout + done.stderr
    copied = run(environment, tmp_path, "labelnoise", "init", "--experiment", "jal2025-table3-cifar10")
    assert "kept  config.yaml" in copied.stdout and (tmp_path / "experiments" / "jal2025-table3-cifar10.yaml").exists()


def test_wheel_without_its_workflow_is_one_message(environment: Path, tmp_path: Path):
    (site,) = environment.parent.glob("lib/python*/site-packages")
    broken = tmp_path / "site"
    shutil.copytree(site / "labelnoise", broken / "labelnoise")
    shutil.rmtree(broken / "labelnoise" / "project" / "files")
    environment_variables = {**os.environ, "PYTHONPATH": str(broken)}
    command = [str(environment / "python"), "-m", "labelnoise", "init"]
    done = subprocess.run(command, cwd=tmp_path, env=environment_variables, capture_output=True, text=True)
    assert done.returncode == 2 and "installed without its workflow" in done.stderr
    assert len(done.stderr.splitlines()) == 1 and not (tmp_path / "config.yaml").exists()
