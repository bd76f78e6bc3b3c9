"""Files written by numpy, pandas and json with their defaults are read back unchanged or refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labelnoise.errors import UserError
from labelnoise.given import read as read_given
from labelnoise.readers import annotation_files, matrices
from labelnoise.readers.annotation_files import Samples
from labelnoise.readers.values import encode

NAMES = ["cat", "dog", "eel", "fox", "NA", "1", "two words", "ünïcode", "a,b", 'quo"te']

# All kinds of labels: numbers with any start, gaps or missing values; names that look like something else.
numbers = st.lists(st.integers(-1, 6), min_size=2, max_size=14)
names = st.lists(st.sampled_from(NAMES), min_size=2, max_size=14)
labels = numbers | names | st.lists(st.sampled_from([0.0, 1.0, 2.0, float("nan"), 0.5]), min_size=2, max_size=14)


def savetxt(path: Path, values: list) -> None:
    np.savetxt(path, np.array(values), fmt="%s" if isinstance(values[0], str) else "%.18e")


WRITERS = {
    "numpy.npy": lambda path, values: np.save(path, np.array(values)),
    "numpy.npz": lambda path, values: np.savez(path, np.array(values)),
    "savetxt.csv": savetxt,
    "savetxt_integers.csv": lambda path, values: np.savetxt(path, np.array(values), fmt="%s"),
    "series.csv": lambda path, values: pd.Series(values).to_csv(path),
    "series_without_index.csv": lambda path, values: pd.Series(values).to_csv(path, index=False),
    "frame.csv": lambda path, values: pd.DataFrame({"label": values}).to_csv(path),
    "frame_without_index.csv": lambda path, values: pd.DataFrame({"label": values}).to_csv(path, index=False),
    "frame_without_names.csv": lambda path, values: pd.DataFrame(values).to_csv(path),
    "series.json": lambda path, values: pd.Series(values).to_json(path),
    "frame.json": lambda path, values: pd.DataFrame({"label": values}).to_json(path),
    "records.json": lambda path, values: pd.DataFrame({"label": values}).to_json(path, orient="records"),
    "split.json": lambda path, values: pd.DataFrame({"label": values}).to_json(path, orient="split"),
    "table.json": lambda path, values: pd.DataFrame({"label": values}).to_json(path, orient="table"),
    "json.json": lambda path, values: path.write_text(json.dumps(values)),
    "json_by_index.json": lambda path, values: path.write_text(json.dumps(dict(enumerate(values)))),
}


@pytest.mark.parametrize("writer", WRITERS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=labels)
def test_labels_are_read_back_unchanged_or_refused(tmp_path: Path, writer: str, values: list):
    path = tmp_path / writer
    path.unlink(missing_ok=True)
    WRITERS[writer](path, values)
    try:
        annotations = annotation_files.read(path)
        read, classes = encode(annotations.values, annotations.where)
    except UserError as error:
        assert writer in str(error)
        return
    assert len(read) == len(values)
    back = [classes[label] for label in read.tolist()]
    assert back == [value if isinstance(value, str) else str(int(value)) for value in values]
    assert all(value == value and value == int(value) for value in values if isinstance(value, float))


@pytest.mark.parametrize("writer", WRITERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_rows_in_any_order_are_matched_to_their_samples_or_refused(tmp_path: Path, writer: str, data: st.DataObject):
    count = data.draw(st.integers(2, 12))
    own = np.array(data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count)))
    order = data.draw(st.permutations(range(count)))
    path = tmp_path / writer
    path.unlink(missing_ok=True)
    shuffled = pd.DataFrame({"label": own}).iloc[list(order)]
    shown = {"file": [f"train/a/{i}.png" for i in order]} if data.draw(st.booleans()) else {}
    frame = shuffled.assign(**shown)
    if path.suffix == ".json" and "records" not in writer:
        frame.to_json(path)
    elif path.suffix == ".json":
        frame.to_json(path, orient="records")
    elif path.suffix == ".csv":
        frame.to_csv(path, index="without_index" not in writer)
    else:
        np.savez(
            path.with_suffix(".npz"), index=frame.index, label=frame.label, **{"files": frame.file} if shown else {}
        )
        path = path.with_suffix(".npz")
    samples = Samples(count, [f"train/a/{i}.png" for i in range(count)])
    try:
        given_labels = read_given(path, ["a", "b", "c"], samples, own=own)
    except UserError:
        return
    names_samples = bool(shown) or (path.suffix == ".csv" and "without_index" not in writer) or path.suffix == ".npz"
    if names_samples:
        assert given_labels.labels.tolist() == own.tolist()


def rows(size: int) -> st.SearchStrategy[np.ndarray]:
    weights = st.lists(st.lists(st.floats(0.01, 1), min_size=size, max_size=size), min_size=size, max_size=size)
    return weights.map(lambda rows: np.array(rows) / np.array(rows).sum(axis=1, keepdims=True))


MATRIX_WRITERS = {
    "numpy.npy": lambda path, matrix, order: np.save(path, matrix),
    "savetxt.csv": lambda path, matrix, order: np.savetxt(path, matrix, delimiter=","),
    "rounded.csv": lambda path, matrix, order: np.savetxt(path, matrix, delimiter=",", fmt="%.3f"),
    "frame.csv": lambda path, matrix, order: pd.DataFrame(matrix).to_csv(path),
    "frame_without_index.csv": lambda path, matrix, order: pd.DataFrame(matrix, columns=list("abc")).to_csv(
        path, index=False
    ),
    "named.csv": lambda path, matrix, order: (
        pd.DataFrame(matrix, columns=list("abc"), index=list("abc")).iloc[list(order), list(order[::-1])].to_csv(path)
    ),
}


@pytest.mark.parametrize("writer", MATRIX_WRITERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(matrix=rows(3), order=st.permutations(range(3)))
def test_matrices_are_read_back_unchanged(tmp_path: Path, writer: str, matrix: np.ndarray, order: list):
    path = tmp_path / writer
    MATRIX_WRITERS[writer](path, matrix, order)
    read = matrices.read(path, ["a", "b", "c"])
    assert np.abs(np.array(read.rows) - matrix).max() < (2e-3 if writer == "rounded.csv" else 1e-6)
    assert np.allclose(np.sum(read.rows, axis=1), 1, atol=1e-6)
    assert (read.correction > 0) <= (writer == "rounded.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.7,0,0.3\n0.2,0.9,0.1\n0.1,0.1,0.6\n", "its columns do: transpose it, rows are true classes"),
        (",a,b,d\na,1,0,0\nb,0,1,0\nd,0,0,1\n", "the rows are called a, b, d, but the classes are a, b, c"),
        ("0.7,0.2,0.05\n0,1,0\n0,0,1\n", "the row of class 0 sums to 0.9"),
        ("0.5,0.5\n0.5,0.5\n", "must be 3 × 3"),
        ("x\n", "list of numbers|must be 3 × 3"),
    ],
)
def test_invalid_matrix_is_refused_with_a_hint(tmp_path: Path, text: str, message: str):
    (tmp_path / "T.csv").write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        matrices.read(tmp_path / "T.csv", ["a", "b", "c"])
    assert "T.csv: " in str(caught.value)


def test_rounded_matrix_with_a_byte_order_mark_is_read_and_the_correction_recorded(tmp_path: Path):
    row = ["0.022"] * 10
    text = "\n".join(",".join([*row[:i], "0.800", *row[i + 1 :]]) for i in range(10))
    (tmp_path / "T.csv").write_text("\ufeff" + text)
    matrix = matrices.read(tmp_path / "T.csv", [str(k) for k in range(10)])
    assert matrix.correction == pytest.approx(0.002)
    assert matrix.spec["correction"] == matrix.correction
    assert matrix.rows[0][0] == pytest.approx(0.8 / 0.998)
