"""What an experiment consists of, for everything downstream of training; and how far each trial is.

The manifest changes only when the trials or their presentation change, so what depends on it is made anew exactly then.
"""

from __future__ import annotations

import json
import os
import time
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


def write(manifest: dict[str, Any], path: Path) -> None:
    """Write the manifest unless the file holds it already (its mtime is what the rest goes by).

    Raises `UserError` when it belongs to another experiment file of the same name.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        found = None  # none yet, or damaged: written anew
    if found == manifest:
        return
    if found and found.get("config", manifest["config"]) != manifest["config"]:
        raise UserError(
            f"{path.parent} holds the products of {found['config']}, which has the same name as {manifest['config']}: "
            f"rename one, or delete {path} if the file has moved"
        )
    write_json(path, manifest)


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


def retry_marker(trial: Trial) -> Path:
    """An empty file in the trial's folder that is newer than its result."""
    marker = trial.folder / ".retry"
    marker.touch()
    newer = max(time.time(), trial.result.stat().st_mtime + 1)
    os.utime(marker, (newer, newer))
    return marker


def moved_marker(folder: Path, source: Path) -> Path | None:
    """An empty file newer than the prepared data set where that was made from images in another place than `source`."""
    described = folder / "dataset.json"
    try:
        root = json.loads(described.read_bytes())["root"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if root in (None, source.as_posix()):
        return None
    marker = folder / ".moved"
    marker.touch()
    newer = max(time.time(), described.stat().st_mtime + 1)
    os.utime(marker, (newer, newer))
    return marker


def set_aside(trial: Trial) -> None:
    """Move a failed or damaged result to the first free failed-N.json, so that nothing is overwritten."""
    number = 1
    while (path := trial.folder / f"failed-{number}.json").exists():
        number += 1
    trial.result.rename(path)


def write_specs(trials: Iterable[Trial]) -> None:
    """Lay each unfinished trial's spec into its folder, where its job finds it."""
    for trial in trials:
        if not trial.result.exists():
            write_json(trial.folder / "spec.json", trial.spec)


def read(path: Path) -> dict[str, Any]:
    return read_json(path, "manifest (snakemake writes it)")


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))
