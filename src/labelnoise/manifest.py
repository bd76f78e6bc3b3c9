"""The manifest lists what an experiment consists of, for everything downstream of training.

trials.csv, tables, figures and report belong to one manifest. It changes only when the trials or their presentation
change. A run writes it when it starts: reading a config writes nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict

from labelnoise.errors import UserError
from labelnoise.files import canonical_hash, read_json, read_json_or_nothing

# Figures that an experiment asks for with `figures:`, beside those of every experiment.
EXTRA_FIGURES = ("tsne", "confidence_histograms", "parameter_sweep")

# How many losses stand out in a panel; more cannot be told apart.
MOST_LOSSES = 8


class Sweep(TypedDict):
    """Where a trial lies in the sweep of its loss entry, which is called `of`."""

    of: str
    values: dict[str, float | str]


class ManifestTrial(TypedDict):
    """One trial: its folder and label file, its value on every axis, and its place in a sweep, if it has one.

    `printed_as` are the noise and rate as printed tables name them. `unlike_preset` says in words what the config sets
    otherwise than the preset; empty if nothing. `recipe` is its place in the manifest's `recipes`.
    """

    hash: str
    folder: str
    labels: str
    dataset: str
    noise: str
    kind: str
    rate: float | None
    variant: str
    noise_seed: int | None
    loss: str
    label: str
    seed: int
    printed_as: list[Any]
    sweep: Sweep | None
    unlike_preset: str
    recipe: int


class Published(TypedDict):
    """The printed tables that the experiment repeats, with the cells of its data sets."""

    paper: str
    tables: list[str]
    trials: int
    tolerance: float
    cells: list[dict[str, Any]]


class Manifest(TypedDict):
    """The axes in the order of the config, their presentation, and every trial.

    `experiment` is None for config.yaml. `noise_headings` are (group, rate) as tables print them; `losses` are labels.
    `recipes` are the distinct recipes of the trials, values as text. `classes` counts each data set's. `noisy_tests`
    are the data sets without clean test labels. `figure_losses` stand out in figures; empty for the best ones.
    """

    experiment: str | None
    config: str
    labelnoise: str
    highlight: str
    noise_seed: str | int
    preset: dict[str, Any] | None
    published: Published | None
    figures: list[str]
    figure_losses: list[str]
    snapshots: list[int]
    datasets: list[str]
    classes: dict[str, int]
    noisy_tests: list[str]
    noises: list[str]
    noise_headings: dict[str, list[str]]
    losses: list[str]
    seeds: list[int]
    recipes: list[dict[str, str]]
    trials: list[ManifestTrial]


def read(path: Path) -> Manifest:
    """Read a manifest. Raises `UserError` if it is missing or damaged."""
    manifest: Manifest = read_json(path, "manifest (snakemake writes it)")
    return manifest


def hash_of(manifest: Manifest) -> str:
    """The short hash by which trials.csv identifies its manifest."""
    return canonical_hash(manifest)


def check_owner(manifest: Manifest, path: Path) -> None:
    """Raise `UserError` if the manifest at `path` is another config file's, whose products would be overwritten."""
    owner = read_json_or_nothing(path).get("config", manifest["config"])
    if owner != manifest["config"]:
        raise UserError(
            f"{path.parent} holds the products of {owner}, which has the same name as {manifest['config']}: rename one "
            f"of the two, or delete {path} if the file was moved"
        )
