"""Comparison tables of losses (rows) and noises (columns), mean ± std, one for each data set, test set and metric."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from labelnoise import recipe_notes
from labelnoise.analysis.formats import Cell, Column, Grid, Line
from labelnoise.analysis.metrics import METRICS, Metric
from labelnoise.analysis.results import Results
from labelnoise.analysis.statistics import LEAST_SEEDS, as_printed, is_true, t_quantile
from labelnoise.noise.catalogue import NOISES

RANK = "average rank"

# Opens captions of data sets without clean test labels.
NOT_ACCURACY = (
    "NO CLEAN TEST LABELS: agreement with noisy labels ranks losses while clean labels dominate; it is not the "
    "accuracy on true classes"
)

# How captions describe `highlight`.
MARKED = {
    "best": "best is bold",
    "best_second": "best is bold, the second best underlined",
    "top2": "two best are bold",
    "top3": "three best are bold",
    "tied": "best and all that are tied with it are bold",
}


@dataclass(frozen=True)
class Table:
    """One table, ready to be written in any format: `cells` by (label, noise), `ranks` by label."""

    name: str
    dataset: str
    test_set: str
    metric: Metric
    caption: str
    losses: list[str]
    noises: list[str]
    headings: dict[str, tuple[str, str]]
    cells: pd.DataFrame
    ranks: pd.DataFrame
    highlight: str

    def cell(self, loss: str, noise: str) -> pd.Series | None:
        return self.cells.loc[(loss, noise)] if (loss, noise) in self.cells.index else None


def marks(
    means: pd.Series, highlight: str, tied: pd.Series | None = None, *, higher_is_better: bool = True
) -> dict[str, str]:
    """`bold` or `underline` for the losses of a column that are marked, by label.

    Means are compared as printed, so means that print alike are marked alike. `tied` says which losses are tied with
    the best, for `highlight: tied`.
    """
    printed = means.dropna().map(as_printed) * (1 if higher_is_better else -1)
    bold = {"top2": 2, "top3": 3}.get(highlight, 1)
    is_tied = tied.fillna(False) if highlight == "tied" and tied is not None else pd.Series(False, index=means.index)
    marked = {}
    for loss, mean in printed.items():
        rank = int((printed > mean).sum()) + 1
        if rank <= bold or is_tied[loss]:
            marked[str(loss)] = "bold"
        elif rank == 2 and highlight == "best_second":
            marked[str(loss)] = "underline"
    return marked


def tables(results: Results) -> Iterator[Table]:
    """Yield every table of the experiment that has cells: data set × test set × metric."""
    for dataset in results.datasets:
        for test_set in results.test_sets(dataset):
            for metric in METRICS.values():
                if not metric.is_of_test_set and test_set != results.test_sets(dataset)[0]:
                    continue  # the same for every test set
                cells = results.cells(dataset, test_set, metric)
                if cells.empty:
                    continue
                labels, noises = (set(cells.index.get_level_values(axis)) for axis in ("label", "noise"))
                stem = results.stem(dataset, test_set, of_test_set=metric.is_of_test_set)
                shown = [noise for noise in results.noises if noise in noises]
                yield Table(
                    name=f"{stem}-{metric.name}",
                    dataset=dataset,
                    test_set=test_set,
                    metric=metric,
                    caption=_caption(results, dataset, test_set, metric, shown),
                    losses=[loss for loss in results.losses if loss in labels],
                    noises=shown,
                    headings={noise: results.noise_heading(noise) for noise in shown},
                    cells=cells,
                    ranks=results.ranks_of(dataset, test_set, metric),
                    highlight=results.manifest["highlight"],
                )


def _caption(results: Results, dataset: str, test_set: str, metric: Metric, noises: list[str]) -> str:
    rows = results.rows_of(dataset, test_set)
    rows = rows[rows.noise.isin(noises)]
    n = rows.seed.nunique()
    seeds = f"n = {n} seeds{_noise_draws(results, rows)}" if n > 1 else "n = 1 seed, so no deviation"
    title = metric.title_on(noisy=results.is_noisy(dataset))
    what = title[0].upper() + title[1:] + (" (%)" if metric.higher_is_better else " (%, lower is better)")
    where = results.title(dataset, test_set) if metric.is_of_test_set else dataset
    highlight = results.manifest["highlight"]
    sentences = [
        f"{what} on {where}: mean ± sample standard deviation over {seeds}",
        f"In each column the {MARKED[highlight]}",
        _ties(n, highlight),
        _ranks(results.ranks_of(dataset, test_set, metric), len(noises)),
    ]
    if results.is_noisy(dataset) and metric.is_of_test_set:
        sentences.insert(0, NOT_ACCURACY)
    for note in (recipe_notes.differences, recipe_notes.own_parts):
        if sentence := note(results.manifest, dataset, noises):
            sentences.append(sentence)
    if rows.kind.isin(["human", "file", "given"]).any():
        sentences.append("Human labels, labels as provided and labels from a file are the same for all seeds")
    values = rows[metric.column].where(rows.status == "ok").groupby(rows.trial).count()
    if unfinished := int((values == 0).sum()):
        what = "accuracy" if metric.is_of_test_set else "known value"
        sentences.insert(0, f"PARTIAL: {unfinished} of {len(values)} trials have no {what}")
        sentences.append("A cell with such a trial shows – and how many of its seeds have one")
    if left_out := [results.noise_title(noise) for noise in results.noises if noise not in noises]:
        why = "no trial has it" if metric.is_of_test_set else "no label is wrong there, or it is unknown which are"
        sentences.append(f"Without {', '.join(left_out)}: {why}")
    return ". ".join(sentences) + "."


def _ties(n: int, highlight: str) -> str:
    """What tied means, and how much a difference must exceed."""
    if n < 2:
        return "With one seed no difference can be told from chance"
    if n < LEAST_SEEDS:
        return "With two seeds no ties are marked, as a difference must be 9 standard deviations to count"
    shown = "" if highlight == "tied" else " (†)"
    return (
        f"Tied with the best{shown}: the 95 % t interval of the paired differences by seed includes 0, not corrected "
        f"for the number of losses; at n = {n} it is the mean difference ± {t_quantile(n):.1f} · s/√{n}"
    )


def _ranks(ranks: pd.DataFrame, columns: int) -> str:
    if ranks.empty:
        return "No average rank: no column has a mean for every loss"
    complete = ranks.noises.iloc[0].split(" ")
    which = "all columns" if len(complete) == columns else f"the complete columns ({', '.join(complete)})"
    interval = (
        ", with its 95 % interval by resampling seeds and columns"
        if ranks.ci_low.notna().any()
        else "; no interval with one seed or column"
    )
    return f"{RANK.capitalize()} over {which}, 1 is best{interval}"


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
    """Numbers for machines: mean, std, n, seeds and ties of each noise. Captions and notes are left out."""
    columns: dict[str, pd.Series] = {}
    for noise in table.noises:
        cells = table.cells.xs(noise, level="noise").reindex(table.losses)
        for key in ("mean", "std", "n", "seeds", "tied_with_best"):
            column = cells[key].astype("Int64") if key in ("n", "seeds") else cells[key]
            columns[f"{noise} {key.replace('_', ' ')}"] = column
    frame = pd.DataFrame(columns, index=pd.Index(table.losses, name="loss"))
    ranks = table.ranks.reindex(table.losses)
    frame[[RANK, f"{RANK} low", f"{RANK} high"]] = ranks[["average_rank", "ci_low", "ci_high"]]
    return frame.to_csv(float_format="%.4f")


def as_grid(table: Table, notes: Sequence[str] = ()) -> Grid:
    """The table as text: losses as rows, noises as columns, the average rank last."""
    marked = {}
    for noise in table.noises:
        column = table.cells.xs(noise, level="noise")
        marked[noise] = marks(
            column["mean"], table.highlight, column.tied_with_best, higher_is_better=table.metric.higher_is_better
        )
    rows = {}
    for loss in table.losses:
        cells = [_text_cell(table, loss, noise, marked[noise].get(loss)) for noise in table.noises]
        rows[loss] = [*cells, _rank_cell(table.ranks.loc[loss] if loss in table.ranks.index else None)]
    columns = [Column(*table.headings[noise]) for noise in table.noises]
    caption = " ".join([table.caption, *notes])
    return Grid(table.name, caption, [*columns, Column(RANK, "", lowest_first=True)], rows)


def _rank_cell(rank: pd.Series | None) -> Cell:
    if rank is None:
        return Cell((Line("–"),))
    return Cell((Line(rank_text(rank)),), rank.average_rank)


def rank_text(rank: pd.Series) -> str:
    """`2.1 [1.4, 3.1]`, or `2.1` without an interval."""
    interval = f" [{rank.ci_low:.1f}, {rank.ci_high:.1f}]" if pd.notna(rank.ci_low) else ""
    return f"{rank.average_rank:.1f}{interval}"


def _text_cell(table: Table, loss: str, noise: str, mark: str | None) -> Cell:
    cell = table.cell(loss, noise)
    if cell is None or pd.isna(cell["mean"]):
        return Cell((Line(text_of(cell), mark),))
    # The best itself is bold already; `highlight: tied` says it in bold.
    is_best = cell["rank"] == table.cells.xs(noise, level="noise")["rank"].min()
    is_tied = table.highlight != "tied" and not is_best and is_true(cell["tied_with_best"])
    return Cell((Line(text_of(cell), mark, is_tied=bool(is_tied)),), cell["mean"])


def text_of(cell: pd.Series | None) -> str:
    """`98.36 ± 0.10`, or `– 2/3` for a cell of which 2 of 3 seeds are ok."""
    if cell is None:
        return ""
    if pd.isna(cell["mean"]):
        return f"– {int(cell['n'])}/{int(cell['seeds'])}"
    return f"{cell['mean']:.2f}" + (f" ± {cell['std']:.2f}" if pd.notna(cell["std"]) else "")
