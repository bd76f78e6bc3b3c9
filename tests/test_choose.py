"""`labelnoise choose` and suspects.csv: held-out criterion, cross-fitting, nothing overwritten."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from labelnoise import choose, suspects
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.digits import load
from labelnoise.errors import UserError
from labelnoise.experiment import schema
from labelnoise.noise import label_file
from labelnoise.noise.generate import generate
from labelnoise.trial_folder import Status, TrialFolder, new_result
from support.project import ROOT, Project

SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.json"
NOISE = {"kind": "given", "rate": None, "version": 1, "variant": "given", "seed": None}
SYMMETRIC = {"kind": "symmetric", "rate": 0.3, "variant": "exact", "seed": 1}


@pytest.fixture
def true(project: Project) -> np.ndarray:
    """The true labels of mine.npz, 600 digits of which 30 % have a wrong label."""
    digits = load(DATASETS["digits"], Path())
    labels = digits.labels["train"][:600]
    noisy = generate(labels, num_classes=10, noise=SYMMETRIC)
    np.savez(project.folder / "mine.npz", x_train=digits.images["train"][:600, 0], y_train=noisy)
    for name in ("Snakefile", "workflow", "profiles"):
        (project.folder / name).symlink_to(ROOT / name)
    return labels


@pytest.mark.long
def test_choose_compares_on_held_out_labels_and_lists_wrong_ones_first(project: Project, true: np.ndarray):
    planned = project.labelnoise("choose", "mine.npz", "--epochs", "15")
    assert planned.returncode == 0, planned.stderr
    assert "24 trials" in planned.stdout and "no test set" in planned.stdout
    file = project.folder / "experiments" / "choose-mine.yaml"
    written = yaml.safe_load(file.read_text())
    assert written["losses"][0] == "CE" and len(written["losses"]) == 8
    # What the user changes stays.
    file.write_text(yaml.safe_dump(written | {"losses": ["CE", "GCE"], "seeds": [1]}))
    changed = file.read_text()
    done = project.labelnoise("choose", "mine.npz", "--run", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert file.read_text() == changed
    assert "mine (held-out noisy labels): GCE leads" in done.stdout
    for text in ("no clean test labels", "Why it is fair:", "When it is not:", "this list may be worse than chance"):
        assert text in done.stdout
    listed = pd.read_csv(project.results / "experiments" / "choose-mine-suspects" / "suspects.csv")
    assert tuple(listed) == suspects.COLUMNS
    assert (listed.margin.diff().dropna() >= 0).all() and (listed.given != listed.predicted).all()
    with np.load(project.folder / "mine.npz") as held:
        wrong = held["y_train"] != true
    assert wrong[listed["index"][:100]].mean() >= 0.9
    # Fold 1 is the split of the comparison, so its trials are not trained again.
    assert len(project.finished()) == 2 + 4


def test_existing_experiment_and_unusable_data_are_refused_with_the_remedy(project: Project, true: np.ndarray):
    assert project.labelnoise("choose", "none.npz").returncode == 2
    assert not (project.folder / "experiments").exists()
    np.savez(project.folder / "one.npz", x_train=np.full((8, 8, 8), 9, np.uint8), y_train=np.zeros(8, int))
    one_class = project.labelnoise("choose", "one.npz")
    assert one_class.returncode == 2 and "at least two classes" in one_class.stderr
    assert not list((project.folder / "experiments").glob("*"))
    project.labelnoise("choose", "mine.npz")
    first, *_ = (project.folder / "experiments" / "choose-mine.yaml").read_text().splitlines()
    assert (project.folder / "experiments" / first.removeprefix(schema.EDITORS)).resolve() == SCHEMA
    again = project.labelnoise("choose", "mine.npz", "--epochs", "3")
    assert again.returncode == 2 and "move it away" in again.stderr


def test_suspects_are_ranked_by_the_mean_margin_of_networks_that_did_not_see_them():
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(4), size=(3, 50)).astype(np.float32)
    given = random.integers(0, 4, 50)
    order, columns = suspects.rank(probabilities, given)
    margins = []
    for i in range(50):
        mean = [sum(float(probabilities[s, i, k]) for s in range(3)) / 3 for k in range(4)]
        margins.append(mean[given[i]] - max(mean[k] for k in range(4) if k != given[i]))
    np.testing.assert_allclose(columns["margin"], margins, atol=1e-6)
    assert order.tolist() == sorted((i for i in range(50) if margins[i] < 0), key=lambda i: margins[i])


def test_sample_that_no_fold_holds_out_is_an_error():
    arrays = {"validation_index": np.array([0, 1]), "validation_probabilities": np.full((2, 2), 0.5)}
    with pytest.raises(UserError, match="1 of 3 samples are never held out"):
        suspects.held_out_probabilities([({"seed": 1}, arrays)], 3, 2)


def test_suspects_of_several_losses_are_refused(copied: Project):
    done = copied.labelnoise("suspects", "results/manifest.json")
    assert done.returncode == 2 and "held no samples out" in done.stderr


@pytest.mark.parametrize("rare", [30, 90])
def test_balanced_agreement_stands_beside_plain_if_classes_are_imbalanced(tmp_path: Path, rare: int):
    given = np.repeat([0, 1], [100, rare])
    label_file.write(tmp_path / "l.npz", None, given, classes=["a", "b"], noise=NOISE, own=given)
    held_out = np.arange(0, len(given), 2)
    entries = []
    for label, right_of_rare in (("MAE", 0.0), ("CE", 1.0)):
        # One loss knows only the frequent class, the other errs on a fifth of it.
        is_right = np.where(
            given[held_out] == 1, right_of_rare, 1.0 if label == "MAE" else np.arange(len(held_out)) % 5 > 0
        )
        predicted = np.where(is_right == 1, given[held_out], 1 - given[held_out])
        folder = TrialFolder(tmp_path / f"{label}-abc")
        folder.path.mkdir()
        folder.write_result(new_result({"seed": 1}, "abc", Status.OK, None, "0"))
        np.savez(folder.predictions(), held_out_probabilities=np.eye(2)[predicted], validation_index=held_out)
        entries.append({"folder": str(folder.path), "labels": str(tmp_path / "l.npz"), "label": label})
    found = choose.balanced_agreement(SimpleNamespace(manifest={"trials": entries}))
    assert found == (None if rare == 90 else {"MAE": 50.0, "CE": 90.0})


def test_other_order_of_balanced_agreement_is_a_warning():
    assert choose._order_warning({"CE": 80.0, "MAE": 77.0}, {"CE": 90.0, "MAE": 50.0}) == []
    (warning,) = choose._order_warning({"CE": 80.0, "MAE": 85.0}, {"CE": 90.0, "MAE": 50.0})
    assert "(CE, MAE)" in warning
