"""Test accuracy over epochs, a panel a noise."""

from __future__ import annotations

from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.analysis.cells import Results
from labelnoise.figures import curves


def draw(results: Results, dataset: str, test_set: str) -> Figure:
    found = curves.read(results, dataset, test_set)
    if found.empty:
        return style.empty("no cell with all its seeds")
    return curves.by_noise(results, found, results.noises, f"{test_set}_accuracy", "test accuracy (%)")
