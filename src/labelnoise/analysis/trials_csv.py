"""trials.csv: one row per trial and test set, from the trials' result files."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from labelnoise import manifest as manifests
from labelnoise import targets, trial_metrics
from labelnoise.analysis import detection
from labelnoise.files import read_json_or_nothing
from labelnoise.manifest import Manifest, ManifestTrial
from labelnoise.trial_folder import UNKNOWN, Status, TrialFolder

COLUMNS = (
    "trial", "dataset", "noise", "kind", "rate", "variant", "noise_seed", "loss", "label", "loss_params", "model",
    "epochs", "seed", "test_set", "status", "reason", "last_accuracy", "best_accuracy", "best_epoch",
    "last5_accuracy", "validated_accuracy", "validated_epoch", "validation_accuracy", "memorised", "detection_auroc",
    "detection_precision", "realised_rate", "seconds", "images_per_second", "torch", "device", "cpu_capability",
    "cuda", "cudnn", "precision", "threads", "code", "folder", "manifest",
)  # fmt: skip

# Read as text: a label may look like a number or a missing value.
_TEXT = (
    "trial", "dataset", "noise", "loss", "label", "reason", "test_set", "code", "torch", "device", "cpu_capability",
    "cuda", "cudnn", "folder", "manifest", "metric", "noises",
)  # fmt: skip

# Measures that need the true labels; `unknown` without them.
_NEED_TRUTH = ("memorised", "realised_rate", "detection_auroc", "detection_precision")

# What result.json says of its metrics.csv.
_SUMMARY = ("test_sets", "validation", "validated_epoch")

# Columns of trials.csv that come from run.json.
_ENVIRONMENT = ("torch", "device", "cpu_capability", "cuda", "cudnn", "precision", "threads", "code")


def rows(manifest: Manifest) -> list[dict[str, Any]]:
    """The rows with `COLUMNS`, from the trials' results as they are now."""
    belongs_to = manifests.hash_of(manifest)
    return [{"manifest": belongs_to, **row} for entry in manifest["trials"] for row in _rows(entry)]


def parse(content: bytes) -> pd.DataFrame:
    """trials.csv, summary.csv or ranks.csv as a frame; labels stay text, and what is unknown is missing."""
    header = content.split(b"\n", 1)[0].decode().strip().split(",")
    missing = {column: [""] for column in header if column not in ("label", "loss")}
    missing |= {column: ["", UNKNOWN] for column in _NEED_TRUTH}
    return pd.read_csv(
        io.BytesIO(content),
        dtype=dict.fromkeys(_TEXT, str) | {"tied_with_best": "boolean"},
        keep_default_na=False,
        na_values=missing,
    )


def believed(folder: TrialFolder) -> dict[str, Any]:
    """The trial's result; one that contradicts its metrics.csv counts as failed and has no accuracy."""
    result = folder.read_result()
    if (reason := trial_metrics.contradiction(folder, result)) is None:
        return result
    return result | {"status": Status.FAILED, "reason": reason, "memorised": None} | dict.fromkeys(_SUMMARY)


def _realised_rate(audit: Mapping[str, Any]) -> float | str | None:
    """The audit's rate; `unknown` if the true labels are unknown, None if there is no audit."""
    rate = audit.get("realised_rate")
    return UNKNOWN if rate is None and audit else rate


def _rows(entry: ManifestTrial) -> list[dict[str, Any]]:
    """A trial's rows: one per test set, or one without a test set if there is no accuracy."""
    folder = TrialFolder(Path(entry["folder"]))
    result, run = believed(folder), folder.read_run()
    labels = Path(entry["labels"])
    spec = result.get("spec", {})
    seconds = run.get("seconds")
    common = {
        "trial": entry["hash"],
        **{key: value for key, value in entry.items() if key in COLUMNS},
        "loss_params": json.dumps(spec["loss"]["params"], sort_keys=True) if spec else None,
        "model": targets.label(spec["recipe"]["model"]) if spec else None,
        "epochs": result.get("epochs"),
        "status": result.get("status", Status.MISSING),
        "reason": result.get("reason"),
        "validation_accuracy": result.get("validation"),
        "validated_epoch": result.get("validated_epoch"),
        "memorised": result.get("memorised"),
        **_detection(folder, labels, result),
        "realised_rate": _realised_rate(read_json_or_nothing(labels.with_suffix(".json"))),
        "seconds": round(sum(seconds.values()), 3) if seconds else None,
        **{key: run.get(key) for key in _ENVIRONMENT},
        "images_per_second": round(run["images_per_second"], 1) if "images_per_second" in run else None,
        "folder": entry["folder"],
    }
    accuracies = result.get("test_sets") or {None: {}}
    return [
        common
        | {"test_set": name, "best_epoch": values.get("best_epoch")}
        | {f"{key}_accuracy": values.get(key) for key in ("last", "best", "last5", "validated")}
        for name, values in accuracies.items()
    ]


def _detection(folder: TrialFolder, labels: Path, result: Mapping[str, Any]) -> dict[str, Any]:
    """The measures of detection; None without a finished trial or without wrong labels, `unknown` without the truth."""
    names = ("detection_auroc", "detection_precision")
    if result.get("status") != Status.OK:
        return dict.fromkeys(names)
    measured = detection.measure(folder.predictions(), labels, result.get("labels_sha256"))
    return dict.fromkeys(names, UNKNOWN) if measured is None else dict(measured)
