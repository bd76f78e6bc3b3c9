"""Heat map of last-epoch test accuracy, losses by noises."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from labelnoise import plot_style as style
from labelnoise.analysis.results import Results
from labelnoise.analysis.statistics import is_true
from labelnoise.figures.facets import noises_by_group

# The same colours for every data set.
LIMITS = (0.0, 100.0)


def draw(results: Results, dataset: str, test_set: str) -> Figure:
    means = results.means(dataset, test_set)
    if means.isna().all(axis=None):
        return style.empty("no finished trials")
    height = 0.15 * len(means) + 0.75
    figure, axes = plt.subplots(figsize=(max(style.ONE_COLUMN, 0.25 * means.shape[1] + 1.0), height))
    # An image, as browsers show seams between the rectangles of a colour mesh.
    image = axes.imshow(means, cmap="cividis", vmin=LIMITS[0], vmax=LIMITS[1], aspect="auto", interpolation="nearest")
    cells = results.cells(dataset, test_set)
    best = cells["rank"].groupby("noise").min()
    for y, label in enumerate(means.index):
        for x, noise in enumerate(means.columns):
            if (label, noise) in cells.index:
                cell = cells.loc[(label, noise)]
                _write(axes, x, y, cell, is_best=cell["rank"] == best[noise])
    axes.set_yticks(range(len(means)), means.index)
    axes.set_xticks(range(means.shape[1]), [results.noise_heading(noise)[1] for noise in means.columns])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    start = 0
    for group in noises_by_group(results, list(means.columns)):
        name = results.noise_heading(group[0])[0]
        # A long name over a narrow group is slanted.
        slanted = len(name) > 6 * len(group)
        middle = start + (len(group) - 1) / 2
        axes.text(middle, -0.65, name, ha="left" if slanted else "center", va="bottom", rotation=30 if slanted else 0)
        axes.axvline(start - 0.5, color="white", linewidth=1.5)
        start += len(group)
    figure.colorbar(image, ax=axes, shrink=min(1.0, 1.6 / height), aspect=14, pad=0.02).outline.set_visible(False)
    return figure


def _write(axes: Axes, x: int, y: int, cell: pd.Series, *, is_best: bool) -> None:
    """The mean, framed if it is the best of its column, with † if it is tied with that."""
    if pd.isna(cell["mean"]):
        axes.text(x, y, "–", ha="center", va="center", color="black")
        return
    colour = "white" if cell["mean"] < 48 else "black"
    tied = "†" if is_true(cell["tied_with_best"]) and not is_best else ""
    weight = "bold" if is_best else "normal"
    axes.text(
        x, y, f"{cell['mean']:.1f}{tied}", ha="center", va="center", color=colour, fontweight=weight, fontsize=5.5
    )
    if is_best:
        axes.add_patch(Rectangle((x - 0.46, y - 0.44), 0.92, 0.88, fill=False, edgecolor=colour, linewidth=0.8))
