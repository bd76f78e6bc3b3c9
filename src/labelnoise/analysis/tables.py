"""Comparison tables of losses (rows) and noises (columns), mean ± std."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from labelnoise.analysis.cells import (
    METRICS,
    Results,
    as_printed,
    average_ranks,
    summarise,
)
from labelnoise.analysis.formats import Cell, Column, Grid, Line
from labelnoise.noise.catalogue import NOISES

RANK = "average rank"

# How captions describe `highlight`.
MARKED = {
    "best": "best is bold",
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

    @property
    def columns(self) -> list[tuple[str, str, str]]:
        """(group, rate, noise) for each column; columns of a group are adjacent, groups in config order."""
        groups = list(dict.fromkeys(group for group, _ in self.headings.values()))
        columns = [(*self.headings[noise], noise) for noise in self.noises]
        return sorted(columns, key=lambda column: groups.index(column[0]))


def marks(means: pd.Series, highlight: str) -> dict[str, str]:
    """`bold` or `underline` for the losses of a column that are marked, by label.

    Means are compared as printed, so means that print alike are marked alike.
    """
    printed = means.dropna().map(as_printed)
    bold = {"best": 1, "best_second": 1, "top2": 2, "top3": 3}[highlight]
    marked = {}
    for loss, mean in printed.items():
        rank = int((printed > mean).sum()) + 1
        if rank <= bold:
            marked[str(loss)] = "bold"
        elif rank == 2 and highlight == "best_second":
            marked[str(loss)] = "underline"
    return marked


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
        f"In each column the {MARKED[results.manifest['highlight']]}",
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


def as_csv(table: Table) -> str:
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


def as_grid(table: Table, notes: Sequence[str] = ()) -> Grid:
    """The table as text: losses as rows, noises as columns, the average rank last."""
    marked = {
        noise: marks(table.cells["mean"].xs(noise, level="noise"), table.highlight) for _, _, noise in table.columns
    }
    rows = {}
    for loss in table.losses:
        cells = [_text_cell(table.cell(loss, noise), marked[noise].get(loss)) for _, _, noise in table.columns]
        rank = table.ranks.get(loss, float("nan"))
        unknown = pd.isna(rank)
        rows[loss] = [*cells, Cell((Line("–" if unknown else f"{rank:.1f}"),), None if unknown else rank)]
    columns = [Column(group, rate) for group, rate, _ in table.columns]
    caption = " ".join([table.caption, *notes])
    return Grid(table.name, caption, [*columns, Column(RANK, "", lowest_first=True)], rows)


def _text_cell(cell: pd.Series | None, mark: str | None) -> Cell:
    return Cell((Line(text_of(cell), mark),), None if cell is None or pd.isna(cell["mean"]) else cell["mean"])


def text_of(cell: pd.Series | None) -> str:
    """`98.36 ± 0.10`, or `– 2/3` for a cell of which 2 of 3 seeds are ok."""
    if cell is None:
        return ""
    if pd.isna(cell["mean"]):
        return f"– {int(cell['n'])}/{int(cell['seeds'])}"
    return f"{cell['mean']:.2f}" + (f" ± {cell['std']:.2f}" if pd.notna(cell["std"]) else "")
