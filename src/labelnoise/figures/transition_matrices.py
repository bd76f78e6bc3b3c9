"""Requested and actual transition matrices, one column per noise."""

from __future__ import annotations

import textwrap
from pathlib import Path

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.analysis.cells import Results
from labelnoise.files import read_json


def draw(results: Results, dataset: str, test_set: str) -> Figure:
    audits = {}
    for entry in results.manifest["trials"]:
        path = Path(entry["labels"]).with_suffix(".json")
        if entry["dataset"] == dataset and entry["noise"] not in audits and path.exists():
            audits[entry["noise"]] = read_json(path, "audit of a label file")
    if not audits:
        return style.empty("no label files")
    size = len(next(iter(audits.values()))["classes"])
    figure, panels = plt.subplots(2, len(audits), figsize=(1.75 * len(audits) + 0.9, 4.1), squeeze=False)
    for column, (noise, audit) in enumerate(audits.items()):
        title = textwrap.fill(results.noise_title(noise), 16)
        for row, which in enumerate(("requested", "realised")):
            axes = panels[row][column]
            few = size <= 20
            if audit[f"{which}_transition"] is None:
                message = "no matrix\nrequested" if which == "requested" else "unknown: no\ntrue labels"
                axes.text(0.5, 0.5, message, ha="center", va="center", transform=axes.transAxes)
                axes.set(xticks=[], yticks=[], title=title)
                axes.set_box_aspect(1)
                axes.spines[:].set_visible(False)
                continue
            sns.heatmap(
                audit[f"{which}_transition"],
                ax=axes, vmin=0, vmax=1, cmap="viridis", square=True, cbar=False,
                xticklabels=audit["classes"] if few else False, yticklabels=audit["classes"] if few else False,
            )  # fmt: skip
            axes.tick_params(length=0, labelsize=6)
            if row == 0:
                axes.set_title(title)
            else:
                axes.set_xlabel(f"noisy label\n{audit['realised_rate']:.3f} wrong")
        panels[0][0].set_ylabel("requested\ntrue class")
        panels[1][0].set_ylabel("actual\ntrue class")
    colours = plt.cm.ScalarMappable(norm=Normalize(0, 1), cmap="viridis")
    figure.colorbar(colours, ax=panels, shrink=0.6, label="P(noisy label | true class)")
    return figure
