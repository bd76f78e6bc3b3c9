"""Label files: an honest audit beside each, changes found, anybody's formats read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from samples import LABELS, noise, noisy

from labelnoise.errors import UserError
from labelnoise.noise import formats, labels, transitions
from labelnoise.noise.audit import audit, describe, sha256

CLASSES = list("0123456789")


@pytest.fixture
def label_file(tmp_path: Path) -> Path:
    path = tmp_path / "labels.npz"
    labels.write(path, LABELS, noisy("symmetric"), classes=CLASSES, noise=noise("symmetric"))
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


WRITTEN = {
    "header.csv": "label\ncat\ndog\ncat\n",
    "bare.csv": "cat\ndog\ncat\n",
    "columns.csv": "file,label\na.jpg,cat\nb.jpg,dog\nc.jpg,cat\n",
    "bom.csv": "\ufefflabel\r\ncat\r\ndog\r\ncat\r\n",
    "list.json": '["cat", "dog", "cat"]',
    "dict.json": '{"labels": ["cat", "dog", "cat"], "other": 1}',
}


@pytest.mark.parametrize("name", WRITTEN)
def test_class_names_are_read_from_any_format(tmp_path: Path, name: str):
    (tmp_path / name).write_text(WRITTEN[name], encoding="utf-8")
    found, classes = formats.encode(formats.read(tmp_path / name, formats.GIVEN), tmp_path / name)
    assert found.tolist() == [0, 1, 0]
    assert classes == ["cat", "dog"]


def test_numbers_are_read_from_any_format(tmp_path: Path):
    np.save(tmp_path / "l.npy", np.array([2, 0, 1], dtype=np.uint8))
    np.savez(tmp_path / "l.npz", noisy_labels=np.array([2, 0, 1]), clean_labels=np.array([0, 0, 0]))
    (tmp_path / "l.json").write_text("[2, 0, 1]")
    (tmp_path / "l.csv").write_text("2\n0\n1\n")
    for ending in ("npy", "npz", "json", "csv"):
        path = tmp_path / f"l.{ending}"
        found, classes = formats.encode(formats.read(path, formats.GIVEN), path)
        assert found.tolist() == [2, 0, 1]
        assert found.dtype == np.int64
        assert classes == ["0", "1", "2"]


BAD = {
    "gone.csv": (None, "no such label file"),
    "empty.csv": ("", "there are no labels"),
    "hole.csv": ("label\ncat\n \ndog\n", r"line 3: the label is missing"),
    "blank.csv": ("cat\n\ndog\ncat\n", r"line 2: the label is missing"),
    "header.csv": ("class\ncat\ndog\ncat\ndog\n", "the first line, 'class', occurs once: if it is a header"),
    "ragged.json": ("[[1], [2, 3]]", "some here are lists"),
    "gap.json": ("[0, 1000000000]", "labels go up to 1000000000, but there are 2"),
    "columns.csv": ("a,b\n1,2\n", "none of the columns a, b is called noisy_labels"),
    "floats.json": ("[0.5, 1]", "whole numbers or class names"),
    "deep.json": ("[[0], [1]]", "one a sample, but some here are lists"),
    "broken.json": ("[0, 1", "cannot be read"),
    "labels.txt": ("0", "not from .txt"),
    "labels.npy": ("not an array", "cannot be read"),
    "labels.npz": ("not an array", "cannot be read"),
    "negative.csv": ("0\n-1\n", "sample 1 has the label -1"),
}


@pytest.mark.parametrize("name", BAD)
def test_label_lists_that_cannot_be_used_say_why(tmp_path: Path, name: str):
    content, message = BAD[name]
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        formats.encode(formats.read(tmp_path / name, formats.GIVEN), tmp_path / name)
    assert name in str(caught.value)


def test_a_name_that_is_no_class_is_told_with_the_nearest():
    with pytest.raises(UserError, match=r"sample 1 has the label 'dgo', which is no class; did you mean dog\?"):
        formats.encode(["cat", "dgo"], Path("l.csv"), ["cat", "dog"])


def test_zero_padded_numbers_are_names_and_whole_floats_are_numbers():
    assert formats.encode(["01", "1", "02"], Path("l.csv"))[1] == ["01", "02", "1"]
    assert formats.encode(["1.0", "0.0"], Path("l.csv"))[0].tolist() == [1, 0]
    assert formats.encode([1.0, 0.0], Path("l.json"))[0].tolist() == [1, 0]
    assert formats.encode(["NA", "nan", "1e3"], Path("l.csv"))[1] == ["1e3", "NA", "nan"]


def test_text_goes_by_name_before_number_and_bare_numbers_are_refused_where_that_differs():
    classes = ["1", "2", "10"]
    assert formats.encode(["10", "1", "2"], Path("l.csv"), classes)[0].tolist() == [2, 0, 1]
    with pytest.raises(UserError, match="could be names or places"):
        formats.encode(np.array([1, 2]), Path("l.npy"), classes)


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


def test_pickled_labels_are_not_loaded(tmp_path: Path):
    np.save(tmp_path / "l.npy", np.array([0, {"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match="cannot be read"):
        formats.read(tmp_path / "l.npy", formats.GIVEN)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[0.5, 0.5]], "must be 2 × 2, one row and column a class; got 1 × 2"),
        ([[0.5, 0.4], [0, 1]], "the row of class 0 sums to 0.9"),
        ([[1.5, -0.5], [0, 1]], r"probability in \[0, 1\]"),
        ([[1, 0], [0, float("nan")]], "probability"),
        ([[1, 0], [0]], "list of rows"),
    ],
)
def test_matrices_that_are_none_are_refused(matrix: list, message: str):
    with pytest.raises(UserError, match=message):
        transitions.check_matrix(matrix, 2)
