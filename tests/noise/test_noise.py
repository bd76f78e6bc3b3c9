"""Label noise: exact rates, pinned bytes, honest audits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.digits import load
from labelnoise.errors import UserError
from labelnoise.noise import labels as label_files
from labelnoise.noise.catalogue import NOISES
from labelnoise.noise.generators import GENERATORS, exact_counts, generate

LABELS = load()["train_labels"]
MAP = dict(DATASETS["digits"].asymmetric_map)

# sha256 of the label bytes for digits, seed 1, rate 0.4: a change here is a new version of the generator.
PINNED = {
    "clean": "9313721fa010b4068efd8523f8b0ad55e16fe55564ccc54da13abb96858f7b54",
    "symmetric": "7de9d16d7132dcba34c0b9e18fc0527e5c743f3b1ec6540a3a2b3f589b1cc82b",
    "asymmetric": "2c5bdb34ff507a1334fee524130d4340c2a62db13972a65d0db711c5588132e5",
}


def noisy(kind: str, rate: float = 0.4, seed: int = 1) -> np.ndarray:
    settings = {"map": MAP} if NOISES[kind].needs_map else {}
    return generate(kind, LABELS, num_classes=10, rate=rate, seed=seed, **settings)


@given(rate=st.floats(0, 0.999), sizes=st.lists(st.integers(0, 5000), min_size=1, max_size=100).map(np.array))
def test_exact_counts_sum_to_the_rate_and_are_fair_to_each_class(rate: float, sizes: np.ndarray):
    counts = exact_counts(rate, sizes)
    assert counts.sum() == round(rate * int(sizes.sum()))
    assert (np.abs(counts - rate * sizes) < 1 + 1e-6).all()
    assert (counts <= sizes).all()
    assert (counts >= 0).all()


@pytest.mark.parametrize("rate", [0.2, 0.4, 0.6, 0.8])
def test_symmetric_flips_exactly_the_rate_in_each_class_and_never_to_the_true_one(rate: float):
    wrong = noisy("symmetric", rate) != LABELS
    assert wrong.sum() == round(rate * len(LABELS))
    for k in range(10):
        assert abs(wrong[k == LABELS].sum() - rate * (k == LABELS).sum()) < 1


def test_symmetric_targets_are_uniform_over_the_other_classes():
    labels = np.zeros(90_000, dtype=np.int64)
    counts = np.bincount(generate("symmetric", labels, num_classes=10, rate=0.9, seed=3), minlength=10)[1:]
    # chi-square with 8 degrees of freedom: above 26.12 once in 1,000 seeds; this seed is fixed
    assert ((counts - 9_000) ** 2 / 9_000).sum() < 26.12


def test_asymmetric_flips_only_along_the_map_from_true_labels():
    given_labels = noisy("asymmetric")
    for k in range(10):
        members = given_labels[k == LABELS]
        wrong = members[members != k]
        assert set(wrong) <= {MAP.get(k)}
        if k in MAP:
            assert abs(len(wrong) - 0.4 * len(members)) < 1


@pytest.mark.parametrize("kind", PINNED)
def test_label_bytes_are_pinned_in_another_process(kind: str):
    code = (
        "import sys; sys.path.insert(0, 'tests/noise'); import test_noise as t; "
        f"print(t.label_files.sha256(t.noisy({kind!r})))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == PINNED[kind] == label_files.sha256(noisy(kind))


def test_every_catalogue_noise_has_a_generator_and_a_pin():
    assert set(NOISES) == set(GENERATORS) == set(PINNED)


def test_seeds_draw_other_labels():
    assert (noisy("symmetric", seed=1) != noisy("symmetric", seed=2)).any()


@pytest.fixture
def label_file(tmp_path: Path) -> Path:
    noise = {"kind": "symmetric", "rate": 0.4, "variant": "exact", "seed": 1, "version": 1}
    label_files.make(LABELS, classes=list("0123456789"), noise=noise, path=tmp_path / "labels.npz")
    return tmp_path / "labels.npz"


def test_audit_says_what_was_asked_and_what_came_out(label_file: Path):
    audit = json.loads(label_file.with_suffix(".json").read_text())
    assert audit["requested_rate"] == 0.4
    assert audit["wrong_labels"] == 577
    assert np.allclose(np.sum(audit["realised_transition"], axis=1), 1)
    assert np.sum(audit["transition_counts"]) == len(LABELS)
    assert np.allclose(np.diag(audit["requested_transition"]), 0.6)
    assert audit["clean_labels_dominate"]
    assert 0.4 < audit["dominance_margin"] < 0.6
    noisy_labels, clean_labels = label_files.read(label_file)
    assert noisy_labels.dtype == clean_labels.dtype == np.int64
    assert (clean_labels == LABELS).all()
    assert audit["sha256"] == label_files.sha256(noisy_labels)


def test_dominance_is_denied_where_another_label_is_as_frequent():
    clean, given_labels = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    noise = {"kind": "symmetric", "rate": 0.25, "variant": "exact", "seed": 1, "version": 1}
    audit = label_files.audit(clean, given_labels, classes=["a", "b"], noise=noise)
    assert audit["dominance_margin"] == 0
    assert not audit["clean_labels_dominate"]


def test_changed_label_file_is_refused(label_file: Path):
    with np.load(label_file) as file:
        noisy_labels, clean_labels = file["noisy_labels"], file["clean_labels"]
    noisy_labels[0] = (noisy_labels[0] + 1) % 10
    np.savez(label_file, noisy_labels=noisy_labels, clean_labels=clean_labels)
    with pytest.raises(UserError, match="not those of its audit"):
        label_files.read(label_file)


def test_damaged_and_missing_label_files_are_named(label_file: Path):
    label_file.write_bytes(label_file.read_bytes()[:200])
    with pytest.raises(UserError, match="damaged"):
        label_files.read(label_file)
    with pytest.raises(UserError, match="no such label file"):
        label_files.read(label_file.with_name("other.npz"))


def test_labels_out_of_range_are_refused():
    with pytest.raises(UserError, match=r"values 0\.\.9"):
        generate("symmetric", np.array([0, 10]), num_classes=10, rate=0.5, seed=1)
