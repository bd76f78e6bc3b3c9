"""What an experiment consists of, for everything downstream of training; and how far each trial is.

The manifest changes only when the trials or their presentation change, so what depends on it is made anew exactly then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import labelnoise
from labelnoise import paths
from labelnoise.experiment.config import Config
from labelnoise.experiment.trials import Trial
from labelnoise.files import read_json, write_json

OK, DIVERGED, FAILED, MISSING = "ok", "diverged", "failed", "missing"


def build(config: Config, trials: list[Trial], name: str | None) -> dict[str, Any]:
    """The manifest: the axes in the config's order, how to present them, and every trial's place."""
    preset = config.preset.model_dump() if config.preset else None
    return {
        "experiment": name,
        "labelnoise": labelnoise.__version__,
        "highlight": config.highlight,
        "noise_seed": config.noise_seed,
        "preset": preset,
        "datasets": _distinct(trial.spec["dataset"]["name"] for trial in trials),
        "noises": _distinct(paths.noise_name(trial.spec["noise"]) for trial in trials),
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
    """Write the manifest unless the file holds it already (its mtime is what the rest goes by)."""
    if path.exists():
        try:
            if json.loads(path.read_text(encoding="utf-8")) == manifest:
                return
        except ValueError:
            pass  # damaged: written anew
    write_json(path, manifest)


def status(folder: Path) -> str:
    """ok, diverged, failed, or missing where there is no readable result of this trial."""
    try:
        return json.loads((folder / "result.json").read_bytes())["status"]
    except (OSError, ValueError, KeyError, TypeError):
        return MISSING


def set_aside_failed(trials: Iterable[Trial]) -> int:
    """Move every failed result aside, so that its trial runs again; how many there were."""
    count = 0
    for trial in trials:
        if status(trial.folder) == FAILED:
            number = 1 + len(list(trial.folder.glob("failed-*.json")))
            trial.result.rename(trial.folder / f"failed-{number}.json")
            count += 1
    return count


def write_specs(trials: Iterable[Trial]) -> None:
    """Lay each unfinished trial's spec into its folder, where its job finds it."""
    for trial in trials:
        if not trial.result.exists():
            write_json(trial.folder / "spec.json", trial.spec)


def read(path: Path) -> dict[str, Any]:
    return read_json(path, "manifest (snakemake writes it)")


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))
