"""Last-epoch test accuracy against the noise rate, one panel per kind of noise."""

from __future__ import annotations

from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.analysis.cells import Results, summarise


def draw(results: Results, dataset: str, test_set: str) -> Figure:
    rows = results.rows_of(dataset, test_set)
    cells = summarise(rows, "last").reset_index()
    cells = cells.merge(rows[["noise", "kind", "rate"]].drop_duplicates(), on="noise")
    cells["family"] = cells.noise.map(lambda noise: results.noise_heading(noise)[0])
    # Human labels and labels from files have no rate to plot against.
    cells = cells.dropna(subset=["rate"])
    families = cells[cells.kind != "clean"].family.unique().tolist()
    if cells["mean"].isna().all():
        return style.empty("no finished trials under noise with a rate")
    figure, panels = style.grid(max(len(families), 1), columns=3, width=3.4, height=2.8, sharey=True)
    for axes, family in zip(panels, families or ["clean"], strict=True):
        # Clean labels are rate 0 of every kind of noise.
        shown = cells[(cells.family == family) | (cells.kind == "clean")]
        for label in results.losses:
            line = shown[shown.label == label].sort_values("rate")
            look = style.loss_look(label, results.losses)
            axes.plot(line.rate, line["mean"], **look, markersize=4.5, linewidth=1.3)
            axes.fill_between(
                line.rate,
                line["mean"] - line["std"],
                line["mean"] + line["std"],
                color=look["color"],
                alpha=0.18,
                linewidth=0,
            )
        axes.set_title(family)
        axes.set(xlabel="noise rate", ylabel="last-epoch test accuracy (%)")
        if shown.rate.nunique() <= 6:
            axes.set_xticks(sorted(shown.rate.unique()))
    style.label_edges(panels, columns=3)
    for axes in panels:
        axes.tick_params(labelbottom=True)  # each kind has its own rates
    style.legend_beside(figure, panels[0])
    return figure
