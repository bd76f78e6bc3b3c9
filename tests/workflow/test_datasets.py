"""Every form of data set and every kind of noise, run through the whole Snakefile."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from support import image_trees as trees
from support.project import Project

# Each class of the image trees is one colour, so 8 × 8 pixels are enough.
TINY = {
    "model": "digits_cnn", "image_size": 8, "resize": [8, 8], "augmentation": ["random_crop", "flip"], "epochs": 12,
    "batch_size": 32, "lr": 0.1, "weight_decay": 1e-4, "schedule": "cosine", "pretrained": False, "threads": 1,
    "precision": "fp32",
}  # fmt: skip


@pytest.mark.long
def test_official_layouts_are_read_with_the_right_labels(project: Project):
    for name, build in trees.BUILDERS.items():
        build(project.folder / "raw" / name)
    trees.image_folder(project.folder / "raw" / "mine")
    catalogue = [{"name": name, "path": f"raw/{name}"} for name in trees.BUILDERS]
    own = {"name": "mine", "image_folder": "raw/mine", "like": "animal10n"}
    config = {"datasets": [*catalogue, own], "noise": ["given"], "losses": ["CE"], "seeds": [1], "train": TINY}
    project.write(yaml.safe_dump(config))
    project.snakemake()
    rows = pd.read_csv(project.results / "trials.csv")
    assert set(zip(rows.dataset, rows.test_set, strict=True)) == {
        ("webvision_mini", "webvision"),
        ("webvision_mini", "ilsvrc12"),
        ("clothing1m", "test"),
        ("clothing1m", "clean_val"),
        ("animal10n", "test"),
        ("mine", "test"),
    }
    assert (rows.last_accuracy > 90).all(), rows[["dataset", "test_set", "last_accuracy"]]
    assert set(rows.memorised) == set(rows.realised_rate) == {"unknown"}
    folder = project.folder / rows.folder[0]
    assert json.loads((folder / "result.json").read_text())["memorised"] == "unknown"
    assert set(pd.read_csv(folder / "metrics.csv").memorised) == {"unknown"}
    assert "<td>unknown</td>" in (project.results / "report.html").read_text()
    assert (project.results / "tables" / "webvision_mini-ilsvrc12-last.csv").exists()
    assert project.would_run() == {}


@pytest.fixture
def arrays(project: Project) -> Path:
    """An .npz with 300 images of 8 × 8 in three classes, and a file of noisy labels from an annotator."""
    random = np.random.RandomState(0)
    labels = random.permutation(np.arange(300) % 3)
    images = np.clip(labels[:, None, None] * 80 + random.normal(40, 10, (300, 8, 8)), 0, 255).astype(np.uint8)
    held = {"x_train": images[:240], "y_train": labels[:240], "x_test": images[240:], "y_test": labels[240:]}
    np.savez(project.folder / "mine.npz", classes=np.array(["cat", "dog", "eel"]), **held)
    given = labels[:240].copy()
    given[:24] = (given[:24] + 1) % 3
    names = [["cat", "dog", "eel"][label] for label in given]
    (project.folder / "given.csv").write_text("\n".join(["label", *names]) + "\n")
    return project.folder / "mine.npz"


NOISES = """\
noise:
  - clean
  - {kind: symmetric, rate: 0.3, variant: [exact, bernoulli]}
  - {kind: asymmetric, rate: 0.3, map: {cat: dog, dog: cat}}
  - {kind: asymmetric, matrix: [[0.8, 0.1, 0.1], [0, 1, 0], [0.2, 0.2, 0.6]], label: my matrix}
  - {kind: instance, rate: 0.2}
  - {kind: file, path: given.csv, label: one annotator}
"""
OWN = "datasets: [{name: mine, arrays: mine.npz, like: digits}]\n" + NOISES + "losses: [CE]\nseeds: [1, 2]\n"


def test_own_arrays_and_every_noise_reach_tables_and_figures(project: Project, arrays: Path):
    project.write(OWN + "train: {epochs: 3}\n")
    project.snakemake()
    trials = pd.read_csv(project.results / "trials.csv")
    assert (trials.status == "ok").all()
    assert trials.groupby("noise", sort=False).ngroups == 7
    table = pd.read_csv(project.results / "tables" / "mine-last.csv", index_col=0)
    assert table.loc["CE"].drop([column for column in table if "tied" in column]).notna().all()  # none of two seeds
    markdown = (project.results / "tables" / "mine-last.md").read_text()
    for heading in ("symmetric bernoulli 0.3", "asymmetric own map 0.3", "my matrix", "one annotator", "instance 0.2"):
        assert heading in markdown
    realised = trials.drop_duplicates("noise").set_index(trials.drop_duplicates("noise").noise.str.partition("-")[0])
    assert realised.loc["file", "realised_rate"] == pytest.approx(0.1)
    # A noise without a seed has one file; the others have one per seed.
    files = [path.name for path in (project.results / "labels" / "mine").glob("*.npz")]
    assert len(files) == 2 + 5 * 2
    for path in (project.results / "labels" / "mine").glob("*.json"):
        audit = json.loads(path.read_text())
        assert audit["classes"] == ["cat", "dog", "eel"]
        assert audit["size"] == 240
    assert (project.results / "figures" / "mine-transition_matrices.svg").exists()
    assert project.would_run() == {}


def test_data_without_clean_test_labels_says_so_in_every_table(project: Project, arrays: Path):
    with np.load(arrays) as file:
        held = dict(file)
    np.savez(project.folder / "bare.npz", **{name: held[name] for name in ("classes", "x_train", "y_train")})
    np.savez(project.folder / "noisy.npz", **held)
    own = [
        {"name": "bare", "arrays": "bare.npz", "like": "digits", "labels": "given"},
        {"name": "noisy", "arrays": "noisy.npz", "like": "digits", "labels": "given", "test_labels": "given"},
    ]
    config = {"datasets": own, "noise": ["given"], "losses": ["CE", "MAE"], "seeds": [1, 2], "train": {"epochs": 2}}
    project.write(yaml.safe_dump(config))
    refused = project.labelnoise("plan")
    assert refused.returncode == 2
    assert "bare has no test set; hold out a part of its training samples: train: {validation: 0.2}" in refused.stderr
    project.write(yaml.safe_dump(config | {"train": {"epochs": 2, "validation": 0.25}}))
    assert "losses are compared on held-out noisy labels" in project.labelnoise("plan").stdout
    project.snakemake()
    trials = pd.read_csv(project.results / "trials.csv")
    assert set(zip(trials.dataset, trials.test_set, strict=True)) == {
        ("bare", "held_out"), ("noisy", "held_out"), ("noisy", "test"),
    }  # fmt: skip
    row = trials[trials.dataset == "bare"].iloc[0]
    arrays_kept = np.load(project.folder / row.folder / "predictions.npz")
    predicted = arrays_kept["held_out_probabilities"].argmax(axis=1)
    agreement = 100 * (predicted == held["y_train"][arrays_kept["validation_index"]]).mean()
    assert abs(agreement - row.last_accuracy) < 1e-4
    captions = {path.name: path.read_text() for path in project.results.glob("tables/*-last.md")}
    assert {*captions} == {"bare-held_out-last.md", "noisy-held_out-last.md", "noisy-test-last.md"}
    assert all("NO CLEAN TEST LABELS" in text and "test accuracy" not in text for text in captions.values())
    assert "noisy (test, noisy labels)" in captions["noisy-test-last.md"]
    page = (project.results / "report.html").read_text()
    assert "has no clean test labels" in page and "When it is not" in page


def test_changed_data_or_labels_make_new_trials_and_reverting_reuses_old_ones(project: Project, arrays: Path):
    project.write(OWN + "train: {epochs: 1}\nonly: {noise: [clean, file], seeds: [1]}\n")
    project.snakemake("trials")
    assert project.would_run() == {"check": 1, "figures": 1, "report": 1, "tables": 1}
    before = (project.folder / "given.csv").read_text()
    (project.folder / "given.csv").write_text(before.replace("eel", "dog", 1))
    assert project.would_run("trials") == {"collect": 1, "labels": 1, "train": 1}
    (project.folder / "given.csv").write_text(before)
    assert project.would_run("trials") in ({}, {"collect": 1})
    held = dict(np.load(arrays))
    held["x_train"] = held["x_train"] // 2
    np.savez(arrays, **held)
    assert project.would_run("trials") == {"collect": 1, "data": 1, "labels": 2, "train": 2}


@pytest.mark.long
def test_moved_or_changed_images_are_reindexed(project: Project):
    def configure(path: str, *losses: str) -> None:
        config = {"datasets": [{"name": "animal10n", "path": path}], "noise": ["given"], "losses": list(losses)}
        project.write(yaml.safe_dump(config | {"seeds": [1], "train": TINY | {"epochs": 1}}))

    trees.animal10n(project.folder / "old")
    configure("old", "CE")
    project.snakemake("trials")
    (project.folder / "old").rename(project.folder / "new")
    configure("new", "CE")
    assert "train" not in project.would_run("trials")
    configure("new", "CE", "MAE")
    assert project.would_run("trials") == {"collect": 1, "data": 1, "set_index_aside": 1, "train": 1}
    project.snakemake("trials")
    (described,) = project.results.glob("data/animal10n-*/dataset.json")
    assert json.loads(described.read_text())["root"] == "new"
    assert project.would_run("trials") == {}
    # adding an image makes another data set
    (project.folder / "new/training/0_9999.jpg").write_bytes((project.folder / "new/training/0_0.jpg").read_bytes())
    assert project.would_run("trials") == {"collect": 1, "data": 1, "labels": 1, "train": 2}


def test_label_file_of_wrong_length_is_refused_before_anything_runs(project: Project, arrays: Path):
    (project.folder / "given.csv").write_text("label\ncat\ndog\n")
    project.write(OWN + "train: {epochs: 1}\n")
    output = project.snakemake(expect=1)
    assert "noise[5].path: given.csv: has 2 labels, but there are 240 training samples" in output
    assert not project.results.exists()


def test_without_network_the_run_names_missing_files_and_their_place(project: Project):
    project.write("datasets: [mnist]\nnoise: [clean]\nlosses: [CE]\nseeds: [1]\n")
    environment = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:1")
    with pytest.MonkeyPatch.context() as patch:
        for key, value in environment.items():
            patch.setenv(key, value)
        output = project.snakemake(expect=1)
    assert "cannot download train-images-idx3-ubyte.gz" in output
    assert "put it at results/downloads/mnist/train-images-idx3-ubyte.gz" in output
    assert "tee:" not in output


def test_noise_without_clean_label_dominance_gives_a_warning(project: Project):
    project.write("datasets: [digits]\nnoise: [{kind: symmetric, rate: 0.95}]\nlosses: [CE]\nseeds: [1]\n")
    assert "digits, symmetric 0.95: in some class a wrong label is as frequent" in project.snakemake("-n")
    assert "warning: digits, symmetric 0.95" in project.labelnoise("plan").stdout


def test_label_file_without_clean_label_dominance_gives_a_warning(project: Project, arrays: Path):
    (project.folder / "given.csv").write_text("label\n" + "eel\n" * 200 + "cat\n" * 40)
    project.write(OWN + "train: {epochs: 1}\nonly: {noise: [file], seeds: [1]}\n")
    warning = "warning: mine, one annotator: in some class a wrong label is as frequent as the true one"
    assert warning in project.snakemake("trials")
    assert warning in project.snakemake("-n")
    assert warning in project.labelnoise("plan").stdout


@pytest.mark.skipif(
    not Path(os.environ.get("LABELNOISE_REAL_DATA", "nowhere"), "cifar10.npz").exists(),
    reason="LABELNOISE_REAL_DATA names no folder with cifar10.npz and CIFAR-10_human.pt",
)
def test_real_cifar10n_gives_the_published_noise_rates(project: Project):
    real = Path(os.environ["LABELNOISE_REAL_DATA"])
    downloads = project.results / "downloads" / "cifar10"
    downloads.mkdir(parents=True)
    (downloads / "CIFAR-10_human.pt").symlink_to(real / "CIFAR-10_human.pt")
    project.write(
        f"datasets: [{{name: webp, arrays: {real / 'cifar10.npz'}, like: cifar10}}]\n"
        "noise: [{kind: human, variant: [aggre, worst]}, {kind: asymmetric, rate: 0.4}]\nlosses: [CE]\nseeds: [1]\n"
    )
    targets = set(re.findall(r"results/labels/[^\s;,]+\.npz", project.snakemake("-n")))
    project.snakemake(*sorted(targets))
    rates = [json.loads(path.read_text())["realised_rate"] for path in project.results.glob("labels/webp/*.json")]
    assert sorted(rates) == [pytest.approx(0.0901, abs=5e-5), pytest.approx(0.2), pytest.approx(0.40208)]
