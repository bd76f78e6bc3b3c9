"""A table of text as Markdown, LaTeX and HTML. A cell may have several lines."""

from __future__ import annotations

import html
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Line:
    """A line of a cell; `mark` is `bold`, `underline` or None, `kind` becomes its class in HTML.

    `is_tied` (with the best of its column) is shown as †, in HTML with a shade.
    """

    text: str
    mark: str | None = None
    kind: str | None = None
    is_tied: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell, and the number by which its column is sorted (None: last)."""

    lines: Sequence[Line]
    value: float | None = None


@dataclass(frozen=True)
class Column:
    """A column under a group heading; `heading` is empty if the group has this column only."""

    group: str
    heading: str
    lowest_first: bool = False


@dataclass(frozen=True)
class Grid:
    """A table: rows by loss label, each with one cell per column."""

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Mapping[str, Sequence[Cell]]


def as_markdown(grid: Grid) -> str:
    styles = {"bold": "**{}**", "underline": "<u>{}</u>", None: "{}"}

    def shown(cell: Cell) -> str:
        return "<br>".join(styles[line.mark].format(line.text) + " †" * line.is_tied for line in cell.lines)

    frame = _frame(grid, shown, _markdown_escape)
    frame.columns = [" ".join(filter(None, column)) for column in frame.columns]
    return "\n".join([grid.caption, "", frame.to_markdown(disable_numparse=True)]) + "\n"


def as_latex(grid: Grid) -> str:
    """A booktabs table environment; needs \\usepackage{booktabs}."""
    styles = {"bold": r"\textbf{{{}}}", "underline": r"\underline{{{}}}", None: "{}"}

    def shown(cell: Cell) -> str:
        lines = [
            styles[line.mark].format(_latex_signs(line.text)) + r"$^\dagger$" * line.is_tied for line in cell.lines
        ]
        stacked = r"\\".join(lines)
        return lines[0] if len(lines) == 1 else rf"\shortstack{{{stacked}}}"

    frame = _frame(grid, shown, _latex_escape)
    body = frame.to_latex(
        escape=False,
        column_format="l" + "c" * frame.shape[1],
        multicolumn_format="c",
        caption=_latex_signs(_latex_escape(grid.caption)),
        label=f"tab:{grid.name}",
        position="t",
    )
    strange = _unusual([*grid.rows, *(column.group for column in grid.columns)])
    hint = f"% for {strange} compile with XeLaTeX or LuaLaTeX and a font that has them\n" if strange else ""
    return f"% \\usepackage{{booktabs}}\n{hint}" + body.replace("\\begin{tabular}", "\\centering\n\\begin{tabular}")


def as_html(grid: Grid) -> str:
    """One <table class="results"> that scrolls under its caption. Every cell carries its number for sorting."""
    heads: list[list[str]] = [["<th rowspan='2' scope='col' data-sort='text'>loss</th>"], []]
    # Only neighbours share a heading: the cells keep the order of the columns.
    for group, members in itertools.groupby(grid.columns, key=lambda column: column.group):
        columns = list(members)
        if [column.heading for column in columns] == [""]:
            first = " data-first='ascending'" if columns[0].lowest_first else ""
            heads[0].append(f"<th rowspan='2' scope='col' data-sort='number'{first}>{html.escape(group)}</th>")
            continue
        heads[0].append(
            f"<th colspan='{len(columns)}' scope='colgroup' class='group'><span>{html.escape(group)}</span></th>"
        )
        heads[1] += [f"<th scope='col' data-sort='number'>{html.escape(column.heading)}</th>" for column in columns]
    rows = [
        f"<tr><th scope='row'>{html.escape(label)}</th>{''.join(map(_html_cell, cells))}</tr>"
        for label, cells in grid.rows.items()
    ]
    head = "".join(f"<tr>{''.join(row)}</tr>\n" for row in heads)
    body = "\n".join(rows)
    name = html.escape(grid.name)
    return (
        f"<p class='caption' id='caption-{name}'>{html.escape(grid.caption)}</p>\n"
        f"<div class='scroll' role='region' tabindex='0' aria-labelledby='caption-{name}'>\n"
        f"<table class='results' id='table-{name}' aria-labelledby='caption-{name}'>\n"
        f"<thead>\n{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>\n"
    )


FORMATS: dict[str, Callable[[Grid], str]] = {"md": as_markdown, "tex": as_latex, "html": as_html}


def _html_cell(cell: Cell) -> str:
    value = "" if cell.value is None else f"{cell.value:.4f}"
    if len(cell.lines) == 1:
        (line,) = cell.lines
        return f"<td data-value='{value}'{_html_class(line)}>{_html_text(line)}</td>"
    lines = [f"<span{_html_class(line)}>{_html_text(line)}</span>" for line in cell.lines]
    return f"<td data-value='{value}'>{'<br>'.join(lines)}</td>"


def _html_text(line: Line) -> str:
    return html.escape(line.text) + " †" * line.is_tied  # a shade is neither printed nor read aloud


def _html_class(line: Line) -> str:
    classes = " ".join(filter(None, (line.kind, line.mark, "tied" if line.is_tied else None)))
    return f" class='{classes}'" if classes else ""


def latex_characters(texts: Iterable[str]) -> dict[str, str]:
    """How LaTeX writes each character of the texts that it does not take as it is."""
    characters = {char for text in texts for char in text}
    written = {char: _latex_signs(_latex_escape(char)) for char in sorted(characters)}
    return {char: text for char, text in written.items() if text != char}


def _frame(grid: Grid, shown: Callable[[Cell], str], escaped: Callable[[str], str]) -> pd.DataFrame:
    """The grid as text, with two column levels (group, heading)."""
    columns = {
        (escaped(column.group), column.heading): [shown(cells[i]) for cells in grid.rows.values()]
        for i, column in enumerate(grid.columns)
    }
    return pd.DataFrame(columns, index=pd.Index([escaped(label) for label in grid.rows]))


def _latex_signs(text: str) -> str:
    return text.replace("±", r"$\pm$").replace("–", "--").replace("†", r"$^\dagger$").replace("√", r"$\surd$")


def _markdown_escape(text: str) -> str:
    return re.sub(r"([\\`*_<>\[\]])", r"\\\1", text)


_SIGNS = {"≤": r"\leq", "≥": r"\geq", "×": r"\times", "·": r"\cdot", "→": r"\to", "∞": r"\infty", "−": "-"}
_CAPITALS = ("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega")


def _latex_mathematics(char: str) -> str | None:
    """A Greek letter or a sign in LaTeX's math mode; None for any other character."""
    if char in _SIGNS:
        return f"${_SIGNS[char]}$"
    match = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (FINAL )?([A-Z]+)", unicodedata.name(char, ""))
    if not match:
        return None
    name = match[3].lower().replace("lamda", "lambda")
    if match[1] == "CAPITAL":
        known = name.capitalize() in _CAPITALS
        return rf"$\{name.capitalize()}$" if known else unicodedata.normalize("NFKD", _LATIN_CAPITALS.get(name, char))
    return "o" if name == "omicron" else rf"$\{'var' if match[2] else ''}{name}$"


_LATIN_CAPITALS = {
    "alpha": "A", "beta": "B", "epsilon": "E", "zeta": "Z", "eta": "H", "iota": "I", "kappa": "K", "mu": "M", "nu": "N",
    "omicron": "O", "rho": "P", "tau": "T", "chi": "X",
}  # fmt: skip


def _latex_escape(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    special |= {"<": r"\textless{}", ">": r"\textgreater{}", '"': "''"}
    special |= {char: f"\\{char}" for char in "&%$#_{}"}
    return "".join(special.get(char) or _latex_mathematics(char) or char for char in text)


def _unusual(texts: Iterable[str]) -> str:
    """The characters that pdflatex cannot print: neither Latin nor written in math mode."""
    candidates = {char for text in texts for char in text if ord(char) > 0x17F and char not in "–—‘’“”…±"}
    return "".join(sorted(char for char in candidates if _latex_mathematics(char) is None))
