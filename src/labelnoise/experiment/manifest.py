"""What an experiment consists of, for everything downstream of training; and how far each trial is.

The manifest changes only when the trials or their presentation change; trials.csv, tables, figures and report belong to
one. A run writes it when it starts: reading a config writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import labelnoise
from labelnoise import paths
from labelnoise.errors import UserError
from labelnoise.experiment.config import Config
from labelnoise.experiment.trials import Trial
from labelnoise.files import read_json, write_json

OK, DIVERGED, FAILED, MISSING = "ok", "diverged", "failed", "missing"


def build(config: Config, trials: list[Trial], name: str | None, file: str) -> dict[str, Any]:
    """The manifest of the config file called `file`: the axes in its order, their presentation, every trial's place."""
    preset = config.preset.model_dump() if config.preset else None
    return {
        "experiment": name,
        "config": file,
        "labelnoise": labelnoise.__version__,
        "highlight": config.highlight,
        "noise_seed": config.noise_seed,
        "preset": preset,
        "datasets": _distinct(trial.spec["dataset"]["name"] for trial in trials),
        "noises": _distinct(paths.noise_name(trial.spec["noise"]) for trial in trials),
        "noise_headings": {paths.noise_name(trial.spec["noise"]): list(trial.noise_heading) for trial in trials},
        "losses": _distinct(trial.label for trial in trials),
        "seeds": _distinct(trial.spec["seed"] for trial in trials),
        "trials": [
            {
                "hash": trial.hash,
                "folder": trial.folder.as_posix(),
                "labels": trial.labels.as_posix(),
                "dataset": trial.spec["dataset"]["name"],
                "noise": paths.noise_name(trial.spec["noise"]),
                "kind": trial.spec["noise"]["kind"],
                "rate": trial.spec["noise"]["rate"],
                "variant": trial.spec["noise"]["variant"],
                "noise_seed": trial.spec["noise"]["seed"],
                "loss": trial.spec["loss"]["name"],
                "label": trial.label,
                "seed": trial.spec["seed"],
            }
            for trial in trials
        ],
    }


def check_owner(manifest: dict[str, Any], path: Path) -> None:
    """`UserError` when the products there are those of another experiment file of the same name."""
    found = read_loosely(path)
    if found.get("config", manifest["config"]) != manifest["config"]:
        raise UserError(
            f"{path.parent} holds the products of {found['config']}, which has the same name as {manifest['config']}: "
            f"rename one, or delete {path} if the file has moved"
        )


def result(folder: Path) -> dict[str, Any]:
    """The result in a trial's folder; nothing where it is missing, damaged or another trial's."""
    found = read_loosely(folder / "result.json")
    return found if found.get("trial") == folder.name.rpartition("-")[2] and "status" in found else {}


def status(folder: Path) -> str:
    """ok, diverged, failed, or missing where there is no readable result of this trial."""
    return result(folder).get("status", MISSING)


def read_loosely(path: Path) -> dict[str, Any]:
    """The JSON file, or nothing where it is missing or damaged."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def is_finished(trial: Trial, *, retry_failed: bool) -> bool:
    """Whether nothing is left to do; a damaged result is as good as none, a failed one is if it shall be retried."""
    return status(trial.folder) not in ({MISSING, FAILED} if retry_failed else {MISSING})


def moved_index(folder: Path, source: Path) -> Path | None:
    """Where to move the description of a data set that was prepared from images in another place than `source`."""
    root = read_loosely(folder / "dataset.json").get("root")
    return None if root in (None, source.as_posix()) else free_name(folder, "moved")


def free_name(folder: Path, stem: str) -> Path:
    """The first `stem`-N.json that is not there: where a file is moved aside, so that nothing is overwritten."""
    number = 1
    while (path := folder / f"{stem}-{number}.json").exists():
        number += 1
    return path


def write_specs(trials: Iterable[Trial]) -> None:
    """Lay each unfinished trial's spec into its folder, where its job finds it."""
    for trial in trials:
        if not trial.result.exists():
            write_json(trial.folder / "spec.json", trial.spec)


def read(path: Path) -> dict[str, Any]:
    return read_json(path, "manifest (snakemake writes it)")


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))
