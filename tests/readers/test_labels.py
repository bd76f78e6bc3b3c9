"""Labels from any usual file are read correctly, or refused with one message that names the line and the remedy."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from labelnoise.errors import UserError
from labelnoise.readers import annotation_files
from labelnoise.readers.values import encode, in_order


def read(path: Path, classes: list[str] | None = None, **options: object) -> tuple[list[int], list[str]]:
    annotations = annotation_files.read(path, **options)
    labels, names = encode(annotations.values, annotations.where, classes)
    return labels.tolist(), names


def numbered(values: object, classes: list[str] | None = None, **options: object) -> tuple[list[int], list[str]]:
    labels, names = encode(values, lambda row: f"l.csv, line {row + 1}", classes, **options)
    return labels.tolist(), names


WRITTEN = {
    "header.csv": "label\ncat\ndog\ncat\n",
    "bare.csv": "cat\ndog\ncat\n",
    "columns.csv": "file,label\na.jpg,cat\nb.jpg,dog\nc.jpg,cat\n",
    "other_name.csv": "file,breed\na.jpg,cat\nb.jpg,dog\nc.jpg,cat\n",
    "confidence.csv": "breed,confidence\ncat,0.9\ndog,0.5\ncat,0.7\n",
    "bom.csv": "\ufefflabel\r\ncat\r\ndog\r\ncat\r\n",
    "list.json": '["cat", "dog", "cat"]',
    "dict.json": '{"labels": ["cat", "dog", "cat"], "other": 1}',
    "mapping.json": '{"a.jpg": "cat", "b.jpg": "dog", "c.jpg": "cat"}',
    "records.json": '[{"file": "a", "label": "cat"}, {"file": "b", "label": "dog"}, {"file": "c", "label": "cat"}]',
}


@pytest.mark.parametrize("name", WRITTEN)
def test_class_names_are_read_from_any_format(tmp_path: Path, name: str):
    (tmp_path / name).write_text(WRITTEN[name], encoding="utf-8")
    assert read(tmp_path / name) == ([0, 1, 0], ["cat", "dog"])


def test_numbers_are_read_from_any_format(tmp_path: Path):
    np.save(tmp_path / "l.npy", np.array([2, 0, 1], dtype=np.uint8))
    np.save(tmp_path / "column.npy", np.array([[2.0], [0.0], [1.0]]))
    np.save(tmp_path / "one_hot.npy", np.eye(3, dtype=np.float32)[[2, 0, 1]])
    np.savez(tmp_path / "l.npz", noisy_labels=np.array([2, 0, 1]), clean_labels=np.array([0, 0, 0]))
    (tmp_path / "l.json").write_text("[2, 0, 1]")
    (tmp_path / "column.json").write_text("[[2], [0], [1]]")
    (tmp_path / "l.csv").write_text("2\n0\n1\n")
    np.savetxt(tmp_path / "savetxt.csv", [2, 0, 1])
    pd.DataFrame({"label": [2, 0, 1]}).to_csv(tmp_path / "pandas.csv")
    for path in tmp_path.iterdir():
        assert read(path) == ([2, 0, 1], ["0", "1", "2"]), path.name


def test_scientific_notation_is_a_number(tmp_path: Path):
    labels = [4, 9, 11, 0, 10, 1, 2, 3, 5, 6, 7, 8, 11]
    np.savetxt(tmp_path / "l.csv", labels)
    assert read(tmp_path / "l.csv") == (labels, [str(k) for k in range(12)])


BAD = {
    "gone.csv": (None, "no such label file"),
    "empty.csv": ("", "this file has no labels"),
    "only_header.csv": ("label\n", "this file has no labels"),
    "hole.csv": ("label\ncat\n \ndog\n", r"line 3: the label is missing"),
    "blank.csv": ("cat\n\ndog\ncat\n", r"line 2: the label is missing"),
    "nan.csv": ("1\n0\nnan\n0\n", r"line 3: the label is missing \('nan'\): add it or remove the sample"),
    "nan_after_0.csv": ("0\n0\nnan\n1\n", r"line 3: the label is missing"),
    "pandas_na.csv": ("label\ncat\n<NA>\n", r"line 3: the label is missing"),
    "null.json": ('["cat", null]', "sample 1: the label is missing"),
    "nan.json": ("[1, 0, NaN]", "sample 2: the label is missing"),
    "header.csv": ("breed\ncat\ndog\ncat\ndog\n", "the first line, 'breed', occurs once: if it is a header"),
    "header_of_numbers.csv": ("breed\n0\n1\n", "the first line, 'breed', is followed by numbers"),
    "pandas_series.csv": ("0\n1\n0\n2\n", "the first line, 0, may be a label or the header that pandas writes"),
    "ragged.json": ("[[1], [2, 3]]", "the rows differ in length"),
    "gap.json": ("[0, 1000000000]", "no sample has the label 1, though labels go up to 1000000000"),
    "from_one.json": ("[1, 2, 1]", "labels are numbered from 1 to 2; number them from 0"),
    "columns.csv": ("a,b\n1,2\n", "each of the columns 'a', 'b' could hold the labels; name one as `column`"),
    "two.csv": ("file,label,label_noisy\na,0,1\nb,1,1\n", "each of the columns 'label', 'label_noisy' could hold"),
    "two.npz": ({"y_train": [0, 1], "y_test": [1, 0]}, "each of the columns 'y_train', 'y_test' could hold"),
    "no_header.csv": ("1,2\n3,4\n", "the first line, '1,2', is not a header"),
    "twice.csv": ("label,label\n0,1\n", "two columns are called 'label'"),
    "long_row.csv": ("file,label\na,0\nb,1,2\n", "line 3: this row has 3 cells, but the first line has 2"),
    "short_row.csv": ("file,label\na,0\nb\n", "line 3: this row has 1 cells, but the first line has 2"),
    "semicolons.csv": ("file;label\na;0\nb;1\n", "the columns are separated by semicolons; use commas"),
    "twice_a_file.csv": ("file,label\na,0\na,1\n", "line 3: 'a' is listed twice in 'file'"),
    "floats.json": ("[0.5, 1]", "sample 0: the label 0.5 is neither a whole number nor a class name"),
    "soft.json": ("[[0.5, 0.5], [1, 0]]", "must be one-hot: a single 1, all others 0"),
    "two_ones.json": ("[[1, 0], [1, 1]]", "sample 1: a label of 2 numbers must be one-hot"),
    "mixed.csv": ("label\n3\ncat\n", r"labels mix numbers and names: '3' \(.*line 2\) and 'cat' \(.*line 3\)"),
    "mixed.json": ('["cat", 3]', "the labels mix numbers and text; write all in the same form"),
    "bars.csv": ("file|label\na|0\nb|1\n", "the columns are separated by bars; use commas"),
    "cp1252.csv": ("label\nk\u00e4se\n".encode("cp1252"), "not UTF-8 text; save it as `CSV UTF-8`"),
    "excel_unicode.csv": ("label\nk\u00e4se\n".encode("utf-16"), "not UTF-8 text; save it as `CSV UTF-8`"),
    "no_mark.csv": ("label\ncat\ndog\n".encode("utf-16-le"), "not UTF-8 text; save it as `CSV UTF-8`"),
    "bytes.npz": ({"label": np.array(["k\u00e4se".encode("cp1252"), b"cat"])}, "sample 0: the label .* is not UTF-8"),
    "objects.npz": ({"label": np.array(["cat", "dog"], dtype=object)}, r"save it with .astype\(str\)"),
    "padded.csv": ("label\n01\n1\n0\n", "'01' occurs with and without leading zeros"),
    "index.csv": ("label\n" + "\n".join(map(str, range(12))), "every sample has a different label"),
    "broken.json": ("[0, 1", "cannot be read"),
    "key_twice.json": ('{"a": 0, "a": 1}', "the key 'a' occurs twice"),
    "labels.txt": ("0", "not from .txt"),
    "labels.npy": ("not an array", "cannot be read"),
    "labels.npz": ("not an array", "cannot be read"),
    "negative.csv": ("label\n0\n-1\n", "line 3: the label -1 is negative"),
    "large.csv": ("label\n0\n1e300\n", "line 3: the label 1e300 is too large"),
}


@pytest.mark.parametrize("name", BAD)
def test_ambiguous_or_invalid_labels_are_refused_with_their_place(tmp_path: Path, name: str):
    content, message = BAD[name]
    if isinstance(content, dict):
        np.savez(tmp_path / name, **content)
    elif isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    elif content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path / name)
    assert name in str(caught.value)


def test_booleans_are_the_numbers_of_two_classes(tmp_path: Path):
    (tmp_path / "l.json").write_text("[true, false, true]")
    np.save(tmp_path / "l.npy", np.array([True, False, True]))
    assert read(tmp_path / "l.json") == read(tmp_path / "l.npy") == ([1, 0, 1], ["0", "1"])


def test_blanks_around_class_names_make_no_difference():
    labels = np.array(["cat", "dog ", "cat "])
    assert numbered(labels, ["cat ", "dog"])[0] == [0, 1, 0]
    with pytest.raises(UserError, match="'cat', 'cat ', 'dog' differ in blanks or encoding only"):
        numbered(labels, ["cat", "cat ", "dog"])


def test_numbers_for_padded_class_names_are_accepted_if_name_and_position_agree():
    for labels in (np.array([2, 0, 1]), np.array(["2", "0", "1"])):
        assert numbered(labels, ["00000", "00001", "00002"])[0] == [2, 0, 1]
    with pytest.raises(UserError, match="could be names or positions"):
        numbered(np.array([2, 1]), ["1", "2", "3"])


def test_unknown_class_name_is_refused_with_the_nearest_one():
    with pytest.raises(UserError, match=r"line 2: the label 'dgo' is not a class; did you mean dog\?"):
        numbered(["cat", "dgo"], ["cat", "dog"])


def test_known_class_may_be_named_like_a_missing_value():
    assert numbered(["NA", "SA"], ["NA", "SA"])[0] == [0, 1]


def test_whole_numbers_in_any_notation_are_numbers():
    assert numbered(["1.0", "0.0"])[0] == [1, 0]
    assert numbered(["1e0", "+0", "02.", "0"])[0] == [1, 0, 2, 0]
    assert numbered([1.0, 0.0])[0] == [1, 0]
    assert numbered(["00", "01", "02"]) == ([0, 1, 2], ["0", "1", "2"])
    assert numbered([b"b", b"a"])[1] == ["a", "b"]


def test_text_is_read_as_a_class_name_before_a_number():
    classes = ["1", "2", "10"]
    assert numbered(["10", "1", "2"], classes)[0] == [2, 0, 1]


def test_numbers_for_classes_named_by_other_numbers_need_a_unique_reading():
    classes = ["1", "2", "3"]
    assert numbered(np.array([0, 1, 2]), classes)[0] == [0, 1, 2]  # only positions include 0
    assert numbered(np.array([1, 2, 3]), classes)[0] == [0, 1, 2]  # only names include 3
    with pytest.raises(UserError, match="could be names or positions"):
        numbered(np.array([1, 2]), classes)
    with pytest.raises(UserError, match="could be neither names nor positions"):
        numbered(np.array([0, 3]), classes)


def test_labels_numbered_from_1_for_known_classes_are_refused_with_a_hint():
    with pytest.raises(UserError, match="labels are numbered from 1: subtract 1"):
        numbered(np.arange(1, 11), list("abcdefghij"))


def test_class_without_samples_is_refused_if_all_must_occur():
    assert numbered([0, 2], ["a", "b", "c"])[0] == [0, 2]
    with pytest.raises(UserError, match=r"no sample has the class b \(1 of 3 classes are empty\)"):
        numbered([0, 2], ["a", "b", "c"], complete=True)


def test_one_hot_rows_need_one_number_per_class():
    assert numbered(np.eye(2, dtype=int), ["a", "b"])[0] == [0, 1]
    with pytest.raises(UserError, match="one-hot rows have 3 numbers, but there are 2 classes"):
        numbered(np.eye(3, dtype=int), ["a", "b"])


def test_classes_named_by_numbers_are_ordered_by_value():
    assert in_order({"10", "2", "0", "cat"}) == ("0", "2", "10", "cat")


def test_column_option_resolves_ambiguous_label_columns(tmp_path: Path):
    path = tmp_path / "l.csv"
    path.write_text("file,label,label_noisy\na.png,0,1\nb.png,1,1\nc.png,1,0\n")
    assert read(path, column="label_noisy")[0] == [1, 1, 0]
    assert read(path, column="label")[0] == [0, 1, 1]
    with pytest.raises(UserError, match=r"unknown column 'noisy' — did you mean label_noisy\? Allowed: file, label"):
        read(path, column="noisy")


def test_pairs_give_the_noisy_labels_and_drawing_noise_needs_a_named_column(tmp_path: Path):
    path = tmp_path / "pairs.csv"
    path.write_text("clean_label,noisy_label\ncat,dog\ndog,dog\ncat,cat\n")
    annotations = annotation_files.read(path)
    assert (annotations.column, annotations.true_column) == ("noisy_label", "clean_label")
    with pytest.raises(UserError, match="each of the columns 'clean_label', 'noisy_label' could hold the labels"):
        annotation_files.read(path, want_true=True)
    assert annotation_files.read(path, want_true=True, column="clean_label").column == "clean_label"


def test_number_of_samples_distinguishes_pandas_header_from_a_label(tmp_path: Path):
    path = tmp_path / "series.csv"
    pd.Series([1, 0, 2]).to_csv(path, index=False)
    assert read(path, count=3)[0] == [1, 0, 2]
    assert annotation_files.read(path, count=3).table.notes == ["the first line, 0, is a header"]
    assert read(path, count=4)[0] == [0, 1, 0, 2]


def test_pickled_labels_are_not_loaded(tmp_path: Path):
    np.save(tmp_path / "l.npy", np.array([0, {"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match=r"an array of Python objects, which is not read; save it with .astype\(str\)"):
        read(tmp_path / "l.npy")


def test_pandas_json_is_joined_by_its_keys(tmp_path: Path):
    frame = pd.DataFrame({"label": [0, 1, 1]}, index=["b.png", "a.png", "c.png"])
    frame.to_json(tmp_path / "l.json")
    annotations = annotation_files.read(tmp_path / "l.json")
    assert annotations.identifiers == {"key": ["b.png", "a.png", "c.png"]}
    assert json.loads((tmp_path / "l.json").read_text())["label"]["b.png"] == 0
