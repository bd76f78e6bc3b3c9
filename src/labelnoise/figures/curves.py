"""Metrics over epochs, shared by the figures that plot them."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from labelnoise import plot_style as style
from labelnoise.analysis.results import Results
from labelnoise.figures.facets import Facet, facets, look_order, noises_by_group

# More points cannot be seen at the width of a panel.
_MOST_POINTS = 80


def by_noise(
    results: Results, dataset: str, test_set: str, curves: pd.DataFrame, noises: list[str], column: str, ylabel: str
) -> Figure:
    """One panel per noise, one line per loss: mean over seeds with a band of ± one sample standard deviation."""
    groups = [
        (facet, group)
        for facet in facets(results, dataset, test_set)
        for group in noises_by_group(results, noises)
    ]  # fmt: skip
    order = look_order(results)
    counts = [len(group) for _, group in groups]
    figure, panels = style.rows_of_panels(counts, columns=2, sharex=True, sharey=True)
    over_seeds = curves.groupby(["noise", "label", "epoch"], sort=False)[column].agg(["mean", "std"])
    for (facet, group), row in zip(groups, panels, strict=True):
        for axes, noise in zip(row, group, strict=True):
            if noise in over_seeds.index:
                _draw_lines(axes, facet, over_seeds.loc[noise], order)
            axes.set_title(facet.heading(results.noise_title(noise)))
            axes.set(xlabel="epoch", ylabel=ylabel)
            axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        style.label_edges(row, columns=2)
    for _, row in zip(groups[:-1], panels[:-1], strict=True):
        for axes in row:
            axes.set_xlabel("")
    style.legend_below(figure, [axes for row in panels for axes in row])
    return figure


def _draw_lines(axes: Axes, facet: Facet, over_seeds: pd.DataFrame, order: list[str]) -> None:
    has_curve = set(over_seeds.index.get_level_values("label"))
    for label in facet.rest:
        if label in has_curve:
            line = _thinned(over_seeds.loc[label])
            axes.plot(line.index, line["mean"], **style.rest_look())
    for label in facet.prominent:
        if label in has_curve:
            line = _thinned(over_seeds.loc[label])
            look = style.loss_look(label, order)
            axes.plot(line.index, line["mean"], **look, markevery=max(1, len(line) // 4), markersize=2.5, linewidth=0.9)
            low, high = line["mean"] - line["std"], line["mean"] + line["std"]
            axes.fill_between(line.index, low, high, color=look["color"], alpha=0.1, linewidth=0)


def _thinned(line: pd.DataFrame) -> pd.DataFrame:
    """At most about `_MOST_POINTS` epochs, the last among them."""
    step = -(-len(line) // _MOST_POINTS)
    return line.iloc[::-1].iloc[::step].iloc[::-1]
