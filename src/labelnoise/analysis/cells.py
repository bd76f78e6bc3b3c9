"""trials.csv → cells: mean ± sample standard deviation over seeds. A cell with a seed that is not ok has neither."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from labelnoise import manifest as manifests
from labelnoise import paths
from labelnoise.analysis import collect
from labelnoise.errors import UserError
from labelnoise.files import csv_text
from labelnoise.manifest import Manifest
from labelnoise.trial_folder import UNKNOWN, Status

METRICS = {
    "last": "last-epoch test accuracy",
    "best": "best test accuracy over epochs (chosen on the test set)",
    "validated": "test accuracy at the epoch with the best accuracy on held-out noisy labels",
}


_STAMP = ".trials"


@dataclass(frozen=True)
class Results:
    """An experiment's manifest and trials.csv, with the axes in config order; `version` is a hash of trials.csv."""

    manifest: Manifest
    trials: pd.DataFrame
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
        return self.manifest["noises"]

    @property
    def seeds(self) -> list[int]:
        return self.manifest["seeds"]

    @property
    def unfinished(self) -> int:
        """Trials that failed or are missing."""
        return int(self.trials.drop_duplicates("trial").status.isin([Status.FAILED, Status.MISSING]).sum())

    def stamp(self, folder: Path) -> None:
        """Record in a folder of products which trials.csv they were made from."""
        (folder / _STAMP).write_text(self.version)

    def check_stamp(self, folder: Path) -> None:
        """Raise `UserError` if the products in the folder were made from another trials.csv."""
        path = folder / _STAMP
        if not path.exists() or path.read_text() != self.version:
            command = f"labelnoise {folder.name} {paths.products(self.manifest['experiment']) / 'manifest.json'}"
            raise UserError(f"{folder} was made from another trials.csv: run snakemake, or `{command}`")

    def test_sets(self, dataset: str) -> list[str]:
        """The test sets on which trials on this data set were evaluated."""
        names = self.trials.loc[self.trials.dataset == dataset, "test_set"].dropna().unique().tolist()
        return names or ["test"]

    def rows_of(self, dataset: str, test_set: str) -> pd.DataFrame:
        """The rows of one data set and test set, including trials without any accuracy."""
        rows = self.trials[self.trials.dataset == dataset]
        return rows[(rows.test_set == test_set) | rows.test_set.isna()]

    def noise_heading(self, noise: str) -> tuple[str, str]:
        """(group, rate) of a noise: `symmetric truncated`, `0.4`; the rate is empty if there is none."""
        group, rate = self.manifest["noise_headings"][noise]
        return group, rate

    def noise_title(self, noise: str) -> str:
        """`symmetric-0.4` as `symmetric 0.4`."""
        return " ".join(filter(None, self.noise_heading(noise)))

    def complete_cells(self, dataset: str, test_set: str) -> set[tuple[str, str]]:
        """The (label, noise) pairs whose seeds are all ok; only these may be averaged."""
        cells = summarise(self.rows_of(dataset, test_set), "last")
        return set(cells.index[cells.n == cells.seeds])


def read(manifest_path: Path) -> Results:
    """Read an experiment's results. Raises `UserError` if trials.csv is missing, damaged or from another config."""
    manifest = manifests.read(manifest_path)
    path = paths.products(manifest["experiment"]) / "trials.csv"
    try:
        content = path.read_bytes()
        trials = _parse(content)
    except FileNotFoundError:
        raise UserError(f"{path} does not exist: run snakemake, or `labelnoise collect {manifest_path}`") from None
    except (ValueError, pd.errors.ParserError) as error:
        raise UserError(f"{path} is damaged ({error}); delete it and run snakemake again") from None
    if "manifest" not in trials or set(trials["manifest"]) != {manifests.hash_of(manifest)}:
        raise UserError(
            f"{path} was made from another config than {manifest_path}: run snakemake, or `labelnoise collect "
            f"{manifest_path}`"
        )
    return Results(manifest, trials, hashlib.sha256(content).hexdigest()[:10])


def from_manifest(manifest: Manifest) -> Results:
    """The results of an experiment as they are now, whether or not its trials.csv exists."""
    return Results(manifest, _parse(csv_text(collect.rows(manifest), collect.COLUMNS).encode()))


def _parse(content: bytes) -> pd.DataFrame:
    # Read as text: a label may look like a number or a missing value.
    text = dict.fromkeys(
        (
            "trial",
            "noise",
            "loss",
            "label",
            "reason",
            "test_set",
            "code",
            "torch",
            "device",
            "cpu_capability",
            "cuda",
            "cudnn",
            "folder",
            "manifest",
        ),
        str,
    )
    missing = {column: [""] for column in collect.COLUMNS if column not in ("label", "loss")}
    missing |= {column: ["", UNKNOWN] for column in ("memorised", "realised_rate")}
    return pd.read_csv(io.BytesIO(content), dtype=text, keep_default_na=False, na_values=missing)


def summarise(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """One row per (label, noise): `mean`, `std` (n − 1), `n` ok trials and `seeds` requested.

    Mean and std are missing if any seed is not ok; std also if there is only one seed.
    """
    column = f"{metric}_accuracy"
    values = rows.assign(value=rows[column].where(rows.status == Status.OK))
    cells = values.groupby(["label", "noise"], sort=False).agg(
        mean=("value", "mean"), std=("value", "std"), n=("value", "count"), seeds=("seed", "nunique")
    )
    cells.loc[cells.n < cells.seeds, ["mean", "std"]] = float("nan")
    return cells


def average_ranks(means: pd.DataFrame) -> pd.Series:
    """Each loss's rank, averaged over the complete columns of `means` (losses × noises); 1 is best.

    Means are compared as printed, so means that print alike share a rank.
    """
    complete = means.dropna(axis="columns").map(as_printed)
    return complete.rank(ascending=False, method="average").mean(axis="columns")


def as_printed(mean: float) -> float:
    """The mean as tables print it, with two digits; pandas' `round` differs at x.xx5."""
    return float(f"{mean:.2f}")


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
