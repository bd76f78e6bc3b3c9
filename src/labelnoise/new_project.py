"""`labelnoise init`: a folder of the user's own from which the installed workflow runs. Overwrites nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

import labelnoise
from labelnoise import project
from labelnoise.datasets.own import propose
from labelnoise.errors import UserError, unknown
from labelnoise.experiment import config_file, schema
from labelnoise.experiment.trials import write_checked
from labelnoise.files import write_text

TEMPLATES = Path(project.__file__).parent / "templates"
SCHEMA = Path("config.schema.json")
CONFIG = Path("config.yaml")

_EXPERIMENT = """\
# The experiment of {file}; a key given here replaces that of the file.
extends: {file}
"""

_DATA = """\
# Noise is added to the labels of {name}, which are taken as true. If they are noisy as they are, set `labels: given` in
# the entry and `noise: [given]`; `labelnoise choose {data}` finds out which loss fits them.
"""


def init(*, experiment: str | None, data: Path | None) -> str:
    """Write the files of a project that are missing in the working folder, and say which.

    config.yaml is the default experiment, the `experiment` with this name, or one on the user's `data`, an .npz or an
    image folder. Raises `UserError` for an unknown experiment or unusable data.
    """
    if data is not None and CONFIG.exists():
        raise UserError(f"{CONFIG} exists and is not changed: move it away, or work in another folder")
    written, kept = [], []
    for path, text in _files(experiment, data):
        if path.exists():
            kept.append(path)
            continue
        write = write_checked if path == CONFIG and data is not None else write_text
        write(path, text)
        written.append(path)
    lines = [f"wrote {path}" for path in written] + [f"kept  {path}, which exists" for path in kept]
    if Path("Snakefile") in kept and "labelnoise" not in Path("Snakefile").read_text(encoding="utf-8"):
        lines += ["to run labelnoise from your Snakefile, add:", "", (TEMPLATES / "Snakefile").read_text().strip(), ""]
    if CONFIG in kept and experiment is not None:
        run = f"snakemake --cores all --configfile experiments/{experiment}.yaml"
    else:
        run = "snakemake --cores all"
    return "\n".join([*lines, f"to see what it would train: labelnoise plan; to run it: {run}"])


def _files(experiment: str | None, data: Path | None) -> Iterator[tuple[Path, str]]:
    """Yield the path and content of every file of the project, the config first."""
    if data is not None:
        yield CONFIG, _headed(_on_data(data), SCHEMA)
    elif experiment is not None:
        copies = dict(_experiment_files(experiment))
        file = Path("experiments") / f"{experiment}.yaml"
        yield CONFIG, _headed(_EXPERIMENT.format(file=file), SCHEMA)
        for path, text in copies.items():
            yield path, _headed(text, Path("..") / SCHEMA)
    else:
        yield CONFIG, _headed((project.files() / CONFIG).read_text(encoding="utf-8"), SCHEMA)
    yield SCHEMA, schema.text()
    for template in ("Snakefile", "my_losses.py"):
        yield Path(template), (TEMPLATES / template).read_text(encoding="utf-8")
    for profile in sorted((project.files() / "profiles").glob("*/*")):
        yield profile.relative_to(project.files()), profile.read_text(encoding="utf-8")


def _experiment_files(name: str) -> Iterator[tuple[Path, str]]:
    """Yield the experiment's file and those that it extends."""
    names = sorted(file.stem for file in project.experiments().glob("*.yaml"))
    if name not in names:
        raise UserError(unknown("experiment", name, names))
    file: Path | None = project.experiments() / f"{name}.yaml"
    while file is not None:
        text = file.read_text(encoding="utf-8")
        yield Path("experiments") / file.name, text
        extended = yaml.safe_load(text).get("extends")
        file = file.parent / extended if extended else None


def _on_data(data: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", data.resolve().stem)
    proposal = propose(name, data, like=None)
    noise = ["clean", "given"] if proposal.info.states_given else ["clean", {"kind": "symmetric", "rate": [0.2, 0.4]}]
    train = proposal.train if proposal.info.test_sets else {"validation": 0.2, **proposal.train}
    default = yaml.safe_load((project.files() / CONFIG).read_text(encoding="utf-8"))
    config: dict[str, Any] = {"datasets": [proposal.entry], "noise": noise}
    config |= {key: default[key] for key in ("losses", "preset", "seeds")}
    if train:
        config["train"] = train
    return _DATA.format(name=name, data=data) + yaml.safe_dump(config, sort_keys=False, default_flow_style=None)


def _headed(text: str, schema_path: Path) -> str:
    """The config with first lines that name its schema, for editors, and the version it was written for."""
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith(schema.EDITORS)]
    version = f"{config_file.WRITTEN_FOR} {labelnoise.__version__}\n"
    return f"{schema.EDITORS}{schema_path.as_posix()}\n{version}" + "".join(lines)
