"""Measured against printed accuracy, one point per cell."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.analysis.published import compare
from labelnoise.analysis.results import Results
from labelnoise.figures.facets import look_order

_EMPTY = "no printed cell has been measured"


def draw(results: Results, dataset: str, test_set: str) -> Figure:
    rows = compare(results, dataset).rows
    rows = rows[(rows.test_set == test_set) & rows.printed_mean.notna() & rows["mean"].notna()]
    return plot(rows, look_order(results)) if len(rows) else style.empty(_EMPTY)


def plot(rows: pd.DataFrame, losses: list[str]) -> Figure:
    """The comparison's `rows` that have both numbers; bars are ± one standard deviation, measured and printed."""
    figure, panels = style.grid(1, width=style.ONE_COLUMN, height=3.4)
    (axes,) = panels
    low = min(rows["mean"].min(), rows.printed_mean.min()) - 3
    axes.plot([low, 101], [low, 101], color="black", linewidth=0.6, label="as printed")
    for loss in losses:
        shown = rows[rows.loss == loss].astype({"printed_std": float, "std": float})
        look = style.loss_look(loss, losses) | {"linestyle": ""}
        if len(shown):
            axes.errorbar(
                shown.printed_mean, shown["mean"], xerr=shown.printed_std.fillna(0), yerr=shown["std"].fillna(0),
                **look, markersize=4, elinewidth=0.6,
            )  # fmt: skip
    axes.set(xlabel="printed last-epoch test accuracy (%)", ylabel="measured (%)", xlim=(low, 101), ylim=(low, 101))
    style.legend_below(figure, panels)
    return figure
