"""An experiment's results: its manifest, trials.csv, and the summary that tables, figures and report show."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from labelnoise import manifest as manifests
from labelnoise import paths
from labelnoise.analysis import summary, trials_csv
from labelnoise.analysis.metrics import HEADLINE, NOISY_ACCURACY, Metric
from labelnoise.errors import UserError
from labelnoise.files import csv_text
from labelnoise.manifest import Manifest
from labelnoise.trial_folder import HELD_OUT, Status

# trials.csv, and what is computed from it.
FILES = ("trials.csv", "summary.csv", "ranks.csv")

_STAMP = ".trials"


@dataclass(frozen=True)
class Results:
    """An experiment's manifest, trials.csv, and the summary and ranks made from it, with the axes in config order.

    `version` is a hash of the files.
    """

    manifest: Manifest
    trials: pd.DataFrame
    summary: pd.DataFrame
    ranks: pd.DataFrame
    version: str = ""

    @property
    def folder(self) -> Path:
        return paths.products(self.manifest["experiment"])

    @property
    def losses(self) -> list[str]:
        return self.manifest["losses"]

    @property
    def datasets(self) -> list[str]:
        return self.manifest["datasets"]

    @property
    def noises(self) -> list[str]:
        """The noises, those of a group (kind and variant) side by side, groups in config order."""
        groups = list(dict.fromkeys(self.noise_heading(noise)[0] for noise in self.manifest["noises"]))
        return sorted(self.manifest["noises"], key=lambda noise: groups.index(self.noise_heading(noise)[0]))

    @property
    def seeds(self) -> list[int]:
        return self.manifest["seeds"]

    @property
    def unfinished(self) -> int:
        """Trials that failed or are missing."""
        return int(self.trials.drop_duplicates("trial").status.isin([Status.FAILED, Status.MISSING]).sum())

    def stamp(self, folder: Path) -> None:
        """Record in a folder of products which results they were made from."""
        (folder / _STAMP).write_text(self.version)

    def check_stamp(self, folder: Path) -> None:
        """Raise `UserError` if the products in the folder were made from other results."""
        path = folder / _STAMP
        if not path.exists() or path.read_text() != self.version:
            command = f"labelnoise {folder.name} {paths.products(self.manifest['experiment']) / 'manifest.json'}"
            raise UserError(f"{folder} was made from another trials.csv: run snakemake, or `{command}`")

    def test_sets(self, dataset: str) -> list[str]:
        """The test sets on which trials on this data set were evaluated; `test` before any was."""
        return summary.test_sets(self.trials, dataset)

    def title(self, dataset: str, test_set: str) -> str:
        """The data set, with the test set in brackets if there are several or its labels may be wrong."""
        if self.is_noisy(dataset):
            return f"{dataset} ({self.test_set_title(dataset, test_set)})"
        return dataset if len(self.test_sets(dataset)) == 1 else f"{dataset} ({test_set})"

    def test_set_title(self, dataset: str, test_set: str) -> str:
        """The test set's name; if its labels may be wrong, it says so."""
        if not self.is_noisy(dataset):
            return test_set
        return "held-out noisy labels" if test_set == HELD_OUT else f"{test_set}, noisy labels"

    def is_noisy(self, dataset: str) -> bool:
        """Whether the data set has no clean test labels, so that accuracies are those on noisy ones."""
        return dataset in self.manifest["noisy_tests"]

    def accuracy(self, dataset: str) -> str:
        """What axes call an accuracy on a test set of this data set."""
        return NOISY_ACCURACY if self.is_noisy(dataset) else "test accuracy"

    def stem(self, dataset: str, test_set: str, *, of_test_set: bool = True) -> str:
        """The first part of file names: with the test set if there are several or its labels may be wrong."""
        is_named = of_test_set and (len(self.test_sets(dataset)) > 1 or self.is_noisy(dataset))
        return f"{dataset}-{test_set}" if is_named else dataset

    def rows_of(self, dataset: str, test_set: str) -> pd.DataFrame:
        """The rows of one data set and test set, including trials without any accuracy."""
        return summary.rows_of(self.trials, dataset, test_set)

    def cells(self, dataset: str, test_set: str, metric: Metric = HEADLINE) -> pd.DataFrame:
        """The summary of one table, indexed by (label, noise)."""
        rows = self.summary
        rows = rows[(rows.dataset == dataset) & (rows.test_set == test_set) & (rows.metric == metric.name)]
        return rows.set_index(["label", "noise"])

    def means(self, dataset: str, test_set: str, metric: Metric = HEADLINE) -> pd.DataFrame:
        """The means of one table, losses × noises, NaN where there is none; noises without the metric are left out."""
        means = self.cells(dataset, test_set, metric)["mean"].unstack("noise")
        return means.reindex(index=self.losses, columns=[noise for noise in self.noises if noise in means])

    def ranks_of(self, dataset: str, test_set: str, metric: Metric = HEADLINE) -> pd.DataFrame:
        """Average ranks of one table, indexed by label; empty without a complete column."""
        rows = self.ranks
        rows = rows[(rows.dataset == dataset) & (rows.test_set == test_set) & (rows.metric == metric.name)]
        return rows.set_index("label")

    def noise_heading(self, noise: str) -> tuple[str, str]:
        """(group, rate) of a noise: `symmetric truncated`, `0.4`; the rate is empty if there is none."""
        group, rate = self.manifest["noise_headings"][noise]
        return group, rate

    def noise_title(self, noise: str) -> str:
        """`symmetric-0.4` as `symmetric 0.4`."""
        return " ".join(filter(None, self.noise_heading(noise)))

    def complete_cells(self, dataset: str, test_set: str) -> set[tuple[str, str]]:
        """The (label, noise) pairs whose seeds are all ok; only these may be averaged."""
        cells = self.cells(dataset, test_set)
        return set(cells.index[cells["mean"].notna()])


def read(manifest_path: Path, root: Path = Path()) -> Results:
    """Read an experiment's results below `root`.

    Raises `UserError` if a file is missing or damaged, is from another config, or is not what `collect` wrote.
    """
    manifest = manifests.read(manifest_path)
    folder = root / paths.products(manifest["experiment"])
    remedy = f"run snakemake, or `labelnoise collect {manifest_path}`"
    contents, frames = [], []
    for name in FILES:
        try:
            contents.append((folder / name).read_bytes())
            frames.append(trials_csv.parse(contents[-1]))
        except FileNotFoundError:
            raise UserError(f"{folder / name} does not exist: {remedy}") from None
        except (ValueError, pd.errors.ParserError) as error:
            raise UserError(f"{folder / name} is damaged ({error}); delete it and run snakemake again") from None
    trials, summarised, ranks = frames
    marker = paths.collected(folder, manifests.hash_of(manifest))
    if "manifest" not in trials or set(trials["manifest"]) != {marker.name} or not marker.exists():
        raise UserError(f"{folder / 'trials.csv'} was made from another config than {manifest_path}: {remedy}")
    if marker.read_text() != version_of(contents):
        raise UserError(
            f"{', '.join(FILES)} in {folder} were changed since they were written: delete them and {remedy}"
        )
    return Results(manifest, trials, summarised, ranks, version_of(contents))


def from_manifest(manifest: Manifest) -> Results:
    """The results of an experiment as they are now, whether or not its trials.csv exists."""
    return from_trials(manifest, trials_csv.parse(csv_text(trials_csv.rows(manifest), trials_csv.COLUMNS).encode()))


def from_trials(manifest: Manifest, trials: pd.DataFrame) -> Results:
    """The results of an experiment with these rows of trials.csv."""
    return Results(manifest, trials, summary.summarise(trials), summary.rank(trials))


def version_of(contents: Iterable[bytes]) -> str:
    """A short hash of the contents of `FILES`."""
    return hashlib.sha256(b"".join(contents)).hexdigest()[:10]


# Columns of trials.csv that should not differ between compared trials.
_ENVIRONMENT = {
    "code": "code versions",
    "precision": "precisions",
    "torch": "torch releases",
    "device": "devices",
    "cpu_capability": "CPU capabilities",
    "cuda": "CUDA versions",
    "cudnn": "cuDNN versions",
    "threads": "thread counts",
}


def environment_mismatches(trials: pd.DataFrame) -> list[str]:
    """Return a sentence per environment column that differs among the finished trials."""
    finished = trials[trials.status == Status.OK].drop_duplicates("trial")
    sentences = []
    for column, what in _ENVIRONMENT.items():
        values = finished[column].dropna().value_counts()
        if len(values) > 1:
            listed = ", ".join(f"{value} ({count})" for value, count in values.items())
            sentences.append(f"The compared trials used different {what}: {listed}.")
    return sentences
