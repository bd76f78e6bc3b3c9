"""The report: one HTML file that loads nothing else and opens with a double click."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import labelnoise
from labelnoise import figures
from labelnoise.analysis import published, tables
from labelnoise.analysis.results import Results, read
from labelnoise.files import read_json, write_text
from labelnoise.published.citations import bibtex
from labelnoise.report import data, overview, parameters
from labelnoise.trial_folder import Status, TrialFolder

_FOLDER = Path(__file__).parent
# In this order: each uses those before it.
_LIBRARIES = ("d3.min.js", "plot.umd.min.js")
_SCRIPTS = ("data.js", "tables.js", "copy.js", "charts.js", "trials.js", "explorer.js", "page.js")

# Columns of trials.csv that the report lists under Environment.
_ENVIRONMENT = ("device", "cpu_capability", "cuda", "cudnn", "precision", "threads", "torch", "code")


def write(manifest_path: Path) -> Path:
    """Write report.html beside the manifest; return its path.

    Raises `UserError` if the tables or figures were made from another trials.csv.
    """
    import jinja2

    results = read(manifest_path)
    for products in ("tables", "figures"):
        results.check_stamp(results.folder / products)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=jinja2.select_autoescape(["j2"]), trim_blocks=True
    )
    specs = _specs(results)
    audits = _audits(results)
    html = environment.get_template("report.html.j2").render(
        title=results.manifest["experiment"] or "default experiment",
        version=labelnoise.__version__,
        style=_text("report.css"),
        libraries=[_text(f"vendor/{name}") for name in _LIBRARIES],
        scripts=[_text(f"scripts/{name}") for name in _SCRIPTS],
        data=data.as_json(results, specs),
        manifest=results.manifest,
        counts=results.trials.drop_duplicates("trial").status.value_counts().to_dict(),
        outcomes=list(overview.outcomes(results)),
        criterion=overview.criterion(results),
        doubts=[*overview.doubts(results), *overview.copies(audits)],
        datasets=list(_datasets(results)),
        verdicts=list(_verdicts(results)),
        overall=[
            _figure(results, kind, caption, "all data sets") for kind, caption in figures.overall(results).items()
        ],
        audits=audits,
        parameters=parameters.compare(results, specs),
        troubled=_troubled(results),
        environment=_environment(results),
        citation=_citation(results),
    )
    path = results.folder / "report.html"
    write_text(path, html)
    return path


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _specs(results: Results) -> dict[str, dict[str, Any]]:
    """The specs of the trials with a result, by hash."""
    folders = results.trials.drop_duplicates("trial").dropna(subset=["loss_params"])
    return {row.trial: TrialFolder(Path(row.folder)).read_result()["spec"] for row in folders.itertuples()}


def _datasets(results: Results) -> Iterator[dict[str, Any]]:
    """For each data set and test set, in the config's order, its tables and figures."""
    made = [(table.dataset, table.test_set, table.name) for table in tables.tables(results)]
    drawn = list(figures.figures_of(results))
    for dataset in results.datasets:
        for test_set in results.test_sets(dataset):
            title = results.title(dataset, test_set)
            yield {
                "title": title,
                "tables": [_table(results, name) for d, t, name in made if (d, t) == (dataset, test_set)],
                "figures": [
                    _figure(results, name, figures.caption(kind, results, dataset), title)
                    for d, t, name, kind in drawn
                    if (d, t) == (dataset, test_set)
                ],
            }


def _verdicts(results: Results) -> Iterator[dict[str, str]]:
    """The comparisons with printed numbers: the counts of verdicts in words, and the tables."""
    for comparison in published.comparisons(results):
        printed = comparison.rows[comparison.rows.printed_mean.notna()]
        if len(printed):
            counted = f"{comparison.dataset}: {len(printed)} printed cells: {published.counts(printed)}"
            yield {"counts": counted, "table": _table(results, comparison.name)}


def _table(results: Results, name: str) -> str:
    return (results.folder / "tables" / f"{name}.html").read_text(encoding="utf-8")


def _figure(results: Results, name: str, caption: str, where: str) -> dict[str, str]:
    svg = (results.folder / "figures" / f"{name}.svg").read_bytes()
    return {"id": name, "caption": f"{where}: {caption}", "data": base64.b64encode(svg).decode()}


def _audits(results: Results) -> list[dict[str, Any]]:
    """One row per label file."""
    files = dict.fromkeys((entry["labels"], entry["dataset"], entry["noise"]) for entry in results.manifest["trials"])
    rows = []
    for labels, dataset, noise in files:
        path = Path(labels).with_suffix(".json")
        if path.exists():
            title = results.noise_title(noise)
            rows.append({"dataset": dataset, "noise_title": title, **read_json(path, "audit of a label file")})
    return rows


def _troubled(results: Results) -> list[dict[str, Any]]:
    """Trials that are not ok, with their reasons."""
    rows = results.trials.drop_duplicates("trial")
    rows = rows[rows.status != Status.OK].fillna({"reason": "no result"})
    return rows[["status", "dataset", "noise", "label", "seed", "reason", "folder"]].to_dict("records")


def _environment(results: Results) -> dict[str, str]:
    """The values of every environment column, and the total training time."""
    rows = results.trials.drop_duplicates("trial")
    values = {key: ", ".join(str(value) for value in rows[key].dropna().unique()) or "–" for key in _ENVIRONMENT}
    values["threads"] = ", ".join(f"{value:g}" for value in rows["threads"].dropna().unique()) or "–"
    values["total training time (s)"] = f"{rows.seconds.sum():.0f}"
    return values


def _citation(results: Results) -> str:
    """The BibTeX of this benchmark and of the papers whose losses, presets, data sets and noises were used."""
    preset = results.manifest["preset"]
    used = bibtex(
        results.trials.loss.unique(),
        [preset["name"]] if preset else [],
        results.datasets,
        results.trials.kind.unique(),
    )
    software = (
        "@software{labelnoise,\n"
        "  title   = {labelnoise: a benchmark of loss functions for training classifiers on wrong labels},\n"
        "  author  = {{The labelnoise authors}},\n"
        f"  version = {{{labelnoise.__version__}}},\n"
        "  year    = {2026}\n}"
    )
    return "\n\n".join(filter(None, [software, used]))
