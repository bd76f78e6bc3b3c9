"""A trial's result.json: what it holds, and how it outlives a job that runs again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelnoise.errors import UserError
from labelnoise.files import read_json, write_json

# A finished result's copy, which is no output of any rule.
COPY = ".result.json"

# What cannot be measured, as the true labels are not known.
UNKNOWN = "unknown"


def of(
    spec: Mapping[str, Any], folder: Path, status: str, reason: str | None, labels_sha256: str | None
) -> dict[str, Any]:
    """What result.json holds of a trial however it ended; training adds its summary."""
    return {
        "trial": folder.name.rpartition("-")[2],
        "spec": spec,
        "status": status,
        "reason": reason,
        "labels_sha256": labels_sha256,
        "epochs": 0,
        "memorised": None,
        "test_sets": {},
    }


def write(folder: Path, result: Mapping[str, Any]) -> None:
    """Write the result, last of all files; one that is final has a copy."""
    if result["status"] != "failed":
        write_json(folder / COPY, result)
    write_json(folder / "result.json", result)


def adopted(spec: Mapping[str, Any], folder: Path) -> dict[str, Any] | None:
    """The trial's result if it is there, or its copy: Snakemake deletes a job's declared output before it runs it.

    So a trial that another run has finished meanwhile is not trained again.
    """
    result = folder / "result.json"
    for path in (result, folder / COPY):
        if path.exists():
            try:
                found = read_json(path, "result")
            except UserError as error:
                aside = path.with_suffix(".unusable")
                path.replace(aside)
                print(f"{error}; moved to {aside}", flush=True)
                continue
            if found["spec"] != spec:
                raise UserError(f"{path} belongs to another trial; move the folder {folder} away and run again")
            if path != result:
                write_json(result, found)
            print(f"{result} is there already: adopted", flush=True)
            return found
    return None
