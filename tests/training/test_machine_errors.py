"""Errors of the machine are not results: the job ends with a message, and the trial resumes from its checkpoint."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch

from labelnoise import paths
from labelnoise.datasets import store
from labelnoise.errors import MachineError, UserError
from labelnoise.experiment.config_file import ConfigFile
from labelnoise.experiment.trials import expand
from labelnoise.files import read_json
from labelnoise.labelling import write_for_trial
from labelnoise.training import device as devices
from labelnoise.training import job, machine_errors, probe
from labelnoise.training.options import DeviceOptions, RunOptions
from support.pretend_cuda import broken, pretend

OF_THE_MACHINE = {
    "kernels": (RuntimeError("CUDA error: no kernel image is available for execution on the device\nx"), "no kernels"),
    "memory": (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "lower trials_per_gpu"),
    "driver memory": (torch.AcceleratorError("CUDA error: out of memory"), "lower trials_per_gpu"),
    "cublas": (
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        "lower trials",
    ),
    "cudnn": (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"), "the GPU or its driver failed"),
    "ecc": (torch.AcceleratorError("CUDA error: uncorrectable ECC error encountered"), "the GPU or its driver failed"),
    "busy": (torch.AcceleratorError("CUDA error: all CUDA-capable devices are busy or unavailable"), "exclusive mode"),
    "driver": (RuntimeError("CUDA driver version is insufficient for CUDA runtime version"), "driver is too old"),
    "host memory": (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate"), "run fewer"),
}
OF_THE_TRIAL = [
    torch.AcceleratorError("CUDA error: device-side assert triggered"),
    RuntimeError("mat1 and mat2 shapes cannot be multiplied (4x8 and 9x2)"),
    ValueError("out of memory, says the user's loss"),
]


@pytest.mark.parametrize("case", OF_THE_MACHINE)
def test_error_of_the_machine_is_explained_with_a_remedy(case: str):
    error, remedy = OF_THE_MACHINE[case]
    assert remedy in machine_errors.explain(error)


@pytest.mark.parametrize("error", OF_THE_TRIAL, ids=str)
def test_error_of_the_trial_is_not_the_machines(error: Exception):
    assert machine_errors.explain(error) is None


CONFIG = {
    "datasets": ["digits"], "noise": ["clean"], "losses": ["CE"], "seeds": [1],
    "train": {"epochs": 4, "precision": "fp32", "batch_size": 256},
}  # fmt: skip


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(job, "PAUSE_SECONDS", 0)
    trial = expand(ConfigFile("config.yaml", CONFIG))[1][0]
    store.prepare(trial.dataset.info, trial.dataset.source, paths.dataset(trial.spec))
    write_for_trial(trial.spec, None, trial.labels)
    return trial.spec


UNCAPTURED = DeviceOptions(capture=False)


def failing_at(number: int, error: Exception):
    """A fault that raises at one operation on the device."""
    operations = itertools.count(1)

    def fault(name: str) -> None:
        if next(operations) == number:
            raise error

    return fault


@pytest.mark.parametrize(("case", "when"), [("kernels", 1), ("cublas", 9), ("busy", 2500)])
def test_trial_on_a_broken_gpu_has_no_result_and_resumes(spec: dict, case: str, when: int):
    error, remedy = OF_THE_MACHINE[case]
    folder = Path("trials/s1-x")
    with pretend():
        # Without progress, more attempts than a failure of the trial's own would get.
        for _ in range(1 if when == 2500 else 4):
            with pytest.raises(MachineError, match=remedy), broken(failing_at(when, error)):
                job.run(spec, folder, RunOptions(checkpoint_epochs=1), UNCAPTURED, attempt=2)
            assert not (folder / "result.json").exists()
        assert (folder / "checkpoint.pt").exists() == (when == 2500)
        assert job.run(spec, folder, device_options=UNCAPTURED, attempt=7)["status"] == "ok"
    restored = read_json(folder / "run.json", "run")["epochs_restored"]
    assert restored > 0 if when == 2500 else restored == 0


def test_device_side_assert_is_the_trials_own_failure(spec: dict):
    error = torch.AcceleratorError("CUDA error: device-side assert triggered")
    with pretend(), broken(failing_at(2500, error)):
        result = job.run(spec, Path("trials/s1-x"), device_options=UNCAPTURED)
    assert result["status"] == "failed"
    assert "device-side assert" in result["reason"]


def test_gpu_without_kernels_is_refused_before_training(monkeypatch: pytest.MonkeyPatch):
    with pretend():
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (3, 7))
        monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_90", "compute_90"])
        with pytest.raises(UserError, match=r"no kernels for pretend \(compute capability 3.7; it has sm_75, sm_90"):
            devices.usable_gpus()
        assert devices.usable_gpus(0) == 0
        for capability in ((8, 9), (9, 0), (12, 0)):
            monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_, c=capability: c)
            monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_80", "sm_90", "compute_90"])
            assert devices.usable_gpus() == 1


def test_gpu_that_torch_cannot_use_is_named_in_plan_and_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(devices, "_GPU_FILE", tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "this machine has a GPU, but torch" in probe.gpus()[1]
    with devices.acquired() as device:
        assert device.type == "cpu"
    assert "this trial runs on the CPU" in capsys.readouterr().out
    with pytest.raises(UserError, match=r"1 GPUs are requested, but 0 can be used here \(this machine has a GPU"):
        devices.usable_gpus(1)
    assert probe.gpus(0) == (0, None)
    monkeypatch.setattr(devices, "_GPU_FILE", tmp_path / "none")
    monkeypatch.setattr(devices.shutil, "which", lambda name: None)
    assert devices.unusable_gpu() is None


def test_forecast_takes_no_slot_and_times_captured_steps(spec: dict, monkeypatch: pytest.MonkeyPatch):
    from labelnoise.training.recipe import Recipe
    from support import pretend_cuda

    monkeypatch.setattr(devices, "slot", lambda *_: pytest.fail("waits for a slot"))
    recipe = Recipe(**spec["recipe"] | {"batch_size": 16})
    with pretend():
        before = pretend_cuda.replays()
        assert probe.images_per_second(recipe, num_classes=10, channels=1, image_size=8, gpus=1) > 0
        assert pretend_cuda.replays() - before >= 8
