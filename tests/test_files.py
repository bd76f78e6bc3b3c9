"""A file with its final name is always complete."""

from __future__ import annotations

import json
import multiprocessing
import time
from pathlib import Path

import pytest

from labelnoise.errors import UserError
from labelnoise.files import canonical_hash, locked, read_json, replacing, replacing_folder, write_json


def test_interrupted_write_keeps_the_old_file_and_leaves_no_temporary_one(tmp_path: Path):
    path = tmp_path / "a.json"
    write_json(path, {"old": True})
    with pytest.raises(KeyboardInterrupt), replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert json.loads(path.read_text()) == {"old": True}
    assert list(tmp_path.iterdir()) == [path]


def test_interrupted_folder_keeps_the_old_one_and_leaves_no_temporary_one(tmp_path: Path):
    folder = tmp_path / "tables"
    with replacing_folder(folder) as temporary:
        (temporary / "old").touch()
    with pytest.raises(KeyboardInterrupt), replacing_folder(folder) as temporary:
        (temporary / "half").touch()
        raise KeyboardInterrupt
    assert [path.name for path in folder.iterdir()] == ["old"]
    assert list(tmp_path.iterdir()) == [folder]


def test_nan_is_not_written_as_json(tmp_path: Path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_damaged_json_is_named_with_the_remedy(tmp_path: Path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(UserError, match=r"a\.json: this result is damaged .* delete it and run again"):
        read_json(tmp_path / "a.json", "result")


def test_hash_ignores_only_the_order_of_keys():
    assert canonical_hash({"a": 1, "b": [1, 2]}) == canonical_hash({"b": [1, 2], "a": 1})
    assert canonical_hash({"a": 1, "b": [1, 2]}) != canonical_hash({"a": 1, "b": [2, 1]})


def _hold(path: Path, ready, seconds: float) -> None:
    with locked(path):
        ready.set()
        time.sleep(seconds)


def test_live_lock_is_waited_for(tmp_path: Path):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(tmp_path / ".lock", ready, 0.5))
    holder.start()
    assert ready.wait(20)
    started = time.perf_counter()
    with locked(tmp_path / ".lock"):
        assert time.perf_counter() - started > 0.3
    holder.join()
