"""Collects the trials' results into trials.csv, summary.csv and ranks.csv; checks whether all have one."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from labelnoise import manifest as manifests
from labelnoise import paths
from labelnoise.analysis import summary, trials_csv
from labelnoise.analysis.results import FILES, version_of
from labelnoise.files import csv_text, write_bytes, write_text
from labelnoise.manifest import Manifest
from labelnoise.trial_folder import Status, TrialFolder


def collect(manifest_path: Path) -> str:
    """Write trials.csv and what is computed from it beside the manifest; say how the trials ended."""
    manifest = manifests.read(manifest_path)
    products = paths.products(manifest["experiment"])
    marker = paths.collected(products, manifests.hash_of(manifest))
    for old in marker.parent.glob("*"):
        old.unlink()
    trials = csv_text(trials_csv.rows(manifest), trials_csv.COLUMNS).encode()
    frame = trials_csv.parse(trials)
    contents = [trials, _csv(summary.summarise(frame)), _csv(summary.rank(frame))]
    for name, content in zip(FILES, contents, strict=True):
        write_bytes(products / name, content)
    write_text(marker, version_of(contents))
    return f"{products / FILES[0]}: {_describe(_results(manifest).values())}"


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode()


def check(manifest_path: Path) -> int:
    """Print how the trials ended; return 1 if one failed or is missing, else 0."""
    results = _results(manifests.read(manifest_path))
    print(_describe(results.values()), file=sys.stderr)
    unfinished = [folder for folder, result in results.items() if not _status(result).is_final]
    for folder in unfinished[:20]:
        status, reason = _status(results[folder]), results[folder].get("reason", "no result")
        print(f"  {status}: {folder.path}: {reason} (see {folder.log.name} there)", file=sys.stderr)
    if len(unfinished) > 20:
        print(f"  … and {len(unfinished) - 20} more", file=sys.stderr)
    return 1 if unfinished else 0


def _results(manifest: Manifest) -> dict[TrialFolder, dict[str, Any]]:
    folders = [TrialFolder(Path(entry["folder"])) for entry in manifest["trials"]]
    return {folder: trials_csv.believed(folder) for folder in folders}


def _status(result: Mapping[str, Any]) -> Status:
    return Status(result.get("status", Status.MISSING))


def _describe(results: Iterable[Mapping[str, Any]]) -> str:
    counts = Counter(map(_status, results))
    return f"{counts.total()} trials: " + ", ".join(f"{counts[status]} {status}" for status in Status)
