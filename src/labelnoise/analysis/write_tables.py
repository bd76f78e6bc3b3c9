"""Writes every table of an experiment in every format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from labelnoise.analysis import blocks, published, published_tables, tables
from labelnoise.analysis.formats import FORMATS, Grid
from labelnoise.analysis.results import environment_mismatches, read
from labelnoise.analysis.statistics import win_rates
from labelnoise.files import replacing_folder


def write_all(manifest_path: Path) -> None:
    """Write every table in every format to the experiment's tables/."""
    results = read(manifest_path)
    notes = environment_mismatches(results.trials)
    with replacing_folder(results.folder / "tables") as folder:
        results.stamp(folder)
        for table in tables.tables(results):
            _write(folder, table.name, tables.as_csv(table), [tables.as_grid(table, notes)])
        rates = win_rates(blocks.of_seeds(results))
        rates.to_csv(folder / "win_rates.csv", index_label="loss", float_format="%.4f")
        for comparison in published.comparisons(results):
            _write(
                folder,
                comparison.name,
                published_tables.as_csv(comparison),
                published_tables.as_grids(results, comparison),
            )


def _write(folder: Path, name: str, csv: str, grids: Sequence[Grid]) -> None:
    (folder / f"{name}.csv").write_text(csv, encoding="utf-8")
    for ending, render in FORMATS.items():
        (folder / f"{name}.{ending}").write_text("\n".join(map(render, grids)), encoding="utf-8")
