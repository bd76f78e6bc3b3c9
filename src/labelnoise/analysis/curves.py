"""The trials' metrics.csv, one row per epoch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from labelnoise import trial_metrics
from labelnoise.analysis.results import Results
from labelnoise.trial_folder import TrialFolder


def read(results: Results, dataset: str, test_set: str) -> pd.DataFrame:
    """The metrics of the trials in complete cells, with the columns label, noise and seed.

    Raises `UserError` if a file is missing.
    """
    complete = results.complete_cells(dataset, test_set)
    rows = results.rows_of(dataset, test_set)
    rows = rows[[cell in complete for cell in zip(rows.label, rows.noise, strict=True)]]
    return read_trials(rows[["label", "noise", "seed", "folder"]].itertuples(index=False, name=None))


def read_trials(trials: Iterable[tuple[str, str, int, str]]) -> pd.DataFrame:
    """The metrics of (label, noise, seed, folder), in one frame; numbers, NaN where unknown."""
    columns: dict[str, list[Any]] = {}
    count = 0
    for label, noise, seed, folder in trials:
        read = trial_metrics.read(TrialFolder(Path(folder)).metrics)
        epochs = len(read["epoch"])
        constants: dict[str, list[Any]] = {
            "label": [label] * epochs,
            "noise": [noise] * epochs,
            "seed": [seed] * epochs,
        }
        for name, values in (read | constants).items():
            columns.setdefault(name, [None] * count).extend(values)
        count += epochs
        for column in columns.values():
            column += [None] * (count - len(column))
    return pd.DataFrame(columns)
