"""Comparison tables of losses (rows) and noises (columns), mean ± std, as CSV, Markdown, LaTeX and HTML."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from labelnoise.analysis.cells import (
    METRICS,
    Results,
    as_printed,
    average_ranks,
    environment_mismatches,
    read,
    summarise,
)
from labelnoise.files import replacing_folder
from labelnoise.noise.catalogue import NOISES

RANK = "average rank"

# How captions describe `highlight`.
_MARKED = {
    "best_second": "best is bold, the second best underlined",
    "top2": "two best are bold",
    "top3": "three best are bold",
}


@dataclass(frozen=True)
class Table:
    """One table, ready to be written in any format. `cells` is indexed by (label, noise)."""

    name: str
    caption: str
    losses: list[str]
    noises: list[str]
    headings: dict[str, tuple[str, str]]
    cells: pd.DataFrame
    ranks: pd.Series
    highlight: str

    def cell(self, loss: str, noise: str) -> pd.Series | None:
        return self.cells.loc[(loss, noise)] if (loss, noise) in self.cells.index else None

    def mark(self, loss: str, noise: str) -> str | None:
        """`bold`, `underline` or None. Means are compared as printed, so means that print alike are marked alike."""
        means = self.cells["mean"].xs(noise, level="noise").dropna().map(as_printed)
        if loss not in means:
            return None
        rank = int((means > means[loss]).sum()) + 1
        if self.highlight == "best_second":
            return {1: "bold", 2: "underline"}.get(rank)
        return "bold" if rank <= int(self.highlight[-1]) else None


def tables(results: Results) -> Iterator[Table]:
    """Yield every table of the experiment: data set × test set × metric."""
    for dataset in results.datasets:
        for test_set in results.test_sets(dataset):
            rows = results.rows_of(dataset, test_set)
            several = len(results.test_sets(dataset)) > 1
            for metric in METRICS:
                if rows[f"{metric}_accuracy"].isna().all() and metric == "validated":
                    continue  # no validation split
                cells = summarise(rows, metric)
                means = cells["mean"].unstack("noise").reindex(index=results.losses, columns=results.noises)
                name = "-".join([dataset, *([test_set] if several else []), metric])
                noises = [noise for noise in results.noises if noise in cells.index.get_level_values("noise")]
                yield Table(
                    name=name,
                    caption=_caption(results, dataset, test_set if several else None, metric, rows),
                    losses=[loss for loss in results.losses if loss in cells.index.get_level_values("label")],
                    noises=noises,
                    headings={noise: results.noise_heading(noise) for noise in noises},
                    cells=cells,
                    ranks=average_ranks(means),
                    highlight=results.manifest["highlight"],
                )


def _caption(results: Results, dataset: str, test_set: str | None, metric: str, rows: pd.DataFrame) -> str:
    n = rows.seed.nunique()
    where = f"{dataset} ({test_set})" if test_set else dataset
    seeds = f"n = {n} seeds{_noise_draws(results, rows)}" if n > 1 else "n = 1 seed, so no deviation"
    what = METRICS[metric][0].upper() + METRICS[metric][1:]
    sentences = [
        f"{what} (%) on {where}: mean ± sample standard deviation over {seeds}",
        f"In each column the {_MARKED[results.manifest['highlight']]}",
        f"{RANK.capitalize()}: over columns with a mean for every loss, 1 is best; no significance test is made",
    ]
    if rows.kind.isin(["human", "file", "given"]).any():
        sentences.append("Human labels, labels as provided and labels from a file are the same for all seeds")
    unfinished = int(rows.drop_duplicates("trial").status.ne("ok").sum())
    if unfinished:
        sentences.insert(0, f"PARTIAL: {unfinished} of {rows.trial.nunique()} trials have no accuracy")
        sentences.append("A cell with such a trial shows – and how many of its seeds are ok")
    return ". ".join(sentences) + "."


def _noise_draws(results: Results, rows: pd.DataFrame) -> str:
    """Say whether seeds also differ in their noise draw; empty if no noise is drawn."""
    drawn = {kind for kind in rows.kind.unique() if NOISES[kind].has_seed}
    if not drawn:
        return ""
    draw = results.manifest["noise_seed"]
    draws = "each with its own noise draw" if draw == "same" else f"all on one noise draw (seed {draw})"
    fixed = " and ".join(sorted(set(rows.kind.unique()) - drawn))
    return f", {draws}" + (f" (except {fixed} labels)" if fixed else "")


def write_all(manifest_path: Path) -> None:
    """Write every table in every format to the experiment's tables/."""
    results = read(manifest_path)
    notes = environment_mismatches(results.trials)
    formats = {"csv": as_csv, "md": as_markdown, "tex": as_latex, "html": as_html}
    with replacing_folder(results.folder / "tables") as folder:
        results.stamp(folder)
        for table in tables(results):
            for ending, render in formats.items():
                (folder / f"{table.name}.{ending}").write_text(render(table, notes), encoding="utf-8")


def as_csv(table: Table, notes: list[str]) -> str:
    """Numbers for machines: mean, std, n and seeds of each noise. Captions and notes are left out."""
    columns: dict[str, list[float | None]] = {}
    for noise in table.noises:
        cells = [table.cell(loss, noise) for loss in table.losses]
        for key in ("mean", "std", "n", "seeds"):
            columns[f"{noise} {key}"] = [None if cell is None else cell[key] for cell in cells]
        for key in ("n", "seeds"):
            columns[f"{noise} {key}"] = pd.array(columns[f"{noise} {key}"], dtype="Int64")
    frame = pd.DataFrame(columns, index=pd.Index(table.losses, name="loss"))
    frame[RANK] = table.ranks.reindex(table.losses)
    return frame.to_csv(float_format="%.4f")


def as_markdown(table: Table, notes: list[str]) -> str:
    marks = {"bold": "**{}**", "underline": "<u>{}</u>", None: "{}"}
    frame = _strings(table, lambda text, mark: marks[mark].format(text), _markdown_escape)
    frame.columns = [" ".join(filter(None, column)) for column in frame.columns]
    lines = [table.caption, "", frame.to_markdown(disable_numparse=True), *([""] if notes else []), *notes]
    return "\n".join(lines) + "\n"


def as_latex(table: Table, notes: list[str]) -> str:
    """A booktabs table environment; needs \\usepackage{booktabs,multirow}."""
    marks = {"bold": r"\textbf{{{}}}", "underline": r"\underline{{{}}}", None: "{}"}

    def shown(text: str, mark: str | None) -> str:
        return marks[mark].format(text.replace("±", r"$\pm$").replace("–", "--"))

    frame = _strings(table, shown, _latex_escape)
    body = frame.to_latex(
        escape=False,
        column_format="l" + "c" * frame.shape[1],
        multicolumn_format="c",
        caption=_latex_escape(" ".join([table.caption, *notes])).replace("±", r"$\pm$").replace("–", "--"),
        label=f"tab:{table.name}",
        position="t",
    )
    strange = _unusual([*table.losses, *(title for title, _ in table.headings.values())])
    hint = f"% for {strange} compile with XeLaTeX or LuaLaTeX and a font that has them\n" if strange else ""
    return f"% \\usepackage{{booktabs}}\n{hint}" + body.replace("\\begin{tabular}", "\\centering\n\\begin{tabular}")


def as_html(table: Table, notes: list[str]) -> str:
    """One <table class="results"> with its caption. Every cell carries its number, so that columns can be sorted."""
    groups = _columns(table)
    heads: list[list[str]] = [["<th rowspan='2' data-sort='text'>loss</th>"], []]
    for title in dict.fromkeys(title for title, _, _ in groups):
        rates = [rate for other, rate, _ in groups if other == title]
        if rates == [""]:
            heads[0].append(f"<th rowspan='2' data-sort='number'>{html.escape(title)}</th>")
            continue
        heads[0].append(f"<th colspan='{len(rates)}' class='group'>{html.escape(title)}</th>")
        heads[1] += [f"<th data-sort='number'>{html.escape(rate)}</th>" for rate in rates]
    heads[0].append(f"<th rowspan='2' data-sort='number' data-first='ascending'>{RANK}</th>")
    rows = []
    for loss in table.losses:
        cells = [f"<th scope='row'>{html.escape(loss)}</th>"]
        for _, _, noise in groups:
            cell = table.cell(loss, noise)
            value = "" if cell is None or pd.isna(cell["mean"]) else f"{cell['mean']:.4f}"
            mark = table.mark(loss, noise)
            cells.append(
                f"<td data-value='{value}'{f' class={mark!r}' if mark else ''}>{html.escape(_text(cell))}</td>"
            )
        rank = table.ranks.get(loss, float("nan"))
        cells.append(f"<td data-value='{rank:.4f}'>{rank:.1f}</td>" if pd.notna(rank) else "<td data-value=''>–</td>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    caption = " ".join(html.escape(sentence) for sentence in [table.caption, *notes])
    head = "".join(f"<tr>{''.join(row)}</tr>\n" for row in heads)
    body = "\n".join(rows)
    return (
        f"<table class='results' id='table-{html.escape(table.name)}'>\n<caption>{caption}</caption>\n"
        f"<thead>\n{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"
    )


def _columns(table: Table) -> list[tuple[str, str, str]]:
    """(group, rate, noise) for each column; columns of a group are adjacent, groups in config order."""
    groups = list(dict.fromkeys(group for group, _ in table.headings.values()))
    columns = [(*table.headings[noise], noise) for noise in table.noises]
    return sorted(columns, key=lambda column: groups.index(column[0]))


def _text(cell: pd.Series | None) -> str:
    if cell is None:
        return ""
    if pd.isna(cell["mean"]):
        return f"– {int(cell['n'])}/{int(cell['seeds'])}"
    return f"{cell['mean']:.2f}" + (f" ± {cell['std']:.2f}" if pd.notna(cell["std"]) else "")


def _strings(table: Table, shown: Callable[[str, str | None], str], escaped: Callable[[str], str]) -> pd.DataFrame:
    """The table as text: losses as rows, two column levels (group, rate), the average rank last."""
    columns = {
        (escaped(title), rate): [
            shown(_text(table.cell(loss, noise)), table.mark(loss, noise)) for loss in table.losses
        ]
        for title, rate, noise in _columns(table)
    }
    columns[(RANK, "")] = [
        shown("–" if pd.isna(table.ranks.get(loss, float("nan"))) else f"{table.ranks[loss]:.1f}", None)
        for loss in table.losses
    ]
    return pd.DataFrame(columns, index=pd.Index([escaped(loss) for loss in table.losses]))


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
    special |= {char: f"\\{char}" for char in "&%$#_{}"}
    return "".join(special.get(char) or _latex_mathematics(char) or char for char in text)


def _unusual(texts: Iterable[str]) -> str:
    """The characters that pdflatex cannot print: neither Latin nor written in math mode."""
    candidates = {char for text in texts for char in text if ord(char) > 0x17F and char not in "–—‘’“”…±"}
    return "".join(sorted(char for char in candidates if _latex_mathematics(char) is None))
