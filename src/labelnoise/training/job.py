"""A trial as a job: what is decided before torch, a second and 400 MB, is imported.

That is whose turn it is, whether the trial is finished already, and whether it has been begun in vain too often.
"""

from __future__ import annotations

import datetime
import gc
import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelnoise.errors import UserError
from labelnoise.files import locked, write_json
from labelnoise.training import results
from labelnoise.training.options import Options

ATTEMPTS_IN_VAIN = 3


def run(spec: Mapping[str, Any], folder: Path, options: Options | None = None) -> dict[str, Any]:
    """Do the trial unless `folder` holds its result already; return the result.

    Waits for another process that works on it. Raises what `trial.run` raises, and `UserError` when the folder holds
    another trial.
    """
    options = options or Options()
    with locked(folder / ".lock"):
        found = results.adopted(spec, folder)
        if found is not None:
            if found["status"] != "failed" and "checkpoint" not in options.keep:
                (folder / "checkpoint.pt").unlink(missing_ok=True)  # killed between the result and this
            return found
        if not may_begin(folder, options.attempt):
            return _give_up(spec, folder)
        _note(folder, "begins")
        from labelnoise.training import trial

        # Off while torch was imported (__main__); a long training makes garbage of its own.
        gc.freeze()
        gc.enable()
        try:
            result = trial.run(spec, folder, options)
        except UserError as error:
            _note(folder, f"error: {error}")
            raise
        _note(folder, result["status"])
        return result


def may_begin(folder: Path, attempt: int) -> bool:
    """Note that the trial in `folder` is begun; False when that has been in vain too often in a row.

    `attempt` counts from 1 within one run of Snakemake, whose first attempt forgives all earlier ones. In vain is an
    attempt that left the checkpoint as it found it.
    """
    checkpoint, record = folder / "checkpoint.pt", folder / ".attempts.json"
    now = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
    in_vain = 0
    if attempt > 1:
        try:
            noted = json.loads(record.read_bytes())
            in_vain = noted["in_vain"] + 1 if noted["checkpoint"] == now else 0
        except (OSError, ValueError, KeyError, TypeError):
            pass  # never noted, or damaged: counted from here
    if in_vain >= ATTEMPTS_IN_VAIN:
        return False
    write_json(record, {"checkpoint": now, "in_vain": in_vain})
    return True


def _note(folder: Path, what: str) -> None:
    """Append a line to the trial's history: train.log is only that of the last job."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    with (folder / "history.log").open("a") as file:
        file.write(f"{now} {what}, process {os.getpid()} on {socket.gethostname()}\n")


def _give_up(spec: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Write the result of a trial that was begun in vain too often."""
    last = (
        (folder / "history.log").read_text().rstrip().rpartition("\n")[2] if (folder / "history.log").exists() else ""
    )
    said = last.partition(" error: ")[2].rpartition(", process")[0]
    why = said or "killed, out of memory, or over their time limit"
    reason = f"{ATTEMPTS_IN_VAIN} attempts in a row ended before the next checkpoint: {why}"
    result = results.of(spec, folder, "failed", reason, labels_sha256=None)
    results.write(folder, result)
    print(f"failed: {reason}", flush=True)
    return result
