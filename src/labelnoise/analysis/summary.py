"""trials.csv → summary.csv and ranks.csv: the numbers that every table, figure and the report show."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from labelnoise.analysis.metrics import METRICS, Metric
from labelnoise.analysis.statistics import average_ranks, column_statistics, rank_intervals
from labelnoise.trial_folder import Status

SUMMARY_COLUMNS = (
    "dataset", "test_set", "noise", "label", "metric", "mean", "std", "n", "seeds", "ci_low", "ci_high", "rank",
    "tied_with_best",
)  # fmt: skip
RANK_COLUMNS = ("dataset", "test_set", "metric", "label", "average_rank", "ci_low", "ci_high", "noises")

_DTYPES = {"n": int, "seeds": int, "tied_with_best": "boolean"}


def test_sets(trials: pd.DataFrame, dataset: str) -> list[str]:
    """The test sets on which trials on this data set were evaluated; `test` before any was."""
    names = trials.loc[trials.dataset == dataset, "test_set"].dropna().unique().tolist()
    return names or ["test"]


def rows_of(trials: pd.DataFrame, dataset: str, test_set: str) -> pd.DataFrame:
    """The rows of one data set and test set, including trials without any accuracy."""
    rows = trials[trials.dataset == dataset]
    return rows[(rows.test_set == test_set) | rows.test_set.isna()]


def summarise(trials: pd.DataFrame) -> pd.DataFrame:
    """One row with `SUMMARY_COLUMNS` per data set × test set × noise × loss × metric, see `column_statistics`.

    Measures of the training set have a row for each test set, as in trials.csv. There are no rows for a noise under
    which no trial has the metric, such as memorised labels where none is wrong or the true labels are unknown.
    """
    frames = [
        statistics.rename_axis("label")
        .reset_index()
        .assign(dataset=dataset, test_set=test_set, noise=noise, metric=metric.name)
        for dataset, test_set, metric, values, requested in _tables(trials)
        for noise in requested.index.get_level_values(0).unique()
        for statistics in [column_statistics(values[noise], requested[noise], higher_is_better=metric.higher_is_better)]
    ]
    rows = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(SUMMARY_COLUMNS))
    return rows[list(SUMMARY_COLUMNS)].astype(_DTYPES)


def rank(trials: pd.DataFrame) -> pd.DataFrame:
    """One row with `RANK_COLUMNS` per data set × test set × metric × loss: the average rank and its 95 % interval.

    `noises` names the complete columns, over which ranks are averaged: those with a mean for every loss. Without one
    there are no ranks.
    """
    frames = []
    for dataset, test_set, metric, values, requested in _tables(trials):
        means = values.mean().where(values.count() == requested).unstack(0, sort=False)
        complete = means.columns[means.notna().all()]
        if len(complete):
            higher = metric.higher_is_better
            intervals = rank_intervals(
                values[[(noise, label) for noise in complete for label in means.index]], higher_is_better=higher
            )
            frames.append(
                pd.DataFrame(
                    {
                        "dataset": dataset,
                        "test_set": test_set,
                        "metric": metric.name,
                        "label": means.index,
                        "average_rank": average_ranks(means[complete], higher_is_better=higher).to_numpy(),
                        "ci_low": intervals["low"].to_numpy(),
                        "ci_high": intervals["high"].to_numpy(),
                        "noises": " ".join(complete),
                    }
                )
            )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(RANK_COLUMNS))


def _tables(trials: pd.DataFrame) -> Iterator[tuple[str, str, Metric, pd.DataFrame, pd.Series]]:
    """Yield every table: its values, seeds × (noise, label), and the number of seeds requested for each column.

    A trial that is not ok has no value. Noises under which no trial has a value are left out.
    """
    for dataset in trials.dataset.unique():
        for test_set in test_sets(trials, dataset):
            rows = rows_of(trials, dataset, test_set)
            for metric in METRICS.values():
                table = rows.assign(value=rows[metric.column].where(rows.status == Status.OK).astype(float))
                # Only `last` has columns without any value: there the missing cells are shown.
                if metric.name != "last":
                    table = table[table.groupby("noise").value.transform(lambda value: value.notna().any())]
                if len(table):
                    requested = table.groupby(["noise", "label"], sort=False).seed.nunique()
                    values = table.pivot(index="seed", columns=["noise", "label"], values="value")
                    yield dataset, test_set, metric, values[requested.index], requested
