"""Test accuracy over epochs, one panel per noise."""

from __future__ import annotations

from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.analysis.cells import Results
from labelnoise.figures import curves


def draw(results: Results, dataset: str, test_set: str) -> Figure:
    metrics = curves.read(results, dataset, test_set)
    if metrics.empty:
        return style.empty("no cell has all its seeds")
    return curves.by_noise(results, metrics, results.noises, f"{test_set}_accuracy", "test accuracy (%)")
