"""Collects results into trials.csv, one row per trial and test set, and checks whether the experiment is complete."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelnoise import manifest as manifests
from labelnoise import paths
from labelnoise.files import read_json_or_nothing, write_csv, write_text
from labelnoise.manifest import Manifest, ManifestTrial
from labelnoise.trial_folder import UNKNOWN, Status, TrialFolder

COLUMNS = (
    "trial", "dataset", "noise", "kind", "rate", "variant", "noise_seed", "loss", "label", "loss_params", "model",
    "epochs", "seed", "test_set", "status", "reason", "last_accuracy", "best_accuracy", "best_epoch",
    "last5_accuracy", "validated_accuracy", "validated_epoch", "validation_accuracy", "memorised", "realised_rate",
    "seconds", "images_per_second", "torch", "device", "cpu_capability", "cuda", "cudnn", "precision", "threads",
    "code", "folder", "manifest",
)  # fmt: skip


# Columns of trials.csv that come from run.json.
_ENVIRONMENT = ("torch", "device", "cpu_capability", "cuda", "cudnn", "precision", "threads", "code")


def collect(manifest_path: Path) -> str:
    """Write trials.csv beside the manifest; return a line that says how the trials ended."""
    manifest = manifests.read(manifest_path)
    products = paths.products(manifest["experiment"])
    marker, path = paths.collected(products, manifests.hash_of(manifest)), products / "trials.csv"
    for old in marker.parent.glob("*"):
        old.unlink()
    write_csv(path, rows(manifest), COLUMNS)
    write_text(marker, "")
    return f"{path}: {_describe(_statuses(manifest))}"


def rows(manifest: Manifest) -> list[dict[str, Any]]:
    """The rows of trials.csv, from the trials' results as they are now."""
    belongs_to = manifests.hash_of(manifest)
    return [{"manifest": belongs_to, **row} for entry in manifest["trials"] for row in _rows(entry)]


def check(manifest_path: Path) -> int:
    """Print how the trials ended; return 1 if one failed or is missing, else 0."""
    statuses = _statuses(manifests.read(manifest_path))
    print(_describe(statuses), file=sys.stderr)
    unfinished = [folder for folder, status in statuses.items() if not status.is_final]
    for folder in unfinished[:20]:
        reason = folder.read_result().get("reason", "no result")
        print(f"  {statuses[folder]}: {folder.path}: {reason} (see {folder.log.name} there)", file=sys.stderr)
    if len(unfinished) > 20:
        print(f"  … and {len(unfinished) - 20} more", file=sys.stderr)
    return 1 if unfinished else 0


def _statuses(manifest: Manifest) -> dict[TrialFolder, Status]:
    folders = [TrialFolder(Path(entry["folder"])) for entry in manifest["trials"]]
    return {folder: folder.status for folder in folders}


def _describe(statuses: Mapping[TrialFolder, Status]) -> str:
    counts = Counter(statuses.values())
    return f"{counts.total()} trials: " + ", ".join(f"{counts[status]} {status}" for status in Status)


def _realised_rate(audit: Mapping[str, Any]) -> float | str | None:
    """The audit's rate; `unknown` if the true labels are unknown, None if there is no audit."""
    rate = audit.get("realised_rate")
    return UNKNOWN if rate is None and audit else rate


def _rows(entry: ManifestTrial) -> list[dict[str, Any]]:
    """A trial's rows: one per test set, or one without a test set if there is no accuracy."""
    folder = TrialFolder(Path(entry["folder"]))
    result, run = folder.read_result(), folder.read_run()
    audit = read_json_or_nothing(Path(entry["labels"]).with_suffix(".json"))
    spec = result.get("spec", {})
    seconds = run.get("seconds")
    common = {
        "trial": entry["hash"],
        **{key: value for key, value in entry.items() if key in COLUMNS},
        "loss_params": json.dumps(spec["loss"]["params"], sort_keys=True) if spec else None,
        "model": spec["recipe"]["model"] if spec else None,
        "epochs": result.get("epochs"),
        "status": result.get("status", Status.MISSING),
        "reason": result.get("reason"),
        "validation_accuracy": result.get("validation"),
        "validated_epoch": result.get("validated_epoch"),
        "memorised": result.get("memorised"),
        "realised_rate": _realised_rate(audit),
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
