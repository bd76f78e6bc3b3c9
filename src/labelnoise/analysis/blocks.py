"""Blocks over which losses are compared across data sets, by last-epoch accuracy on each data set's first test set."""

from __future__ import annotations

import pandas as pd

from labelnoise.analysis.metrics import HEADLINE
from labelnoise.analysis.results import Results
from labelnoise.analysis.statistics import LEAST_BLOCKS
from labelnoise.trial_folder import Status


def of_seeds(results: Results) -> pd.DataFrame:
    """Accuracy by (data set, noise, seed), one column per loss; NaN for a trial that is not ok."""
    frames = [results.rows_of(dataset, results.test_sets(dataset)[0]) for dataset in results.datasets]
    rows = pd.concat(frames)
    rows = rows.assign(value=rows[HEADLINE.column].where(rows.status == Status.OK).astype(float))
    return rows.pivot(index=["dataset", "noise", "seed"], columns="label", values="value")[results.losses]


def of_kinds(results: Results) -> pd.DataFrame:
    """Mean accuracy by (data set, kind of noise), over rates, variants and seeds, one column per loss.

    Only blocks in which every loss has every seed.
    """
    kinds = dict(zip(results.trials.noise, results.trials.kind, strict=True))
    blocks = {}
    for dataset in results.datasets:
        means = results.means(dataset, results.test_sets(dataset)[0])
        for kind in dict.fromkeys(kinds[noise] for noise in means):
            of_kind = means[[noise for noise in means if kinds[noise] == kind]]
            if of_kind.notna().all(axis=None):
                blocks[dataset, kind] = of_kind.mean(axis="columns")
    return pd.DataFrame(blocks).T.reindex(columns=results.losses)


def why_no_critical_difference(results: Results) -> str | None:
    """Why there is no diagram; None if there is one."""
    count, losses = of_kinds(results).shape
    if losses < 3:
        return f"no critical-difference diagram: it compares at least 3 losses, here are {losses}"
    if count < LEAST_BLOCKS:
        return (
            f"no critical-difference diagram: it needs {LEAST_BLOCKS} complete blocks (data set × kind of noise), here "
            f"are {count}"
        )
    return None
