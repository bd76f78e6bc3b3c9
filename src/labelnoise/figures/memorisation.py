"""The share of wrong labels memorised over epochs, one panel per noise."""

from __future__ import annotations

from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.analysis.cells import Results
from labelnoise.figures import curves


def draw(results: Results, dataset: str, test_set: str) -> Figure:
    metrics = curves.read(results, dataset, test_set)
    if metrics.empty:
        return style.empty("no cell has all its seeds")
    noises = [noise for noise in results.noises if metrics.loc[metrics.noise == noise, "memorised"].notna().any()]
    if not noises:
        return style.empty("no labels are known to be wrong")
    return curves.by_noise(results, metrics, noises, "memorised", "wrong labels memorised (%)")
