"""`labelnoise record`: appends an experiment's finished trials to docs/measured, where they accumulate."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from labelnoise import paths
from labelnoise.analysis import trials_csv
from labelnoise.errors import UserError
from labelnoise.experiment import config_file
from labelnoise.experiment.config import experiment_name
from labelnoise.experiment.run import build_manifest
from labelnoise.experiment.trials import expand
from labelnoise.files import write_csv, write_json
from labelnoise.manifest import Manifest
from labelnoise.trial_folder import Status, TrialFolder

# In a clone: what is measured is committed.
EXPERIMENTS = Path("experiments")
MEASURED = Path("docs/measured")

# The columns of trials.csv that mean something elsewhere, the rest of the circumstances, the recipe, and what in it and
# in the loss is not the preset's.
COLUMNS = (
    *(column for column in trials_csv.COLUMNS if column not in ("reason", "folder", "manifest")),
    "python", "platform", "deterministic", "labels_sha256", "recipe", "unlike_preset",
)  # fmt: skip


def record(experiment: str) -> str:
    """Append the experiment's finished trials to its file; return a line that says how many.

    `experiment` is a config file or the name of one in experiments/. A trial that is recorded already is left out.
    The manifest of a config from elsewhere is kept beside the file. Raises `UserError` if a trial is recorded with
    other numbers, the file has other columns, or a config from elsewhere has the name of one in experiments/.
    """
    file = Path(experiment) if experiment.endswith((".yaml", ".yml")) else EXPERIMENTS / f"{experiment}.yaml"
    is_shipped = file.parent.resolve() == EXPERIMENTS.resolve()
    manifest = manifest_of(file)
    name = manifest["experiment"]
    if not is_shipped and (EXPERIMENTS / f"{name}.yaml").exists():
        raise UserError(f"{file} has the name of {EXPERIMENTS / f'{name}.yaml'}, whose trials it would join; rename it")
    path = MEASURED / f"{name or 'config'}.csv"
    recorded = read(path) if path.exists() else []
    known = {(row["trial"], row["test_set"]): row for row in recorded}
    unlike = {entry["hash"]: entry["unlike_preset"] for entry in manifest["trials"]}
    all_rows = trials_csv.rows(manifest)
    # A cell with a failed seed has no mean, see `analysis.published`.
    failed = {_cell(row) for row in all_rows if row["status"] == Status.FAILED}
    rows = [row | {"unlike_preset": unlike[row["trial"]]} for row in all_rows if _cell(row) not in failed]
    new = [row for row in map(_row, rows) if row is not None]
    fresh = []
    for row in new:
        twin = known.get((row["trial"], row["test_set"]))
        if twin is None:
            fresh.append(row)
        elif twin["last_accuracy"] != row["last_accuracy"]:
            raise UserError(
                f"{path} has trial {row['trial']} ({row['label']}, {row['noise']}, seed {row['seed']}) with "
                f"{twin['last_accuracy']} % on {twin['device']}, and here it is {row['last_accuracy']} %: nothing is "
                "recorded; delete the row to replace it"
            )
    if not is_shipped:
        write_json(path.with_suffix(".json"), manifest)
    if fresh:
        write_csv(path, [*recorded, *fresh], COLUMNS)
    missing = len(manifest["trials"]) - len({row["trial"] for row in new})
    return f"{path}: {len(fresh)} recorded, {len(new) - len(fresh)} already there, {missing} trials not finished"


def manifest_of(file: Path) -> Manifest:
    """The manifest of a config file. Raises `UserError` if the config is wrong."""
    config, trials = expand(config_file.read(file))
    return build_manifest(config, trials, experiment_name(file), paths.config_name(file))


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a file of recorded trials, as text. Raises `UserError` if its columns are not `COLUMNS`."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise UserError(f"{path} has other columns than labelnoise record writes; move it away")
        return list(reader)


def _cell(row: dict[str, Any]) -> tuple[str, ...]:
    return row["dataset"], row["noise"], row["label"]


def _row(row: dict[str, Any]) -> dict[str, str] | None:
    """A row of trials.csv as it is recorded, all text; None for a trial that is not finished."""
    if not Status(row["status"]).is_final:
        return None
    folder = TrialFolder(Path(row["folder"]))
    result, run = folder.read_result(), folder.read_run()
    more = {key: run.get(key) for key in ("python", "platform", "deterministic")}
    more |= {"labels_sha256": result["labels_sha256"], "recipe": json.dumps(result["spec"]["recipe"], sort_keys=True)}
    values = {column: (row | more).get(column) for column in COLUMNS}
    return {column: "" if value is None else str(value) for column, value in values.items()}
