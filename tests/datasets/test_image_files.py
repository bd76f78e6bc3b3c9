"""WebVision, Clothing1M, ANIMAL-10N and a user's own image folder: layouts are read, broken ones are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labelnoise.datasets import image_folder
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.info import DatasetInfo
from labelnoise.datasets.store import open_prepared, prepare
from labelnoise.errors import UserError
from labelnoise.experiment.config import DatasetEntry, EntryError
from labelnoise.experiment.datasets import resolve_dataset
from support import image_trees as trees


@pytest.fixture(params=trees.BUILDERS)
def tree(request, tmp_path: Path) -> tuple[DatasetInfo, Path]:
    trees.BUILDERS[request.param](tmp_path / "raw")
    return DATASETS[request.param], tmp_path / "raw"


def colours(root: Path, files: list[str]) -> np.ndarray:
    """The middle pixel's colour of each image."""
    return np.array([np.asarray(Image.open(root / file))[20, 20] for file in files], dtype=int)


def test_every_image_has_the_label_of_its_colour(tree: tuple[DatasetInfo, Path]):
    info, root = tree
    listing = info.load(info, root)
    assert set(listing.files) == set(listing.labels) == {"train", *info.test_sets}
    for files, labels in zip(listing.files.values(), listing.labels.values(), strict=True):
        assert set(labels) == set(range(len(info.classes)))
        expected = np.array([trees.colour(label) for label in labels])
        assert np.abs(colours(root, files) - expected).max() < 75  # pixel noise of 12, and colours differ by 70
        assert np.abs(colours(root, files) - expected).mean() < 12


def test_prepared_form_lists_the_files(tree: tuple[DatasetInfo, Path], tmp_path: Path):
    info, root = tree
    described = prepare(info, root, tmp_path / "out")
    prepared = open_prepared(tmp_path / "out", {"name": info.name, "version": info.version})
    assert prepared.train.images is None
    assert prepared.train.root == root
    assert len(prepared.train) >= 200
    assert (root / prepared.train.files[0].decode()).is_file()
    assert described["skipped"] == []


def test_one_unreadable_image_is_named_and_left_out(tmp_path: Path, capsys):
    trees.animal10n(tmp_path / "raw")
    broken = tmp_path / "raw" / "training" / "3_13.jpg"
    broken.write_bytes(broken.read_bytes()[:300])
    described = prepare(DATASETS["animal10n"], tmp_path / "raw", tmp_path / "out")
    assert len(described["skipped"]) == 1
    assert described["skipped"][0].startswith("training/3_13.jpg: ")
    prepared = open_prepared(tmp_path / "out", {"name": "animal10n", "version": 1})
    assert len(prepared.train) == 239
    assert b"training/3_13.jpg" not in prepared.train.files


def test_more_unreadable_images_than_the_limit_fail_the_job(tmp_path: Path):
    trees.animal10n(tmp_path / "raw")
    for i in (13, 23):
        (tmp_path / "raw" / "training" / f"3_{i}.jpg").write_bytes(b"")
    with pytest.raises(UserError, match=r"2 of 240 images of train cannot be read \(up to 1") as caught:
        prepare(DATASETS["animal10n"], tmp_path / "raw", tmp_path / "out")
    assert "training/3_23.jpg" in str(caught.value)
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_unreadable_test_image_fails_the_job(tmp_path: Path):
    trees.animal10n(tmp_path / "raw")
    (tmp_path / "raw" / "testing" / "0_0.jpg").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"1 of 60 images of test cannot be read \(a test set must be complete"):
        prepare(DATASETS["animal10n"], tmp_path / "raw", tmp_path / "out")


def remove(path: Path) -> None:
    import shutil

    shutil.rmtree(path) if path.is_dir() else path.unlink()


def append(path: Path, line: str) -> None:
    path.write_text(path.read_text() + line + "\n")


BROKEN = [
    ("webvision_mini", lambda r: remove(r / "info"), "train_filelist_google.txt is missing"),
    ("webvision_mini", lambda r: remove(r / "val_images_256"), "neither val_images_256 nor val_images exists"),
    ("webvision_mini", lambda r: remove(r / "imagenet"), "imagenet/val is missing"),
    (
        "webvision_mini",
        lambda r: remove(r / "imagenet/val/n01484850"),
        "n01484850 is missing or has no .*class 2",
    ),
    (
        "webvision_mini",
        lambda r: append(r / "info/val_filelist.txt", "a.jpg 1000"),
        "line 121: the label 1000 is outside 0..999",
    ),
    ("webvision_mini", lambda r: append(r / "info/val_filelist.txt", "a.jpg"), "line 121: must be `file label`"),
    ("webvision_mini", lambda r: append(r / "info/val_filelist.txt", "../a.jpg 1"), "is outside the data set"),
    ("clothing1m", lambda r: remove(r / "annotations/noisy_label_kv.txt"), "noisy_label_kv.txt is missing"),
    ("clothing1m", lambda r: append(r / "annotations/noisy_label_kv.txt", "x.jpg 14"), "the label 14 is outside 0..13"),
    (
        "clothing1m",
        lambda r: append(r / "annotations/noisy_label_kv.txt", "images/0/0,0.jpg 5"),
        "images/0/0,0.jpg has two labels",
    ),
    ("clothing1m", lambda r: append(r / "annotations/clean_test_key_list.txt", "x.jpg"), "x.jpg has no label"),
    ("clothing1m", lambda r: (r / "annotations/clean_val_key_list.txt").write_text(""), "is empty"),
    ("animal10n", lambda r: remove(r / "testing"), "testing is missing"),
    ("animal10n", lambda r: (r / "training/12_1.jpg").write_bytes(b""), "must begin with a label 0..9"),
]


@pytest.mark.parametrize(("name", "breaking", "message"), BROKEN)
def test_broken_layout_is_refused(tmp_path: Path, name: str, breaking, message: str):
    trees.BUILDERS[name](tmp_path)
    breaking(tmp_path)
    with pytest.raises(UserError, match=message) as caught:
        DATASETS[name].load(DATASETS[name], tmp_path)
    assert str(tmp_path) in str(caught.value)


def own(root: Path, **more: object) -> tuple[DatasetInfo, Path]:
    chosen = resolve_dataset(DatasetEntry(name="mine", image_folder=str(root), like="animal10n", **more))
    return chosen.info, chosen.source


def test_image_folder_matches_torchvisions_classes_and_order(tmp_path: Path):
    from torchvision.datasets import ImageFolder

    trees.image_folder(tmp_path)
    info, source = own(tmp_path)
    listing = image_folder.load(info, source)
    files, labels = listing.files["train"], listing.labels["train"]
    theirs = ImageFolder(tmp_path / "train")
    assert list(info.classes) == theirs.classes
    assert [str(tmp_path / file) for file in files] == [path for path, _ in theirs.samples]
    assert labels == theirs.targets


def test_csv_takes_precedence_over_the_folder(tmp_path: Path):
    trees.image_folder(tmp_path)
    rows = ["file,label", *(f"bird/{i}.jpg,cat" for i in range(5)), *(f"train/cat/{i}.jpg,bird" for i in range(5))]
    (tmp_path / "train.csv").write_text("\n".join(rows) + "\n")
    remove(tmp_path / "test")
    (tmp_path / "test.csv").write_text("file,label\ntrain/bird/7.jpg,bird\ntrain/cat/7.jpg,cat\n")
    info, source = own(tmp_path, splits=["train", "test"])
    listing = image_folder.load(info, source)
    assert info.classes == ("bird", "cat")
    assert listing.files["train"][:2] == ["train/bird/0.jpg", "train/bird/1.jpg"]
    assert listing.labels["train"] == [1] * 5 + [0] * 5
    assert (listing.files["test"], listing.labels["test"]) == (["train/bird/7.jpg", "train/cat/7.jpg"], [0, 1])


def test_csv_without_a_folder_is_a_split_only_if_the_config_lists_it(tmp_path: Path):
    trees.image_folder(tmp_path)
    before = own(tmp_path)[0]
    (tmp_path / "meta.csv").write_text("file,label\ntrain/bird/7.jpg,bird\ntrain/cat/7.jpg,cat\n")
    (tmp_path / "notes.csv").write_text("anything\nat all,indeed\n")
    (tmp_path / "._train.csv").write_bytes(b"\0\x05\x16\x07")
    (tmp_path / "__MACOSX" / "train").mkdir(parents=True)
    (tmp_path / "__MACOSX" / "train" / "0.jpg").write_bytes(b"")
    assert own(tmp_path)[0] == before
    remove(tmp_path / "test")
    with pytest.raises(EntryError, match=r"meta\.csv, notes\.csv; a CSV is read if a folder has its name or `splits:"):
        own(tmp_path)


def test_folder_that_is_not_a_split_is_refused_with_the_remedy(tmp_path: Path):
    trees.image_folder(tmp_path)
    (tmp_path / "scripts").mkdir()
    with pytest.raises(EntryError, match=r"name the splits: `splits: \[train, test\]`"):
        own(tmp_path)
    assert own(tmp_path, splits=["train", "test"])[0].test_sets == ("test",)


def test_image_in_train_and_in_a_test_set_is_refused(tmp_path: Path):
    trees.image_folder(tmp_path)
    rows = [f"train/{name}/7.jpg,{name}" for name in ("bird", "cat", "dog", "eel")]
    (tmp_path / "test.csv").write_text("\n".join(["file,label", *rows]) + "\n")
    with pytest.raises(EntryError, match=r"train/bird/7\.jpg is in train and in test"):
        own(tmp_path)
    remove(tmp_path / "test.csv")
    (tmp_path / "test/cat/9999.jpg").symlink_to(tmp_path / "train/cat/3.jpg")
    with pytest.raises(EntryError, match=r"test/cat/9999\.jpg is in train and in test"):
        own(tmp_path)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("1.0,2.0,1.0", ("1", "2")),
        ("10,9,10", ("9", "10")),
        ("1.1e+01,2,2", ("2", "11")),
        ("cat,dog,cat", ("cat", "dog")),
    ],
)
def test_numbers_in_a_split_csv_are_class_names_ordered_by_value(tmp_path: Path, labels: str, expected: tuple):
    trees.image_folder(tmp_path)
    for split, first in (("train", 0), ("test", 5)):
        rows = [f"bird/{first + i}.jpg,{label}" for i, label in enumerate(labels.split(","))]
        (tmp_path / f"{split}.csv").write_text("\n".join(["file,label", *rows]) + "\n")
    assert own(tmp_path)[0].classes == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda train: (train / "bird/0.jpg").rename(train / "cat/99.jpg"),
        lambda train: Image.new("RGB", (90, 70), "red").save(train / "bird/0.jpg"),
    ],
    ids=["label", "image"],
)
def test_changed_label_or_image_is_another_data_set(tmp_path: Path, change):
    trees.image_folder(tmp_path)
    before = own(tmp_path)[0].fingerprint
    assert own(tmp_path)[0].fingerprint == before
    change(tmp_path / "train")
    assert own(tmp_path)[0].fingerprint != before


def test_linked_class_folders_are_followed_and_hidden_ones_ignored(tmp_path: Path):
    trees.image_folder(tmp_path / "a")
    (tmp_path / "a/train/bird").rename(tmp_path / "birds")
    (tmp_path / "a/train/bird").symlink_to(tmp_path / "birds")
    (tmp_path / "a/train/.cache").mkdir()
    (tmp_path / "a/train/.cache/0.jpg").write_bytes(b"")
    (tmp_path / "a/train/cat/._0.jpg").write_bytes(b"")
    info, source = own(tmp_path / "a")
    listing = image_folder.load(info, source)
    files, labels = listing.files["train"], listing.labels["train"]
    assert info.classes == ("bird", "cat", "dog", "eel")
    assert (len(files), labels.count(0)) == (160, 40)


def test_numbered_class_folders_keep_their_numbers(tmp_path: Path):
    trees.image_folder(tmp_path, classes=tuple(str(k) for k in range(1, 11)))
    info, source = own(tmp_path)
    assert info.classes == ("1", "2", "3", "4", "5", "6", "7", "8", "9", "10")
    assert set(image_folder.load(info, source).labels["test"]) == set(range(10))


def test_one_image_with_more_than_eight_bits_is_never_left_out(tmp_path: Path):
    trees.image_folder(tmp_path)
    Image.fromarray(np.arange(64).reshape(8, 8).astype("uint16")).save(tmp_path / "train/cat/deep.png")
    info, source = own(tmp_path)
    with pytest.raises(UserError, match=r"\(images must have 8 bits per channel\); replace them:\n.*cat/deep.png: its"):
        prepare(info, source, tmp_path / "out")


def test_other_endings_are_counted_hidden_files_are_not_and_pgm_is_read(tmp_path: Path):
    trees.image_folder(tmp_path)
    picture = Image.new("L", (20, 20), 40)
    for i in range(4):
        picture.save(tmp_path / f"train/cat/a{i}.gif")
        picture.save(tmp_path / f"train/cat/b{i}.pgm")
        picture.save(tmp_path / f"train/dog/c{i}.jfif", "JPEG")
    (tmp_path / "test/cat/README").write_text("")
    (tmp_path / "test/cat/.DS_Store").write_text("")
    for name in ("train/@eaDir", "train/dog/@eaDir", "train/dog/.thumbnails"):
        (tmp_path / name).mkdir()
        picture.save(tmp_path / name / "thumb.jpg")
    info, source = own(tmp_path)
    listing = image_folder.load(info, source)
    assert info.classes == ("bird", "cat", "dog", "eel")
    assert [file for file in listing.files["train"] if file.endswith(".pgm")] == [
        f"train/cat/b{i}.pgm" for i in range(4)
    ]
    assert listing.others == {".gif": 4, ".jfif": 4, "without ending": 1}
    assert prepare(info, source, tmp_path / "out")["other_files"] == listing.others


def test_folder_whose_files_are_no_images_names_their_endings(tmp_path: Path):
    trees.image_folder(tmp_path)
    for path in (tmp_path / "train/eel").iterdir():
        path.rename(path.with_suffix(".heic"))
    with pytest.raises(EntryError, match=r"train/eel: this class folder has no images .*; it has 40 other files: 40 "):
        own(tmp_path)
    remove(tmp_path / "train")
    (tmp_path / "train/cat").mkdir(parents=True)
    (tmp_path / "train/cat/a.heic").write_bytes(b"")
    with pytest.raises(EntryError, match=r"no images in class folders \(1 other file: 1 .heic\)"):
        own(tmp_path)


def test_animal10n_reads_every_case_of_the_ending_and_no_hidden_file(tmp_path: Path):
    trees.animal10n(tmp_path)
    listed = len(DATASETS["animal10n"].load(DATASETS["animal10n"], tmp_path).files["train"])
    before = DATASETS["animal10n"].fingerprint_of(tmp_path)
    (tmp_path / "training/._3_0.jpg").write_bytes(b"")
    assert DATASETS["animal10n"].fingerprint_of(tmp_path) == before
    (tmp_path / "training/3_13.jpg").rename(tmp_path / "training/3_13.JPG")
    (tmp_path / "training/list.txt").write_text("")
    listing = DATASETS["animal10n"].load(DATASETS["animal10n"], tmp_path)
    assert len(listing.files["train"]) == listed
    assert "training/3_13.JPG" in listing.files["train"]
    assert listing.others == {".txt": 1}


@pytest.mark.parametrize(("first", "second"), [("cat", "Cat"), ("cat", "cat\u200b"), ("k\u00e4fer", "ka\u0308fer")])
def test_classes_that_look_alike_are_warned_about_with_both_names(tmp_path: Path, first: str, second: str):
    trees.image_folder(tmp_path, classes=(first, second, "dog"))
    described = resolve_dataset(DatasetEntry(name="mine", image_folder=str(tmp_path), like="animal10n")).own.description
    assert described.warnings == (
        f"the classes {min(first, second)!a} and {max(first, second)!a} look alike: are they one class?",
    )


def test_one_folder_linked_as_two_classes_is_warned_about_with_both_names(tmp_path: Path):
    trees.image_folder(tmp_path)
    for split in ("train", "test"):
        (tmp_path / split / "hen").symlink_to(tmp_path / split / "bird")
    described = resolve_dataset(DatasetEntry(name="mine", image_folder=str(tmp_path), like="animal10n")).own.description
    assert described.classes == ("bird", "cat", "dog", "eel", "hen")
    assert [line.partition(": ")[2] for line in described.warnings] == [
        "the classes 'bird' and 'hen' are the same folder, by a link"
    ] * 2


@pytest.mark.parametrize(
    "naming",
    [lambda file: file.replace("/", "\\"), lambda file: Path(file).stem, lambda file: Path(file).name],
    ids=["windows", "stem", "name"],
)
def test_csv_of_a_split_names_files_as_label_files_do(tmp_path: Path, naming):
    trees.image_folder(tmp_path)
    files = []
    for number, path in enumerate(sorted((tmp_path / "train").rglob("*.jpg"))):
        files.append(path.rename(path.with_name(f"i{number}.jpg")).relative_to(tmp_path).as_posix())
    labels = [file.split("/")[1] for file in files]
    rows = [f"{naming(file)},{label}" for file, label in zip(files, labels, strict=True)]
    (tmp_path / "train.csv").write_text("\n".join(["file,label", *rows]) + "\n")
    listing = image_folder.load(*own(tmp_path))
    assert listing.files["train"] == files
    assert [("bird", "cat", "dog", "eel")[k] for k in listing.labels["train"]] == labels


def test_splits_may_write_a_class_in_different_unicode_forms(tmp_path: Path):
    trees.image_folder(tmp_path, classes=("u\u0308bel", "dog"))
    (tmp_path / "test/u\u0308bel").rename(tmp_path / "test/\u00fcbel")
    listing = image_folder.load(*own(tmp_path))
    assert set(listing.labels["test"]) == {0, 1}


def test_class_called_like_a_missing_value_is_read_from_a_csv_beside_its_folder(tmp_path: Path):
    trees.image_folder(tmp_path, classes=("NA", "EUR"))
    files = sorted(path.relative_to(tmp_path) for path in (tmp_path / "train").rglob("*.jpg"))
    (tmp_path / "train.csv").write_text("file,label\n" + "".join(f"{file},{file.parent.name}\n" for file in files))
    assert own(tmp_path)[0].classes == ("EUR", "NA")


def test_column_of_a_splits_csv_is_named_in_the_config(tmp_path: Path):
    trees.image_folder(tmp_path)
    rows = [
        f"{path.relative_to(tmp_path)},{path.parent.name},bird" for path in sorted((tmp_path / "train").rglob("*.jpg"))
    ]
    (tmp_path / "train.csv").write_text("\n".join(["file,label,label_noisy", *rows]) + "\n")
    with pytest.raises(EntryError, match="could hold the labels; name one as `column`"):
        own(tmp_path)
    info, source = own(tmp_path, column="label")
    assert info.load(info, source).labels["train"] == [k for k in range(4) for _ in range(40)]
    with pytest.raises(EntryError, match="has the class 'cat', which train does not have"):
        own(tmp_path, column="label_noisy")
    remove(tmp_path / "train.csv")
    with pytest.raises(EntryError, match="`column` names a column of the splits' CSVs, and there are none"):
        own(tmp_path, column="label")


BROKEN_FOLDERS = [
    (lambda r: [remove(path) for path in (r / "train/eel").iterdir()], "train/eel: this class folder has no images"),
    (lambda r: (r / "train.csv").write_text("file,label\nbird/1.jpg,a\nbird/1.jpg,b\n"), "line 3: .* is listed twice"),
    (lambda r: (r / "train.csv").write_bytes(b"file,label\n\xff.jpg,a\n"), "not UTF-8 text"),
    (lambda r: remove(r / "train"), r"an image folder needs train/ \(and test/"),
    (lambda r: remove(r / "test/eel"), "test: no image of the class 'eel'"),
    (
        lambda r: (r / "train/eel").rename(r / "train/eal"),
        "the class 'eel', which train does not have; did you mean eal?",
    ),
    (lambda r: (r / "train.csv").write_text("file;label\n"), "the columns are separated by semicolons; use commas"),
    (lambda r: (r / "train.csv").write_text("label\na\n"), "must have the columns file and label"),
    (lambda r: (r / "train.csv").write_text("file,label\n"), "this file has no labels"),
    (lambda r: (r / "train.csv").write_text("file,label\nno.jpg,a\n"), "line 2: there is no image no.jpg"),
    (lambda r: (r / "train.csv").write_text("file,label\nbird/1.jpg,\n"), "line 2: the label is missing"),
    (lambda r: (r / "train/x.jpg").write_bytes(b""), "is not in a class folder"),
]


@pytest.mark.parametrize(("breaking", "message"), BROKEN_FOLDERS)
def test_broken_image_folder_is_refused(tmp_path: Path, breaking, message: str):
    trees.image_folder(tmp_path)
    breaking(tmp_path)
    with pytest.raises(UserError, match=message):
        image_folder.load(*own(tmp_path))
