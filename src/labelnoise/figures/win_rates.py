"""How often each loss beats each other, over data sets, noises and seeds."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.analysis import blocks
from labelnoise.analysis.results import Results
from labelnoise.analysis.statistics import win_rates


def draw(results: Results) -> Figure:
    rates = win_rates(blocks.of_seeds(results))
    if rates.isna().all(axis=None):
        return style.empty("no two losses have finished the same data set, noise and seed")
    rates = rates.loc[order := rates.mean(axis="columns").sort_values(ascending=False, kind="stable").index, order]
    size = max(style.ONE_COLUMN, 0.2 * len(rates) + 1.2)
    figure, axes = plt.subplots(figsize=(size, size - 0.2))
    image = axes.imshow(rates, cmap="RdBu", vmin=0, vmax=100, interpolation="nearest")
    for y, values in enumerate(rates.to_numpy()):
        for x, value in enumerate(values):
            if pd.notna(value):
                colour = "white" if abs(value - 50) > 35 else "black"
                axes.text(x, y, f"{value:.0f}", ha="center", va="center", color=colour, fontsize=5.5)
    axes.set_yticks(range(len(rates)), rates.index)
    axes.set_xticks(range(len(rates)), rates.columns, rotation=90)
    axes.set(ylabel="how often this loss …", xlabel="… beats this one (%)")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, shrink=0.6, aspect=14, pad=0.02).outline.set_visible(False)
    return figure
