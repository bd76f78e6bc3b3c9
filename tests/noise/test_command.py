"""`labelnoise noise --labels` makes noisy labels for a user's own data; `labelnoise audit` checks them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from labelnoise import cli
from labelnoise.datasets.catalogue import DATASETS

NAMES = ["cat", "dog", "eel"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch) -> Path:
    """A folder with labels.csv (300 class names) and features.npy."""
    monkeypatch.chdir(tmp_path)
    labels = np.arange(300) % 3
    Path("labels.csv").write_text("file,label\n" + "".join(f"{i}.jpg,{NAMES[k]}\n" for i, k in enumerate(labels)))
    np.save("features.npy", np.random.RandomState(0).normal(size=(300, 5)))
    return tmp_path


def noise(*arguments: str) -> int:
    return cli.main(["noise", "--labels", "labels.csv", "--out", "noisy", *arguments])


KINDS = {
    "symmetric": ["--kind", "symmetric", "--rate", "0.4"],
    "asymmetric": ["--kind", "asymmetric", "--rate", "0.4", "--map", "cat=dog,dog=cat"],
    "instance": ["--kind", "instance", "--rate", "0.4", "--features", "features.npy"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_noisy_labels_are_written_as_csv_and_npz_with_an_audit(here: Path, kind: str, capsys):
    assert noise(*KINDS[kind]) == 0
    with np.load("noisy.npz") as file:
        true, given = file["clean_labels"], file["noisy_labels"]
    assert true.tolist() == [i % 3 for i in range(300)]
    rows = list(csv.DictReader(Path("noisy.csv").read_text().splitlines()))
    assert [NAMES.index(row["clean_label"]) for row in rows] == true.tolist()
    assert [NAMES.index(row["noisy_label"]) for row in rows] == given.tolist()
    audit = json.loads(Path("noisy.json").read_text())
    assert audit["wrong_labels"] == (true != given).sum()
    assert audit["classes"] == NAMES
    for name in ("noisy.npz", "noisy.csv"):
        assert cli.main(["audit", name]) == 0
        assert f"{kind} (" in capsys.readouterr().out


def test_published_map_of_a_data_set_can_be_used(here: Path):
    Path("labels.csv").write_text("label\n" + "".join(f"{i % 10}\n" for i in range(1000)))
    assert noise("--kind", "asymmetric", "--rate", "0.4", "--like", "cifar10") == 0
    with np.load("noisy.npz") as file:
        true, given = file["clean_labels"], file["noisy_labels"]
    assert (true != given).mean() == 0.2
    assert set(given[true == 9].tolist()) == {1, 9}


def test_published_maps_are_matched_by_class_name(here: Path):
    names = [*DATASETS["fashion_mnist"].classes]
    Path("labels.csv").write_text("".join(f"{i % 10 + 1}\n" for i in range(1000)))
    assert noise("--kind", "asymmetric", "--rate", "0.4", "--like", "cifar10") == 2  # numbered from 1
    Path("labels.csv").write_text("".join(f"{names[i % 10]}\n" for i in range(1000)))
    assert noise("--kind", "asymmetric", "--rate", "0.4", "--like", "cifar10") == 2  # other names
    shuffled = sorted(DATASETS["cifar10"].classes, key=lambda name: name[::-1])
    Path("labels.csv").write_text("".join(f"{shuffled[i % 10]}\n" for i in range(1000)))
    assert noise("--kind", "asymmetric", "--rate", "0.4", "--like", "cifar10") == 0
    wrong = {
        (row["clean_label"], row["noisy_label"]) for row in csv.DictReader(Path("noisy.csv").read_text().splitlines())
    }
    assert {pair for pair in wrong if pair[0] != pair[1]} == {
        ("truck", "automobile"), ("bird", "airplane"), ("deer", "horse"), ("cat", "dog"), ("dog", "cat"),
    }  # fmt: skip


def test_transition_matrix_is_read_from_a_csv(here: Path):
    Path("T.csv").write_text("0.5,0.5,0\n0,1,0\n0.1,0.1,0.8\n")
    assert noise("--kind", "asymmetric", "--matrix", "T.csv") == 0
    audit = json.loads(Path("noisy.json").read_text())
    assert audit["transition_counts"] == [[50, 50, 0], [0, 100, 0], [10, 10, 80]]
    assert not audit["clean_labels_dominate"]


def test_rounded_matrix_is_corrected_and_the_audit_records_the_correction(here: Path, capsys):
    Path("T.csv").write_text("0.333,0.333,0.333\n0,1,0\n0.1,0.1,0.8\n")
    assert noise("--kind", "asymmetric", "--matrix", "T.csv") == 0
    audit = json.loads(Path("noisy.json").read_text())
    assert audit["requested_transition_correction"] == pytest.approx(0.001)
    assert audit["requested_transition"][0] == pytest.approx([1 / 3] * 3)
    capsys.readouterr()
    assert cli.main(["audit", "noisy.csv"]) == 0
    output = capsys.readouterr().out
    assert "the requested matrix was rounded: its rows missed 1 by up to 0.001 and were divided by their sums" in output
    assert "labels read from labels.csv: column 'label'\n" in output


def test_sample_identifiers_are_written_beside_the_noisy_labels(here: Path):
    assert noise(*KINDS["symmetric"]) == 0
    rows = list(csv.DictReader(Path("noisy.csv").read_text().splitlines()))
    assert [row["file"] for row in rows] == [f"{i}.jpg" for i in range(300)]
    with np.load("noisy.npz") as file:
        assert file["files"].tolist() == [row["file"] for row in rows]


def test_changed_csv_is_detected(here: Path, capsys):
    noise(*KINDS["symmetric"])
    Path("noisy.csv").write_text(Path("noisy.csv").read_text().replace("cat,dog", "cat,eel", 1))
    assert cli.main(["audit", "noisy.csv"]) == 2
    assert "noisy.csv: the labels do not match its audit" in capsys.readouterr().err


WRONG = [
    (["--kind", "symetric", "--rate", "0.4"], "unknown kind of noise to draw 'symetric' — did you mean symmetric?"),
    (["--kind", "human", "--rate", "0.4"], "Allowed: symmetric, asymmetric, pair, instance"),
    (["--kind", "symmetric"], "--rate: symmetric noise needs a noise rate in [0, 1)"),
    (["--kind", "symmetric", "--rate", "1.2"], "--rate: a noise rate must lie in [0, 1), got 1.2"),
    (["--kind", "symmetric", "--rate", "0.4", "--variant", "exat"], "did you mean exact?"),
    (
        ["--kind", "asymmetric", "--rate", "0.4"],
        "needs one of --map cat=dog,dog=cat, --matrix T.csv or",
    ),
    (["--kind", "asymmetric", "--rate", "0.4", "--map", "cat=dgo"], "unknown class 'dgo' — did you mean dog?"),
    (["--kind", "asymmetric", "--rate", "0.4", "--like", "cifar10"], "cifar10 has 10 classes, but these labels have 3"),
    (["--kind", "asymmetric", "--matrix", "no.csv"], "no.csv"),
    (["--kind", "instance", "--rate", "0.4"], "instance noise needs --features"),
    (["--kind", "instance", "--rate", "0.4", "--features", "labels.csv"], "labels.csv is not a readable .npy"),
    (["--kind", "instance", "--rate", "0.4", "--features", "short.npy"], "short.npy: must be 300 rows of numbers"),
    (["--kind", "symmetric", "--rate", "0.001"], "class 0 has 100 samples, too few for a noise rate of 0.001"),
    (["--kind", "symmetric", "--rate", "0.4", "--out", "labels.csv"], "labels.csv would be overwritten"),
    (
        ["--kind", "instance", "--rate", "0.4", "--features", "features.npy", "--map", "cat=dog"],
        "--map: instance noise takes no map",
    ),
    (
        ["--kind", "symmetric", "--rate", "0.4", "--features", "features.npy"],
        "--features does not apply to symmetric noise",
    ),
    (["--kind", "asymmetric", "--rate", "0.4", "--map", "cat=cat"], "cat is mapped to itself"),
    (
        ["--kind", "asymmetric", "--rate", "0.4", "--matrix", "T.csv"],
        "--rate: noise given by a matrix has no noise rate",
    ),
    (["--kind", "asymmetric", "--rate", "0.4", "--map", "cat=dog", "--variant", "blocks"], "has its own map"),
    (["--kind", "asymmetric", "--matrix", "T.csv", "--out", "T"], "T.csv would be overwritten"),
    (["--kind", "symmetric", "--rate", "0.4", "--out", "labels.csv/x"], "labels.csv"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_mistakes_are_reported_and_nothing_is_written(here: Path, capsys, arguments: list[str], message: str):
    np.save("short.npy", np.zeros((7, 5)))
    Path("T.csv").write_text("1,0,0\n0,1,0\n0,0,1\n")
    before = {path: path.read_bytes() for path in here.iterdir()}
    assert noise(*arguments) == 2
    assert message in capsys.readouterr().err
    assert {path: path.read_bytes() for path in here.iterdir()} == before
