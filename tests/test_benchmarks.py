"""The benchmarks that need a GPU, or hours, run: at a tiny size here, so that they do not fail where time is short."""

from __future__ import annotations

import sys

import pytest
import torch

from support.project import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import gpu
import throughput


@pytest.mark.parametrize("part", [throughput.with_loader, throughput.in_memory])
def test_both_sides_of_the_throughput_run(part, monkeypatch: pytest.MonkeyPatch):
    options = (0,) if part is throughput.with_loader else ()
    assert part("cnn4", 160, torch.device("cpu"), *options)() > 0


def test_engine_of_the_throughput_runs():
    throughput.engine("digits_cnn", 160, torch.device("cpu"), "fp32")()


@pytest.mark.long
def test_script_for_a_gpu_runs_from_its_first_row_to_its_last():
    rows = list(gpu.rows(None, gpu.TINY, lambda what: True))
    assert [row[0] for row in rows] == [
        "device", "cnn8, 3 epochs, CE, symmetric 0.4", "cnn8, captured", "cnn8, not captured", "resnet34, 200 epochs",
        "cnn8, 2 at once",
    ]  # fmt: skip
    assert all(float(row[1]) > 0 for row in rows[1:])
