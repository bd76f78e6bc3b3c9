"""Best minus last-epoch test accuracy, one panel per noise."""

from __future__ import annotations

from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.analysis.cells import Results


def draw(results: Results, dataset: str, test_set: str) -> Figure:
    rows = results.rows_of(dataset, test_set)
    complete = results.complete_cells(dataset, test_set)
    rows = rows[[cell in complete for cell in zip(rows.label, rows.noise, strict=True)]].assign(
        gap=lambda frame: frame.best_accuracy - frame.last_accuracy
    )
    if rows.empty:
        return style.empty("no cell has all its seeds")
    height = 0.24 * len(results.losses) + 0.6
    figure, panels = style.grid(len(results.noises), columns=4, height=height, sharex=True, sharey=True)
    for axes, noise in zip(panels, results.noises, strict=True):
        for y, label in enumerate(results.losses):
            gaps = rows.loc[(rows.noise == noise) & (rows.label == label), "gap"]
            colour = style.loss_look(label, results.losses)["color"]
            axes.barh(y, gaps.mean() if len(gaps) else 0, color=colour, alpha=0.55, height=0.7)
            axes.plot(gaps, [y] * len(gaps), linestyle="", marker="|", color="black", markersize=6)
        axes.set_yticks(range(len(results.losses)), results.losses)
        axes.grid(visible=False, axis="y")
        axes.set_title(results.noise_title(noise))
        axes.set_xlabel("best − last (points)")
    style.label_edges(panels, columns=4)
    panels[0].invert_yaxis()
    return figure
