"""Figure style: a loss has the same colour, marker and dash in every figure, safe for colour-blind readers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font

_MARKERS = ("o", "s", "D", "^", "v", "P", "X", "<", ">", "*")
_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))


_FONT = "DejaVu Sans"


def fonts_for(texts: Iterable[str]) -> tuple[list[str], str]:
    """Return the fonts that cover the texts, and the characters that no installed font has.

    The first is matplotlib's own font; installed fonts follow for characters that it lacks.
    """
    wanted = {char for text in texts for char in text if ord(char) > 0x7F}
    lacking = wanted - _characters(font_manager.findfont(_FONT))
    fonts = [_FONT]
    for entry in font_manager.fontManager.ttflist if lacking else ():
        # matplotlib's last-resort font draws a box for every character.
        has = set() if entry.name.startswith("Last Resort") else lacking & _characters(entry.fname)
        if has:
            fonts.append(entry.name)
            lacking -= has
        if not lacking:
            break
    return fonts, "".join(sorted(lacking))


def _characters(path: str) -> set[str]:
    try:
        return {chr(code) for code in FT2Font(path).get_charmap()}
    except (OSError, RuntimeError, ValueError):
        return set()


def apply(texts: Iterable[str] = ()) -> None:
    """Apply seaborn's paper style, with text in SVG kept as text and the same bytes for the same data.

    `texts` are the figures' labels: fonts are chosen that have their characters, with a warning if none does.
    """
    fonts, lacking = fonts_for(texts)
    if lacking:
        print(
            f"no installed font has {lacking}: PNG figures show boxes instead, SVG and HTML keep the text; "
            "install a font that has them, such as Noto Sans CJK",
            flush=True,
        )
    sns.set_theme(
        context="paper",
        style="ticks",
        rc={
            "svg.hashsalt": "labelnoise",
            "svg.fonttype": "none",
            "font.family": fonts,
            "figure.constrained_layout.use": True,
            "axes.grid": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "grid.alpha": 0.35,
            "savefig.dpi": 160,
        },
    )


def loss_look(label: str, losses: list[str]) -> dict[str, Any]:
    """Colour, marker and dash of a loss, by its position in the config.

    The ten colours of seaborn's colour-blind palette have different markers; the dash changes after ten losses.
    """
    i = losses.index(label)
    colours = sns.color_palette("colorblind", 10)
    return {
        "color": colours[i % 10],
        "marker": _MARKERS[i % len(_MARKERS)],
        "linestyle": _DASHES[(i // 10) % len(_DASHES)],
        "label": label,
    }


def grid(
    count: int, *, columns: int = 4, width: float = 2.6, height: float = 2.2, **options: Any
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels; the rest of the last row is empty."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(width * columns, height * rows), squeeze=False, **options)
    for unused in axes.flat[count:]:
        unused.remove()
    return figure, list(axes.flat[:count])


def label_edges(panels: list[Axes], *, columns: int = 4) -> None:
    """Keep axis labels and ticks only on the left edge and on panels with none below."""
    for i, axes in enumerate(panels):
        is_left, is_lowest = i % columns == 0, i + columns >= len(panels)
        axes.tick_params(labelleft=is_left, labelbottom=is_lowest)
        axes.set(**({} if is_left else {"ylabel": ""}), **({} if is_lowest else {"xlabel": ""}))


def legend_beside(figure: Figure, axes: Axes, title: str | None = None) -> None:
    """One legend for the whole figure, to the right of its panels, in as many columns as its height needs."""
    handles, labels = axes.get_legend_handles_labels()
    rows = int(4.2 * figure.get_figheight())
    columns = -(-len(labels) // rows)
    # Widen the figure, so that the legend does not cover the panels.
    figure.set_figwidth(figure.get_figwidth() + columns * (0.35 + 0.075 * max(map(len, [*labels, title or ""]))))
    figure.legend(handles, labels, loc="outside right center", frameon=False, ncols=columns, title=title)


def empty(message: str) -> Figure:
    """A figure that says why it is empty."""
    figure, axes = plt.subplots(figsize=(4, 1.2))
    axes.text(0.5, 0.5, message, ha="center", va="center")
    axes.set_axis_off()
    return figure


def save(figure: Figure, stem: Path) -> None:
    """Write `stem`.svg and `stem`.png and close the figure."""
    formats: tuple[tuple[str, dict[str, Any]], ...] = (("svg", {"metadata": {"Date": None}}), ("png", {}))
    for ending, options in formats:
        figure.savefig(stem.with_name(f"{stem.name}.{ending}"), **options)
        figure.set_layout_engine("none")  # lay out once, so that both formats look alike
    plt.close(figure)
