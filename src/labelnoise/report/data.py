"""The numbers of the report's page, as one JSON value: summary.csv, ranks.csv, trials.csv and the learning curves.

Tables are stored by column, and axes by position, so that thousands of trials stay small.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from labelnoise import trial_metrics
from labelnoise.analysis import blocks, tables
from labelnoise.analysis.formats import latex_characters
from labelnoise.analysis.metrics import METRICS
from labelnoise.analysis.results import Results
from labelnoise.analysis.statistics import as_printed, critical_difference, t_quantile
from labelnoise.figures.facets import look_order
from labelnoise.files import read_json_or_nothing
from labelnoise.looks import look_of
from labelnoise.manifest import MOST_LOSSES
from labelnoise.trial_folder import TrialFolder

# A longer curve is thinned to about as many epochs, the first and the last among them.
MOST_EPOCHS = 60

# What captions and cells have besides letters and digits.
_CAPTIONS = "%±–†√<>&#_"


def as_json(results: Results, specs: Mapping[str, dict[str, Any]]) -> str:
    """The value as JSON that may stand in an HTML script element. `specs` are the trials' specs by hash."""
    trials = results.trials.drop_duplicates("trial").reset_index(drop=True)
    test_sets = {dataset: results.test_sets(dataset) for dataset in results.datasets}
    value = {
        "datasets": [
            {
                "name": dataset,
                "testSets": [results.test_set_title(dataset, name) for name in results.test_sets(dataset)],
                "accuracy": results.accuracy(dataset),
                "isNoisy": results.is_noisy(dataset),
                "chance": 100 / results.manifest["classes"][dataset],
            }
            for dataset in results.datasets
        ],
        "noises": _noises(results),
        "losses": _losses(results),
        "seeds": results.seeds,
        "metrics": [
            {
                "name": metric.name,
                "title": metric.title,
                "menu": metric.menu,
                "higherIsBetter": metric.higher_is_better,
                "ofTestSet": metric.is_of_test_set,
            }
            for metric in METRICS.values()
            if (results.summary.metric == metric.name).any()
        ],
        "mostLosses": MOST_LOSSES,
        "figureLosses": [results.losses.index(label) for label in results.manifest["figure_losses"]],
        "latex": latex_characters([*results.losses, *map(results.noise_title, results.noises), _CAPTIONS]),
        "tQuantiles": {n: t_quantile(n) for n in range(2, len(results.seeds) + 1)},
        "summary": _summary(results),
        "ranks": _ranks(results),
        "trials": _trials(results, trials, specs),
        "curves": [_curve(row.folder, test_sets[row.dataset]) for row in trials.itertuples()],
        "criticalDifference": _critical_difference(results),
    }
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def _noises(results: Results) -> list[dict[str, Any]]:
    of_noise = results.trials.drop_duplicates("noise").set_index("noise")
    return [
        {
            "name": noise,
            "title": results.noise_title(noise),
            "group": results.noise_heading(noise)[0],
            "rateText": results.noise_heading(noise)[1],
            "kind": of_noise.kind[noise],
            "rate": _number(of_noise.rate[noise], 4),
        }
        for noise in results.noises
    ]


def _losses(results: Results) -> list[dict[str, Any]]:
    names = dict(zip(results.trials.label, results.trials.loss, strict=True))
    looks = {label: look_of(i) for i, label in enumerate(look_order(results))}
    return [
        {"label": label, "name": names[label], **dict(zip(("colour", "marker", "dash"), looks[label], strict=True))}
        for label in results.losses
    ]


def _positions(results: Results, frame: pd.DataFrame) -> dict[str, list[int]]:
    """The axes of the frame's rows as positions; a test set is counted within its data set."""
    axes = {"dataset": results.datasets, "noise": results.noises, "label": results.losses, "metric": list(METRICS)}
    found = {}
    for axis, names in axes.items():
        if axis in frame:
            position = {name: i for i, name in enumerate(names)}
            found["loss" if axis == "label" else axis] = [position[name] for name in frame[axis]]
    if "metric" in frame:
        shown = [name for name in METRICS if (results.summary.metric == name).any()]
        found["metric"] = [shown.index(name) for name in frame.metric]
        test_sets = {dataset: results.test_sets(dataset) for dataset in results.datasets}
        found["testSet"] = [
            test_sets[row.dataset].index(row.test_set) for row in frame[["dataset", "test_set"]].itertuples()
        ]
    return found


def _summary(results: Results) -> dict[str, list[Any]]:
    """Means and deviations as tables print them, so that the page ranks and rounds as the tables do."""
    rows = results.summary
    printed = {key: [None if pd.isna(value) else as_printed(value) for value in rows[key]] for key in ("mean", "std")}
    return _positions(results, rows) | printed | {key: rows[key].tolist() for key in ("n", "seeds")}


def _ranks(results: Results) -> dict[str, list[Any]]:
    """Average ranks as tables print them; the page computes those of a selection."""
    rows = results.ranks
    return _positions(results, rows) | {"text": [tables.rank_text(row) for _, row in rows.iterrows()]}


def _trials(results: Results, trials: pd.DataFrame, specs: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """One entry per trial; accuracies by metric and test set. Label files, parameters and recipes are listed once."""
    test_sets = {dataset: results.test_sets(dataset) for dataset in results.datasets}
    labels = {entry["hash"]: entry["labels"] for entry in results.manifest["trials"]}
    values: dict[str, list[list[float | None]]] = {}
    rows = dict(list(results.trials.groupby("trial", sort=False)))
    for metric in METRICS.values():
        if metric.column in trials and results.trials[metric.column].notna().any():
            values[metric.name] = [
                _by_test_set(test_sets[dataset], rows[trial], metric.column)
                for trial, dataset in zip(trials.trial, trials.dataset, strict=True)
            ]
    recipes, recipe_of = _listed(
        json.dumps(specs.get(trial, {}).get("recipe"), sort_keys=True) for trial in trials.trial
    )
    params, params_of = _listed(text if pd.notna(text) else "null" for text in trials.loss_params)
    files, file_of = _listed(labels[trial] for trial in trials.trial)
    return {
        **_positions(results, trials.drop(columns="test_set")),
        "seed": trials.seed.tolist(),
        "status": trials.status.tolist(),
        "reason": [None if pd.isna(reason) else reason for reason in trials.reason],
        "folder": trials.folder.tolist(),
        "seconds": _numbers(trials.seconds, 1),
        "realisedRate": _numbers(trials.realised_rate),
        "values": values,
        "recipe": recipe_of,
        "recipes": [json.loads(text) for text in recipes],
        "params": params_of,
        "paramSets": [json.loads(text) for text in params],
        "labels": file_of,
        "labelFiles": [_label_file(path) for path in files],
    }


def _label_file(path: str) -> dict[str, Any]:
    return {"path": path, "sha256": read_json_or_nothing(Path(path).with_suffix(".json")).get("sha256")}


def _by_test_set(test_sets: list[str], rows: pd.DataFrame, column: str) -> list[float | None]:
    found = dict(zip(rows.test_set, rows[column], strict=True))
    return [_number(found.get(test_set)) for test_set in test_sets]


def _listed(values: Iterable[str]) -> tuple[list[str], list[int]]:
    """The distinct values, and the position of each value among them."""
    distinct: dict[str, int] = {}
    positions = [distinct.setdefault(value, len(distinct)) for value in values]
    return list(distinct), positions


def _curve(folder: str, test_sets: list[str]) -> dict[str, Any] | None:
    """Accuracy by test set and memorised share over epochs, in tenths of a percent; None without metrics.csv."""
    path = TrialFolder(Path(folder)).metrics
    if not path.exists():
        return None
    read = trial_metrics.read(path)
    last = len(read["epoch"]) - 1
    step = max(1, -(-last // MOST_EPOCHS))
    chosen = sorted({*range(0, last + 1, step), last})
    columns = [f"{test_set}_accuracy" for test_set in test_sets]
    memorised = read.get("memorised", [])
    return {
        "epoch": [int(read["epoch"][i]) for i in chosen],
        "accuracy": [[_tenths(read[column][i]) for i in chosen] if column in read else [] for column in columns],
        "memorised": [_tenths(memorised[i]) for i in chosen] if any(v is not None for v in memorised) else [],
    }


def _critical_difference(results: Results) -> dict[str, Any] | None:
    found = critical_difference(blocks.of_kinds(results))
    if found is None:
        return None
    position = {label: i for i, label in enumerate(results.losses)}
    place = {label: i for i, label in enumerate(found.ranks.index)}
    return {
        "blocks": found.blocks,
        "p": found.friedman_p,
        "losses": [position[str(label)] for label in found.ranks.index],
        "ranks": _numbers(found.ranks),
        "cliques": [[place[first], place[last]] for first, last in found.cliques],
    }


def _tenths(value: float | None) -> int | None:
    return None if value is None or math.isnan(value) else round(10 * value)


def _number(value: Any, digits: int = 4) -> float | None:
    return None if value is None or pd.isna(value) else round(float(value), digits)


def _numbers(values: pd.Series, digits: int = 4) -> list[Any]:
    return [None if pd.isna(value) else value if isinstance(value, int) else round(value, digits) for value in values]
