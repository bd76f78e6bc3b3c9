"""Results as DataFrames: fixed dtypes, labels as text, arrays on demand, from any working folder."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from labelnoise import comparison, results
from labelnoise.errors import UserError
from support.documentation import run_page
from support.project import ROOT, Project


@pytest.fixture
def away(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))


def test_frames_hold_every_trial_and_epoch_and_match_each_other(finished_project: Project, away: None):
    loaded = results.load(finished_project.results)
    trials, curves = loaded.trials, loaded.curves
    assert len(trials) == 8 and len(curves) == 16
    last = curves[curves.epoch == 2].set_index("trial").test_accuracy
    assert (last[trials.trial].to_numpy() == trials.last_accuracy.to_numpy()).all()
    means = loaded.summary[loaded.summary.metric == "last"].set_index(["noise", "label"])["mean"]
    np.testing.assert_allclose(means, trials.groupby(["noise", "label"], sort=False).last_accuracy.mean()[means.index])


@pytest.mark.long
def test_labels_that_look_missing_stay_text_and_dtypes_do_not_depend_on_values(copied: Project, away: None):
    before = results.load(copied.results)
    copied.edit(losses=[{"loss": "CE", "label": "NA"}, {"loss": "GCE", "q": 0.7, "label": "1.50"}])
    copied.snakemake()
    after = results.load(copied.results)
    assert set(after.trials.label) == set(after.summary.label) == set(after.curves.label) == {"NA", "1.50"}
    for frame in ("trials", "summary", "ranks", "curves"):
        assert (getattr(after, frame).dtypes == getattr(before, frame).dtypes).all(), frame
    copied.edit(losses=["CE"], seeds=[7], noise=["clean"], train={"epochs": 1, "lr": 1e30})
    copied.snakemake("trials")
    diverged = results.load(copied.results)
    assert set(diverged.trials.status) == {"diverged"}
    for frame in ("trials", "summary"):
        assert (getattr(diverged, frame).dtypes == getattr(before, frame).dtypes).all(), frame


def test_predictions_and_labels_belong_to_the_trial(finished_project: Project, away: None):
    loaded = results.load(finished_project.results)
    row = loaded.trials[loaded.trials.kind == "symmetric"].iloc[0]
    arrays, labels = loaded.predictions(row.trial), loaded.labels(row.trial)
    probabilities = arrays["test_probabilities"]
    assert probabilities.shape[1] == 10
    assert abs((labels["noisy_labels"] != labels["clean_labels"]).mean() - row.realised_rate) < 1e-6
    with pytest.raises(UserError, match="no trial 'abc'"):
        loaded.predictions("abc")


def test_renamed_folder_and_changed_files_are_refused(copied: Project, away: None):
    with (copied.results / "trials.csv").open("a") as file:
        file.write("\n")
    with pytest.raises(UserError, match="were changed since"):
        results.load(copied.results)
    copied.results.rename(copied.folder / "old")
    with pytest.raises(UserError, match="was renamed"):
        results.load(copied.folder / "old")


def test_trials_are_listed_with_status_and_rerun_loses_nothing(copied: Project):
    listed = copied.labelnoise("trials", "--loss", "GCE").stdout
    rows = [line.split() for line in listed.splitlines()[1:-1]]
    assert len(rows) == 4 and all(row[1] == "ok" for row in rows)
    assert listed.splitlines()[-1] == "4 trials: 4 ok, 0 diverged, 0 failed, 0 missing"
    identity, folder = rows[0][0], copied.folder / rows[0][-1]
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    said = copied.labelnoise("rerun", identity[:6]).stdout
    assert "set aside in aside-1" in said
    assert copied.would_run("trials")["train"] == 1
    moved = {path.name: path.read_bytes() for path in (folder / "aside-1").iterdir()}
    assert moved == {name: content for name, content in files.items() if name in moved}
    assert {"result.json", ".result.json", "metrics.csv", "predictions.npz"} <= set(moved)
    copied.snakemake("trials")
    assert (folder / "result.json").read_bytes() == files["result.json"]
    assert (folder / "history.log").read_text().count(" ok, ") == 2


def test_rerun_of_an_unknown_or_ambiguous_hash_moves_nothing(copied: Project):
    before = copied.finished()
    known = copied.labelnoise("trials").stdout.splitlines()[1].split()[0]
    for text, message in (("ffffffffff", "no trial"), (known[:2], "at least 4 digits")):
        done = copied.labelnoise("rerun", known, text)
        assert done.returncode == 2 and message in done.stderr
    assert copied.finished() == before


def test_compare_pairs_common_seeds_and_says_what_differs(copied: Project):
    other = yaml.safe_load(copied.config.read_text()) | {"train": {"epochs": 3}, "seeds": [2, 3]}
    other["losses"] = ["CE", "MAE"]
    copied.write(yaml.safe_dump(other), "longer.yaml")
    copied.snakemake("trials", "--configfile", "longer.yaml")
    said = copied.labelnoise("compare", "results", "results/experiments/longer").stdout
    a, b = results.load(copied.results), results.load(copied.results / "experiments" / "longer")
    frame = comparison.compare(a, b)
    assert set(frame.label) == {"CE"} and set(frame.seeds) == {1}
    row = frame[frame.noise == "symmetric-0.4"].iloc[0]
    last = [
        one.trials.query("noise == 'symmetric-0.4' and label == 'CE' and seed == 2").last_accuracy.item()
        for one in (a, b)
    ]
    assert row.difference == pytest.approx(last[1] - last[0])
    assert "recipe.epochs: 2 → 3 (2 trials)" in said
    assert "only in A: losses GCE" in said and "only in B: losses MAE" in said
    assert "2 trials match by data set, noise, label and seed; 0 of them are the same trial" in said


def test_paired_intervals_are_those_of_scipy():
    random = np.random.default_rng(0)
    values = random.normal(90, 1, (2, 5))
    frames = [_Loaded(column) for column in values]
    (row,) = comparison.compare(*frames).itertuples()  # type: ignore[arg-type]
    expected = stats.ttest_rel(values[1], values[0]).confidence_interval(0.95)
    assert (row.low, row.high) == pytest.approx((expected.low, expected.high))


class _Loaded:
    """Results of one cell with one accuracy per seed."""

    def __init__(self, accuracies: np.ndarray):
        axes = {"dataset": "d", "test_set": "test", "noise": "n", "label": "A", "status": "ok"}
        self.trials = pd.DataFrame(axes | {"seed": range(len(accuracies)), "last_accuracy": accuracies})


def test_code_of_the_documentation_runs(finished_project: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(finished_project.folder)
    page = ROOT / "docs/how-to/results-in-python.md"
    run_page(page.read_text(encoding="utf-8"), finished_project.folder)
