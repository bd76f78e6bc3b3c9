"""`labelnoise init` writes a project that runs the installed workflow as a module, and overwrites nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import yaml

import labelnoise
from labelnoise.experiment import config_file, schema
from labelnoise.project import experiments
from support.project import ROOT, Project

SNAKEDEPLOY = str(Path(sys.executable).parent / "snakedeploy")

STAND_IN = """\
#!/bin/bash
echo "${*//$'\\n'/ }" >> calls
if [ "$1" = --version ]; then echo "apptainer version 1.3.4"; exit; fi
until [[ $1 = *.sif ]]; do shift; done
shift
exec "$@"
"""

# Hooks of the user's own, around the module, and a rule that is changed.
USED = """
onstart:
    print("my hook before")


{template}

use rule train from labelnoise with:
    priority: 5


rule mine:
    input: "results/trials.csv"
    output: "lines.txt"
    shell: "wc -l {{input}} > {{output}}"


onsuccess:
    print("my hook after")
"""

SMALL = {"datasets": ["digits"], "noise": ["clean"], "losses": ["CE", "MAE"], "seeds": [1], "train": {"epochs": 1}}


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def begun(empty: Project) -> Project:
    """A new project."""
    done = empty.labelnoise("init")
    assert done.returncode == 0, done.stderr
    return empty


def small(project: Project, name: str = "config.yaml") -> None:
    project.write(yaml.safe_dump(SMALL), name)


def test_module_runs_with_hooks_rules_and_changes_of_the_users_own(begun: Project):
    small(begun)
    begun.write(USED.format(template=(begun.folder / "Snakefile").read_text()), "Snakefile")
    output = begun.snakemake("all", "mine", file=None)
    assert output.count("my hook before") == 1 and output.count("my hook after") == 1
    assert (begun.results / "report.html").exists() and (begun.folder / "lines.txt").read_text().startswith("3 ")
    assert "Nothing to be done" in begun.snakemake(file=None)


def test_module_reads_the_config_that_the_snakefile_names(begun: Project):
    small(begun, "other.yaml")
    module = (begun.folder / "Snakefile").read_text()
    given = module.replace("        snakefile()\n", "        snakefile()\n    config:\n        config\n")
    begun.write('configfile: "other.yaml"\n' + given, "Snakefile")
    assert begun.would_run(file=None)["train"] == 2
    begun.write('configfile: "other.yaml"\nconfig["seeds"] = [1, 2]\n' + given, "Snakefile")
    output = begun.snakemake("-n", file=None, expect=1)
    assert "differs from other.yaml in seeds" in output and "Traceback" not in output


def test_snakedeploy_deploys_the_workflow(empty: Project, tmp_path_factory: pytest.TempPathFactory):
    repository = tmp_path_factory.mktemp("repository")
    for name in ("workflow", "config", "profiles"):
        shutil.copytree(ROOT / name, repository / name)
    git = ["git", "-C", str(repository), "-c", "user.name=test", "-c", "user.email=test@example.org"]
    for arguments in (["init", "--quiet", "-b", "main"], ["add", "."], ["commit", "--quiet", "-m", "Add the workflow"]):
        subprocess.run([*git, *arguments], check=True)
    deploy = ["deploy-workflow", str(repository), str(empty.folder / "deployed"), "--branch", "main"]
    subprocess.run([SNAKEDEPLOY, *deploy], check=True, capture_output=True)
    deployed = Project(empty.folder / "deployed")
    snakefile = deployed.folder / "workflow" / "Snakefile"
    declared = snakefile.read_text()
    assert '"workflow/Snakefile"' in declared  # a repository on a server gets its address here
    snakefile.write_text(declared.replace('"workflow/Snakefile"', f'"{ROOT / "workflow" / "Snakefile"}"'))
    small(deployed, "config/config.yaml")
    deployed.snakemake("trials", file=None)
    assert (deployed.results / "trials.csv").exists()


def test_workflow_of_another_version_is_one_message(begun: Project):
    copied = begun.folder / "elsewhere"
    (copied / "rules").mkdir(parents=True)
    for rules in (ROOT / "workflow" / "rules").glob("*.smk"):
        (copied / "rules" / rules.name).write_text(rules.read_text())
    workflow = (ROOT / "workflow" / "Snakefile").read_text()
    assert f'VERSION = "{labelnoise.__version__}"' in workflow
    (copied / "Snakefile").write_text(workflow.replace(labelnoise.__version__, "9.9.9", 1))
    output = begun.snakemake("-n", file=copied / "Snakefile", expect=1)
    assert "this workflow is that of labelnoise 9.9.9" in output and "Traceback" not in output
    (copied / "Snakefile").write_text(re.sub(r'min_version\("[\d.]+"\)', 'min_version("99.0")', workflow))
    output = begun.snakemake("-n", file=copied / "Snakefile", expect=1)
    assert "99.0" in output and "Traceback" not in output


def test_jobs_run_in_the_image_of_the_working_folder(begun: Project, monkeypatch: pytest.MonkeyPatch):
    """With a stand-in for apptainer, which records its calls and runs the command without an image."""
    small(begun)
    stand_in = begun.folder / "bin" / "apptainer"
    stand_in.parent.mkdir()
    stand_in.write_text(STAND_IN)
    stand_in.chmod(0o755)
    folders = (stand_in.parent, Path(sys.executable).parent)
    monkeypatch.setenv("PATH", ":".join([*map(str, folders), os.environ["PATH"]]))
    begun.snakemake("trials", "--sdm", "apptainer", file=None)
    calls = (begun.folder / "calls").read_text().splitlines()
    jobs = [call for call in calls if call.startswith("exec ")]
    assert len([job for job in jobs if "labelnoise.sif" in job and "labelnoise train" in job]) == 2
    assert all("labelnoise.sif" in job for job in jobs)


def test_init_keeps_every_file_that_exists(begun: Project):
    before = {path: path.read_bytes() for path in begun.folder.rglob("*") if path.is_file()}
    begun.write("# mine\n" + begun.config.read_text())
    begun.write("rule mine:\n    output: 'x'\n", "Snakefile")
    (begun.folder / "my_losses.py").unlink()
    again = begun.labelnoise("init")
    assert again.returncode == 0 and "kept  config.yaml" in again.stdout and "wrote my_losses.py" in again.stdout
    assert begun.config.read_text().startswith("# mine")
    assert (
        "to run labelnoise from your Snakefile, add:" in again.stdout and "use rule * from labelnoise" in again.stdout
    )
    unchanged = set(before) - {begun.config, begun.folder / "Snakefile"}
    assert all(path.read_bytes() == before[path] for path in unchanged)


def test_config_names_its_schema_and_the_version_it_was_written_for(begun: Project):
    first, second, *_ = begun.config.read_text().splitlines()
    assert (begun.folder / first.removeprefix(schema.EDITORS)).read_text() == schema.text()
    assert second == f"{config_file.WRITTEN_FOR} {labelnoise.__version__}"
    assert config_file.read(begun.config).written_for == labelnoise.__version__


def test_experiment_comes_with_the_files_that_it_extends(empty: Project):
    done = empty.labelnoise("init", "--experiment", "alf2021-figure7")
    assert done.returncode == 0, done.stderr
    written = {path.name for path in (empty.folder / "experiments").glob("*.yaml")}
    assert written == {f"alf2021-{name}.yaml" for name in ("figure7", "figure5", "tables6-7-mnist")}
    values = config_file.read(empty.config).values
    assert values == config_file.read(experiments() / "alf2021-figure7.yaml").values
    for path in (empty.folder / "experiments").glob("*.yaml"):
        first = path.read_text().splitlines()[0]
        assert (path.parent / first.removeprefix(schema.EDITORS)).resolve() == empty.folder / "config.schema.json"
    unknown = empty.labelnoise("init", "--experiment", "alf2021-figure99")
    assert unknown.returncode == 2 and "did you mean alf2021-figure" in unknown.stderr


def test_config_on_own_data_can_be_planned(empty: Project):
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    np.savez(empty.folder / "mine.npz", x_train=images, y_train=np.arange(60) % 3)
    done = empty.labelnoise("init", "--data", "mine.npz")
    assert done.returncode == 0, done.stderr
    config = yaml.safe_load(empty.config.read_text())
    assert config["datasets"] == [{"name": "mine", "arrays": "mine.npz", "like": "digits"}]
    assert config["train"] == {"validation": 0.2}
    jsonschema.validate(config, schema.schema())
    planned = empty.labelnoise("plan")
    assert planned.returncode == 0, planned.stderr
    again = empty.labelnoise("init", "--data", "mine.npz")
    assert again.returncode == 2 and "config.yaml exists and is not changed" in again.stderr
    nothing = empty.labelnoise("init", "--data", "none.npz")
    assert nothing.returncode == 2 and "config.yaml exists" in nothing.stderr


@pytest.mark.parametrize(("labels", "message"), [(None, "there is no such file"), (0, "at least two classes")])
def test_unusable_data_is_refused_and_nothing_is_written(empty: Project, labels: int | None, message: str):
    if labels is not None:
        np.savez(empty.folder / "mine.npz", x_train=np.full((8, 8, 8), 9, np.uint8), y_train=np.full(8, labels))
    before = list(empty.folder.iterdir())
    done = empty.labelnoise("init", "--data", "mine.npz")
    assert done.returncode == 2 and message in done.stderr
    assert [path for path in empty.folder.rglob("*") if path.is_file()] == before
