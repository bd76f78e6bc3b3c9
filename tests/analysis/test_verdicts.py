"""Verdicts on measured against printed numbers, worked by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from labelnoise.analysis import published
from labelnoise.analysis.published import verdict

NAN = float("nan")

# t(2) at 97.5 % is 4.3027. With n = 3: √(1/3 + 1/3) = 0.8165, so the half width is 3.5132 · s. With n = 1: √(4/3) =
# 1.1547, so 4.9683 · s. With n = 12: √(1/3 + 1/12) = 0.6455, so 2.7774 · s.
BY_HAND = [
    # printed mean, std, measured mean, n, verdict
    (73.98, 0.27, 73.92, 1, "reproduced"),  # 0.06 off
    (90.00, 0.10, 91.00, 3, "reproduced"),  # exactly 1 point off
    (90.00, 5.00, 90.50, 3, "reproduced"),  # within both
    (97.38, 0.15, 71.78, 1, "below"),  # 25.6 off, half width 0.75
    (90.00, 0.20, 91.20, 3, "above"),  # 1.2 off, half width 0.70
    (74.00, 1.68, 75.13, 1, "inconclusive"),  # 1.13 off, half width 8.35
    (90.00, 1.00, 93.40, 3, "inconclusive"),  # 3.4 off, half width 3.51
    (90.00, 1.00, 93.40, 12, "above"),  # 3.4 off, half width 2.78
    (66.28, None, 70.00, 1, "no verdict"),  # 3.7 off, and no deviation was printed
    (66.28, NAN, 66.90, 1, "reproduced"),  # the tolerance decides without a deviation
    (None, None, 70.00, 3, "no verdict"),  # nothing was printed
    (90.00, 0.10, None, 2, "not run"),  # a seed is missing
]


@pytest.mark.parametrize(("printed_mean", "printed_std", "mean", "n", "expected"), BY_HAND)
def test_verdict_is_as_worked_by_hand(printed_mean, printed_std, mean, n, expected):
    assert verdict(printed_mean, printed_std, mean, n) == expected


def test_tolerance_and_number_of_printed_trials_count():
    assert verdict(90, 0.1, 91.5, 3, tolerance=2) == "reproduced"
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
    assert published.expected_false_alarms(rows, 1.0) == pytest.approx(0.0566, abs=2e-4)
