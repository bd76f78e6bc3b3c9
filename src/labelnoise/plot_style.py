"""Figure style: for one column of a paper (3.25 inches) or for both (6.75), with fonts of 6 and 7 points."""

from __future__ import annotations

import base64
import functools
import html
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt
import seaborn as sns
from fontTools import subset, ttLib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font

from labelnoise.looks import look_of

ONE_COLUMN, TWO_COLUMNS = 3.25, 6.75

# Losses that do not stand out.
REST = "#b4bac1"

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
    small = {f"{part}.labelsize": 6 for part in ("xtick", "ytick")}
    thin = dict.fromkeys(("axes.linewidth", "xtick.major.width", "ytick.major.width", "grid.linewidth"), 0.6)
    sns.set_theme(
        context="paper",
        style="ticks",
        rc={
            "svg.hashsalt": "labelnoise",
            "svg.fonttype": "none",
            "pdf.fonttype": 42,
            "font.family": fonts,
            "font.size": 6,
            "axes.titlesize": 7,
            "axes.labelsize": 7,
            "legend.fontsize": 6,
            "legend.title_fontsize": 6,
            "xtick.major.size": 2,
            "ytick.major.size": 2,
            "xtick.major.pad": 2,
            "ytick.major.pad": 2,
            "lines.linewidth": 1.1,
            "lines.markersize": 3.5,
            "figure.constrained_layout.use": True,
            "axes.grid": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "grid.alpha": 0.35,
            "savefig.dpi": 300,
        }
        | small
        | thin,
    )


def loss_look(label: str, losses: list[str]) -> dict[str, Any]:
    """`look_of` the loss as arguments of matplotlib's `plot`."""
    colour, marker, dash = look_of(losses.index(label))
    return {"color": colour, "marker": marker, "linestyle": (0, dash) if dash else "-", "label": label}


def rest_look() -> dict[str, Any]:
    """The look of losses that do not stand out."""
    return {"color": REST, "linewidth": 0.6, "zorder": 1, "label": "other losses"}


def grid(
    count: int, *, columns: int = 4, width: float = 1.65, height: float = 1.5, **options: Any
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels; the rest of the last row is empty. Sizes are in inches, of a panel."""
    figure, panels = rows_of_panels([count], columns=min(columns, count), width=width, height=height, **options)
    return figure, panels[0]


def rows_of_panels(
    counts: Sequence[int], *, columns: int = 2, width: float | None = None, height: float = 1.3, **options: Any
) -> tuple[Figure, list[list[Axes]]]:
    """A figure with a group of panels per count, each of which starts a new row; by default one column wide."""
    columns = min(columns, max(counts))
    rows = [-(-count // columns) for count in counts]
    size = ((width or ONE_COLUMN / columns) * columns, height * sum(rows))
    figure, axes = plt.subplots(sum(rows), columns, figsize=size, squeeze=False, **options)
    groups, start = [], 0
    for count, height_in_rows in zip(counts, rows, strict=True):
        group = axes[start : start + height_in_rows].flatten().tolist()
        for unused in group[count:]:
            unused.remove()
        groups.append(group[:count])
        start += height_in_rows
    return figure, groups


def label_edges(panels: list[Axes], *, columns: int = 4) -> None:
    """Keep axis labels and ticks only on the left edge and on panels with none below."""
    for i, axes in enumerate(panels):
        is_left, is_lowest = i % columns == 0, i + columns >= len(panels)
        axes.tick_params(labelleft=is_left, labelbottom=is_lowest)
        axes.set(**({} if is_left else {"ylabel": ""}), **({} if is_lowest else {"xlabel": ""}))


def legend_below(figure: Figure, panels: Iterable[Axes], title: str | None = None) -> None:
    """One legend for all panels, below them, in as many columns as fit into the figure's width."""
    entries: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if entries:
        # A character at 6 points is about 0.05 inches wide; line and gaps take 0.45.
        fitting = int(figure.get_figwidth() / (0.45 + 0.05 * max(map(len, entries))))
        columns = max(1, min(fitting, len(entries)))
        # The figure grows, so that the panels keep their size.
        lines = -(-len(entries) // columns) + (title is not None)
        figure.set_figheight(figure.get_figheight() + 0.13 * lines + 0.1)
        figure.legend(
            entries.values(), entries.keys(), loc="outside lower center", frameon=False, title=title,
            ncols=columns, handlelength=2.4, columnspacing=1.2,
        )  # fmt: skip


def empty(message: str) -> Figure:
    """A figure that says why it is empty."""
    figure, axes = plt.subplots(figsize=(ONE_COLUMN, 0.8))
    axes.text(0.5, 0.5, message, ha="center", va="center")
    axes.set_axis_off()
    return figure


def save(figure: Figure, stem: Path) -> None:
    """Write `stem`.svg, .pdf and .png with their fonts, and close the figure."""
    # Laid out once, at the resolution of the PNG, whose hinted text is the widest.
    figure.set_dpi(plt.rcParams["savefig.dpi"])
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    drawing = io.StringIO()
    figure.savefig(drawing, format="svg", metadata={"Date": None})
    svg = with_fonts(_shortened(drawing.getvalue()))
    stem.with_name(f"{stem.name}.svg").write_text(svg, encoding="utf-8")
    figure.savefig(stem.with_name(f"{stem.name}.pdf"), metadata={"CreationDate": None})
    figure.savefig(stem.with_name(f"{stem.name}.png"))
    plt.close(figure)


def _shortened(svg: str) -> str:
    """The SVG with coordinates to a hundredth of a point, which halves it."""
    return re.sub(
        r' (?:d|x|y)="[^"]*"', lambda attribute: re.sub(r"(\.\d\d)\d+", r"\1", attribute[0]).replace(".00", ""), svg
    )


def with_fonts(svg: str) -> str:
    """The SVG with those characters of matplotlib's font that it uses, so that it looks the same everywhere."""
    texts = re.findall(r"<(?:text|tspan)[^>]*>([^<]+)<", svg)
    used = "".join(sorted(set(html.unescape("".join(texts)))))
    weights = ["normal", *(["bold"] if re.search(r"font: [^;\"]*\bbold|font: 700", svg) else [])]
    faces = "".join(
        f"@font-face{{font-family:'{_FONT}';font-weight:{weight};src:url(data:font/woff;base64,{_woff(used, weight)})}}"
        for weight in weights
    )
    return svg.replace("<defs>", f"<defs><style>{faces}</style>", 1)


@functools.lru_cache(maxsize=64)
def _woff(characters: str, weight: str) -> str:
    """matplotlib's font, reduced to the characters, as base64."""
    path = font_manager.findfont(font_manager.FontProperties(family=_FONT, weight=weight))
    options = subset.Options(
        layout_features=[], hinting=False, notdef_outline=True, drop_tables=["FFTM", "GPOS", "GSUB"]
    )
    font = ttLib.TTFont(path, recalcTimestamp=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=characters)
    subsetter.subset(font)
    content = io.BytesIO()
    font.flavor = "woff"
    font.save(content)
    return base64.b64encode(content.getvalue()).decode()
