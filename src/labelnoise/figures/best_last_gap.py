"""Best minus last-epoch test accuracy, one panel per noise."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.analysis.results import Results
from labelnoise.figures.facets import Facet, facets, look_order, noises_by_group


def draw(results: Results, dataset: str, test_set: str) -> Figure:
    rows = results.rows_of(dataset, test_set)
    complete = results.complete_cells(dataset, test_set)
    rows = rows[[cell in complete for cell in zip(rows.label, rows.noise, strict=True)]].assign(
        gap=lambda frame: frame.best_accuracy - frame.last_accuracy
    )
    if rows.empty:
        return style.empty("no cell has all its seeds")
    order = look_order(results)
    shown = facets(results, dataset, test_set)
    groups = [(facet, noises) for facet in shown for noises in noises_by_group(results, results.noises)]
    most = max(len(facet.prominent) for facet in shown) + any(facet.rest for facet in shown)
    figure, panels = style.rows_of_panels(
        [len(noises) for _, noises in groups], columns=2, height=0.11 * most + 0.42, sharex=True
    )
    for (facet, noises), row in zip(groups, panels, strict=True):
        for axes, noise in zip(row, noises, strict=True):
            _draw_bars(axes, facet, rows[rows.noise == noise], order)
            axes.set_title(facet.heading(results.noise_title(noise)))
            axes.set_xlabel("best − last (points)")
        style.label_edges(row, columns=2)
    return figure


def _draw_bars(axes: Axes, facet: Facet, rows: pd.DataFrame, order: list[str]) -> None:
    """A bar for the mean of each loss that stands out, and a row of marks for the means of the others."""
    for y, label in enumerate(facet.prominent):
        gaps = rows.loc[rows.label == label, "gap"]
        if gaps.empty:
            axes.text(0, y, "– incomplete", va="center", fontsize=5)
            continue
        colour = style.loss_look(label, order)["color"]
        axes.barh(y, gaps.mean(), color=colour, alpha=0.6, height=0.7)
        axes.plot(gaps, [y] * len(gaps), linestyle="", marker="|", color="black", markersize=4, markeredgewidth=0.6)
    names = list(facet.prominent)
    if facet.rest:
        gaps = rows[rows.label.isin(facet.rest)].groupby("label").gap.mean()
        axes.plot(gaps, [len(names)] * len(gaps), linestyle="", marker="|", color=style.REST, markersize=5)
        names.append(f"{len(facet.rest)} others")
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
