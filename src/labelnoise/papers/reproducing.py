"""docs/reference/reproduced.md: what of the papers was measured, and where papers and their code differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from labelnoise.analysis.published import Verdict, prediction_half_width, verdict
from labelnoise.files import write_text
from labelnoise.manifest import Manifest
from labelnoise.manifest import read as read_manifest
from labelnoise.papers import record
from labelnoise.published import differences
from labelnoise.trial_folder import Status

PAGE = Path("docs/reference/reproduced.md")

_HEAD = """\
# Reproduced tables

What of the papers was measured with labelnoise, and where papers and their code differ. [Reproduce a
paper](../how-to/reproduce-a-paper.md) says how to run the experiments.

| verdict | meaning |
|---|---|
| reproduced | inside the 95 % prediction interval t · s · √(1/3 + 1/n) of the printed mean, and within 1 point of it |
| close | within 1 point (`tolerance:`), but outside the interval; or no deviation was printed, so there is none |
| above, below | further off, outside the interval |
| inconclusive | further off, inside it |
| not run | no seed of the cell has been run, or one diverged or failed |
| no verdict | no number was printed; or it is further off, and no deviation was printed |

A verdict rests on the n seeds run so far, which is printed beside it: the interval is wider for fewer.

`labelnoise record NAME` appends finished trials to `docs/measured/NAME.csv` and writes this page anew from the recorded
trials and the printed numbers.
"""


def write() -> Path:
    """Write the page; return its path."""
    write_text(PAGE, text())
    return PAGE


def text() -> str:
    """The page, from experiments/, docs/measured/ and the printed numbers."""
    experiments = [*_experiments()]
    rows = [row for manifest, recorded in experiments for row in _compare(manifest, recorded)]
    parts = [[_HEAD], _summary(rows), _others(experiments), _details(rows), _differences()]
    return "\n\n".join("\n".join(lines).strip() for lines in parts) + "\n"


def _experiments() -> Iterator[tuple[Manifest, list[dict[str, str]]]]:
    """Every experiment that repeats something, with those of its trials that are recorded."""
    manifests = [record.manifest_of(file) for file in sorted(record.EXPERIMENTS.glob("*.yaml"))]
    manifests += [read_manifest(path) for path in sorted(record.MEASURED.glob("*.json"))]
    for manifest in manifests:
        if manifest["published"] or manifest["figures"]:
            path = record.MEASURED / f"{manifest['experiment']}.csv"
            current = {entry["hash"] for entry in manifest["trials"]}
            recorded = record.read(path) if path.exists() else []
            yield manifest, [row for row in recorded if row["trial"] in current]


def _compare(manifest: Manifest, recorded: list[dict[str, str]]) -> Iterator[dict[str, Any]]:
    """One row per printed cell of the experiment's losses: its mean over the recorded seeds, and the verdict."""
    published = manifest["published"]
    if published is None:
        return
    places = {entry["hash"]: (entry["dataset"], *entry["printed_as"], entry["label"]) for entry in manifest["trials"]}
    for cell in published["cells"]:
        if cell["loss"] not in manifest["losses"]:
            continue
        place = (cell["dataset"], cell["noise"], cell["rate"], cell["loss"])
        rows = [row for row in recorded if places[row["trial"]] == place]
        diverged = [row for row in rows if row["status"] != Status.OK]
        values = [float(row["last_accuracy"]) for row in rows if row["test_set"] == cell["test_set"]]
        mean = sum(values) / len(values) if values and not diverged else None
        notes = [f"measured with {unlike}" for unlike in sorted({row["unlike_preset"] for row in rows} - {""})]
        yield {
            **cell,
            "experiment": manifest["experiment"],
            "measured": mean,
            "n": len(values),
            "interval": prediction_half_width(cell["std"], len(values), printed_n=published["trials"]),
            "verdict": verdict(
                cell["mean"],
                cell["std"],
                mean,
                len(values),
                printed_n=published["trials"],
                tolerance=published["tolerance"],
            ),
            "precision": ", ".join(sorted({row["precision"] for row in rows})),
            "note": "; ".join(filter(None, [cell["note"], f"{len(diverged)} diverged" if diverged else "", *notes])),
        }


def _summary(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["## Tables", ""]
    counted = []
    for (paper, table, dataset, experiment), group in pd.DataFrame(rows).groupby(
        ["paper", "table", "dataset", "experiment"], sort=False
    ):
        found = Counter(group.verdict)
        counted.append(
            {"paper": paper, "table": table, "data set": dataset, "experiment": experiment, "printed": len(group),
             "measured": int(group.measured.notna().sum()),
             **{value.value: found[value] for value in Verdict if value.is_judged}}
        )  # fmt: skip
    return [*lines, _table(counted)]


def _others(experiments: list[tuple[Manifest, list[dict[str, str]]]]) -> list[str]:
    lines = ["## Figures, and grids without printed numbers", ""]
    for manifest, _ in experiments:
        if manifest["published"] is None:
            lines.append(f"- `{manifest['experiment']}`: {', '.join(manifest['figures'])}")
        elif not manifest["published"]["tables"]:
            lines.append(f"- `{manifest['experiment']}`: a grid; the printed numbers are not at hand, so no verdicts")
    return [*lines, "- ALF Figures 1, 2, 4 and 6: `snakemake theory`, without training"]


def _details(rows: list[dict[str, Any]]) -> list[str]:
    """Every measured cell."""
    measured = [row for row in rows if row["measured"] is not None]
    shown = [
        {
            "table": f"{row['paper']} {row['table']}, {row['dataset']}",
            "noise": " ".join(filter(None, [row["noise"], "" if row["noise"] == "clean" else f"{row['rate'] or ''}"])),
            "loss": row["loss"],
            "printed": f"{row['mean']:.2f}" + ("" if row["std"] is None else f" ± {row['std']:.2f}"),
            "measured": f"{row['measured']:.2f}",
            "n": row["n"],
            "difference": f"{row['measured'] - row['mean']:+.2f}",
            "interval": _interval(row),
            "verdict": row["verdict"],
            "precision": row["precision"],
            "experiment": row["experiment"],
            "note": row["note"],
        }
        for row in measured
    ]
    head = [
        "## Measured cells",
        "",
        "Last-epoch test accuracy (%), mean over the n seeds recorded so far; none if one of them diverged. `interval`",
        "is the prediction interval around the printed mean, cut at 0 and 100 where it says so.",
        "",
    ]
    return [*head, _table(shown) if shown else "None yet."]


def _interval(row: dict[str, Any]) -> str:
    half = row["interval"]
    if half is None:
        return ""
    low, high = row["mean"] - half, row["mean"] + half
    return f"{_accuracy(low)} to {_accuracy(high)}"


def _accuracy(bound: float) -> str:
    """The bound of an interval, cut where it is no accuracy."""
    return f"{bound:.2f}" if 0 <= bound <= 100 else f"{min(max(bound, 0), 100):.0f} (cut)"


def _differences() -> list[str]:
    lines = [
        "## Where papers and their code differ",
        "",
        "Presets and experiment files follow the code unless said otherwise.",
    ]
    for paper, entries in differences.read().items():
        lines += ["", f"### {paper}", "", _table(entries)]
    return lines


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as Markdown, without padding, so that a new row changes no other line."""
    bar = r"\|"  # a plain one would end the cell
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', bar) for cell in line)} |" for line in lines)
