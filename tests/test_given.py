"""A label file is matched to samples by their identifiers, and refused if the match is uncertain."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from labelnoise import given, labelling, paths
from labelnoise.datasets import store
from labelnoise.errors import UserError
from labelnoise.experiment.config_file import ConfigFile
from labelnoise.experiment.trials import expand
from labelnoise.noise import corrupt
from labelnoise.readers.annotation_files import Samples
from labelnoise.readers.values import encode
from support import image_trees as trees

FILES = [f"train/{name}/{name}_{i:03}.png" for name in ("bird", "cat", "dog") for i in range(20)]
OWN = np.repeat([0, 1, 2], 20)
CLASSES = ["bird", "cat", "dog"]
NOISY = OWN.copy()
NOISY[[2, 7, 23, 31, 44, 59]] = [1, 2, 0, 2, 0, 1]
SHUFFLED = np.random.RandomState(0).permutation(60)
SAMPLES = Samples(60, FILES)


def table(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"label": np.array(CLASSES)[NOISY], **columns}).iloc[SHUFFLED]


def read(path: Path, samples: Samples = SAMPLES, **options: object) -> given.GivenLabels:
    return given.read(path, CLASSES, samples, **({"own": OWN} | options))


@pytest.mark.parametrize(
    "naming",
    [
        lambda file: file,
        lambda file: f"./{file}",
        lambda file: file.removeprefix("train/"),
        lambda file: Path(file).name,
        lambda file: Path(file).stem,
        lambda file: file.replace("/", "\\"),
    ],
    ids=["whole", "dotted", "in the split", "name", "stem", "windows"],
)
@pytest.mark.parametrize("column", ["file", "image_id", "photo"])
def test_rows_in_another_order_are_joined_by_file_name(tmp_path: Path, naming, column: str):
    table(**{column: [naming(file) for file in FILES]}).to_csv(tmp_path / "l.csv", index=False)
    labels = read(tmp_path / "l.csv")
    assert labels.labels.tolist() == NOISY.tolist()
    assert (labels.source["column"], labels.source["joined_by"], labels.joined_by) == ("label", column, column)


NUMBERED = [f"train/{CLASSES[k]}/{(7 * i) % 60:06}.png" for i, k in enumerate(OWN)]


@pytest.mark.parametrize("column", ["image_id", "file", "filename"])
def test_ids_that_lost_their_leading_zeros_are_joined_by_file_name(tmp_path: Path, column: str):
    table(**{column: [int(Path(file).stem) for file in NUMBERED]}).to_csv(tmp_path / "l.csv", index=False)
    labels = read(tmp_path / "l.csv", Samples(60, NUMBERED))
    assert labels.labels.tolist() == NOISY.tolist()


def test_ids_that_are_no_positions_are_file_names_whatever_their_column_is_called(tmp_path: Path):
    files = [f"train/{CLASSES[k]}/{i + 1:06}.png" for i, k in enumerate(OWN)]
    table(id=range(1, 61)).to_csv(tmp_path / "l.csv", index=False)
    assert read(tmp_path / "l.csv", Samples(60, files)).labels.tolist() == NOISY.tolist()


@pytest.mark.parametrize("column", ["id", "index", None])
def test_numbers_that_may_be_file_names_or_positions_are_refused(tmp_path: Path, column: str | None):
    frame = table(**({} if column is None else {column: [int(Path(file).stem) for file in NUMBERED]}))
    frame.to_csv(tmp_path / "l.csv", index=column is None)
    with pytest.raises(UserError, match=r"7 may be train/bird/000007.png, or sample 7, train/bird/000049.png; call"):
        read(tmp_path / "l.csv", Samples(60, NUMBERED))
    in_order = [f"train/{CLASSES[k]}/{i:06}.png" for i, k in enumerate(OWN)]
    table(id=range(60)).to_csv(tmp_path / "l.csv", index=False)
    assert read(tmp_path / "l.csv", Samples(60, in_order)).labels.tolist() == NOISY.tolist()


@pytest.mark.parametrize("column", ["file", "id"])
def test_exact_names_come_before_numbers_without_their_zeros(tmp_path: Path, column: str):
    stems = ["07", "7", *map(str, range(8, 66))]
    files = [f"train/{CLASSES[k]}/{stem}.png" for k, stem in zip(OWN, stems, strict=True)]
    table(**{column: stems}).to_csv(tmp_path / "l.csv", index=False)
    assert read(tmp_path / "l.csv", Samples(60, files)).labels.tolist() == NOISY.tolist()


@pytest.mark.parametrize("root", ["/home/me/pets", "C:\\Users\\me\\pets", "../pets"])
def test_paths_on_another_machine_are_joined_by_their_ending(tmp_path: Path, root: str):
    table(path=[f"{root}/{file}" for file in FILES]).to_csv(tmp_path / "l.csv", index=False)
    assert read(tmp_path / "l.csv").labels.tolist() == NOISY.tolist()


def test_rows_that_do_not_fit_have_a_remedy_that_does(tmp_path: Path):
    def refused(files: list[str]) -> str:
        pd.DataFrame({"file": files, "label": "cat"}).to_csv(tmp_path / "l.csv", index=False)
        with pytest.raises(UserError) as caught:
            read(tmp_path / "l.csv")
        return str(caught.value)

    assert refused([*FILES, "train/dog/extra.png"]).endswith("remove these rows")
    assert refused(FILES[:-1]).endswith("add the missing rows")
    assert "upper and lower case only" in refused([file.upper() for file in FILES])
    assert refused([f"{i}.bmp" for i in range(60)]).endswith(f"such as {FILES[0]}, one row per file")


def test_composed_and_decomposed_names_of_two_files_are_told_apart(tmp_path: Path):
    files = [*FILES[:-2], "train/dog/\u00fc.png", "train/dog/u\u0308.png"]
    table(file=files).to_csv(tmp_path / "l.csv", index=False)
    assert read(tmp_path / "l.csv", Samples(60, files)).labels.tolist() == NOISY.tolist()


def test_class_names_in_another_unicode_form_are_the_same():
    composed, decomposed = "\u00fcbel", "u\u0308bel"
    where = "l.csv, line {}".format
    assert encode([composed, "dog", decomposed], where, [decomposed, "dog"])[0].tolist() == [0, 1, 0]


@pytest.mark.parametrize(("ours", "theirs"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_composed_and_decomposed_file_names_are_the_same(tmp_path: Path, ours: str, theirs: str):
    files = [f"train/{CLASSES[k]}/k\u00e4tzchen_{i}.png" for i, k in enumerate(OWN)]
    table(file=[unicodedata.normalize(theirs, file) for file in files]).to_csv(tmp_path / "l.csv", index=False)
    samples = Samples(60, [unicodedata.normalize(ours, file) for file in files])
    assert read(tmp_path / "l.csv", samples).labels.tolist() == NOISY.tolist()


@pytest.mark.parametrize("form", ["numbers", "one-hot", "index"])
def test_numbers_in_the_order_of_appearance_are_refused_with_the_renumbering(tmp_path: Path, form: str):
    codes, order = pd.factorize(np.array(CLASSES)[NOISY[SHUFFLED]])
    assert list(order) != CLASSES
    ours = np.empty(60, int)
    ours[SHUFFLED] = codes
    if form == "index":
        pd.DataFrame({"index": SHUFFLED, "label": codes}).to_csv(tmp_path / "l.csv", index=False)
    else:
        np.save(tmp_path / "l.npy", ours if form == "numbers" else np.eye(3)[ours])
    with pytest.raises(UserError) as caught:
        read(tmp_path / ("l.csv" if form == "index" else "l.npy"))
    assert "but with 54 if they mean" in str(caught.value)
    assert all(f"{k} → {name}" in str(caught.value) for k, name in enumerate(order) if CLASSES[k] != name)


@pytest.mark.parametrize("rate", [0.3, 0.6, 0.9])
def test_noisy_numbers_in_the_classes_order_are_accepted_at_any_symmetric_rate(tmp_path: Path, rate: float):
    own = np.arange(3000) % 3
    noisy = corrupt(own, "symmetric", rate=rate, seed=1)
    np.save(tmp_path / "l.npy", noisy)
    assert given.read(tmp_path / "l.npy", CLASSES, Samples(3000), own=own).labels.tolist() == noisy.tolist()


def test_file_names_take_precedence_over_pandas_index(tmp_path: Path):
    table(file=FILES).reset_index(drop=True).to_csv(tmp_path / "l.csv")
    assert read(tmp_path / "l.csv").labels.tolist() == NOISY.tolist()


def test_rows_in_another_order_are_joined_by_index(tmp_path: Path):
    table().to_csv(tmp_path / "l.csv")
    for samples in (SAMPLES, Samples(60)):
        labels = read(tmp_path / "l.csv", samples)
        assert labels.labels.tolist() == NOISY.tolist()
        assert labels.joined_by == ""


def test_index_written_as_floats_is_an_index(tmp_path: Path):
    table(index=np.arange(60.0)).to_csv(tmp_path / "l.csv", index=False)
    assert read(tmp_path / "l.csv", Samples(60)).labels.tolist() == NOISY.tolist()


def test_unrecognised_column_that_numbers_rows_in_another_order_is_refused(tmp_path: Path):
    table(serial=range(60)).to_csv(tmp_path / "l.csv", index=False)
    with pytest.raises(UserError, match="'serial' numbers the rows, but in another order: call it `index` if"):
        read(tmp_path / "l.csv")
    pd.DataFrame({"serial": range(60), "label": NOISY}).to_csv(tmp_path / "l.csv", index=False)
    assert read(tmp_path / "l.csv").labels.tolist() == NOISY.tolist()


def test_rows_in_order_are_treated_as_labels_without_identifiers(tmp_path: Path):
    pd.DataFrame({"file": FILES, "label": NOISY}).to_csv(tmp_path / "l.csv", index=False)
    labels = read(tmp_path / "l.csv")
    assert (labels.source["joined_by"], labels.joined_by) == ("file", None)
    np.save(tmp_path / "l.npy", NOISY)
    assert read(tmp_path / "l.npy").joined_by is None


def test_rows_and_samples_without_a_match_are_named(tmp_path: Path):
    files = [*FILES[:-2], "train/dog/cow.png", "train/dog/owl.png"]
    table(file=files).to_csv(tmp_path / "l.csv", index=False)
    with pytest.raises(UserError) as caught:
        read(tmp_path / "l.csv")
    for text in ("2 of its rows match no training sample", "cow.png", "2 training samples have no row", "dog_018.png"):
        assert text in str(caught.value)
    table(index=range(1, 61)).to_csv(tmp_path / "l.csv", index=False)
    with pytest.raises(UserError, match="'index' numbers the samples from 1 to 60; number them from 0"):
        read(tmp_path / "l.csv")
    table(id=[1000 + i for i in range(60)]).to_csv(tmp_path / "l.csv", index=False)
    with pytest.raises(UserError, match=r"60 of its rows match no training sample \(10"):
        read(tmp_path / "l.csv", Samples(60))


def test_file_names_for_samples_without_names_are_refused(tmp_path: Path):
    table(file=FILES).to_csv(tmp_path / "l.csv", index=False)
    with pytest.raises(UserError, match="this data set's samples have no names; use an `index` from 0"):
        read(tmp_path / "l.csv", Samples(60))


def test_wrong_number_of_labels_is_refused(tmp_path: Path):
    np.save(tmp_path / "l.npy", NOISY[:50])
    with pytest.raises(UserError, match="has 50 labels, but there are 60 training samples"):
        read(tmp_path / "l.npy")


def test_true_labels_in_the_file_must_equal_the_data_sets(tmp_path: Path):
    np.savez(tmp_path / "l.npz", noisy_labels=NOISY, clean_labels=OWN)
    assert read(tmp_path / "l.npz").source["notes"] == ["column 'clean_labels' equals the data set's labels"]
    np.savez(tmp_path / "l.npz", noisy_labels=NOISY[SHUFFLED], clean_labels=OWN[SHUFFLED])
    with pytest.raises(UserError, match=r"but the data set's is .* of 60 differ\): the file belongs to other samples"):
        read(tmp_path / "l.npz")
    assert "not compared" in read(tmp_path / "l.npz", own_are_true=False).source["notes"][0]


@pytest.mark.parametrize("form", ["file", "index", "position", "position of the others"])
def test_row_of_an_unreadable_image_is_dropped(tmp_path: Path, form: str):
    samples = Samples(60, FILES, left_out=[3])
    frame = pd.DataFrame({"label": np.array(CLASSES)[NOISY]})
    if form == "file":
        frame = frame.assign(file=FILES).iloc[SHUFFLED]
    elif form == "index":
        frame = frame.assign(index=range(60)).iloc[SHUFFLED]
    elif form == "position of the others":
        frame = frame.drop(index=3)
    frame.to_csv(tmp_path / "l.csv", index=False)
    labels = read(tmp_path / "l.csv", samples, own=np.delete(OWN, 3))
    assert labels.labels.tolist() == np.delete(NOISY, 3).tolist()


def test_positions_in_torchvisions_order_are_not_read_as_folder_names(tmp_path: Path):
    classes = [str(k) for k in range(11)]
    own = np.repeat(np.arange(11), 4)
    samples = Samples(44, [f"train/{k}/{k}_{i}.png" for i, k in enumerate(own)])
    text_order = sorted(classes)
    torchvision = np.array([text_order.index(str(k)) for k in own])
    np.save(tmp_path / "l.npy", torchvision)
    with pytest.raises(
        UserError, match=r"the labels agree with 8 of 44; read as positions in torchvision's order .*, with 44"
    ):
        given.read(tmp_path / "l.npy", classes, samples, own=own)
    noisy = own.copy()
    noisy[::5] = 3
    np.save(tmp_path / "l.npy", noisy)
    assert given.read(tmp_path / "l.npy", classes, samples, own=own).labels.tolist() == noisy.tolist()


# From the config to the label file


def folder(root: Path, broken: str | None = None) -> None:
    for split in ("train", "test"):
        for k, name in enumerate(CLASSES):
            (root / split / name).mkdir(parents=True)
            for i in range(20):
                Image.new("RGB", (8, 8), tuple(map(int, trees.colour(k)))).save(
                    root / split / name / f"{name}_{i:03}.png"
                )
    if broken:
        (root / broken).write_bytes(b"no image")


def label_file(noise: dict, dataset: dict) -> tuple[np.ndarray, dict]:
    """The noisy labels and the audit of the only label file of a config."""
    values = {"datasets": [dataset], "noise": [noise], "losses": ["CE"], "seeds": [1]}
    _, (trial,) = expand(ConfigFile("config.yaml", values))
    store.prepare(trial.dataset.info, trial.dataset.source, paths.dataset(trial.spec))
    audit = labelling.write_for_trial(trial.spec, trial.noise_source, trial.labels)
    with np.load(trial.labels) as file:
        assert ("clean_labels" in file.files) == (audit["clean_sha256"] is not None)
        return file["noisy_labels"], audit | {"spec": trial.spec, "path": trial.labels}


@pytest.mark.parametrize("broken", [None, "train/bird/bird_003.png"])
def test_annotations_by_file_name_are_matched_in_the_label_file(tmp_path: Path, monkeypatch, broken: str | None):
    monkeypatch.chdir(tmp_path)
    folder(tmp_path / "images", broken)
    table(file=FILES).to_csv("l.csv", index=False)
    mine = {"name": "mine", "image_folder": "images", "like": "animal10n"}
    noisy, audit = label_file({"kind": "file", "path": "l.csv"}, mine)
    assert noisy.tolist() == (np.delete(NOISY, 3) if broken else NOISY).tolist()
    assert audit["wrong_labels"] == 6
    assert audit["source"]["joined_by"] == "file"
    assert audit["source"]["column"] == "label"
    assert audit["spec"]["noise"]["joined_by"] == "file"


def test_true_labels_of_given_noise_are_unknown_unless_stated(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = np.full((60, 8, 8), 9, np.uint8)
    held = {"x_train": images, "x_test": images[:9], "y_test": OWN[::7]}
    np.savez("unknown.npz", y_train=NOISY, **held)
    np.savez("stated.npz", y_train=NOISY, y_train_clean=OWN, **held)
    noisy, audit = label_file({"kind": "given"}, {"name": "mine", "arrays": "unknown.npz", "like": "digits"})
    assert noisy.tolist() == NOISY.tolist()
    unknown = ("wrong_labels", "realised_rate", "realised_transition", "clean_labels_dominate", "clean_sha256")
    assert [audit[key] for key in unknown] == [None] * 5
    noisy, audit = label_file({"kind": "given"}, {"name": "mine", "arrays": "stated.npz", "like": "digits"})
    assert noisy.tolist() == NOISY.tolist()
    assert audit["wrong_labels"] == 6
    noisy, audit = label_file({"kind": "clean"}, {"name": "mine", "arrays": "stated.npz", "like": "digits"})
    assert noisy.tolist() == OWN.tolist()
    assert audit["wrong_labels"] == 0


def test_data_set_with_given_labels_refuses_noise_that_needs_true_labels(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = np.full((60, 8, 8), 9, np.uint8)
    np.savez("mine.npz", x_train=images, y_train=NOISY, x_test=images[:9], y_test=OWN[::7])
    mine = {"name": "mine", "arrays": "mine.npz", "like": "digits", "labels": "given"}
    for noise in ({"kind": "clean"}, {"kind": "symmetric", "rate": 0.2}):
        with pytest.raises(UserError, match="noise needs true labels, and those of mine are unknown"):
            label_file(noise, mine)
    np.save("l.npy", OWN)
    noisy, audit = label_file({"kind": "file", "path": "l.npy"}, mine)
    assert noisy.tolist() == OWN.tolist()
    assert audit["wrong_labels"] is None
    assert audit["spec"]["noise"]["truth"] == "unknown"


def test_label_file_without_true_labels_is_described_and_checked_against_its_data_set(tmp_path: Path, monkeypatch):
    from labelnoise.noise.audit import describe
    from labelnoise.noise.label_file import read as read_labels

    monkeypatch.chdir(tmp_path)
    images = np.full((60, 8, 8), 9, np.uint8)
    np.savez("mine.npz", x_train=images, y_train=NOISY, x_test=images[:9], y_test=OWN[::7])
    _, audit = label_file({"kind": "given"}, {"name": "mine", "arrays": "mine.npz", "like": "digits"})
    assert "60 labels; how many are wrong is unknown" in describe(audit["path"])
    assert read_labels(audit["path"], NOISY)[1] is None
    with pytest.raises(UserError, match="was made for other data"):
        read_labels(audit["path"], OWN)
    assert json.loads(audit["path"].with_suffix(".json").read_text())["wrong_labels"] is None


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["label", *map(str, NOISY[:50])], "has 50 labels, but there are 60 training samples"),
        (["a,b", *(f"{k},{k}" for k in NOISY)], "each of the columns 'a', 'b' could hold the labels"),
        (["label", *["nan"] * 60], "line 2: the label is missing"),
    ],
)
def test_label_file_that_does_not_fit_is_refused_when_planning(
    tmp_path: Path, monkeypatch, labels: list[str], message: str
):
    monkeypatch.chdir(tmp_path)
    folder(tmp_path / "images")
    Path("l.csv").write_text("\n".join(labels) + "\n")
    values = {
        "datasets": [{"name": "mine", "image_folder": "images", "like": "animal10n"}],
        "noise": [{"kind": "file", "path": "l.csv"}], "losses": ["CE"], "seeds": [1],
    }  # fmt: skip
    with pytest.raises(UserError, match=message) as caught:
        expand(ConfigFile("config.yaml", values))
    assert str(caught.value).startswith("config.yaml: noise[0].path: ")
