"""Run options: what a trial keeps, and the device it uses. None of them changes its result."""

from __future__ import annotations

import itertools
import os
import platform
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from labelnoise import labelling, paths
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.store import prepare
from labelnoise.errors import UserError
from labelnoise.experiment.config_file import ConfigFile
from labelnoise.experiment.trials import expand
from labelnoise.files import read_json
from labelnoise.training import device as devices
from labelnoise.training import job, trial
from labelnoise.training.evaluator import Evaluator
from labelnoise.training.inputs import create_loss
from labelnoise.training.options import DeviceOptions, RunOptions
from labelnoise.trial_folder import TrialFolder
from support.small_training import CPU

CONFIG = {
    "datasets": ["digits"], "noise": [{"kind": "symmetric", "rate": 0.4}], "losses": ["LT-APL"], "seeds": [1],
    "preset": {"name": "lt2024", "dataset": "mnist"}, "train": {"epochs": 3},
}  # fmt: skip


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    """A trial's spec; its data set and label file are in the working folder."""
    monkeypatch.chdir(tmp_path)
    return _spec(CONFIG)


def _spec(config: dict) -> dict:
    (planned,) = expand(ConfigFile("config.yaml", config))[1]
    prepare(DATASETS["digits"], Path(), paths.dataset(planned.spec))
    labelling.write_for_trial(planned.spec, None, planned.labels)
    return planned.spec


def arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)


def test_trial_keeps_what_is_requested_and_its_result_stays_the_same(spec: dict):
    plain, keeping = Path("plain/s1-x"), Path("keeping/s1-x")
    job.run(spec, plain)
    job.run(spec, keeping, RunOptions(keep=["weights", "features", "checkpoint"], snapshots=[2], deterministic=True))
    kept = {path.name for path in keeping.iterdir()} - {path.name for path in plain.iterdir()}
    assert kept == {
        "weights.pt", "weights-0002.pt", "features.npz", "features-0002.npz", "predictions-0002.npz", "checkpoint.pt",
    }  # fmt: skip
    for name in ("result.json", "metrics.csv", "predictions.npz"):
        assert (keeping / name).read_bytes() == (plain / name).read_bytes(), name
    assert {name: array.shape for name, array in arrays(keeping / "features.npz").items()} == {
        "train_features": (1442, 128),
        "test_features": (355, 128),
        "test_labels": (355,),
    }
    assert not np.array_equal(
        *(arrays(keeping / name)["train_features"] for name in ("features.npz", "features-0002.npz"))
    )


def test_kept_weights_give_the_kept_predictions(spec: dict):
    folder = Path("keeping/s1-x")
    job.run(spec, folder, RunOptions(keep=["weights", "features"]))
    loss = create_loss(spec["loss"], num_classes=10)
    loss.initialise(128)
    loss.load_state_dict(torch.load(folder / "weights.pt", weights_only=True)["loss"])
    features = torch.from_numpy(arrays(folder / "features.npz")["test_features"])
    with torch.inference_mode():
        probabilities = loss.eval().logits(features).softmax(dim=1).numpy()
    np.testing.assert_allclose(probabilities, arrays(folder / "predictions.npz")["test_probabilities"], atol=1e-5)


def test_features_are_derived_from_kept_weights_and_never_by_training(spec: dict, monkeypatch: pytest.MonkeyPatch):
    folder = Path("keeping/s1-x")
    job.run(spec, folder, RunOptions(keep=["weights", "features"], snapshots=[1]))
    names = ("features.npz", "features-0001.npz")
    before = {name: (folder / name).read_bytes() for name in names}
    for name in names:
        (folder / name).unlink()
    assert len(trial.derive_features(TrialFolder(folder), DeviceOptions())) == 2
    assert before == {name: (folder / name).read_bytes() for name in names}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="1 GPUs are requested"):
        trial.derive_features(TrialFolder(folder), DeviceOptions(gpus=1))
    (folder / "weights.pt").unlink()
    with pytest.raises(UserError, match="kept no weights"):
        trial.derive_features(TrialFolder(folder), DeviceOptions())


OWN_LOSS = """
import torch

class Own(torch.nn.CrossEntropyLoss):
    pass
"""


@pytest.mark.parametrize(("loss", "resumes_after"), [("CE", 2), ({"target": "own:Own"}, 0)])
def test_failed_trial_resumes_from_its_checkpoint_unless_the_loss_is_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: object, resumes_after: int
):
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(OWN_LOSS)
    config = {key: value for key, value in CONFIG.items() if key != "preset"} | {"losses": [loss]}
    spec = _spec(config)
    folder, evaluations = Path("trials/s1-x"), itertools.count(1)
    read = Evaluator.accuracy

    def fail_third(trained: Evaluator, samples: object) -> float:
        if next(evaluations) == 3:
            raise RuntimeError("DataLoader worker (pid 1) is killed by signal: Killed.")
        return read(trained, samples)

    monkeypatch.setattr(Evaluator, "accuracy", fail_third)
    failed = job.run(spec, folder, RunOptions(checkpoint_minutes=0))
    assert (failed["status"], failed["epochs"]) == ("failed", 2)
    (folder / "result.json").unlink()  # as Snakemake does
    assert job.run(spec, folder)["status"] == "ok"
    assert read_json(folder / "run.json", "run")["epochs_restored"] == resumes_after
    assert not (folder / "checkpoint.pt").exists()


def test_trial_killed_after_its_result_is_adopted_and_leaves_no_checkpoint(spec: dict):
    folder = Path("trials/s1-x")
    result = job.run(spec, folder, RunOptions(keep=["checkpoint"]))
    (folder / "result.json").unlink()
    assert job.run(spec, folder) == result
    assert not (folder / "checkpoint.pt").exists()


def test_each_process_gets_its_own_slot_on_the_emptiest_device(tmp_path: Path):
    with (
        devices.slot(["a", "b"], 2, tmp_path) as first,
        devices.slot(["a", "b"], 2, tmp_path) as second,
        devices.slot(["a", "b"], 2, tmp_path) as third,
    ):
        assert sorted([first, second]) == [0, 1]
        assert third in (0, 1)


def test_trial_waits_for_a_slot(tmp_path: Path):
    taken = []

    def take() -> None:
        with devices.slot(["a"], 1, tmp_path) as number:
            taken.append(number)

    with devices.slot(["a"], 1, tmp_path):
        waiting = threading.Thread(target=take)
        waiting.start()
        time.sleep(3 * devices.WAIT_SECONDS)
        assert taken == []
    waiting.join(timeout=10)
    assert taken == [0]


def test_killed_process_frees_its_slot(tmp_path: Path):
    code = f"""
from pathlib import Path
from labelnoise.training import device
import time
with device.slot(["a"], 1, Path({str(tmp_path)!r})):
    print("taken", flush=True)
    time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "taken\n"
    process.kill()
    process.wait()
    started = time.monotonic()
    with devices.slot(["a"], 1, tmp_path) as number:
        assert number == 0
    assert time.monotonic() - started < devices.WAIT_SECONDS


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_cpu_is_used_without_a_gpu_and_a_missing_gpu_is_an_error(monkeypatch: pytest.MonkeyPatch):
    for gpus in (None, 0):
        with devices.acquired(gpus) as device:
            assert device == CPU
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(UserError, match=r"2 GPUs are requested, but 0 can be used here \(CUDA_VISIBLE_DEVICES=0\)"):
        devices.acquired(2).__enter__()
    with pytest.raises(UserError, match="trials_per_gpu must be ≥ 1"):
        devices.acquired(0, 0).__enter__()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can keep freed memory")
def test_process_on_the_cpu_keeps_freed_memory_for_the_next_step():
    code = """
        import resource, torch
        from labelnoise.training import device

        def faults():
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            for _ in range(5):
                step = [torch.ones(10 << 20) for _ in range(4)]
                del step
            return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

        faults()
        given_back = faults()
        with device.acquired(0):
            faults()
            print(given_back, faults())
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    given_back, kept = map(int, done.stdout.split())
    assert kept < given_back / 10


def test_auto_precision_is_bf16_only_if_measured_faster(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    used = {model: devices.precision_used("auto", CPU, model) for model in ("digits_cnn", "cnn8", "timm/resnet18")}
    assert used == {"digits_cnn": "fp32", "cnn8": "bf16", "timm/resnet18": "fp32"}
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    assert devices.precision_used("auto", CPU, "cnn8") == "fp32"
