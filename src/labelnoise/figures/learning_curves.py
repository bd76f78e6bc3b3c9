"""Test accuracy over epochs, one panel per noise."""

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
    column = f"{test_set}_accuracy"
    return curves.by_noise(results, dataset, test_set, read, results.noises, column, f"{results.accuracy(dataset)} (%)")
