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

# The value of a measure that needs clean labels when they are not known.
UNKNOWN = "unknown"

# The test set of a trial without clean test labels: the held-out part of the training set, with its noisy labels.
HELD_OUT = "held_out"


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
    """The content of result.json, however the trial ended; training adds its summary.

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
        """One line for each time a job started or ended the trial."""
        return self.path / "history.log"

    @property
    def attempts(self) -> Path:
        """How often the trial was started without progress; see `labelnoise.training.job`."""
        return self.path / ".attempts.json"

    def weights(self, epoch: int | None = None) -> Path:
        """The weights after an epoch (1-based), by default the last one."""
        return self.path / f"weights{_suffix(epoch)}.pt"

    def features(self, epoch: int | None = None) -> Path:
        return self.path / f"features{_suffix(epoch)}.npz"

    def predictions(self, epoch: int | None = None) -> Path:
        return self.path / f"predictions{_suffix(epoch)}.npz"

    def weights_without_features(self) -> list[tuple[Path, Path]]:
        """Every weights file without a features file, and the path that its features file would have."""
        pairs = [
            (weights, self.path / f"features{weights.stem.removeprefix('weights')}.npz")
            for weights in sorted(self.path.glob("weights*.pt"))
        ]
        return [(weights, features) for weights, features in pairs if not features.exists()]

    def failed(self, number: int | str) -> Path:
        """The path to which the result of a failed attempt is moved."""
        return self.path / f"failed-{number}.json"

    def next_failed(self) -> Path:
        """The first `failed` path that does not exist, so that nothing is overwritten."""
        return free_name(self.failed)

    def set_aside(self) -> Path | None:
        """Move everything that a job wrote, except its history, to the first free `aside-N`; None if there is nothing.

        The next run trains the trial from its first epoch. Waits for a job that is working on it.
        """
        with self.held():
            kept = {self.spec.name, self.history.name, ".lock"}
            files = [path for path in self.path.iterdir() if path.name not in kept and not _is_aside(path)]
            if not files:
                return None
            aside = free_name(lambda number: self.path / f"aside-{number}")
            aside.mkdir()
            # The result first: a trial without a result is unfinished, whatever else is left.
            for path in sorted(files, key=lambda path: path != self.result):
                path.rename(aside / path.name)
            self.record(f"set aside in {aside.name}")
            return aside

    @property
    def status(self) -> Status:
        """How the trial ended; `missing` if there is no readable result of this trial."""
        return Status(self.read_result().get("status", Status.MISSING))

    def read_result(self) -> dict[str, Any]:
        """The result; empty if it is missing, damaged or another trial's."""
        result = read_json_or_nothing(self.result)
        is_ours = result.get("trial") == self.identity and result.get("status") in list(Status)
        return result if is_ours else {}

    def read_run(self) -> dict[str, Any]:
        """The content of run.json; empty if it is missing or damaged."""
        return read_json_or_nothing(self.run)

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Write the result, after all other files, and a copy of a final result, see `adopt`."""
        if Status(result["status"]).is_final:
            write_json(self._copy, result)
        write_json(self.result, result)

    def adopt(self, spec: Mapping[str, Any]) -> dict[str, Any] | None:
        """The trial's result if there is one, so that a trial finished by another run is not trained again.

        Snakemake deletes a job's declared output before it runs the job, so `write_result` keeps a copy of a final
        result, which is restored here. Raises `UserError` if the folder holds another trial.
        """
        for path in (self.result, self._copy):
            if not path.exists():
                continue
            try:
                result: dict[str, Any] = read_json(path, "result")
            except UserError as error:
                aside = path.with_suffix(".unusable")
                path.replace(aside)
                print(f"{error}; moved to {aside}", flush=True)
                continue
            if result["spec"] != spec:
                raise UserError(f"{path} belongs to another trial; move the folder {self.path} away and run again")
            if path != self.result:
                write_json(self.result, result)
            print(f"{self.result} already exists and is adopted", flush=True)
            return result
        return None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder's lock; waits for another process working on the trial."""
        with locked(self.path / ".lock"):
            yield

    def remove_unfinished_files(self) -> None:
        """Remove temporary files of a killed process; the lock must be held."""
        for path in self.path.glob(".*.tmp"):
            path.unlink()

    def record(self, event: str) -> None:
        """Append an event to the history."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        with self.history.open("a") as file:
            file.write(f"{now} {event}, process {os.getpid()} on {socket.gethostname()}\n")

    def last_error(self) -> str | None:
        """The message of the error that ended the last job; None if there was none."""
        if not self.history.exists():
            return None
        last = self.history.read_text().rstrip().rpartition("\n")[2]
        return last.partition(" error: ")[2].rpartition(", process")[0] or None

    @property
    def _copy(self) -> Path:
        return self.path / ".result.json"


def _is_aside(path: Path) -> bool:
    return path.is_dir() and path.name.startswith("aside-")


def _suffix(epoch: int | None) -> str:
    return "" if epoch is None else f"-{epoch:04}"
