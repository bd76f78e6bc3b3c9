"""`labelnoise trials` lists the trials of a config; `labelnoise rerun` sets results aside."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from labelnoise import paths
from labelnoise.errors import UserError, unknown
from labelnoise.experiment import config_file
from labelnoise.experiment.trials import Trial, expand
from labelnoise.trial_folder import Status, TrialFolder

_COLUMNS = ("trial", "status", "data set", "noise", "loss", "seed", "folder")

# A shorter hash names a trial only by chance.
_LEAST_DIGITS = 4


def describe(config: Path, *, failed: bool = False, loss: str | None = None) -> str:
    """The config's trials as text, a line per trial; only `failed` ones, or those of one `loss` (name or label)."""
    _, trials = expand(config_file.read(config))
    if loss is not None:
        known = dict.fromkeys(name for trial in trials for name in (trial.label, trial.spec["loss"]["name"]))
        if loss not in known:
            raise UserError(unknown("loss of this config", loss, known))
        trials = [trial for trial in trials if loss in (trial.label, trial.spec["loss"]["name"])]
    statuses = {trial.hash: trial.folder.status for trial in trials}
    shown = [trial for trial in trials if not failed or statuses[trial.hash] == Status.FAILED]
    rows = [_COLUMNS, *(_row(trial, statuses[trial.hash]) for trial in shown)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows] if shown else []
    for trial in shown if failed else ():
        lines.append(f"{trial.hash}: {trial.folder.read_result().get('reason')} (see {trial.folder.log})")
    counts = Counter(statuses.values())
    lines.append(f"{counts.total()} trials: " + ", ".join(f"{counts[status]} {status}" for status in Status))
    return "\n".join(lines)


def _row(trial: Trial, status: Status) -> tuple[str, ...]:
    return (
        trial.hash,
        status,
        trial.dataset.info.name,
        " ".join(filter(None, trial.noise_heading)),
        trial.label,
        str(trial.spec["seed"]),
        trial.folder.path.as_posix(),
    )


def rerun(hashes: list[str]) -> str:
    """Set the results of these trials aside, so that the next run trains them anew; the hashes may be shortened.

    Raises `UserError`, before anything is moved, if one names no trial or several.
    """
    present = [TrialFolder(path.parent) for path in sorted(paths.TRIALS.glob("*/*/*/*/spec.json"))]
    chosen = [_find(text, present) for text in hashes]
    lines = []
    for folder in dict.fromkeys(chosen):
        aside = folder.set_aside()
        lines.append(f"{folder.path}: {f'set aside in {aside.name}' if aside else 'there is no result to set aside'}")
    return "\n".join([*lines, "run snakemake to train them again, in every experiment that uses them"])


def _find(text: str, present: list[TrialFolder]) -> TrialFolder:
    matching = [folder for folder in present if len(text) >= _LEAST_DIGITS and folder.identity.startswith(text)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise UserError(f"{text} is the start of {len(matching)} trials: {', '.join(f.identity for f in matching)}")
    raise UserError(
        f"no trial in {paths.TRIALS} has the hash {text}; `labelnoise trials` lists them (give at least "
        f"{_LEAST_DIGITS} digits)"
    )
