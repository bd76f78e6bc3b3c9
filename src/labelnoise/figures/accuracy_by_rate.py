"""Last-epoch test accuracy against the noise rate, one panel per kind of noise.

The axis is logarithmic in the error, so that losses that are close at high accuracy can be told apart.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from labelnoise import plot_style as style
from labelnoise.analysis.results import Results
from labelnoise.figures.facets import facets, look_order

# An accuracy of 100 % has to have a place on the axis.
_OFFSET = 101.0
_TICKS = (0, 20, 40, 60, 70, 80, 90, 95, 98, 100)


def draw(results: Results, dataset: str, test_set: str) -> Figure:
    rows = results.rows_of(dataset, test_set)
    cells = results.cells(dataset, test_set).reset_index()
    cells = cells.merge(rows[["noise", "kind", "rate"]].drop_duplicates(), on="noise")
    # Human labels and labels from files have no rate to plot against.
    cells = cells.assign(family=[results.noise_heading(noise)[0] for noise in cells.noise]).dropna(subset=["rate"])
    families = cells[cells.kind != "clean"].family.unique().tolist() or ["clean"]
    if cells["mean"].isna().all():
        return style.empty("no finished trials under noise with a rate")
    shown = facets(results, dataset, test_set)
    height = 2.0 if len(families) > 1 else 2.4
    figure, groups = style.rows_of_panels([len(families)] * len(shown), columns=2, height=height, sharey=True)
    order = look_order(results)
    chance = 100 / results.manifest["classes"][dataset]
    for facet, panels in zip(shown, groups, strict=True):
        for axes, family in zip(panels, families, strict=True):
            # Clean labels are rate 0 of every kind of noise.
            of_family = cells[((cells.family == family) | (cells.kind == "clean")) & cells["mean"].notna()]
            for label in facet.rest:
                line = of_family[of_family.label == label].sort_values("rate")
                axes.plot(line.rate, line["mean"], **style.rest_look())
            for i, label in enumerate(facet.prominent):
                line = of_family[of_family.label == label].sort_values("rate")
                # A little to the side, so that bars do not cover each other.
                aside = 0.014 * of_family.rate.max() * (i - (len(facet.prominent) - 1) / 2)
                look = style.loss_look(label, order)
                axes.errorbar(line.rate + aside, line["mean"], yerr=line["std"].fillna(0), elinewidth=0.6, **look)
            axes.axhline(chance, color="black", linestyle=":", linewidth=0.8, label="chance")
            axes.set(title=facet.heading(family), xlabel="noise rate", ylabel=f"{results.accuracy(dataset)} (%)")
            axes.set_xticks(sorted(of_family.rate.unique()))
        style.label_edges(panels, columns=2)
        for axes in panels:
            axes.tick_params(labelbottom=True)  # each kind has its own rates
            axes.set_xlabel("noise rate")
    _scale(groups[0][0], low=min(cells["mean"].min() - cells["std"].max(), chance) if len(cells) else 0)
    style.legend_below(figure, [axes for panels in groups for axes in panels])
    return figure


def _scale(axes: Axes, low: float) -> None:
    """Make the (shared) axis logarithmic in the error."""

    def forward(accuracy: NDArray[np.floating]) -> NDArray[np.floating]:
        return -np.log10(np.maximum(_OFFSET - accuracy, 1e-3))

    def inverse(value: NDArray[np.floating]) -> NDArray[np.floating]:
        return _OFFSET - np.power(10.0, -value)

    axes.set_yscale("function", functions=(forward, inverse))
    axes.set_yticks(_TICKS, [str(tick) for tick in _TICKS])
    axes.set_ylim(max(0.0, low - 5), 100)
