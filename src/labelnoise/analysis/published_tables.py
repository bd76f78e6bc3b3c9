"""The papers' tables again: in each cell what was measured, what was printed, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from labelnoise.analysis.formats import Cell, Column, Grid, Line
from labelnoise.analysis.published import Comparison, Verdict, counts, expected_false_alarms
from labelnoise.analysis.results import Results
from labelnoise.analysis.tables import marks


def as_csv(comparison: Comparison) -> str:
    """The rows with `COLUMNS`; rates as in the config, other numbers with four digits."""
    rates = [None if pd.isna(rate) else repr(float(rate)) for rate in comparison.rows.rate]
    return comparison.rows.assign(rate=rates).to_csv(index=False, float_format="%.4f")


def as_grids(results: Results, comparison: Comparison) -> list[Grid]:
    """One grid per printed table and test set, rows and columns in the order of print; the user's own losses last."""
    grids = []
    for (table, test_set), rows in comparison.rows.groupby(["table", "test_set"], sort=False):
        name = "-".join(filter(None, [comparison.name, *_slug(table, test_set)]))
        grids.append(_grid(results, rows, name, str(table), str(test_set)))
    return grids


def _slug(*parts: str) -> list[str]:
    return [part.lower().replace(" ", "") for part in parts]


def _grid(results: Results, rows: pd.DataFrame, name: str, table: str, test_set: str) -> Grid:
    highlight = results.manifest["highlight"]
    headings = pd.Series(list(map(_heading, rows.noise, rows.rate)), index=rows.index)
    columns = list(dict.fromkeys(zip(rows.noise, headings, strict=True)))
    losses = list(dict.fromkeys(rows.loss))
    cells: dict[str, list[Cell]] = {loss: [] for loss in losses}
    for noise, rate in columns:
        column = rows[(rows.noise == noise) & (headings == rate)].set_index("loss")
        bold = {kind: marks(column[kind].astype(float), highlight) for kind in ("mean", "printed_mean")}
        for loss in losses:
            if loss not in column.index:
                cells[loss].append(Cell((Line(""),)))
                continue
            row = column.loc[loss]
            is_printed = pd.notna(row["printed_mean"])
            printed = f"printed {_number(row['printed_mean'], row['printed_std'])}" if is_printed else "not printed"
            lines = [
                Line(_number(row["mean"], row["std"]), bold["mean"].get(loss), "measured"),
                Line(printed, bold["printed_mean"].get(loss), "printed"),
                Line(_judgement(row), None, f"verdict {row.verdict.replace(' ', '-')}"),
            ]
            cells[loss].append(Cell(lines, None if pd.isna(row["mean"]) else float(row["mean"])))
    caption = _caption(results, rows, table, test_set)
    return Grid(name, caption, [Column(noise, rate) for noise, rate in columns], cells)


def _judgement(row: pd.Series) -> str:
    return f"{row.verdict}, n = {row.n}" if Verdict(row.verdict).is_judged else str(row.verdict)


def _heading(noise: str, rate: float | None) -> str:
    return "" if noise == "clean" or rate is None or pd.isna(rate) else repr(float(rate))


def _number(mean: float | None, std: float | None) -> str:
    if pd.isna(mean):
        return "–"
    return f"{mean:.2f}" + (f" ± {std:.2f}" if pd.notna(std) else "")


def _caption(results: Results, rows: pd.DataFrame, table: str, test_set: str) -> str:
    published = results.manifest["published"]
    assert published is not None
    tolerance, printed_n = published["tolerance"], published["trials"]
    where = f"{rows.dataset.iloc[0]} ({test_set})"
    what = f"{table} of {published['paper']}" if table else f"Cells of which {published['paper']} prints none"
    sentences = [f"{what} on {where}: last-epoch test accuracy (%), measured and as printed"]
    judged = rows[[Verdict(value).is_judged for value in rows.verdict]]
    sentences.append(counts(rows).capitalize())
    if table:
        sentences.append(
            "Reproduced: inside the 95 % prediction interval of the printed mean and deviation "
            f"(n = {printed_n}), and within {tolerance:g} point{'s' if tolerance != 1 else ''}. Close: as near, but "
            "outside the interval, or no deviation was printed. Above, below: further off, outside it. Inconclusive: "
            "further off, inside it"
        )
    if table and len(judged):
        sentences.append(
            f"Expected false alarms if all {len(judged)} judged cells repeat the printed experiment: "
            f"{expected_false_alarms(rows, printed_n=printed_n, tolerance=tolerance):.1f}"
        )
    finished = rows[rows["mean"].notna()]
    if len(finished):
        measured = results.rows_of(rows.dataset.iloc[0], test_set)
        precisions = " and ".join(measured[measured.status == "ok"].precision.dropna().unique())
        sentences.append(f"Measured in {precisions}, seeds per cell: {_spread(finished.n)}")
    if unfinished := int((rows["mean"].isna() | rows.note.str.contains("seeds are ok")).sum()):
        sentences.insert(0, f"PARTIAL: {unfinished} of {len(rows)} cells are not complete")
    return ". ".join(sentences) + "."


def _spread(values: Sequence[int] | pd.Series) -> str:
    distinct = sorted(set(values))
    return "–".join(str(value) for value in dict.fromkeys((distinct[0], distinct[-1]))) if distinct else "0"
