"""Requested and actual transition matrices, a pair for each noise."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.analysis.results import Results
from labelnoise.files import read_json

_PER_ROW = 4


def draw(results: Results, dataset: str, test_set: str) -> Figure:
    audits = _audits(results, dataset)
    if not audits:
        return style.empty("no label files")
    columns = min(_PER_ROW, len(audits))
    bands = -(-len(audits) // columns)
    side = style.TWO_COLUMNS / _PER_ROW
    figure, panels = plt.subplots(
        2 * bands, columns, figsize=(side * columns + 0.5, 2 * bands * (side + 0.15)), squeeze=False
    )
    for axes in panels.flat:
        axes.set_axis_off()
    image = None
    for i, (noise, audit) in enumerate(audits.items()):
        band, column = divmod(i, columns)
        title = textwrap.fill(results.noise_title(noise), 24)
        for row, which in enumerate(("requested", "realised")):
            axes = panels[2 * band + row][column]
            axes.set_axis_on()
            image = _draw_matrix(axes, audit, which, is_left=column == 0) or image
            if row == 0:
                axes.set_title(title)
    if image is not None:
        figure.colorbar(image, ax=panels, shrink=min(1.0, 0.6 / bands), label="P(noisy label | true class)")
    return figure


def _audits(results: Results, dataset: str) -> dict[str, dict[str, Any]]:
    """The audit of the first seed by noise; clean labels only if there is nothing else."""
    audits = {}
    for entry in results.manifest["trials"]:
        path = Path(entry["labels"]).with_suffix(".json")
        if entry["dataset"] == dataset and entry["noise"] not in audits and path.exists():
            audits[entry["noise"]] = read_json(path, "audit of a label file")
    noisy = {noise: audits[noise] for noise in results.noises if noise in audits and noise != "clean"}
    return noisy or audits


def _draw_matrix(axes: Axes, audit: dict[str, Any], which: str, *, is_left: bool) -> Any:
    """The matrix as an image; None, with the reason in its place, if there is none."""
    called = "requested" if which == "requested" else "actual"
    matrix, classes = audit[f"{which}_transition"], audit["classes"]
    axes.set_box_aspect(1)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    if matrix is None:
        message = "no matrix\nrequested" if which == "requested" else "unknown: no\ntrue labels"
        axes.text(0.5, 0.5, message, ha="center", va="center", transform=axes.transAxes)
        axes.set(xticks=[], yticks=[])
        return None
    shown = classes if len(classes) <= 20 else []
    axes.set_xticks(range(len(shown)), shown, rotation=90 if any(len(name) > 1 for name in shown) else 0)
    axes.set_yticks(range(len(shown)), shown if is_left else [""] * len(shown))
    axes.tick_params(length=0, labelsize=5, labelbottom=which == "realised")
    if is_left:
        axes.set_ylabel(f"{called}\ntrue class")
    if which == "realised":
        axes.set_xlabel(f"noisy label\n{audit['realised_rate']:.3f} wrong")
    return axes.imshow(matrix, vmin=0, vmax=1, cmap="viridis", interpolation="nearest")
