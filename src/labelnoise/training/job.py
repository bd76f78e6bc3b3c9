"""A trial as a job: the checks made before importing torch, which takes a second and 400 MB.

They are whether the trial is finished already, and whether it was started too often without progress.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelnoise.errors import MachineError, UserError
from labelnoise.files import read_json_or_nothing, write_json
from labelnoise.training.options import DeviceOptions, RunOptions
from labelnoise.trial_folder import Status, TrialFolder, new_result

ATTEMPTS_WITHOUT_PROGRESS = 3

# After an error of the machine, so that a broken GPU does not use up the attempts of a whole queue in seconds.
PAUSE_SECONDS = 10.0


def run(
    spec: Mapping[str, Any],
    path: Path,
    options: RunOptions | None = None,
    device_options: DeviceOptions | None = None,
    attempt: int = 1,
) -> dict[str, Any]:
    """Train the trial unless the folder `path` holds its result already; return the result.

    Waits for another process working on it. Raises what `trial.run` raises, `UserError` if the folder holds another
    trial, and `MachineError`, after a pause, if the machine fails: then nothing is decided about the trial. `attempt`
    counts from 1 within one run of Snakemake.
    """
    options, device_options = options or RunOptions(), device_options or DeviceOptions()
    folder = TrialFolder(path)
    with folder.held():
        if (adopted := folder.adopt(spec)) is not None:
            if Status(adopted["status"]).is_final and "checkpoint" not in options.keep:
                folder.checkpoint.unlink(missing_ok=True)  # left by a job that was killed after it wrote the result
            return adopted
        if not may_begin(folder, attempt):
            return _give_up(spec, folder)
        folder.record("begins")
        from labelnoise.training import machine_errors, trial

        # Garbage collection was off while torch was imported (__main__), but a long training needs it.
        gc.freeze()
        gc.enable()
        try:
            result = trial.run(spec, folder, options, device_options)
        except UserError as error:
            folder.record(f"error: {error}")
            raise
        except Exception as error:
            if (meaning := machine_errors.explain(error)) is None:
                raise
            folder.record(f"error: {meaning}")
            # This attempt says nothing about the trial, so it does not count.
            folder.attempts.unlink(missing_ok=True)
            time.sleep(PAUSE_SECONDS)
            raise MachineError(meaning) from error
        folder.record(result["status"])
        return result


def may_begin(folder: TrialFolder, attempt: int) -> bool:
    """Count this attempt; False if too many in a row made no progress, that is, did not change the checkpoint.

    The first attempt of a Snakemake run restarts the count.
    """
    checkpoint = folder.checkpoint.stat().st_mtime_ns if folder.checkpoint.exists() else None
    without_progress = 0
    if attempt > 1:
        counted = read_json_or_nothing(folder.attempts)
        if "checkpoint" in counted and counted["checkpoint"] == checkpoint:
            without_progress = int(counted.get("without_progress", 0)) + 1
    if without_progress >= ATTEMPTS_WITHOUT_PROGRESS:
        return False
    write_json(folder.attempts, {"checkpoint": checkpoint, "without_progress": without_progress})
    return True


def _give_up(spec: Mapping[str, Any], folder: TrialFolder) -> dict[str, Any]:
    """Write the result of a trial that was started too often without progress."""
    why = folder.last_error() or "killed, out of memory, or over their time limit"
    reason = f"{ATTEMPTS_WITHOUT_PROGRESS} attempts in a row ended before the next checkpoint: {why}"
    result = new_result(spec, folder.identity, Status.FAILED, reason, labels_sha256=None)
    folder.write_result(result)
    print(f"failed: {reason}", flush=True)
    return result
