"""A trial's metrics.csv, one row per epoch, and its summary in result.json. Needs no torch."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labelnoise.errors import UserError
from labelnoise.trial_folder import UNKNOWN, Status, TrialFolder


def summarise(metrics: Sequence[Mapping[str, Any]], test_sets: Sequence[str]) -> dict[str, Any]:
    """For each test set the last accuracy, the best, and the mean of the last five.

    Also the accuracy in the epoch with the best accuracy on held-out noisy labels; None if none were held out.
    """
    validation: list[Any] = [row.get("validation_accuracy") for row in metrics]
    chosen = None if validation[0] is None else validation.index(max(validation))
    summary = {}
    for name in test_sets:
        curve = [row[f"{name}_accuracy"] for row in metrics]
        summary[name] = {
            "last": curve[-1],
            "best": max(curve),
            "best_epoch": 1 + curve.index(max(curve)),
            "last5": sum(curve[-5:]) / len(curve[-5:]),
            "validated": None if chosen is None else curve[chosen],
        }
    return {
        "test_sets": summary,
        "validation": validation[-1],
        "validated_epoch": None if chosen is None else 1 + chosen,
    }


def read(path: Path) -> dict[str, list[Any]]:
    """The columns of a metrics.csv; None where a value is missing or unknown. Raises `UserError` without the file."""
    try:
        with path.open(newline="") as file:
            header, *epochs = csv.reader(file)
    except FileNotFoundError:
        raise UserError(f"{path} is missing: delete its folder to train the trial again") from None
    return {
        name: [float(value) if value not in ("", UNKNOWN) else None for value in values]
        for name, values in zip(header, zip(*epochs, strict=True), strict=True)
    }


def contradiction(folder: TrialFolder, result: Mapping[str, Any]) -> str | None:
    """How a finished result contradicts its metrics.csv, as when one of them was edited; None if it does not.

    Without a metrics.csv there is nothing to compare with.
    """
    if result.get("status") != Status.OK or not folder.metrics.exists():
        return None
    remedy = f"one was edited or damaged: `labelnoise rerun {folder.identity}` trains the trial again"
    try:
        columns = read(folder.metrics)
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        computed = summarise(rows, list(result["test_sets"])) | {"epochs": len(rows)}
    except (ValueError, KeyError, IndexError, TypeError) as error:
        return f"{folder.metrics.name} cannot be compared with {folder.result.name} ({error}); {remedy}"
    for name, stated, measured in _pairs(result, computed):
        is_close = isinstance(stated, int | float) and isinstance(measured, int | float)
        if not (math.isclose(stated, measured, abs_tol=1e-6) if is_close else stated == measured):
            return f"{folder.result.name} has {name} {stated}, but {folder.metrics.name} {measured}: {remedy}"
    return None


def _pairs(result: Mapping[str, Any], computed: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """(name, value in the result, value computed) of everything that metrics.csv determines."""
    pairs = [(key, result.get(key), computed[key]) for key in ("epochs", "validation", "validated_epoch")]
    for test_set, values in computed["test_sets"].items():
        stated = result["test_sets"][test_set]
        pairs += [(f"{test_set} {key}", stated.get(key), value) for key, value in values.items()]
    return pairs
