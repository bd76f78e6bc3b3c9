"""An experiment with a paper of its own, through the Snakefile: verdicts, tables, and the figures that papers have."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib.figure import Figure

from labelnoise.analysis import published
from labelnoise.analysis.published import Verdict
from labelnoise.analysis.results import read
from labelnoise.figures import EXTRA, confidence_histograms, tsne
from labelnoise.manifest import EXTRA_FIGURES
from labelnoise.published.numbers import PrintedCell
from support.project import Project

CONFIG = """\
datasets: [digits]
noise: [clean, {kind: symmetric, rate: 0.4}]
losses: [CE, {loss: AGCE, q: 0.5, a: [0.1, 1]}, {loss: AMSE, q: [2, 3], a: [5, 20]}]
preset: {name: jal2025, dataset: cifar10}
seeds: [1]
train: {epochs: 3}
figures: [tsne, confidence_histograms, parameter_sweep]
run: {keep: [features], snapshots: [1]}
"""
LOSSES, NOISES = 7, 2


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The experiment after two runs: the second knows printed numbers, made up from what the first measured."""
    project = Project(tmp_path_factory.mktemp("compared"))
    project.write(CONFIG)
    project.snakemake("trials")
    trials = pd.read_csv(project.results / "trials.csv")
    mean = trials.groupby(["label", "kind"]).last_accuracy.mean()
    ce, agce = mean["CE"], mean["AGCE a=0.1"]
    printed = [
        ("clean", 0.0, "AGCE a=1", mean["AGCE a=1"]["clean"] + 0.5, 5.0),  # reproduced
        ("clean", 0.0, "CE", ce["clean"] + 0.9, 0.1),  # close
        ("symmetric", 0.4, "CE", ce["symmetric"] - 5, 0.1),  # above
        ("clean", 0.0, "AGCE a=0.1", agce["clean"] + 5, 0.1),  # below
        ("symmetric", 0.4, "AGCE a=0.1", agce["symmetric"] + 5, 50.0),  # inconclusive
        ("clean", 0.0, "MAE", 50.0, 0.1),  # not run: the experiment does not have it
        ("symmetric", 0.4, "AGCE a=1", 1.0, None),  # no verdict: far off, and no deviation
    ]
    rows = [
        PrintedCell(
            paper="made-up", table="Table 1", dataset="digits", test_set="test", noise=noise, rate=rate, loss=loss,
            mean=value, std=std, note="doubtful" if loss == "MAE" else "",
        )
        for noise, rate, loss, value, std in printed
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(project.folder / "made-up.csv", index=False)
    project.edit(published={"paper": "made-up.csv", "tables": ["Table 1"]}, highlight="best")
    assert not {"train", "labels"} & project.would_run().keys()
    project.snakemake()
    return project


def verdicts(project: Project) -> pd.DataFrame:
    return pd.read_csv(project.results / "tables" / "digits-published.csv")


def test_every_verdict_comes_from_a_run(compared: Project):
    rows = verdicts(compared)
    assert tuple(rows.columns) == published.COLUMNS
    assert set(rows.verdict) == {str(value) for value in Verdict}
    found = rows[rows.printed_mean.notna()].set_index(["loss", "noise"]).verdict
    assert found.to_dict() == {
        ("AGCE a=1", "clean"): "reproduced",
        ("CE", "clean"): "close",
        ("CE", "symmetric"): "above",
        ("AGCE a=0.1", "clean"): "below",
        ("AGCE a=0.1", "symmetric"): "inconclusive",
        ("MAE", "clean"): "not run",
        ("AGCE a=1", "symmetric"): "no verdict",
    }


def test_numbers_of_the_comparison_are_consistent(compared: Project):
    rows = verdicts(compared)
    both = rows.dropna(subset=["printed_mean", "mean"])
    assert np.allclose(both.difference, both["mean"] - both.printed_mean, atol=2e-4)
    with_std = both.dropna(subset=["printed_std"])
    half = [published.prediction_half_width(std, n) for std, n in zip(with_std.printed_std, with_std.n, strict=True)]
    assert np.allclose((with_std.high - with_std.low) / 2, half, atol=2e-4)
    assert (rows.paper == "made-up").all()
    assert rows[rows.loss == "MAE"].note.item() == "doubtful"
    assert rows.loc[rows["mean"].notna(), "note"].str.contains("epochs 3 (preset: 20)", regex=False).all()


def test_losses_that_the_paper_lacks_get_rows_beside_its_own(compared: Project):
    rows = verdicts(compared)
    own = rows[rows.loss == "AMSE a=5 q=2"]
    assert own[["table", "noise", "verdict"]].to_numpy().tolist() == [
        ["Table 1", "clean", "no verdict"],
        ["Table 1", "symmetric", "no verdict"],
    ]
    assert own["mean"].notna().all()
    assert own.printed_mean.isna().all()


def test_every_format_shows_printed_numbers_as_printed(compared: Project):
    tables = compared.results / "tables"
    row = verdicts(compared).set_index(["loss", "noise"]).loc[("CE", "symmetric")]
    measured, printed = f"{row['mean']:.2f}", f"{row.printed_mean:.2f}"
    for ending in ("md", "tex", "html"):
        text = (tables / f"digits-published.{ending}").read_text()
        assert re.search(rf"{re.escape(measured)}.{{0,90}}?printed {re.escape(printed)}.{{0,60}}?above", text, re.S), (
            ending
        )
        assert text.count(printed) == text.count(f"printed {printed}"), ending
        assert "1 reproduced, 1 close, 1 above, 1 below, 1 inconclusive, 1 not run" in text
        assert "Expected false alarms if all 5 judged cells repeat the printed experiment" in text
        assert "PARTIAL: 1 of 15 cells" in text
    for name in ("digits-last", "digits-best"):
        assert printed not in (tables / f"{name}.md").read_text()
    assert (tables / "digits-published.html").read_text() in (compared.results / "report.html").read_text()


def svg(project: Project, kind: str) -> str:
    return (project.results / "figures" / f"digits-{kind}.svg").read_text()


def axes_of(text: str) -> int:
    return len(re.findall(r'<g id="axes_\d+">', text))


def test_tsne_has_a_panel_of_points_for_each_loss_and_noise(compared: Project):
    text = svg(compared, "tsne")
    assert axes_of(text) == text.count("<image") == LOSSES * NOISES
    for label in ("CE", "AGCE a=0.1", "symmetric 0.4", "true class"):
        assert f">{label}</" in text


def test_histograms_show_correct_and_wrong_labels_at_each_snapshot(compared: Project):
    text = svg(compared, "confidence_histograms")
    assert axes_of(text) == LOSSES * NOISES * 2
    for label in ("correct label", "wrong label", "epoch 1", "epoch 3", "probability of the given label"):
        assert f">{label}</" in text


def test_sweep_has_a_mark_for_each_value_and_the_papers_condition(compared: Project):
    text = svg(compared, "parameter_sweep")
    panels = 2 * NOISES  # AGCE over a, AMSE over q and a
    assert axes_of(text) == panels + NOISES  # and a colour bar for each heat map
    # symmetric 0.4 on ten classes: w_m/w_n = 13.5, so AGCE at q = 0.5 is asymmetric from a = 1/(13.5² − 1) = 0.00552
    assert "asymmetric for a ≥ 0.00552" in text
    assert text.count(">mean ± std</") == NOISES
    assert text.count(">CE</") == NOISES  # losses that are not swept are lines


def test_figure_against_print_has_a_mark_for_each_loss_and_the_identity(compared: Project):
    text = svg(compared, "against_print")
    assert axes_of(text) == 1
    for label in ("as printed", "CE", "AGCE a=0.1", "AGCE a=1", "measured (%)", "printed last-epoch test accuracy (%)"):
        assert text.count(f">{label}</") == 1, label


def test_missing_features_and_snapshots_are_named_with_the_remedy(
    compared: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(compared.folder, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    for path in [*Path("results").rglob("features.npz"), *Path("results").rglob("predictions-0001.npz")]:
        path.unlink()
    results = read(Path("results/manifest.json"))

    def said(figure: Figure) -> list[str]:
        return [text.get_text() for axes in figure.axes for text in axes.texts]

    assert said(tsne.draw(results, "digits", "test")) == [
        "no features kept:\nset run: {keep: [features]},\ndelete the trial's folder,\nrun again"
    ] * (LOSSES * NOISES)
    missing = said(confidence_histograms.draw(results, "digits", "test"))
    assert len(missing) == LOSSES * NOISES
    assert all(text.startswith("no snapshot: set run: {snapshots: [1]}") for text in missing)


def test_figures_that_experiments_ask_for_are_all_declared():
    assert tuple(EXTRA) == EXTRA_FIGURES


def test_plan_says_how_far_the_comparison_is(compared: Project):
    done = compared.labelnoise("plan")
    assert "7 printed cells (made-up Table 1): 1 reproduced, 1 close, 1 above, 1 below, 1 inconclusive" in done.stdout


def test_two_noises_for_one_printed_cell_are_refused(compared: Project, tmp_path: Path):
    config = yaml.safe_load(compared.config.read_text())
    config["noise"][1]["variant"] = ["exact", "truncated"]
    config["published"]["paper"] = str(compared.folder / "made-up.csv")
    project = Project(tmp_path)
    project.write(yaml.safe_dump(config))
    done = project.labelnoise("plan")
    assert done.returncode == 2
    assert (
        "symmetric-0.4 and symmetric-0.4-truncated would both be compared with the printed symmetric 0.4" in done.stderr
    )
