"""`labelnoise compare`: two experiments side by side, with paired differences, and what differs in their trials."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from labelnoise import results
from labelnoise.analysis.metrics import HEADLINE
from labelnoise.analysis.statistics import t_quantile
from labelnoise.errors import UserError
from labelnoise.results import ResultFrames
from labelnoise.trial_folder import Status

_CELL = ["dataset", "test_set", "noise", "label"]
_ENVIRONMENT = ("torch", "device", "cpu_capability", "cuda", "cudnn", "precision", "threads", "code")

# Longer values, such as lists of mean and std, are cut in the text.
_MOST_CHARACTERS = 60


def describe(folder_a: Path, folder_b: Path) -> str:
    """The comparison as Markdown. Raises `UserError` if a folder has no results, or they have no cell in common."""
    a, b = results.load(folder_a), results.load(folder_b)
    frame = compare(a, b)
    if frame.empty:
        raise UserError(
            f"{folder_a} and {folder_b} have no data set, noise and loss label in common; give what is to be compared "
            "the same `label:`"
        )
    lines = [f"A: {folder_a} ({a.manifest['config']})", f"B: {folder_b} ({b.manifest['config']})", ""]
    for (dataset, test_set), rows in frame.groupby(["dataset", "test_set"], sort=False):
        noisy = dataset in {*a.manifest["noisy_tests"], *b.manifest["noisy_tests"]}
        what = HEADLINE.title_on(noisy=noisy)
        lines += [
            f"{dataset} ({test_set}): {what} (%), mean ± sample standard deviation. B − A: mean over the seeds that "
            "both have, with its 95 % t interval, not corrected for the number of rows; * if that excludes 0",
            "",
            _markdown(rows),
            "",
        ]
    lines += _only_in_one(a, b)
    return "\n".join([*lines, *differences(a, b)])


def compare(a: ResultFrames, b: ResultFrames) -> pd.DataFrame:
    """One row per data set × test set × noise × label of both experiments.

    `mean_a`, `std_a`, `n_a` and so on are over all seeds that are ok; `difference` is B − A over the `seeds` that both
    have, `low` and `high` its 95 % t interval (NaN for one seed).
    """
    values_a, values_b = _values(a), _values(b)
    rows = []
    for cell, of_a in values_a.items():
        if (of_b := values_b.get(cell)) is None:
            continue
        paired = (of_b - of_a).dropna()
        n = len(paired)
        half = t_quantile(n) * paired.std(ddof=1) / math.sqrt(n) if n > 1 else math.nan
        difference = paired.mean() if n else math.nan
        rows.append(
            dict(zip(_CELL, cell, strict=True))
            | {f"{name}_a": getattr(of_a, how)() for name, how in (("mean", "mean"), ("std", "std"), ("n", "count"))}
            | {f"{name}_b": getattr(of_b, how)() for name, how in (("mean", "mean"), ("std", "std"), ("n", "count"))}
            | {"difference": difference, "low": difference - half, "high": difference + half, "seeds": n}
        )
    return pd.DataFrame(rows)


def _values(loaded: ResultFrames) -> dict[tuple[Any, ...], pd.Series]:
    """The headline of every cell by seed; a trial that is not ok has none."""
    trials = loaded.trials[loaded.trials.status == Status.OK]
    cells = trials.dropna(subset=["test_set"]).groupby(_CELL, sort=False)
    return {cell: rows.set_index("seed")[HEADLINE.column].astype(float) for cell, rows in cells}


def _markdown(rows: pd.DataFrame) -> str:
    def shown(mean: float, std: float) -> str:
        return f"{mean:.2f}" + ("" if pd.isna(std) else f" ± {std:.2f}")

    table = []
    for row in rows.itertuples():
        mark = " *" if row.low > 0 or row.high < 0 else ""
        interval = "" if pd.isna(row.low) else f" [{row.low:+.2f}, {row.high:+.2f}]"
        difference = "no common seed" if not row.seeds else f"{row.difference:+.2f}{interval}{mark}"
        table.append(
            [row.noise, row.label, shown(row.mean_a, row.std_a), shown(row.mean_b, row.std_b), difference, row.seeds]
        )
    columns = ["noise", "loss", "A", "B", "B − A", "common seeds"]
    text: str = pd.DataFrame(table, columns=columns).to_markdown(index=False, disable_numparse=True)
    return text


def _only_in_one(a: ResultFrames, b: ResultFrames) -> list[str]:
    lines = []
    for axis in ("datasets", "noises", "losses", "seeds"):
        for name, one, other in (("A", a, b), ("B", b, a)):
            theirs: Any = other.manifest[axis]
            mine: Any = one.manifest[axis]
            if alone := [str(value) for value in mine if value not in theirs]:
                lines.append(f"only in {name}: {axis} {', '.join(alone)}")
    return lines


def differences(a: ResultFrames, b: ResultFrames) -> list[str]:
    """What differs between the trials with the same data set, noise, label and seed: their specs and environments."""
    axes = ("dataset", "noise", "label", "seed")
    trials_a, trials_b = (
        {tuple(entry[axis] for axis in axes): entry["hash"] for entry in one.manifest["trials"]}  # type: ignore[literal-required]
        for one in (a, b)
    )
    matched = [(trials_a[key], trials_b[key]) for key in trials_a if key in trials_b]
    same = sum(one == other for one, other in matched)
    counts = Counter(
        line for one, other in matched if one != other for line in _spec_differences(_spec(a, one), _spec(b, other))
    )
    lines = [f"{len(matched)} trials match by data set, noise, label and seed; {same} of them are the same trial"]
    lines += [f"  {line} ({count} trials)" for line, count in counts.most_common()]
    for column in _ENVIRONMENT:
        values = [sorted(set(one.trials[column].dropna().astype(str))) for one in (a, b)]
        if values[0] != values[1]:
            lines.append(f"  {column}: {', '.join(values[0]) or 'unknown'} → {', '.join(values[1]) or 'unknown'}")
    return lines


def _spec(loaded: ResultFrames, trial: str) -> Mapping[str, Any]:
    """The trial's spec; empty without a result."""
    return loaded.folder(trial).read_result().get("spec", {})


def _spec_differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[str]:
    if not a or not b:
        yield "without a result in one of the two"
        return
    flat_a, flat_b = dict(_flat(a)), dict(_flat(b))
    for key in dict.fromkeys((*flat_a, *flat_b)):
        one, other = (
            json.dumps(flat[key])[:_MOST_CHARACTERS] if key in flat else "not set" for flat in (flat_a, flat_b)
        )
        if one != other:
            yield f"{key}: {one} → {other}"


def _flat(spec: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in spec.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
