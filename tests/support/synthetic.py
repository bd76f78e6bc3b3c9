"""A finished experiment without training: result files of any number of trials, with plausible made-up numbers."""

from __future__ import annotations

import zlib
from pathlib import Path
from unittest import mock

import numpy as np
import yaml

from labelnoise.experiment.run import Run
from labelnoise.experiment.trials import Trial
from labelnoise.files import write_csv, write_json
from labelnoise.losses import catalogue
from labelnoise.noise import label_file
from labelnoise.noise.generate import generate
from labelnoise.trial_folder import Status, new_result
from labelnoise.trial_metrics import summarise

EPOCHS = 60
_SAMPLES = 2_000
_NOISES = [
    "clean",
    {"kind": "symmetric", "rate": [0.2, 0.4, 0.6, 0.8]},
    {"kind": "asymmetric", "rate": [0.1, 0.2, 0.3, 0.4]},
]


def config(losses: int, datasets: int, seeds: int) -> dict[str, object]:
    """A config with so many losses, data sets and seeds, and nine noises."""
    plain = [name for name in catalogue.names() if not catalogue.needs(name)][:12]
    varied = [{"loss": "GCE", "label": f"GCE {i}", "q": round(0.1 + 0.02 * i, 2)} for i in range(losses - len(plain))]
    return {
        "datasets": ["digits", "mnist", "cifar10", "cifar100"][:datasets],
        "noise": _NOISES,
        "losses": [*plain[:losses], *varied],
        "seeds": list(range(1, seeds + 1)),
        "train": {"epochs": EPOCHS, "precision": "fp32"},
    }


def write(values: dict[str, object], path: Path = Path("config.yaml")) -> Run:
    """Write the config and, in the working folder, the results of all of its trials; return the run."""
    path.write_text(yaml.safe_dump(values))
    run = Run.from_config(path, {})
    with mock.patch("os.fsync"):  # made-up files need not survive a crash
        _write(run)
    return run


def _write(run: Run) -> None:
    run.write_files()
    labels = {trial.labels: trial for trial in run.trials}
    sha256 = {file: _write_labels(trial) for file, trial in labels.items()}
    for trial in run.trials:
        _write_trial(trial, sha256[trial.labels])


def _write_labels(trial: Trial) -> str:
    classes = list(trial.dataset.info.classes)
    clean = np.arange(_SAMPLES) % len(classes)
    noise = trial.spec["noise"]
    noisy = clean if noise["kind"] == "clean" else generate(clean, num_classes=len(classes), noise=noise)
    sha256: str = label_file.write(trial.labels, clean, noisy, classes=classes, noise=noise, own=clean)["sha256"]
    return sha256


def _write_trial(trial: Trial, sha256: str) -> None:
    """Accuracy that falls with the rate, the more the less robust the loss is."""
    rng = np.random.default_rng(zlib.crc32(trial.hash.encode()))
    weakness = zlib.crc32(trial.label.encode()) % 1000 / 1000
    rate = trial.spec["noise"]["rate"] or 0.0
    fall = 60 * weakness * rate**1.5
    end = 96 - fall + rng.normal(0, 0.3 + 2 * rate)
    steps = np.linspace(0, 1, EPOCHS)
    curve = np.clip(
        end * (1 - np.exp(-6 * steps)) + fall / 2 * np.sin(np.pi * steps) + rng.normal(0, 0.2, EPOCHS), 0, 100
    )
    memorised = 100 * weakness * steps**2
    rows = [
        {"epoch": i + 1, "memorised": None if rate == 0 else float(memorised[i]), "test_accuracy": float(curve[i])}
        for i in range(EPOCHS)
    ]
    result = new_result(trial.spec, trial.hash, Status.OK, None, sha256) | {
        "epochs": EPOCHS,
        "memorised": rows[-1]["memorised"],
        **summarise(rows, ["test"]),
    }
    folder = trial.folder
    with np.load(trial.labels) as file:
        is_wrong = file["noisy_labels"] != file["clean_labels"]
    confidence = np.clip(rng.normal(0.8 - 0.5 * (1 - weakness) * is_wrong, 0.15), 0, 1)
    folder.path.mkdir(parents=True, exist_ok=True)
    np.savez(folder.predictions(), train_confidence=confidence.astype(np.float32))
    write_csv(folder.metrics, rows, list(rows[0]))
    write_json(
        folder.run,
        {"seconds": {"load": 1.0, "train": 60.0}, "images_per_second": 5000.0, "torch": "2.11.0", "device": "made up",
         "cpu_capability": "AVX512", "precision": "fp32", "threads": 1, "code": "00000000"},
    )  # fmt: skip
    folder.write_result(result)
