"""The share of wrong labels memorised over epochs, a panel a noise."""

from __future__ import annotations

from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.analysis.cells import Results
from labelnoise.figures import curves


def draw(results: Results, dataset: str, test_set: str) -> Figure:
    found = curves.read(results, dataset, test_set)
    if found.empty:
        return style.empty("no cell with all its seeds")
    noises = [noise for noise in results.noises if found.loc[found.noise == noise, "memorised"].notna().any()]
    if not noises:
        return style.empty("no labels that are known to be wrong, so no memorisation")
    return curves.by_noise(results, found, noises, "memorised", "wrong labels memorised (%)")
