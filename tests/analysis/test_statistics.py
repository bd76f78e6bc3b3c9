"""Intervals, ties, ranks, win rates and tests, against numbers worked by hand or by other libraries."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from labelnoise.analysis import detection, summary
from labelnoise.analysis.statistics import (
    average_ranks,
    column_statistics,
    critical_difference,
    holm,
    rank_intervals,
    tied_with_best,
    win_rates,
)


def column(values: dict[str, list[float | None]], **options: bool) -> pd.DataFrame:
    frame = pd.DataFrame(values, dtype=float)
    return column_statistics(frame, pd.Series(len(frame), index=frame.columns), **options)


def test_ranks_average_over_complete_columns_and_ties_share():
    means = pd.DataFrame({"x": [90.0, 90.0, 80.0], "y": [90.0, 95.0, 80.0], "z": [1.0, None, 2.0]}, index=list("ABC"))
    assert average_ranks(means).to_dict() == {"A": 1.75, "B": 1.25, "C": 3.0}
    rounding = pd.DataFrame({"x": [96.99530516431925, 96.99530516431923]}, index=list("AB"))
    assert average_ranks(rounding).to_dict() == {"A": 1.5, "B": 1.5}


def test_interval_is_the_t_interval_of_the_mean():
    rows = column({"A": [90.0, 91.0, 93.0]})
    low, high = stats.t.interval(0.95, 2, loc=rows["mean"]["A"], scale=stats.sem([90.0, 91.0, 93.0]))
    assert (rows.ci_low["A"], rows.ci_high["A"]) == pytest.approx((low, high))


def test_tie_is_the_paired_t_interval_that_includes_zero():
    """B loses a point to A at every seed; C loses as much on average, but not always."""
    rows = column({"A": [90.0, 80.0, 70.0], "B": [89.0, 79.1, 68.9], "C": [91.0, 75.0, 71.0]})
    assert rows.tied_with_best.to_dict() == {"A": True, "B": False, "C": True}
    for loss in ("B", "C"):
        other = {"B": [89.0, 79.1, 68.9], "C": [91.0, 75.0, 71.0]}[loss]
        p = stats.ttest_rel([90.0, 80.0, 70.0], other).pvalue
        assert rows.tied_with_best[loss] == (p >= 0.05)


def test_half_width_at_three_seeds_is_4_3_s_by_root_3():
    """A difference is tied exactly up to 4.303 · s/√3."""
    s = np.array([-1.0, 0.0, 1.0])  # standard deviation 1
    limit = 4.302652729911275 / np.sqrt(3)
    best = np.array([90.0, 80.0, 70.0])
    for factor, is_tied in ((0.999, True), (1.001, False)):
        rows = column({"A": list(best), "B": list(best - factor * limit - s)})
        assert rows.tied_with_best["B"] == is_tied


def test_ties_do_not_depend_on_the_order_of_losses_that_share_the_best_mean():
    values = {"CE": [90.0, 91.0, 92.0], "GCE": [92.0, 91.0, 90.0], "MAE": [89.0, 90.0, 91.01]}
    ties = [column(dict(order)).tied_with_best.to_dict() for order in itertools.permutations(values.items())]
    assert all(found == {"CE": True, "GCE": True, "MAE": True} for found in ties)


def test_incomplete_cells_and_single_seeds_are_neither_tied_nor_separated():
    rows = column({"A": [90.0, 91.0], "B": [90.0, None]})
    assert pd.isna(rows.tied_with_best["B"])
    assert pd.isna(rows["mean"]["B"])
    assert column({"A": [90.0], "B": [10.0]}).tied_with_best.isna().all()


def test_the_lowest_is_best_where_lower_is_better():
    rows = column({"A": [1.0, 2.0, 1.5], "B": [50.0, 52.0, 51.0]}, higher_is_better=False)
    assert rows["rank"].to_dict() == {"A": 1.0, "B": 2.0}
    assert rows.tied_with_best.to_dict() == {"A": True, "B": False}


def seeds_by_noise(means: dict[str, list[float]], deviation: float) -> pd.DataFrame:
    """Five seeds × (noise, loss); each loss has a mean per noise."""
    rng = np.random.default_rng(1)
    columns = {
        (f"noise{i}", loss): values[i] + deviation * rng.normal(size=5)
        for i in range(len(next(iter(means.values()))))
        for loss, values in means.items()
    }
    return pd.DataFrame(columns)


def test_rank_intervals_hold_the_rank_and_narrow_with_agreement():
    means = {"A": [90.0, 80.0, 70.0, 60.0], "B": [85.0, 75.0, 65.0, 55.0], "C": [50.0, 50.0, 50.0, 50.0]}
    sure, unsure = (rank_intervals(seeds_by_noise(means, deviation)) for deviation in (0.01, 20.0))
    assert sure.loc["A"].tolist() == [1.0, 1.0]
    assert sure.loc["C"].tolist() == [3.0, 3.0]
    assert (unsure.high - unsure.low >= 0.5).all()
    values = seeds_by_noise(means, 20.0)
    ranks = average_ranks(values.mean().unstack(0))
    assert ((unsure.low <= ranks[unsure.index]) & (ranks[unsure.index] <= unsure.high)).all()
    pd.testing.assert_frame_equal(unsure, rank_intervals(values))  # the same for the same values


def test_ranks_have_no_interval_with_one_seed_or_one_noise():
    values = seeds_by_noise({"A": [1.0, 2.0], "B": [3.0, 1.0]}, 1.0)
    assert rank_intervals(values.iloc[:1]).isna().all(axis=None)
    assert rank_intervals(values[["noise0"]]).isna().all(axis=None)


def test_win_rates_count_ties_half_and_pairs_only_where_both_have_a_value():
    values = pd.DataFrame({"A": [1.0, 2.0, 3.0, 4.0], "B": [0.0, 2.0, 4.0, None], "C": [None] * 4})
    rates = win_rates(values)
    assert rates.loc["A", "B"] == rates.loc["B", "A"] == 50.0  # one win each, one tie
    assert pd.isna(rates.loc["A", "A"])
    assert rates.loc["C"].isna().all()
    assert win_rates(values, higher_is_better=False).loc["A", "B"] == 50.0
    assert win_rates(pd.DataFrame({"A": [1.0, 2.0, 3.0], "B": [0.0, 3.0, 2.0]})).loc["A", "B"] == pytest.approx(200 / 3)


def blocks(count: int, differences: tuple[float, ...]) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    base = rng.normal(70, 10, size=(count, 1))
    return pd.DataFrame(
        base + np.array(differences) + rng.normal(0, 1, (count, len(differences))),
        columns=list("ABCD"[: len(differences)]),
    )


def test_critical_difference_needs_eleven_blocks_and_three_losses():
    assert critical_difference(blocks(10, (0, 5, 10))) is None
    assert critical_difference(blocks(11, (0, 5))) is None
    assert critical_difference(blocks(11, (0, 5, 10))) is not None


def test_critical_difference_joins_what_wilcoxon_and_holm_do_not_separate():
    values = blocks(12, (0.0, 0.1, 8.0, 16.0))
    found = critical_difference(values)
    assert found.ranks.index[:2].tolist() == ["D", "C"]
    assert [set(clique) for clique in found.cliques] == [{"A", "B"}]
    assert found.friedman_p == pytest.approx(stats.friedmanchisquare(*values.to_numpy().T).pvalue)
    same = critical_difference(blocks(12, (0.0, 0.0, 0.0)).assign(B=lambda frame: frame.A, C=lambda frame: frame.A))
    assert same.friedman_p == 1.0
    assert same.cliques == [("A", "C")]


def test_holm_steps_down():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_auroc_equals_scikit_learns_also_with_ties():
    rng = np.random.default_rng(3)
    for digits in (8, 1):
        confidence, is_wrong = rng.random(500).round(digits), rng.random(500) < 0.3
        assert detection.auroc(confidence, is_wrong) == pytest.approx(100 * roc_auc_score(is_wrong, -confidence))
    assert detection.auroc(confidence, np.zeros(500, bool)) is None


def test_precision_is_the_share_of_wrong_labels_among_the_least_confident():
    confidence = np.array([0.1, 0.2, 0.3, 0.9, 0.8])
    assert detection.precision(confidence, np.array([True, False, True, False, False])) == 50.0
    assert detection.precision(confidence, np.array([True, True, False, False, False])) == 100.0
    # three samples tie for the last of two places, and one of them is wrong
    assert detection.precision(np.array([0.0, 0.5, 0.5, 0.5]), np.array([True, True, False, False])) == pytest.approx(
        100 * (1 + 1 / 3) / 2
    )
    assert detection.precision(confidence, np.zeros(5, bool)) is None


def test_summary_of_a_large_experiment_is_what_pandas_computes():
    rng = np.random.default_rng(5)
    missing = ("validated_accuracy", "detection_auroc", "detection_precision")
    rows = [
        {"dataset": "d", "noise": noise, "label": label, "seed": seed, "test_set": "test", "status": "ok",
         "trial": f"{noise}{label}{seed}", "last_accuracy": rng.random() * 100, "best_accuracy": 1.0,
         "memorised": rng.random(), **dict.fromkeys(missing)}
        for noise in ("clean", "symmetric-0.2") for label in "ABC" for seed in range(4)
    ]  # fmt: skip
    trials = pd.DataFrame(rows)
    made = summary.summarise(trials).set_index(["metric", "noise", "label"])
    expected = trials.groupby(["noise", "label"]).agg(last=("last_accuracy", "mean"), memorised=("memorised", "std"))
    for noise, label in expected.index:
        assert made.loc[("last", noise, label), "mean"] == pytest.approx(expected.loc[(noise, label), "last"])
        assert made.loc[("memorised", noise, label), "std"] == pytest.approx(expected.loc[(noise, label), "memorised"])


def test_three_seeds_rarely_separate_losses_that_are_one_deviation_apart():
    random = np.random.default_rng(0)
    tied = 0
    for _ in range(400):
        values = pd.DataFrame(random.normal(0, 1, (3, 7)) - np.arange(7))
        means = values.mean()
        tied += bool(tied_with_best(values, means)[means.nlargest(2).index[1]])
    assert 0.85 < tied / 400 < 0.94


def test_two_seeds_have_no_ties():
    values = pd.DataFrame({"a": [90.0, 91.0], "b": [80.0, 81.5], "c": [90.0, 91.0]})
    assert tied_with_best(values, values.mean()).isna().all()
