"""Critical-difference diagram: average ranks over data sets and kinds of noise, with bars over losses not separated."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.analysis import blocks
from labelnoise.analysis.results import Results
from labelnoise.analysis.statistics import CriticalDifference, critical_difference
from labelnoise.figures.facets import look_order


def draw(results: Results) -> Figure:
    found = critical_difference(blocks.of_kinds(results))
    return (
        style.empty(blocks.why_no_critical_difference(results) or "")
        if found is None
        else plot(found, look_order(results))
    )


def plot(found: CriticalDifference, order: list[str]) -> Figure:
    """Losses at their ranks, names on both sides, best at the top left."""
    ranks = found.ranks
    half = -(-len(ranks) // 2)
    lines = max(half, len(found.cliques) + 1)
    figure, axes = plt.subplots(figsize=(style.ONE_COLUMN, 0.14 * (half + len(found.cliques)) + 0.75))
    best, worst = 1.0, float(len(ranks))
    margin = 0.42 * (worst - best)
    start = len(found.cliques) + 1.2
    axes.plot([best, worst], [0, 0], color="black", linewidth=0.8)
    for tick in range(1, len(ranks) + 1, max(1, len(ranks) // 8)):
        axes.plot([tick, tick], [0, -0.3], color="black", linewidth=0.8)
        axes.text(tick, -0.5, str(tick), ha="center", va="bottom")
    for i, (label, rank) in enumerate(ranks.items()):
        on_left = i < half
        y = start + (i if on_left else len(ranks) - 1 - i)
        edge = best - 0.04 * margin if on_left else worst + 0.04 * margin
        colour = style.loss_look(str(label), order)["color"]
        axes.plot([rank, rank, edge], [0, y, y], color=colour, linewidth=0.8)
        text = f"{label} {rank:.2f} " if on_left else f" {rank:.2f} {label}"
        axes.text(edge, y, text, ha="right" if on_left else "left", va="center")
    for i, (first, last) in enumerate(found.cliques):
        axes.plot([ranks[first] - 0.05, ranks[last] + 0.05], [0.7 + i] * 2, color="black", linewidth=2)
    axes.set(xlim=(best - margin, worst + margin), ylim=(start + lines, -2.2))
    axes.set_title(f"average rank over {found.blocks} blocks (Friedman p = {found.friedman_p:.2g})")
    axes.set_axis_off()
    return figure
