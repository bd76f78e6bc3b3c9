"""The report: one HTML file that loads nothing else and opens with a double click."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import labelnoise
from labelnoise import figures
from labelnoise.analysis.cells import Results, environment_mismatches, read
from labelnoise.files import read_json, write_text
from labelnoise.trial_folder import Status, TrialFolder

_FOLDER = Path(__file__).parent

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
    html = environment.get_template("report.html.j2").render(
        title=results.manifest["experiment"] or "default experiment",
        version=labelnoise.__version__,
        style=(_FOLDER / "report.css").read_text(encoding="utf-8"),
        script=(_FOLDER / "report.js").read_text(encoding="utf-8"),
        manifest=results.manifest,
        counts=results.trials.drop_duplicates("trial").status.value_counts().to_dict(),
        notes=environment_mismatches(results.trials),
        unfinished=results.unfinished,
        tables=[path.read_text(encoding="utf-8") for path in _tables(results)],
        figures=_figures(results),
        audits=_audits(results),
        parameters=_parameters(results),
        troubled=_troubled(results),
        environment=_environment(results),
        citation=_citation(),
    )
    path = results.folder / "report.html"
    write_text(path, html)
    return path


def _tables(results: Results) -> list[Path]:
    """The HTML tables: those of last-epoch accuracy, the comparisons with printed numbers, then the others."""

    def order(path: Path) -> tuple[int, str]:
        return (0 if "-last" in path.name else 1 if path.name.endswith("-published.html") else 2), path.name

    return sorted((results.folder / "tables").glob("*.html"), key=order)


def _figures(results: Results) -> list[dict[str, str]]:
    rendered = []
    for dataset, test_set, name, kind in figures.figures_of(results):
        svg = (results.folder / "figures" / f"{name}.svg").read_bytes()
        where = dataset if len(results.test_sets(dataset)) == 1 else f"{dataset} ({test_set})"
        rendered.append(
            {"id": name, "caption": f"{where}: {figures.kinds(results)[kind]}", "data": base64.b64encode(svg).decode()}
        )
    return rendered


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


def _parameters(results: Results) -> list[dict[str, str]]:
    """One row per loss, parameters and recipe, with the data sets and noises they were used on."""
    rows: dict[tuple[str, ...], dict[str, dict[str, None]]] = {}
    for trial in results.trials.dropna(subset=["loss_params"]).drop_duplicates("trial").itertuples():
        spec = TrialFolder(Path(trial.folder)).read_result().get("spec", {})
        recipe = ", ".join(
            f"{key} {_short(value)}"
            for key, value in spec.get("recipe", {}).items()
            if key not in ("version", "threads") and value is not None
        )
        params = ", ".join(f"{key} = {_short(value)}" for key, value in json.loads(trial.loss_params).items()) or "none"
        where = rows.setdefault((trial.label, trial.loss, params, recipe), {})
        where.setdefault(trial.dataset, {})[results.noise_title(trial.noise)] = None
    return [
        {"label": label, "loss": loss, "params": params, "recipe": recipe, "where": _places(results, where)}
        for (label, loss, params, recipe), where in rows.items()
    ]


def _places(results: Results, where: dict[str, dict[str, None]]) -> str:
    """Data sets, each with its noises unless it has all of them."""
    everything = len(results.noises)
    return "; ".join(
        dataset if len(noises) == everything else f"{dataset}: {', '.join(noises)}" for dataset, noises in where.items()
    )


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


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


def _citation() -> str:
    return (
        "@software{labelnoise,\n"
        "  title   = {labelnoise: a benchmark of loss functions for training classifiers on wrong labels},\n"
        "  author  = {{The labelnoise authors}},\n"
        f"  version = {{{labelnoise.__version__}}},\n"
        "  year    = {2026}\n}"
    )
