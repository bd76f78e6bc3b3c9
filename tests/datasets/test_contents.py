"""Rewritten images are another data set, touched ones the same; copies of training images in test sets are named."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labelnoise import paths
from labelnoise.datasets import contents
from labelnoise.datasets.own import find_copies
from labelnoise.datasets.store import open_prepared, prepare
from labelnoise.experiment import finished
from labelnoise.experiment.config import DatasetEntry
from labelnoise.experiment.datasets import Dataset, resolve_dataset


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def draw(seed: int = 0, split: str = "") -> None:
    """Write BMPs, whose size does not depend on their pixels."""
    random = np.random.default_rng(seed)
    for path in [Path(f"data/{s}/{k}/{i}.bmp") for s in ("train", "test") for k in ("cat", "dog") for i in range(3)]:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (9, 9, 3), dtype=np.uint8)
        if not split or split in path.parts:
            Image.fromarray(pixels).save(path)


def resolved() -> Dataset:
    return resolve_dataset(DatasetEntry(name="mine", image_folder="data", like="animal10n"))


def prepared() -> Path:
    dataset = resolved()
    folder = paths.dataset({"dataset": dataset.identity})
    prepare(dataset.info, dataset.source, folder)
    return folder


@pytest.mark.parametrize("split", ["", "train", "test"])
def test_pictures_rewritten_at_the_same_size_are_another_data_set_and_the_old_ones_are_found_again(split: str):
    draw()
    before = prepared()
    assert paths.dataset({"dataset": resolved().identity}) == before
    draw(seed=1, split=split)
    after = paths.dataset({"dataset": resolved().identity})
    assert after != before
    assert prepared() == after == paths.dataset({"dataset": resolved().identity})
    assert len(open_prepared(after, resolved().identity).train) == 6
    draw()
    assert paths.dataset({"dataset": resolved().identity}) == before


def test_touched_pictures_are_the_same_data_set_and_are_read_once(monkeypatch: pytest.MonkeyPatch):
    draw()
    folder = prepared()
    for path in Path("data").rglob("*.bmp"):
        os.utime(path, ns=(0, 0))
    dataset = resolved()
    assert paths.dataset({"dataset": dataset.identity}) == folder
    finished.refresh_contents(folder, dataset)
    monkeypatch.setattr(contents, "digest", lambda content: pytest.fail("read again"))
    assert paths.dataset({"dataset": resolved().identity}) == folder


def test_data_set_prepared_without_a_record_keeps_its_identity():
    draw()
    folder = prepared()
    (folder / "contents.npz").unlink()
    draw(seed=1)
    assert paths.dataset({"dataset": resolved().identity}) == folder


def test_copies_in_test_sets_are_counted_and_named_before_and_after_preparing():
    draw()
    for i in range(2):
        Path(f"data/test/dog/copy{i}.bmp").write_bytes(Path(f"data/train/cat/{i}.bmp").read_bytes())
    expected = (
        "2 of 8 images of test are copies of training images: "
        "test/dog/copy0.bmp = train/cat/0.bmp, test/dog/copy1.bmp = train/cat/1.bmp"
    )
    dataset = resolved()
    assert find_copies(dataset.own, dataset.source) == [expected]
    assert open_prepared(prepared(), dataset.identity).copies == [expected]


def test_copies_in_arrays_are_counted_and_named():
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    tests = np.concatenate((images[[7, 3]], 255 - images[:4]))
    labels = np.arange(12) % 3
    np.savez("a.npz", x_train=images, y_train=labels, x_test=tests, y_test=labels[:6], x_new=255 - images, y_new=labels)
    dataset = resolve_dataset(DatasetEntry(name="mine", arrays="a.npz", like="cifar10"))
    expected = [
        "2 of 6 images of test are copies of training images: test sample 0 = train sample 7, test sample 1 = "
        "train sample 3"
    ]
    assert find_copies(dataset.own, dataset.source) == expected
    folder = paths.dataset({"dataset": dataset.identity})
    assert prepare(dataset.info, dataset.source, folder)["copies"] == expected


def test_large_data_sets_are_not_compared_before_they_are_prepared(monkeypatch: pytest.MonkeyPatch):
    draw()
    monkeypatch.setattr("labelnoise.datasets.own._COMPARED_AT_ONCE", 100)
    dataset = resolved()
    assert find_copies(dataset.own, dataset.source) is None
