"""The lock file, the conda file and pyproject agree; no registry address appears."""

from __future__ import annotations

import re
import runpy
import tomllib

import yaml

from support.project import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONDA_NAMES = {"torch": "pytorch"}


def _name(requirement: str) -> str:
    return re.match(r"[A-Za-z0-9_.-]+", requirement)[0].lower()


def test_lock_pins_every_dependency_with_hashes_and_without_addresses():
    lock = (ROOT / "requirements.lock").read_text()
    pinned = set(re.findall(r"^([a-z0-9_.-]+)==", lock, re.MULTILINE))
    groups = [line for group in PYPROJECT["dependency-groups"].values() for line in group if isinstance(line, str)]
    wanted = {_name(line) for line in [*PYPROJECT["project"]["dependencies"], *groups]}
    assert wanted <= pinned
    assert "://" not in lock
    assert "--index" not in lock
    entries = re.split(r"\n(?=[a-z])", lock)
    assert all("--hash=sha256:" in entry for entry in entries)


def test_conda_file_matches_pyproject():
    conda = yaml.safe_load((ROOT / "envs" / "labelnoise.yaml").read_text())
    listed = [line for line in conda["dependencies"] if not line.startswith("python")]
    renamed = [re.sub(r"^torch\b(?!v)", CONDA_NAMES["torch"], line) for line in PYPROJECT["project"]["dependencies"]]
    assert sorted(line.replace(" ", "") for line in listed) == sorted(renamed)
    assert f"python {PYPROJECT['project']['requires-python']}" in conda["dependencies"]


def test_version_is_the_same_everywhere_and_has_its_changes_listed():
    found = runpy.run_path(str(ROOT / "envs" / "release.py"))["mistakes_in_files"]()
    assert list(found) == []


def test_every_make_target_and_file_that_ci_names_exists():
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    steps = [step for job in yaml.safe_load(workflow)["jobs"].values() for step in job["steps"]]
    called = [
        line.split()[1] for step in steps for line in step.get("run", "").splitlines() if line.startswith("make ")
    ]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {"lint", "test", "docs", "wheel"} <= set(called)
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in called)
