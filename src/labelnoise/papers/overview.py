"""`labelnoise papers`: every experiment that repeats a table or figure, how far it is, and how long it will take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from labelnoise import paths, project
from labelnoise.analysis import published
from labelnoise.analysis.published import Verdict
from labelnoise.analysis.results import from_manifest
from labelnoise.experiment import config_file, finished
from labelnoise.experiment.config import Config, experiment_name
from labelnoise.experiment.forecast import Forecast, duration
from labelnoise.experiment.run import build_manifest
from labelnoise.experiment.trials import Trial, expand
from labelnoise.trial_folder import Status


@dataclass(frozen=True)
class Experiment:
    """An experiment file that repeats tables or figures, with its trials."""

    file: Path
    config: Config
    trials: list[Trial]

    @property
    def pending(self) -> list[Trial]:
        retry = self.config.retry_failed
        return [trial for trial in self.trials if not finished.is_finished(trial, retry_failed=retry)]

    @property
    def done(self) -> int:
        return sum(trial.folder.status == Status.OK for trial in self.trials)

    @property
    def what(self) -> str:
        """`alf2021 Table 6, Table 7`, or the figures it draws."""
        if self.config.published is not None:
            return " ".join([Path(self.config.published.paper).stem, ", ".join(self.config.published.tables)]).strip()
        return ", ".join(self.config.figures.kinds)


def read(file: Path) -> Experiment | None:
    """The experiment; None if it repeats nothing. Raises `UserError` if the config is wrong."""
    config, trials = expand(config_file.read(file))
    return Experiment(file, config, trials) if config.published or config.figures.kinds else None


def folder() -> Path:
    """The working folder's experiments; where it has none, those that come with labelnoise."""
    here = Path("experiments")
    return here if here.is_dir() else project.experiments()


def read_all() -> Iterator[Experiment]:
    """Yield every experiment that repeats something."""
    for file in sorted(folder().glob("*.yaml")):
        if (experiment := read(file)) is not None:
            yield experiment


def comparison(experiment: Experiment) -> pd.DataFrame:
    """The rows of all data sets' comparisons with print, from the trials' results as they are now."""
    name, file = experiment_name(experiment.file), paths.config_name(experiment.file)
    results = from_manifest(build_manifest(experiment.config, experiment.trials, name, file))
    rows = [entry.rows for entry in published.comparisons(results)]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=list(published.COLUMNS))


def describe_all(cores: int | None = None) -> str:
    """The overview as text."""
    experiments = list(read_all())
    distinct = {trial.hash: trial for experiment in experiments for trial in experiment.trials}
    pending = {trial.hash: trial for experiment in experiments for trial in experiment.pending}
    forecast = Forecast(distinct.values())
    table = pd.DataFrame([_row(experiment, forecast, cores) for experiment in experiments])
    seconds = forecast.seconds(pending.values(), cores)
    return "\n".join(
        [
            table.to_markdown(index=False, tablefmt="simple", colalign=("left", "left", *["right"] * 6)),
            "",
            f"{len(distinct)} distinct trials, as experiments share trials; {len(pending)} to train",
            *([forecast.describe(seconds, cores)] if pending else []),
            *_more(),
            "run one: snakemake --cores all --configfile experiments/NAME.yaml; a part of it: "
            "--config 'only={losses: [CE, GCE], seeds: [1]}'",
        ]
    )


def _more() -> list[str]:
    """How to get the experiments of labelnoise that are not in the working folder."""
    here = {file.stem for file in Path("experiments").glob("*.yaml")}
    missing = sorted({file.stem for file in project.experiments().glob("*.yaml")} - here)
    return [f"to copy one here: labelnoise init --experiment NAME, of {', '.join(missing)}"] if missing else []


def _row(experiment: Experiment, forecast: Forecast, cores: int | None) -> dict[str, str | int]:
    rows = comparison(experiment)
    labels = {trial.label for trial in experiment.trials}
    printed = int((rows.printed_mean.notna() & rows.loss.isin(labels)).sum())
    return {
        "experiment": experiment.file.stem,
        "repeats": experiment.what,
        "printed cells": printed or "–",
        "trials": len(experiment.trials),
        "done": experiment.done,
        "reproduced": int(rows.verdict.eq(Verdict.REPRODUCED).sum()) if printed else "–",
        "close": int(rows.verdict.eq(Verdict.CLOSE).sum()) if printed else "–",
        "forecast": duration(forecast.seconds(experiment.pending, cores)) if experiment.pending else "–",
    }


def describe_verdicts(file: Path) -> str | None:
    """`126 printed cells: 3 reproduced, 123 not run`; None if the experiment names no printed numbers."""
    experiment = read(file)
    if experiment is None:
        return None
    rows = comparison(experiment)
    printed = rows[rows.printed_mean.notna()]
    return f"{len(printed)} printed cells ({experiment.what}): {published.counts(printed)}" if len(printed) else None
