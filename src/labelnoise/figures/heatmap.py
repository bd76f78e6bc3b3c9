"""Heat map of last-epoch test accuracy, losses by noises."""

from __future__ import annotations

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.analysis.cells import Results, summarise


def draw(results: Results, dataset: str, test_set: str) -> Figure:
    means = summarise(results.rows_of(dataset, test_set), "last")["mean"].unstack("noise")
    means = means.reindex(index=results.losses, columns=results.noises)
    if means.isna().all(axis=None):
        return style.empty("no finished trials")
    figure, axes = plt.subplots(figsize=(0.85 * len(results.noises) + 2.4, max(0.34 * len(results.losses) + 1.5, 2.6)))
    sns.heatmap(
        means.rename(columns=results.noise_title),
        ax=axes, annot=True, fmt=".1f", cmap="cividis", linewidths=0.5, vmax=100,
        cbar_kws={"label": "last-epoch test accuracy (%)"},
    )  # fmt: skip
    axes.set(xlabel="", ylabel="")
    axes.tick_params(axis="x", rotation=30, length=0)
    axes.tick_params(axis="y", rotation=0, length=0)
    return figure
