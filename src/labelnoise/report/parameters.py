"""Hyper-parameters as a comparison: one row per loss and variant, a column for each value that differs between rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labelnoise.analysis.results import Results

# Values of a recipe that say nothing about training.
_LEFT_OUT = ("version", "threads")


@dataclass(frozen=True)
class Parameters:
    """`columns` are the recipe values that differ, `rows` have them; `same` are those that all rows share, as text."""

    columns: list[str]
    rows: list[dict[str, Any]]
    same: list[str]


def compare(results: Results, specs: Mapping[str, dict[str, Any]]) -> Parameters:
    """One row per label, parameters and recipe, with the data sets and noises they were used on."""
    where: dict[str, dict[str, dict[str, None]]] = {}
    found: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {}
    for trial in results.trials.drop_duplicates("trial").itertuples():
        spec = specs.get(trial.trial)
        if spec is None:
            continue
        recipe = {key: value for key, value in spec["recipe"].items() if key not in _LEFT_OUT}
        key = json.dumps([trial.label, trial.loss, spec["loss"]["params"], recipe], sort_keys=True)
        found[key] = (trial.label, trial.loss, spec["loss"]["params"], recipe)
        where.setdefault(key, {}).setdefault(trial.dataset, {})[trial.noise] = None
    recipes = [recipe for *_, recipe in found.values()]
    keys = list(dict.fromkeys(key for recipe in recipes for key in recipe))
    differing = [key for key in keys if len({json.dumps(recipe.get(key)) for recipe in recipes}) > 1]
    rows = [
        {
            "label": label,
            "loss": loss,
            "where": _places(results, where[key]),
            "params": ", ".join(f"{name} = {_short(value)}" for name, value in params.items()) or "none",
            "values": [_short(recipe.get(name)) for name in differing],
        }
        for key, (label, loss, params, recipe) in found.items()
    ]
    rows.sort(key=lambda row: results.losses.index(str(row["label"])))
    same = [f"{key} {_short(recipes[0][key])}" for key in keys if key not in differing and recipes[0][key] is not None]
    return Parameters(differing, rows, same)


def _places(results: Results, where: Mapping[str, Mapping[str, None]]) -> str:
    """Data sets, each with its noises unless it has all of them; `everywhere` for all of both."""
    everything = len(results.noises)
    if len(where) == len(results.datasets) and all(len(noises) == everything for noises in where.values()):
        return "everywhere"
    return "; ".join(
        dataset
        if len(noises) == everything
        else f"{dataset}: {', '.join(results.noise_title(noise) for noise in noises)}"
        for dataset, noises in where.items()
    )


def _short(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:g}"
    return ", ".join(map(_short, value)) if isinstance(value, list) else str(value)
