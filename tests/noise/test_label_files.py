"""Label files: each has a correct audit, and changed, damaged or foreign files are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from labelnoise.errors import UserError
from labelnoise.noise import label_file, transitions
from labelnoise.noise.audit import audit, describe, sha256
from support.noise_samples import LABELS, noise, noisy

CLASSES = list("0123456789")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "labels.npz"
    label_file.write(path, LABELS, noisy("symmetric"), classes=CLASSES, noise=noise("symmetric"), own=LABELS)
    return path


def test_audit_records_requested_and_actual_noise(path: Path):
    found = json.loads(path.with_suffix(".json").read_text())
    assert found["requested_rate"] == 0.4
    assert found["wrong_labels"] == 577
    assert np.allclose(np.sum(found["realised_transition"], axis=1), 1)
    assert np.sum(found["transition_counts"]) == len(LABELS)
    assert np.allclose(np.diag(found["requested_transition"]), 0.6)
    assert found["clean_labels_dominate"]
    assert 0.4 < found["dominance_margin"] < 0.6
    given, true = label_file.read(path)
    assert given.dtype == true.dtype == np.int64
    assert (true == LABELS).all()
    assert found["sha256"] == sha256(given)


def test_clean_labels_do_not_dominate_if_a_wrong_label_is_as_frequent():
    true, given = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    found = audit(true, given, classes=["a", "b"], noise=noise("symmetric", rate=0.25))
    assert found["dominance_margin"] == 0
    assert not found["clean_labels_dominate"]


@pytest.mark.parametrize(("rate", "dominates"), [(0.8, True), (0.9, False)])
def test_symmetric_noise_dominates_up_to_one_minus_one_over_k(rate: float, dominates: bool):
    assert (transitions.margin(transitions.symmetric(rate, 10)) > 1e-12) == dominates


@pytest.mark.parametrize("kind", ["symmetric", "asymmetric"])
def test_actual_matrix_matches_the_requested_one(kind: str):
    found = audit(LABELS, noisy(kind), classes=CLASSES, noise=noise(kind))
    gap = np.abs(np.array(found["realised_transition"]) - found["requested_transition"])
    # symmetric targets are drawn: 5 standard deviations of a share among the smallest class's 140 samples
    assert gap.max() < (1 / 140 if kind == "asymmetric" else 5 * (0.05 / 140) ** 0.5)


def test_noise_without_a_requested_matrix_records_none():
    found = audit(LABELS, noisy("instance"), classes=CLASSES, noise=noise("instance"))
    assert found["requested_transition"] is None
    assert found["requested_rate"] == 0.4


def test_changed_label_file_is_refused(path: Path):
    given, true = label_file.read(path)
    given[0] = (given[0] + 1) % 10
    np.savez(path, noisy_labels=given, clean_labels=true)
    with pytest.raises(UserError, match="do not match its audit"):
        label_file.read(path)
    with pytest.raises(UserError, match="do not match its audit"):
        describe(path)


def test_changed_true_labels_are_refused(path: Path):
    given, true = label_file.read(path)
    np.savez(path, noisy_labels=given, clean_labels=np.roll(true, 1))
    with pytest.raises(UserError, match="do not match its audit"):
        label_file.read(path)


def test_damaged_and_missing_label_files_are_named(path: Path):
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(UserError, match="damaged"):
        label_file.read(path)
    with pytest.raises(UserError, match="no such label file"):
        label_file.read(path.with_name("other.npz"))


def test_file_without_an_audit_is_described_from_its_labels(path: Path):
    path.with_suffix(".json").unlink()
    text = describe(path)
    assert "no audit beside it" in text
    assert "577 of 1442 labels are wrong" in text


def test_file_without_noisy_labels_is_refused(tmp_path: Path):
    (tmp_path / "plain.csv").write_text("label\ncat\ndog\n")
    np.savez(tmp_path / "one.npz", labels=np.array([0, 1]))
    np.save(tmp_path / "one.npy", np.array([0, 1]))
    for name in ("plain.csv", "one.npz", "one.npy"):
        with pytest.raises(UserError, match=name.replace(".", r"\.")):
            describe(tmp_path / name)


def test_foreign_json_beside_a_label_file_is_refused(path: Path):
    path.with_suffix(".json").write_text("[1]")
    with pytest.raises(UserError, match="is not an audit of a label file"):
        describe(path)
