"""Metrics over epochs, shared by the figures that plot them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from labelnoise import plot_style as style
from labelnoise.analysis.cells import Results
from labelnoise.errors import UserError
from labelnoise.trial_folder import UNKNOWN, TrialFolder


def read(results: Results, dataset: str, test_set: str) -> pd.DataFrame:
    """Read metrics.csv of the trials in complete cells, adding the columns label, noise and seed.

    Raises `UserError` if a file is missing.
    """
    frames = []
    complete = results.complete_cells(dataset, test_set)
    for trial in results.rows_of(dataset, test_set).itertuples():
        if (trial.label, trial.noise) in complete:
            path = TrialFolder(Path(trial.folder)).metrics
            if not path.exists():
                raise UserError(f"{path} is missing: delete its folder to train the trial again")
            frames.append(
                pd.read_csv(path, na_values=[UNKNOWN]).assign(label=trial.label, noise=trial.noise, seed=trial.seed)
            )
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def by_noise(results: Results, curves: pd.DataFrame, noises: list[str], column: str, ylabel: str) -> Figure:
    """One panel per noise, one line per loss: mean over seeds with a band of ± one sample standard deviation."""
    figure, panels = style.grid(len(noises), sharex=True, sharey=True)
    for axes, noise in zip(panels, noises, strict=True):
        for label in results.losses:
            rows = curves[(curves.noise == noise) & (curves.label == label)]
            over_seeds = rows.groupby("epoch")[column].agg(["mean", "std"])
            look = style.loss_look(label, results.losses)
            axes.plot(
                over_seeds.index,
                over_seeds["mean"],
                **look,
                markevery=max(1, len(over_seeds) // 5),
                markersize=4,
                linewidth=1.3,
            )
            low, high = over_seeds["mean"] - over_seeds["std"], over_seeds["mean"] + over_seeds["std"]
            axes.fill_between(over_seeds.index, low, high, color=look["color"], alpha=0.18, linewidth=0)
        axes.set_title(results.noise_title(noise))
        axes.set(xlabel="epoch", ylabel=ylabel)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    style.label_edges(panels, columns=4)
    style.legend_beside(figure, panels[0])
    return figure
