"""A config is data: none of it reaches a shell, a path outside the results, or Python by accident."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labelnoise.datasets.digits import load
from support.project import Project

pytestmark = pytest.mark.faults

TRICKS = ("; touch pwned", "$(touch pwned)", "`touch pwned`", "' touch pwned '", "a && touch pwned", "-rf x")


def arrays(path: Path) -> None:
    found = load(None, Path())
    np.savez(
        path,
        x_train=found.images["train"][:, 0],
        y_train=found.labels["train"],
        x_test=found.images["test"][:, 0],
        y_test=found.labels["test"],
    )


def nothing_happened(project: Project) -> bool:
    return not [path for path in project.folder.rglob("*") if path.name == "pwned"]


def test_file_names_reach_no_shell(project: Project):
    files = [f"{trick}.npz" for trick in TRICKS]
    for file in files:
        arrays(project.folder / file)
    labels = project.folder / "$(touch pwned).csv"
    labels.write_text("label\n" + "\n".join(map(str, load(None, Path()).labels["train"])) + "\n")
    project.edit(
        datasets=[{"name": f"mine{i}", "arrays": f"./{file}", "like": "digits"} for i, file in enumerate(files)],
        noise=[{"kind": "file", "path": f"./{labels.name}", "label": "mine"}],
        losses=["CE"],
        seeds=[1],
        train={"epochs": 1},
    )
    project.snakemake()
    assert len(project.finished()) == len(files)
    assert nothing_happened(project)


def test_labels_reach_no_shell_and_no_path(project: Project):
    tricks = ["; touch pwned", "`touch pwned`", "../../pwned", "a' && touch pwned '", "<script>alert(1)</script>"]
    project.edit(
        losses=[{"loss": "GCE", "q": 0.1 * (i + 1), "label": trick} for i, trick in enumerate(tricks)], seeds=[1]
    )
    project.snakemake()
    assert nothing_happened(project)
    assert not list(project.folder.parent.glob("pwned*"))
    assert "<script>alert" not in (project.results / "report.html").read_text()


@pytest.mark.parametrize(
    "changes",
    [
        {"datasets": [{"name": "../../x", "arrays": "mine.npz", "like": "digits"}]},
        {"datasets": [{"name": "; touch pwned", "arrays": "mine.npz", "like": "digits"}]},
        {"datasets": ["$(touch pwned)"]},
        {"noise": ["../../x"]},
        {"losses": ["$(touch pwned)"]},
        {"losses": [{"loss": "CE", "label": "$(touch pwned)"}]},
        {"losses": [{"target": "../../x:Loss"}]},
        {"losses": [{"target": "os:system"}]},
        {"train": {"model": "; touch pwned"}},
        {"train": {"model": "timm/../../x"}},
        {"run": {"keep": ["; touch pwned"]}},
        {"run": {"snapshots": ["1; touch pwned"]}},
    ],
    ids=str,
)
def test_invalid_name_is_rejected(project: Project, changes: dict):
    arrays(project.folder / "mine.npz")
    project.edit(**changes)
    output = project.snakemake(expect=1)
    assert "the config cannot be used" in output or "failed" in output
    assert nothing_happened(project)
    assert not (project.folder.parent / "x").exists()


@pytest.mark.parametrize("name", ["$(touch pwned).yaml", "; touch pwned.yaml"])
def test_experiment_file_name_that_is_no_valid_folder_is_rejected(project: Project, name: str):
    project.write(project.config.read_text(), name)
    assert "becomes a folder" in project.snakemake("--configfile", name, expect=1)
    assert nothing_happened(project)


def test_yaml_creates_no_objects(project: Project):
    project.write("datasets: !!python/object/apply:os.system ['touch pwned']\n")
    assert "not valid YAML" in project.snakemake(expect=1)
    assert nothing_happened(project)


def test_command_line_overrides_create_no_objects(project: Project):
    project.snakemake("--config", "seeds=!!python/object/apply:os.system ['touch pwned']", expect=1)
    assert nothing_happened(project)


def test_other_users_may_read_the_results(finished_project: Project):
    files = [path for path in finished_project.results.rglob("*") if path.is_file() and path.name != ".lock"]
    unreadable = [path.name for path in files if path.stat().st_mode & 0o044 != 0o044]
    assert not unreadable


def test_no_result_file_contains_a_path_of_this_machine(finished_project: Project):
    texts = [path for path in finished_project.results.rglob("*") if path.suffix in (".json", ".csv", ".md", ".html")]
    assert not [path.name for path in texts if str(finished_project.folder) in path.read_text(errors="replace")]
