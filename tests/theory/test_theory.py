"""The papers' theorems agree with measurement, and a wrong closed form is detected."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from labelnoise.losses import catalogue, entries
from labelnoise.theory import asymmetry, calibration, closed_forms, figures, risks
from labelnoise.theory.asymmetry import asymmetric_from, claimed_from
from labelnoise.theory.closed_forms import symmetric_noise_weights
from support.project import Project

AGCE = [{"a": a, "q": q} for a, q in ((0.6, 0.6), (1.0, 0.5), (4.0, 0.2), (1.0, 2.0), (6.0, 1.5))]
AUL = [{"a": a, "p": p} for a, p in ((5.5, 3.0), (2.0, 2.0), (1.5, 0.9), (3.0, 0.1))]
AEL = [{"a": a} for a in (1.0, 2.5, 3.5)]
AMSE = [{"a": a, "q": 2.0} for a in (2.0, 5.0, 9.0, 30.0)]
ACTIVE = [("AGCE", p) for p in AGCE] + [("AUL", p) for p in AUL] + [("AEL", p) for p in AEL]


def closed_ratio(name: str, params: dict) -> float:
    forms = {"AGCE": closed_forms.agce_ratio, "AUL": closed_forms.aul_ratio, "AEL": closed_forms.ael_ratio}
    return forms[name](*params.values())


def form_holds(name: str, params: dict, ratio: float, num_classes: int = 10) -> bool:
    """Whether a claimed asymmetry ratio agrees with measurement just above and just below its threshold."""
    full = catalogue.resolve(name, params)
    level = 1 / ratio / (1 / ratio + num_classes - 1)
    above = asymmetry.is_asymmetric(name, full, symmetric_noise_weights(min(level + 0.004, 0.999), num_classes))
    if ratio >= 1:
        return above  # asymmetric wherever clean labels dominate
    below = asymmetry.is_asymmetric(name, full, symmetric_noise_weights(level - 0.004, num_classes))
    return above and not below


@pytest.mark.parametrize(("name", "params"), ACTIVE, ids=str)
def test_corollaries_1_to_3_give_the_measured_ratio_and_its_bound(name: str, params: dict):
    full, closed = catalogue.resolve(name, params), closed_ratio(name, params)
    assert asymmetry.asymmetry_ratio(name, full) == pytest.approx(closed, rel=1e-3)
    assert asymmetry.asymmetry_ratio_bound(name, full) == pytest.approx(closed, rel=1e-3)
    assert asymmetry.asymmetry_ratio_bound(name, full) >= asymmetry.asymmetry_ratio(name, full) - 1e-3


@pytest.mark.parametrize(("name", "params"), ACTIVE, ids=str)
def test_corollaries_1_to_3_give_the_condition_on_weights(name: str, params: dict):
    assert form_holds(name, params, closed_ratio(name, params))


@pytest.mark.parametrize(("name", "params"), [case for case in ACTIVE if closed_ratio(*case) < 1], ids=str)
def test_wrong_closed_form_is_detected(name: str, params: dict):
    assert not form_holds(name, params, closed_ratio(name, params) ** 2)
    assert not form_holds(name, params, closed_ratio(name, params) ** 0.5)


def test_ratios_of_mae_and_gce_are_1_and_0():
    assert asymmetry.asymmetry_ratio("MAE", {"scale": 1.0}) == pytest.approx(1)
    assert asymmetry.asymmetry_ratio("GCE", catalogue.resolve("GCE", {"q": 0.7})) < 0.05


@pytest.mark.parametrize("params", AMSE, ids=str)
def test_jal_theorem_gives_the_measured_clean_level(params: dict):
    measured = asymmetric_from("AMSE", params, 10)
    assert measured == pytest.approx(claimed_from("AMSE", params, 10), abs=2e-3)


def test_jal_theorem_requires_a_9_for_symmetric_08():
    weights = symmetric_noise_weights(0.2, 10)
    assert closed_forms.amse_root(2.0, weights) == pytest.approx(9, abs=1e-6)
    for a, holds in ((8.9, False), (9.1, True)):
        assert closed_forms.amse_holds(a, 2.0, weights) is holds
        assert asymmetry.is_asymmetric("AMSE", {"a": a, "q": 2.0}, weights) is holds


def test_jal_theorem_at_q_3_has_the_root_4_7394_and_the_printed_4_73_fails():
    weights = symmetric_noise_weights(0.2, 10)
    assert closed_forms.amse_root(3.0, weights) == pytest.approx(4.7394, abs=5e-5)
    assert not closed_forms.amse_holds(4.73, 3.0, weights)
    assert closed_forms.amse_holds(1.5, 1.0, weights)


@pytest.mark.parametrize("seed", range(5))
def test_jal_theorem_holds_for_random_weights(seed: int):
    weights = np.random.RandomState(seed).dirichlet(np.ones(3))
    weights = np.sort(weights)[::-1]
    root = closed_forms.amse_root(2.0, weights)
    assert root == pytest.approx(1 / (weights[0] - weights[1]), rel=1e-6)
    assert asymmetry.is_asymmetric("AMSE", {"a": root * 1.05, "q": 2.0}, weights)
    assert not asymmetry.is_asymmetric("AMSE", {"a": root * 0.95, "q": 2.0}, weights)


@pytest.mark.parametrize("num_classes", [2, 5, 10])
def test_symmetric_condition_holds_exactly_where_the_catalogue_says(num_classes: int):
    for name, entry in entries.LOSSES.items():
        if not catalogue.is_function_of_probabilities(name):
            continue
        spread = risks.symmetric_spread(name, catalogue.resolve(name, {}), num_classes)
        assert (spread < 1e-9) == entry.symmetric, (name, spread)


def test_symmetric_losses_are_asymmetric_whenever_clean_labels_dominate():
    for name, entry in entries.LOSSES.items():
        if entry.symmetric:
            assert asymmetric_from(name, catalogue.resolve(name, {}), 10) == pytest.approx(0.1)


@pytest.mark.parametrize("name", ["CE", "FL", "MSE", "SCE"])
def test_ordinary_losses_are_asymmetric_at_no_clean_level(name: str):
    assert asymmetric_from(name, catalogue.resolve(name, {}), 10) is None


def test_completely_asymmetric_losses_are_calibrated_and_meet_theorem_2s_bound():
    theta = np.linspace(0.02, 0.98, 49)
    for name, params in figures._COMPLETELY_ASYMMETRIC:
        assert calibration.is_calibrated(name, params)
        at_0, at_1 = risks.binary_loss(name, params, np.array([0.0, 1.0]))
        assert (calibration.psi(name, params, theta) >= theta * (at_0 - at_1) / 2 - 1e-9).all()


def test_constant_loss_is_not_calibrated():
    # A constant loss prefers neither class.
    assert not calibration.is_calibrated("MAE", {"scale": 0.0})


@pytest.mark.parametrize(("a", "one_hot"), [(0.1, False), (0.6, True)])
def test_descent_ends_one_hot_where_the_corollary_says(a: float, one_hot: bool):
    # symmetric 0.8: AGCE with q = 0.5 is asymmetric from a = 1/(2.25² − 1) = 0.246
    largest = figures.optimised("AGCE", {"a": a, "q": 0.5}, symmetric_noise_weights(0.2, 10), steps=300, starts=4)
    assert (largest > 0.99) is one_hot


def test_amse_minimiser_equals_the_figures_closed_form():
    weights = symmetric_noise_weights(0.2, 10)
    for a in (3.0, 6.0):
        closed = (1 / 9 + a * (weights[0] - weights[1])) / (1 + 1 / 9)
        measured = figures.optimised("AMSE", {"a": a, "q": 2.0}, weights, steps=600, starts=2)
        assert measured == pytest.approx(closed, abs=2e-3)


@pytest.mark.long
def test_theory_rule_writes_properties_and_figures(project: Project):
    project.snakemake("theory")
    table = pd.read_csv(project.results / "theory" / "properties.csv")
    assert set(catalogue.names()) <= set(table.loss)
    assert {"defaults", "jal2025", "jal2025-paper", "alf2021", "apl2020", "anl2023"} <= set(table.preset)
    measured = table[table.note.isna()]
    assert (measured.symmetric.astype(bool) == measured.symmetric_claimed).all()
    claimed = measured.dropna(subset=["asymmetric_from_claimed"])
    assert len(claimed) > 10
    assert (claimed.asymmetric_from.astype(float) - claimed.asymmetric_from_claimed).abs().max() < 0.003
    drawn = {
        path.name for path in (project.results / "theory" / "figures").glob("*.*") if not path.name.startswith(".")
    }
    assert drawn == {f"{name}.{ending}" for name in figures.FIGURES for ending in ("svg", "pdf", "png")}


@pytest.mark.parametrize(
    ("loss", "parameter", "params", "value"),
    [
        # symmetric 0.8 on ten classes: w_m/w_n = 2.25
        ("AGCE", "a", {"q": 0.5}, 1 / (2.25**2 - 1)),
        ("AGCE", "q", {"a": 0.2}, 1 - np.log(2.25) / np.log(6)),
        ("AUL", "a", {"p": 2.0}, 2.25 / 1.25),
        ("AUL", "p", {"a": 1.5}, 1 + np.log(2.25) / np.log(3)),
        ("AEL", "a", {}, 1 / np.log(2.25)),
        ("AMSE", "a", {"q": 2.0}, 9.0),
        ("AMSE", "a", {"q": 3.0}, 4.7394),
    ],
)
def test_condition_begins_at_the_threshold(loss: str, parameter: str, params: dict, value: float):
    weights = symmetric_noise_weights(0.2, 10)
    found = closed_forms.threshold(loss, parameter, params, weights)
    assert found.value == pytest.approx(value, rel=1e-4)
    inside, outside = (found.value * factor for factor in ((1.05, 0.95) if found.above else (0.95, 1.05)))
    for at, holds in ((inside, True), (outside, False)):
        full = catalogue.resolve(loss, params | {parameter: at})
        assert asymmetry.is_asymmetric(loss, full, weights) is holds, (at, holds)


@pytest.mark.parametrize(
    ("loss", "parameter", "params"),
    [("AGCE", "a", {"q": 1.5}), ("AUL", "a", {"p": 0.5}), ("AMSE", "a", {"q": 1.0}), ("GCE", "q", {})],
)
def test_no_threshold_where_the_condition_does_not_depend_on_the_parameter(loss: str, parameter: str, params: dict):
    assert closed_forms.threshold(loss, parameter, params, symmetric_noise_weights(0.2, 10)) is None


def test_no_threshold_without_a_dominating_or_a_second_label():
    for weights in (np.full(10, 0.1), np.eye(10)[0]):
        assert closed_forms.threshold("AEL", "a", {}, weights) is None


def test_no_threshold_where_every_or_no_value_meets_the_condition():
    weights = symmetric_noise_weights(0.2, 10)
    assert closed_forms.threshold("AGCE", "q", {"a": 6.0}, weights) is None  # from q = −4.26 on: always
    assert closed_forms.threshold("AMSE", "a", {"q": 1.04}, weights) is None  # from a beyond 1e9 on: never
