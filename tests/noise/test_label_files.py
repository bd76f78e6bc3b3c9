"""Label files: an honest audit beside each, changes found, anybody's formats read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from labelnoise.errors import UserError
from labelnoise.noise import labels, transitions
from labelnoise.noise.audit import audit, describe, sha256
from support.noise_samples import LABELS, noise, noisy

CLASSES = list("0123456789")


@pytest.fixture
def label_file(tmp_path: Path) -> Path:
    path = tmp_path / "labels.npz"
    labels.write(path, LABELS, noisy("symmetric"), classes=CLASSES, noise=noise("symmetric"), own=LABELS)
    return path


def test_audit_says_what_was_asked_and_what_came_out(label_file: Path):
    found = json.loads(label_file.with_suffix(".json").read_text())
    assert found["requested_rate"] == 0.4
    assert found["wrong_labels"] == 577
    assert np.allclose(np.sum(found["realised_transition"], axis=1), 1)
    assert np.sum(found["transition_counts"]) == len(LABELS)
    assert np.allclose(np.diag(found["requested_transition"]), 0.6)
    assert found["clean_labels_dominate"]
    assert 0.4 < found["dominance_margin"] < 0.6
    given, true = labels.read(label_file)
    assert given.dtype == true.dtype == np.int64
    assert (true == LABELS).all()
    assert found["sha256"] == sha256(given)


def test_dominance_is_denied_where_another_label_is_as_frequent():
    true, given = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    found = audit(true, given, classes=["a", "b"], noise=noise("symmetric", rate=0.25))
    assert found["dominance_margin"] == 0
    assert not found["clean_labels_dominate"]


@pytest.mark.parametrize(("rate", "dominates"), [(0.8, True), (0.9, False)])
def test_symmetric_noise_dominates_up_to_one_minus_one_over_k(rate: float, dominates: bool):
    assert (transitions.margin(transitions.symmetric(rate, 10)) > 1e-12) == dominates


@pytest.mark.parametrize("kind", ["symmetric", "asymmetric"])
def test_realised_matrix_is_the_requested_one(kind: str):
    found = audit(LABELS, noisy(kind), classes=CLASSES, noise=noise(kind))
    gap = np.abs(np.array(found["realised_transition"]) - found["requested_transition"])
    # symmetric targets are drawn: 5 standard deviations of a share among the smallest class's 140 samples
    assert gap.max() < (1 / 140 if kind == "asymmetric" else 5 * (0.05 / 140) ** 0.5)


def test_noise_without_a_prescribed_matrix_claims_none():
    found = audit(LABELS, noisy("instance"), classes=CLASSES, noise=noise("instance"))
    assert found["requested_transition"] is None
    assert found["requested_rate"] == 0.4


def test_changed_label_file_is_refused(label_file: Path):
    given, true = labels.read(label_file)
    given[0] = (given[0] + 1) % 10
    np.savez(label_file, noisy_labels=given, clean_labels=true)
    with pytest.raises(UserError, match="not those of its audit"):
        labels.read(label_file)
    with pytest.raises(UserError, match="not those of its audit"):
        describe(label_file)


def test_changed_true_labels_are_found_as_well(label_file: Path):
    given, true = labels.read(label_file)
    np.savez(label_file, noisy_labels=given, clean_labels=np.roll(true, 1))
    with pytest.raises(UserError, match="not those of its audit"):
        labels.read(label_file)


def test_damaged_and_missing_label_files_are_named(label_file: Path):
    label_file.write_bytes(label_file.read_bytes()[:200])
    with pytest.raises(UserError, match="damaged"):
        labels.read(label_file)
    with pytest.raises(UserError, match="no such label file"):
        labels.read(label_file.with_name("other.npz"))


def test_a_file_without_an_audit_is_described_from_its_labels(label_file: Path):
    label_file.with_suffix(".json").unlink()
    told = describe(label_file)
    assert "no audit beside it" in told
    assert "577 of 1442 labels are wrong" in told


def test_a_list_of_given_labels_alone_is_no_label_file(tmp_path: Path):
    (tmp_path / "plain.csv").write_text("label\ncat\ndog\n")
    np.savez(tmp_path / "one.npz", labels=np.array([0, 1]))
    np.save(tmp_path / "one.npy", np.array([0, 1]))
    for name in ("plain.csv", "one.npz", "one.npy"):
        with pytest.raises(UserError, match=name.replace(".", r"\.")):
            describe(tmp_path / name)


def test_a_foreign_json_beside_a_label_file_is_no_audit(label_file: Path):
    label_file.with_suffix(".json").write_text("[1]")
    with pytest.raises(UserError, match="is no audit of a label file"):
        describe(label_file)
