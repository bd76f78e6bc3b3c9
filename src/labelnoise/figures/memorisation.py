"""The share of wrong labels memorised over epochs, one panel per noise."""

from __future__ import annotations

from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.analysis import curves as metrics
from labelnoise.analysis.results import Results
from labelnoise.figures import curves


def draw(results: Results, dataset: str, test_set: str) -> Figure:
    read = metrics.read(results, dataset, test_set)
    if read.empty:
        return style.empty("no cell has all its seeds")
    noises = [noise for noise in results.noises if read.loc[read.noise == noise, "memorised"].notna().any()]
    if not noises:
        return style.empty("no labels are known to be wrong")
    return curves.by_noise(results, dataset, test_set, read, noises, "memorised", "memorised (%)")
