"""Results → trials.csv, one row a trial and test set; and whether the experiment is complete."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelnoise import paths
from labelnoise.experiment import manifest as manifests
from labelnoise.files import canonical_hash, write_csv, write_text
from labelnoise.training.results import UNKNOWN

COLUMNS = (
    "trial", "dataset", "noise", "kind", "rate", "variant", "noise_seed", "loss", "label", "loss_params", "model",
    "epochs", "seed", "test_set", "status", "reason", "last_accuracy", "best_accuracy", "best_epoch",
    "last5_accuracy", "validated_accuracy", "validated_epoch", "validation_accuracy", "memorised", "realised_rate",
    "seconds", "images_per_second", "torch", "device", "precision", "threads", "code", "folder", "manifest",
)  # fmt: skip


def collect(manifest_path: Path) -> str:
    """Write trials.csv beside the manifest; what was found, in one line."""
    manifest = manifests.read(manifest_path)
    belongs_to = canonical_hash(manifest)
    rows = [{"manifest": belongs_to, **row} for entry in manifest["trials"] for row in _rows(entry)]
    products = paths.products(manifest["experiment"])
    marker, path = paths.collected(products, belongs_to), products / "trials.csv"
    for other in marker.parent.glob("*"):
        other.unlink()
    write_csv(path, rows, COLUMNS)
    write_text(marker, "")
    return f"{path}: {_told(_counts(manifest))}"


def check(manifest_path: Path) -> int:
    """Print how the trials ended; 1 when one failed or is missing, else 0."""
    manifest = manifests.read(manifest_path)
    counts = _counts(manifest)
    print(_told(counts), file=sys.stderr)
    bad = [entry for entry in manifest["trials"] if _status(entry) in (manifests.FAILED, manifests.MISSING)]
    for entry in bad[:20]:
        reason = manifests.result(Path(entry["folder"])).get("reason", "no result")
        print(
            f"  {_status(entry)}: {entry['folder']}: {reason} (train.log there has the whole story)",
            file=sys.stderr,
        )
    if len(bad) > 20:
        print(f"  … and {len(bad) - 20} more", file=sys.stderr)
    return 1 if bad else 0


def _status(entry: Mapping[str, Any]) -> str:
    return manifests.status(Path(entry["folder"]))


def _counts(manifest: Mapping[str, Any]) -> Counter[str]:
    return Counter(_status(entry) for entry in manifest["trials"])


def _told(counts: Counter[str]) -> str:
    states = (manifests.OK, manifests.DIVERGED, manifests.FAILED, manifests.MISSING)
    return f"{counts.total()} trials: " + ", ".join(f"{counts[state]} {state}" for state in states)


def _realised_rate(audit: Mapping[str, Any]) -> float | str | None:
    """`unknown` where the audit has none, as the true labels are not known; None where there is no audit."""
    found = audit.get("realised_rate")
    return UNKNOWN if found is None and audit else found


def _rows(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A trial's rows: one for each test set, or one without a test set where there is no accuracy."""
    folder = Path(entry["folder"])
    result, run = manifests.result(folder), manifests.read_loosely(folder / "run.json")
    audit = manifests.read_loosely(Path(entry["labels"]).with_suffix(".json"))
    spec = result.get("spec", {})
    seconds = run.get("seconds")
    common = {
        "trial": entry["hash"],
        **{
            key: entry[key]
            for key in ("dataset", "noise", "kind", "rate", "variant", "noise_seed", "loss", "label", "seed")
        },
        "loss_params": json.dumps(spec["loss"]["params"], sort_keys=True) if spec else None,
        "model": spec["recipe"]["model"] if spec else None,
        "epochs": result.get("epochs"),
        "status": result.get("status", manifests.MISSING),
        "reason": result.get("reason"),
        "validation_accuracy": result.get("validation"),
        "validated_epoch": result.get("validated_epoch"),
        "memorised": result.get("memorised"),
        "realised_rate": _realised_rate(audit),
        "seconds": round(sum(seconds.values()), 3) if seconds else None,
        **{key: run.get(key) for key in ("torch", "device", "precision", "threads", "code")},
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
