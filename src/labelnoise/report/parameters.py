"""Hyper-parameters as a comparison: what differs between losses, then between data sets, then what all share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labelnoise.analysis.results import Results

# Values of a recipe that say nothing about training.
_LEFT_OUT = ("version", "threads")
_NONE = "–"


@dataclass(frozen=True)
class Parameters:
    """`columns` are the recipe values that differ between losses on a data set; `rows` have them.

    `by_dataset` says, for each data set, the values that differ between data sets only; `same` those that all share.
    """

    columns: list[str]
    rows: list[dict[str, Any]]
    by_dataset: dict[str, list[str]]
    same: list[str]


def compare(results: Results, specs: Mapping[str, dict[str, Any]]) -> Parameters:
    """One row per label, parameters and differing recipe values, with the data sets and noises they were used on."""
    trials = [trial for trial in results.trials.drop_duplicates("trial").itertuples() if trial.trial in specs]
    # For each key of the recipes, its values on each data set, as text.
    values: dict[str, dict[str, set[str]]] = {}
    for trial in trials:
        for key, value in specs[trial.trial]["recipe"].items():
            if key not in _LEFT_OUT:
                values.setdefault(key, {}).setdefault(trial.dataset, set()).add(_short(value))
    columns = [key for key, found in values.items() if any(len(of_dataset) > 1 for of_dataset in found.values())]
    rest = {key: {name: min(of) for name, of in found.items()} for key, found in values.items() if key not in columns}
    same = [key for key, found in rest.items() if len(set(found.values())) == 1]

    where: dict[tuple[str, ...], dict[str, dict[str, None]]] = {}
    for trial in trials:
        spec = specs[trial.trial]
        params = ", ".join(f"{name} = {_short(value)}" for name, value in spec["loss"]["params"].items()) or "none"
        key = (trial.label, trial.loss, params, *(_short(spec["recipe"].get(column)) for column in columns))
        where.setdefault(key, {}).setdefault(trial.dataset, {})[trial.noise] = None
    rows = [
        {"label": label, "loss": loss, "params": params, "values": shown, "where": _places(results, places)}
        for (label, loss, params, *shown), places in where.items()
    ]
    return Parameters(
        columns,
        sorted(rows, key=lambda row: results.losses.index(str(row["label"]))),
        {
            dataset: [f"{key} {found[dataset]}" for key, found in rest.items() if key not in same and dataset in found]
            for dataset in results.datasets
            if len(same) < len(rest)
        },
        [f"{key} {next(iter(rest[key].values()))}" for key in same if set(rest[key].values()) != {_NONE}],
    )


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
        return _NONE
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(map(_short, value)) or "none"
    return str(value)
