"""A run of an experiment as the workflow sees it: what is finished, what each job needs, what to warn about.

The process that the user starts reads the config and writes down what its jobs need. Jobs on other machines read that
file, so editing the config during a run does not affect them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import labelnoise
from labelnoise import manifest, paths
from labelnoise.errors import UserError
from labelnoise.experiment import config_file, dataset_notes, finished, printed, recipes
from labelnoise.experiment.config import Config, experiment_name
from labelnoise.experiment.datasets import Dataset
from labelnoise.experiment.trials import Trial, expand, noise_warnings
from labelnoise.files import pull_back_to_now, read_json, write_json
from labelnoise.manifest import Manifest, Published
from labelnoise.training.options import as_flags


@dataclass(frozen=True)
class Run:
    """One run: its trials (none on another node), the folder of its products, and what its jobs need."""

    products: Path
    jobs: Mapping[str, Any]
    trials: tuple[Trial, ...] = ()
    retry_failed: bool = True
    manifest: Manifest | None = None
    config: Config | None = None

    @classmethod
    def from_config(cls, file: Path, overrides: Mapping[str, Any]) -> Run:
        """Build the run from a config file and Snakemake's `--config`. Raises `UserError` for any mistake."""
        products = paths.products(experiment_name(file))
        config, trials = expand(config_file.read(file).overridden(overrides))
        built = build_manifest(config, trials, experiment_name(file), paths.config_name(file))
        manifest.check_owner(built, products / "manifest.json")
        jobs = describe_jobs(config, trials, built)
        return cls(products, jobs, tuple(trials), config.retry_failed, built, config)

    @classmethod
    def on_node(cls, file: Path) -> Run:
        """Load the run inside one of its jobs on another machine."""
        products = paths.products(experiment_name(file))
        return cls(products, read_json(paths.jobs(products), "description of the run (snakemake writes it)"))

    @cached_property
    def by_hash(self) -> dict[str, Trial]:
        return {trial.hash: trial for trial in self.trials}

    @cached_property
    def finished(self) -> frozenset[Trial]:
        """The trials with nothing left to do."""
        return frozenset(trial for trial in self.trials if finished.is_finished(trial, retry_failed=self.retry_failed))

    @cached_property
    def unusable(self) -> dict[Trial, Path]:
        """Trials with a failed or damaged result, and where to set it aside before the next attempt."""
        return {
            trial: trial.folder.next_failed()
            for trial in self.trials
            if trial not in self.finished and trial.folder.result.exists()
        }

    @cached_property
    def moved(self) -> dict[str, Path]:
        """Prepared data sets that are needed but whose image files have moved, and where to set their index aside."""
        needed = {paths.dataset(trial.spec): trial.dataset for trial in self.trials if trial not in self.finished}
        return {
            folder.name: aside
            for folder, dataset in needed.items()
            if (aside := finished.moved_index(folder, dataset.source))
        }

    @cached_property
    def _unkept(self) -> tuple[list[Trial], list[str]]:
        return finished.unkept(self.trials, self.config.run_options) if self.config else ([], [])

    @property
    def derivable(self) -> list[Trial]:
        """Finished trials whose requested features can be derived from their kept weights."""
        return self._unkept[0]

    @property
    def set_aside(self) -> list[Path]:
        return [*self.unusable.values(), *self.moved.values()]

    @property
    def collected(self) -> Path:
        """The marker file that shows that trials.csv was made from this run's manifest."""
        return paths.collected(self.products, self.jobs["manifest"])

    def warnings(self) -> Iterator[str]:
        """Yield the warnings to show before anything runs."""
        yield from noise_warnings(list(self.trials))
        yield from dataset_notes.warnings(self.trials)
        yield from finished.undominated(self.trials)
        yield from finished.damaged(self.trials)
        trials_csv = self.products / "trials.csv"
        if trials_csv.exists() and not self.collected.exists():
            yield f"{trials_csv} belongs to another config; this run, or `snakemake trials`, replaces it"
        yield from self._unkept[1]
        yield from finished.changed_labels(self.trials)

    def threads(self, hash: str, folder: Path) -> int:
        """The number of threads of a trial."""
        spec = self.by_hash[hash].spec if hash in self.by_hash else read_json(folder / "spec.json", "trial spec")
        threads: int = spec["recipe"]["threads"]
        return threads

    def inputs_of_trial(self, hash: str) -> list[Path]:
        """The files that training waits for; none for a finished trial, which a lost label file must not retrain.

        Also none on another node, where a job starts only after its inputs exist.
        """
        trial = self.by_hash.get(hash)
        if trial is None or trial in self.finished:
            return []
        aside = [self.unusable[trial]] if trial in self.unusable else []
        return [trial.labels, paths.dataset(trial.spec) / "dataset.json", *aside]

    def inputs_of_dataset(self, name: str) -> list[Path]:
        """The official files to download and, if images have moved, their outdated index, set aside."""
        moved = [self.moved[name]] if name in self.moved else []
        return [*map(Path, self.jobs["datasets"][name]["downloads"]), *moved]

    def write_files(self) -> None:
        """Write the manifest, what the jobs need, every data set's entry, and every pending trial's spec."""
        write_json(self.products / "manifest.json", self.manifest)
        write_json(paths.jobs(self.products), self.jobs)
        for folder, dataset in {paths.dataset(trial.spec): trial.dataset for trial in self.trials}.items():
            write_json(paths.dataset_entry(folder.name), dataset.entry)
            finished.refresh_contents(folder, dataset)
        for trial in self.trials:
            if not trial.folder.result.exists():
                write_json(trial.folder.spec, trial.spec)
        if len(self.finished) < len(self.trials):
            (self.products / "complete").unlink(missing_ok=True)

    def pull_back_clocks(self) -> None:
        """Reset modification times in the future, set by another machine's clock, to the present time."""
        prepared = [paths.DATA / name / "dataset.json" for name in self.jobs["datasets"]]
        audits = [trial.labels.with_suffix(".json") for trial in self.trials]
        labels = map(Path, self.jobs["labels"])
        for path in [*prepared, *labels, *audits, *(trial.folder.result for trial in self.trials)]:
            pull_back_to_now(path)

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Lock the products against runs with another config; runs with the same config share the lock.

        Raises `UserError` if a run with another config holds the lock.
        """
        path, ours = self.products / ".run.lock", self.jobs["manifest"]
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+") as handle:
            with contextlib.suppress(BlockingIOError):  # another run holds the lock
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                handle.truncate(0)
                handle.write(f"{ours} process {os.getpid()} on {socket.gethostname()}\n")
                handle.flush()
            # Wait until a run that has just started has written its config; until then the file may be an older run's.
            fcntl.flock(handle, fcntl.LOCK_SH)
            handle.seek(0)
            theirs, _, holder = handle.read().strip().partition(" ")
            if theirs != ours:
                raise UserError(
                    f"another run ({holder}) is writing {self.products}/ from another config: wait until it ends, or "
                    "put this config into its own file (--configfile experiments/NAME.yaml)"
                )
            yield


def build_manifest(config: Config, trials: list[Trial], name: str | None, file: str) -> Manifest:
    """Return the manifest of the config `file`: the axes in its order, their presentation and every trial."""
    noises = {paths.noise_name(trial.spec["noise"]): list(trial.noise_heading) for trial in trials}
    as_text = [recipes.as_text(trial.spec["recipe"]) for trial in trials]
    distinct = list({tuple(recipe.items()): recipe for recipe in as_text}.values())
    return {
        "experiment": name,
        "config": file,
        "labelnoise": labelnoise.__version__,
        "highlight": config.highlight,
        "noise_seed": config.noise_seed,
        "preset": config.preset.model_dump() if config.preset else None,
        "published": _published(config, trials),
        "figures": config.figures.kinds,
        "figure_losses": config.figures.losses,
        "snapshots": list(config.run.snapshots),
        "datasets": list(dict.fromkeys(trial.spec["dataset"]["name"] for trial in trials)),
        "classes": {trial.spec["dataset"]["name"]: len(trial.dataset.info.classes) for trial in trials},
        "noisy_tests": sorted(
            {trial.spec["dataset"]["name"] for trial in trials if not trial.dataset.info.has_clean_tests}
        ),
        "noises": list(noises),
        "noise_headings": noises,
        "losses": list(dict.fromkeys(trial.label for trial in trials)),
        "seeds": list(dict.fromkeys(trial.spec["seed"] for trial in trials)),
        "recipes": distinct,
        "trials": [
            {
                "hash": trial.hash,
                "folder": trial.folder.path.as_posix(),
                "labels": trial.labels.as_posix(),
                "dataset": trial.spec["dataset"]["name"],
                "noise": paths.noise_name(trial.spec["noise"]),
                "kind": trial.spec["noise"]["kind"],
                "rate": trial.spec["noise"]["rate"],
                "variant": trial.spec["noise"]["variant"],
                "noise_seed": trial.spec["noise"]["seed"],
                "loss": trial.spec["loss"]["name"],
                "label": trial.label,
                "seed": trial.spec["seed"],
                "printed_as": list(printed.noise_of(trial.spec["noise"])),
                "sweep": trial.sweep,
                "unlike_preset": trial.unlike_preset,
                "recipe": distinct.index(recipe),
            }
            for trial, recipe in zip(trials, as_text, strict=True)
        ],
    }


def _published(config: Config, trials: list[Trial]) -> Published | None:
    """The printed tables to compare with, restricted to the experiment's data sets."""
    if config.published is None:
        return None
    present = {trial.spec["dataset"]["name"] for trial in trials}
    return {
        "paper": Path(config.published.paper).stem,
        "tables": config.published.tables,
        "trials": config.published.trials,
        "tolerance": config.published.tolerance,
        "cells": [dict(cell) for cell in printed.cells_of(config.published, present)],
    }


def describe_jobs(config: Config, trials: list[Trial], built: Manifest) -> dict[str, Any]:
    """Return what jobs need, as plain values: the manifest's hash, run options, and the sources of data and labels."""
    return {
        "manifest": manifest.hash_of(built),
        "options": as_flags(config.run_options),
        "datasets": {paths.dataset(trial.spec).name: _describe_dataset(trial.dataset) for trial in trials},
        "labels": {trial.labels.as_posix(): _describe_labels(trial) for trial in trials},
    }


def _describe_dataset(dataset: Dataset) -> dict[str, Any]:
    """The official files to download."""
    files = dataset.info.official_files if dataset.downloads else ()
    return {"downloads": [(dataset.source / file.name).as_posix() for file in files]}


def _describe_labels(trial: Trial) -> dict[str, Any]:
    """What the label file is made from: a spec that uses it, its data set, and its source files."""
    human = trial.human_file
    return {
        "spec": trial.folder.spec.as_posix(),
        "dataset": (paths.dataset(trial.spec) / "dataset.json").as_posix(),
        "source": ["--source", str(trial.noise_source)] if trial.noise_source else [],
        "files": [human.as_posix()] if human and paths.DOWNLOADS in human.parents else [],
    }
