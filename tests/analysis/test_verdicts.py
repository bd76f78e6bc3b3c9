"""Verdicts on measured against printed numbers, worked by hand."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from labelnoise.analysis import published, published_tables
from labelnoise.analysis.metrics import METRICS
from labelnoise.analysis.published import verdict
from labelnoise.analysis.results import Results, from_trials

NAN = float("nan")

# t(2) at 97.5 % is 4.3027. With n = 3: √(1/3 + 1/3) = 0.8165, so the half width is 3.5132 · s. With n = 1: √(4/3) =
# 1.1547, so 4.9683 · s. With n = 12: √(1/3 + 1/12) = 0.6455, so 2.7774 · s.
BY_HAND = [
    # printed mean, std, measured mean, n, verdict
    (73.98, 0.27, 73.92, 1, "reproduced"),  # 0.06 off, half width 1.34
    (90.00, 0.10, 91.00, 3, "close"),  # exactly 1 point off, half width 0.35
    (90.00, 0.10, 90.35, 3, "reproduced"),  # 0.35 off, half width 0.351
    (97.16, 0.03, 96.72, 1, "close"),  # 14.7 printed deviations off, half width 0.15
    (90.00, 5.00, 90.50, 3, "reproduced"),  # within both
    (97.38, 0.15, 71.78, 1, "below"),  # 25.6 off, half width 0.75
    (90.00, 0.20, 91.20, 3, "above"),  # 1.2 off, half width 0.70
    (74.00, 1.68, 75.13, 1, "inconclusive"),  # 1.13 off, half width 8.35
    (90.00, 1.00, 93.40, 3, "inconclusive"),  # 3.4 off, half width 3.51
    (90.00, 1.00, 93.40, 12, "above"),  # 3.4 off, half width 2.78
    (66.28, None, 70.00, 1, "no verdict"),  # 3.7 off, and no deviation was printed
    (66.28, NAN, 66.90, 1, "close"),  # within the tolerance, and there is no interval
    (None, None, 70.00, 3, "no verdict"),  # nothing was printed
    (90.00, 0.10, None, 2, "not run"),  # a seed is missing
]


@pytest.mark.parametrize(("printed_mean", "printed_std", "mean", "n", "expected"), BY_HAND)
def test_verdict_is_as_worked_by_hand(printed_mean, printed_std, mean, n, expected):
    assert verdict(printed_mean, printed_std, mean, n) == expected


def test_tolerance_and_number_of_printed_trials_count():
    assert verdict(90, 0.1, 91.5, 3, tolerance=2) == "close"
    assert verdict(90, 0.5, 91.5, 3, tolerance=2) == "reproduced"
    assert verdict(90, 0.1, 90.9, 3, tolerance=0.5) == "above"
    # t(9) = 2.2622, √(1/10 + 1/3) = 0.6583: half width 1.489 · s
    assert verdict(90, 1.0, 91.6, 3, printed_n=10) == "above"
    assert verdict(90, 1.0, 91.4, 3, printed_n=10) == "inconclusive"
    assert verdict(90, 1.0, 95.0, 3, printed_n=1) == "no verdict"  # one trial has no deviation


def test_interval_is_t_times_s_times_the_root():
    assert published.prediction_half_width(0.27, 1) == pytest.approx(4.3027 * 0.27 * math.sqrt(4 / 3), rel=1e-4)
    assert published.prediction_half_width(None, 3) is None


def test_expected_false_alarms_are_at_most_one_in_twenty():
    assert published.false_alarm_rate(5.0, 3) == pytest.approx(0.05)  # the interval is wider than the tolerance
    # s = 0.1: 1 point is t = 1/(0.1 · 0.8165) = 12.25, and t(2) exceeds that on both sides with probability 0.0066
    assert published.false_alarm_rate(0.1, 3) == pytest.approx(0.0066, abs=2e-4)
    assert published.false_alarm_rate(None, 3) == 0
    rows = pd.DataFrame({"printed_std": [5.0, 5.0, 0.1], "n": [3, 0, 3], "verdict": ["above", "not run", "reproduced"]})
    assert published.expected_false_alarms(rows) == pytest.approx(0.0566, abs=2e-4)


def results(
    cells: list[dict], measured: list[tuple], tables: list[str], unlike: str = "", noises: list[str] | None = None
) -> Results:
    """An experiment on `d`; measured are (label, kind, rate, seed, test set, status, accuracy), noises their names."""
    trials = pd.DataFrame(measured, columns=["label", "kind", "rate", "seed", "test_set", "status", "last_accuracy"])
    trials = trials.assign(dataset="d", noise=noises or trials.kind, precision="fp32")
    entries = [
        {
            "dataset": "d",
            "noise": row.noise,
            "label": row.label,
            "printed_as": [row.kind, None if pd.isna(row.rate) else row.rate],
            "unlike_preset": unlike,
            "recipe": 0,
        }
        for row in trials.itertuples()
    ]
    paper = {"paper": "p", "tables": tables, "trials": 3, "tolerance": 1.0, "cells": cells}
    losses = list(dict.fromkeys(trials.label))
    manifest: Any = {
        "datasets": ["d"],
        "trials": entries,
        "published": paper,
        "losses": losses,
        "highlight": "top2",
        "recipes": [{}],
    }
    unmeasured = {metric.column: None for metric in METRICS.values() if metric.column not in trials}
    return from_trials(manifest, trials.assign(**unmeasured))


def cell(loss: str, mean: float, *, table: str = "T", test_set: str = "test", noise: str = "given", rate=None) -> dict:
    return {
        "paper": "p", "table": table, "dataset": "d", "test_set": test_set, "noise": noise, "rate": rate, "loss": loss,
        "mean": mean, "std": None, "note": "",
    }  # fmt: skip


def test_each_test_set_is_compared_with_its_own_numbers():
    printed = [cell("CE", 66.3, test_set="web"), cell("CE", 60.7, test_set="imagenet")]
    measured = [("CE", "given", None, 1, "web", "ok", 66.0), ("CE", "given", None, 1, "imagenet", "ok", 70.0)]
    rows = published.compare(results(printed, measured, ["T"]), "d").rows
    assert rows[["test_set", "mean", "verdict"]].to_numpy().tolist() == [
        ["web", 66.0, "close"],
        ["imagenet", 70.0, "no verdict"],  # 9.3 off, and no deviation was printed
    ]


def test_before_any_result_the_printed_cells_are_not_run_and_nothing_else_is_listed():
    printed = [cell("CE", 66.3, test_set="web"), cell("CE", 60.7, test_set="imagenet")]
    rows = published.compare(results(printed, [("CE", "given", None, 1, None, "missing", None)], ["T"]), "d").rows
    assert rows[["test_set", "verdict"]].to_numpy().tolist() == [["web", "not run"], ["imagenet", "not run"]]


def test_cell_with_a_seed_that_diverged_is_not_run():
    measured = [("CE", "given", None, 1, "test", "ok", 66.0), ("CE", "given", None, 2, None, "diverged", None)]
    (row,) = published.compare(results([cell("CE", 66.0)], measured, ["T"]), "d").rows.itertuples()
    assert (row.verdict, row.n, row.note) == ("not run", 1, "1 of 2 seeds are ok")
    assert pd.isna(row.mean)


def test_cell_with_seeds_that_are_not_run_yet_has_the_verdict_of_those_that_are():
    measured = [
        ("CE", "given", None, 1, "test", "ok", 66.0), ("CE", "given", None, 2, "test", "ok", 66.2),
        ("CE", "given", None, 3, None, "missing", None),
    ]  # fmt: skip
    printed = [cell("CE", 66.0) | {"std": 1.0}]
    experiment = results(printed, measured, ["T"])
    comparison = published.compare(experiment, "d")
    (row,) = comparison.rows.itertuples()
    assert (row.verdict, row.n, row.note) == ("reproduced", 2, "2 of 3 seeds are ok")
    assert row.high - row.mean == pytest.approx(4.3027 * math.sqrt(1 / 3 + 1 / 2) - 0.1, rel=1e-3)
    (grid,) = published_tables.as_grids(experiment, comparison)
    assert grid.rows["CE"][0].lines[-1].text == "reproduced, n = 2"
    assert grid.caption.startswith("PARTIAL: 1 of 1 cells")


def test_cell_of_two_tables_is_compared_in_both_and_unprinted_columns_come_last():
    printed = [cell("CE", 66.0, table="A"), cell("CE", 70.0, table="B")]
    measured = [("CE", "given", None, 1, "test", "ok", 66.0), ("CE", "symmetric", 0.5, 1, "test", "ok", 50.0)]
    rows = published.compare(results(printed, measured, ["A", "B"]), "d").rows
    assert rows[["table", "noise", "verdict"]].to_numpy().tolist() == [
        ["A", "given", "close"],
        ["B", "given", "no verdict"],
        ["", "symmetric", "no verdict"],
    ]


def test_what_is_unlike_the_preset_stands_in_the_note():
    measured = [("CE", "given", None, 1, "test", "ok", 66.0)]
    rows = published.compare(results([cell("CE", 66.0)], measured, ["T"], unlike="epochs 2 (preset: 50)"), "d").rows
    assert rows.note.tolist() == ["measured with epochs 2 (preset: 50)"]


def test_grids_hold_the_papers_order_and_mark_both_numbers():
    printed = [cell(loss, value) for loss, value in (("B", 90.0), ("A", 80.0), ("C", 70.0))]
    measured = [(loss, "given", None, 1, "test", "ok", 60.0 + i) for i, loss in enumerate(("A", "C", "B", "own"))]
    experiment = results(printed, measured, ["T"])
    (grid,) = published_tables.as_grids(experiment, published.compare(experiment, "d"))
    assert list(grid.rows) == ["B", "A", "C", "own"]
    assert [line.text for line in grid.rows["own"][0].lines] == ["63.00", "not printed", "no verdict"]
    marks = {label: [line.mark for line in cells[0].lines] for label, cells in grid.rows.items()}
    assert marks == {
        "B": ["bold", "bold", None],
        "A": [None, "bold", None],
        "C": [None] * 3,
        "own": ["bold", None, None],
    }


def test_variants_of_a_noise_that_is_not_printed_stay_apart():
    measured = [("CE", "symmetric", 0.2, 1, "test", "ok", 80.0), ("CE", "symmetric", 0.2, 1, "test", "ok", 85.0)]
    noises = ["symmetric-0.2", "symmetric-0.2-bernoulli"]
    experiment = results([cell("CE", 66.0)], measured, ["T"], noises=noises)
    rows = published.compare(experiment, "d").rows
    assert rows[["noise", "mean"]].dropna().to_numpy().tolist() == [
        ["symmetric-0.2", 80.0],
        ["symmetric-0.2-bernoulli", 85.0],
    ]


def test_number_of_printed_trials_is_the_papers():
    measured = [("CE", "given", None, seed, "test", "ok", 91.6) for seed in (1, 2, 3)]
    experiment = results([cell("CE", 90.0) | {"std": 1.0}], measured, ["T"])
    assert published.compare(experiment, "d").rows.verdict.tolist() == ["inconclusive"]
    experiment.manifest["published"]["trials"] = 10
    assert published.compare(experiment, "d").rows.verdict.tolist() == ["above"]
