"""Paths of all outputs, relative to the working folder. See results/README.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelnoise.files import canonical_hash
from labelnoise.noise.catalogue import DEFAULT_VARIANTS

RESULTS = Path("results")
DATA = RESULTS / "data"
DOWNLOADS = RESULTS / "downloads"
LABELS = RESULTS / "labels"
TRIALS = RESULTS / "trials"
EXPERIMENTS = RESULTS / "experiments"


def noise_name(noise: Mapping[str, Any]) -> str:
    """The folder name of a noise: `clean`, `symmetric-0.4`, `symmetric-0.4-truncated`, `human-worst`, `file-5c1e…`."""
    if noise["kind"] == "clean":
        return "clean"
    parts = [noise["kind"]]
    if noise["rate"] is not None:
        parts.append(repr(noise["rate"]))
    if noise["variant"] not in DEFAULT_VARIANTS:
        parts.append(noise["variant"])
    if "content" in noise:  # the user's own map, matrix or file
        parts.append(noise["content"])
    return "-".join(parts)


def dataset(spec: Mapping[str, Any]) -> Path:
    """The folder of a prepared data set; its name includes the content's hash for a user's own data set."""
    identity = spec["dataset"]
    return DATA / "-".join(filter(None, [identity["name"], identity.get("fingerprint")]))


def labels(spec: Mapping[str, Any]) -> Path:
    """The label file that a trial trains on; its audit has the same name with the ending .json."""
    noise = spec["noise"]
    identity = canonical_hash({"dataset": spec["dataset"], "noise": noise}, digits=8)
    seed = "" if noise["seed"] is None else f"-s{noise['seed']}"
    return LABELS / spec["dataset"]["name"] / f"{noise_name(noise)}{seed}-{identity}.npz"


def trial(spec: Mapping[str, Any], identity: str) -> Path:
    """The folder of the trial with this identity."""
    folder: Path = TRIALS / spec["dataset"]["name"] / noise_name(spec["noise"]) / spec["loss"]["name"]
    return folder / f"s{spec['seed']}-{identity}"


def dataset_entry(name: str) -> Path:
    """The config entry of the data set prepared in the folder of this name."""
    return DATA / name / "entry.json"


def jobs(products: Path) -> Path:
    """The file with a run's options for its jobs on other machines."""
    return products / ".jobs.json"


def collected(products: Path, manifest: str) -> Path:
    """An empty file that exists if trials.csv was made from the manifest with this hash."""
    return products / ".collected" / manifest


def config_name(file: Path) -> str:
    """A name for a config file that survives moving the working folder: relative to it, else with the parent's name."""
    file = Path(file).resolve()
    here = Path.cwd().resolve()
    return file.relative_to(here).as_posix() if file.is_relative_to(here) else "/".join(file.parts[-2:])


def products(experiment: str | None) -> Path:
    """The folder of an experiment's tables, figures and report; results/ for config.yaml (`None`)."""
    return RESULTS if experiment is None else EXPERIMENTS / experiment
