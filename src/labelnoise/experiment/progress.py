"""Shows the number of finished trials and the time left on the terminal while Snakemake runs."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from labelnoise.errors import Stopped
from labelnoise.experiment.finished import is_finished
from labelnoise.experiment.trials import Trial


class Progress:
    """Watches result files from its own thread, so it works for local and cluster jobs alike.

    Shows a bar on a terminal; elsewhere (a log file, CI) prints a line every `LINE_SECONDS`.
    """

    LOOK_SECONDS = 1.0
    LINE_SECONDS = 30.0

    def __init__(self, trials: Sequence[Trial], *, retry_failed: bool):
        self.trials, self.retry_failed = list(trials), retry_failed
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start watching if any trial is pending."""
        # A failed trial already has a result file; it is done when that file changes.
        pending = {
            trial: _mtime(trial) for trial in self.trials if not is_finished(trial, retry_failed=self.retry_failed)
        }
        if not pending:
            return
        interval = 0.1 if sys.stderr.isatty() else self.LINE_SECONDS
        self._bar = tqdm(
            total=len(self.trials),
            initial=len(self.trials) - len(pending),
            desc="trials",
            unit="trial",
            mininterval=interval,
            maxinterval=interval,
            ascii=not sys.stderr.isatty(),
            dynamic_ncols=True,
            smoothing=0.05,
        )
        self._thread = threading.Thread(target=self._watch, args=(pending,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Count once more and close the bar."""
        if self._thread is None:
            return
        self._stopped.set()
        self._thread.join()
        self._bar.close()

    def _watch(self, pending: dict[Trial, int | None]) -> None:
        while True:
            last = self._stopped.wait(self.LOOK_SECONDS)
            waiting = {trial: old for trial, old in pending.items() if _mtime(trial) in (None, old)}
            self._bar.update(len(pending) - len(waiting))
            pending = waiting
            if last:
                return


def _mtime(trial: Trial) -> int | None:
    """The modification time of the result file; None if it does not exist."""
    try:
        return trial.folder.result.stat().st_mtime_ns
    except FileNotFoundError:
        return None


# Snakemake's lines about single jobs. The bar replaces them, and Snakemake's log file keeps them.
_CHATTER_EVENTS = {"job_info", "job_started", "job_finished", "group_info", "shellcmd", "progress"}
_CHATTER_STARTS = ("Select jobs to execute", "Execute ")


def was_stopped(log: Path) -> bool:
    """Whether a trial's log ends with our message for a stopped trial, or with Python's if it was stopped early."""
    try:
        end = log.read_text(errors="replace")[-500:]
    except OSError:
        return False
    return Stopped.MESSAGE in end or end.rstrip().endswith("KeyboardInterrupt")


def hide_job_lines(logger: logging.Logger) -> None:
    """Hide lines about single jobs and about stopped trials from the terminal; keep errors and everything else."""

    def is_wanted(record: logging.LogRecord) -> bool:
        if str(getattr(record, "event", "")) in _CHATTER_EVENTS:
            return False
        if getattr(record, "rule_name", None) == "train" and any(
            map(was_stopped, map(Path, getattr(record, "log", None) or ()))
        ):
            return False
        if f"returned non-zero exit status {Stopped.EXIT_CODE}" in record.getMessage():
            return False
        return not (record.levelno == logging.INFO and str(record.msg).startswith(_CHATTER_STARTS))

    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            handler.addFilter(is_wanted)
