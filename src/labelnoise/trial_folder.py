"""A trial's folder: the files in it, and how its result is written, read, adopted and set aside. Needs no torch."""

from __future__ import annotations

import contextlib
import datetime
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from labelnoise.errors import UserError
from labelnoise.files import free_name, locked, read_json, read_json_or_nothing, write_json

# What cannot be measured, as the true labels are not known.
UNKNOWN = "unknown"


class Status(StrEnum):
    """How a trial ended. `diverged` is final; `failed` is retried; `missing` has no readable result."""

    OK = "ok"
    DIVERGED = "diverged"
    FAILED = "failed"
    MISSING = "missing"

    @property
    def is_final(self) -> bool:
        return self in (Status.OK, Status.DIVERGED)


def new_result(
    spec: Mapping[str, Any], identity: str, status: Status, reason: str | None, labels_sha256: str | None
) -> dict[str, Any]:
    """What result.json holds however the trial ended; training adds its summary.

    result.json, metrics.csv and predictions.npz hold only what the spec determines; run.json holds the circumstances.
    """
    return {
        "trial": identity,
        "spec": spec,
        "status": status,
        "reason": reason,
        "labels_sha256": labels_sha256,
        "epochs": 0,
        "memorised": None,
        "test_sets": {},
    }


@dataclass(frozen=True)
class TrialFolder:
    """The folder `path`, whose name ends with the trial's hash."""

    path: Path

    @property
    def identity(self) -> str:
        """The trial's hash."""
        return self.path.name.rpartition("-")[2]

    @property
    def spec(self) -> Path:
        return self.path / "spec.json"

    @property
    def result(self) -> Path:
        return self.path / "result.json"

    @property
    def run(self) -> Path:
        """When, where and with what the trial was trained."""
        return self.path / "run.json"

    @property
    def metrics(self) -> Path:
        """One row per epoch."""
        return self.path / "metrics.csv"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.pt"

    @property
    def log(self) -> Path:
        """The output of the last job."""
        return self.path / "train.log"

    @property
    def history(self) -> Path:
        """One line for each time a job began or ended the trial."""
        return self.path / "history.log"

    @property
    def attempts(self) -> Path:
        """How often the trial was begun without progress; see `labelnoise.training.job`."""
        return self.path / ".attempts.json"

    def weights(self, epoch: int | None = None) -> Path:
        """The weights after an epoch (1-based), by default the last one."""
        return self.path / f"weights{_suffix(epoch)}.pt"

    def features(self, epoch: int | None = None) -> Path:
        return self.path / f"features{_suffix(epoch)}.npz"

    def predictions(self, epoch: int | None = None) -> Path:
        return self.path / f"predictions{_suffix(epoch)}.npz"

    def weights_without_features(self) -> list[tuple[Path, Path]]:
        """Every weights file that has no features, and the file in which these belong."""
        pairs = [
            (weights, self.path / f"features{weights.stem.removeprefix('weights')}.npz")
            for weights in sorted(self.path.glob("weights*.pt"))
        ]
        return [(weights, features) for weights, features in pairs if not features.exists()]

    def failed(self, number: int | str) -> Path:
        """Where the result of a failed attempt is set aside."""
        return self.path / f"failed-{number}.json"

    def next_failed(self) -> Path:
        """The first of these that does not exist, so that nothing is overwritten."""
        return free_name(self.failed)

    @property
    def status(self) -> Status:
        """How the trial ended; `missing` where there is no readable result of this trial."""
        return Status(self.read_result().get("status", Status.MISSING))

    def read_result(self) -> dict[str, Any]:
        """The result; empty where it is missing, damaged or another trial's."""
        found = read_json_or_nothing(self.result)
        is_ours = found.get("trial") == self.identity and found.get("status") in list(Status)
        return found if is_ours else {}

    def read_run(self) -> dict[str, Any]:
        """The circumstances; empty where they are missing or damaged."""
        return read_json_or_nothing(self.run)

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write the result, after all other files. A final result has a copy, see `adopt`."""
        if Status(result["status"]).is_final:
            write_json(self._copy, result)
        write_json(self.result, result)

    def adopt(self, spec: Mapping[str, Any]) -> dict[str, Any] | None:
        """The trial's result if there is one, so that a trial which another run has finished is not trained again.

        Snakemake deletes a job's declared output before it runs the job, so a copy of a final result is kept, and put
        back here. Raises `UserError` when the folder holds another trial.
        """
        for path in (self.result, self._copy):
            if not path.exists():
                continue
            try:
                found: dict[str, Any] = read_json(path, "result")
            except UserError as error:
                aside = path.with_suffix(".unusable")
                path.replace(aside)
                print(f"{error}; moved to {aside}", flush=True)
                continue
            if found["spec"] != spec:
                raise UserError(f"{path} belongs to another trial; move the folder {self.path} away and run again")
            if path != self.result:
                write_json(self.result, found)
            print(f"{self.result} exists already and is adopted", flush=True)
            return found
        return None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder's lock; waits for another process that works on the trial."""
        with locked(self.path / ".lock"):
            yield

    def remove_unfinished_files(self) -> None:
        """Remove what a killed process was writing; the lock must be held."""
        for path in self.path.glob(".*.tmp"):
            path.unlink()

    def record(self, event: str) -> None:
        """Append an event to the history."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        with self.history.open("a") as file:
            file.write(f"{now} {event}, process {os.getpid()} on {socket.gethostname()}\n")

    def last_error(self) -> str | None:
        """The message of the error with which the last job ended; None if it ended without one."""
        if not self.history.exists():
            return None
        last = self.history.read_text().rstrip().rpartition("\n")[2]
        return last.partition(" error: ")[2].rpartition(", process")[0] or None

    @property
    def _copy(self) -> Path:
        return self.path / ".result.json"


def _suffix(epoch: int | None) -> str:
    return "" if epoch is None else f"-{epoch:04}"
