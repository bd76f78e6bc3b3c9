"""Config → trials: every combination of data set, noise, loss and seed, fully resolved, with its identity."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelnoise import paths
from labelnoise.datasets.catalogue import DatasetInfo
from labelnoise.errors import UserError, unknown
from labelnoise.experiment import datasets, losses, noises
from labelnoise.experiment.config import Config, EntryError, Problems, validate
from labelnoise.experiment.datasets import Dataset
from labelnoise.experiment.losses import LossCase
from labelnoise.experiment.noises import Noise, NoiseCase
from labelnoise.experiment.recipes import RecipeError, Unread, resolve_recipe
from labelnoise.experiment.source import Place, Source
from labelnoise.files import canonical_hash
from labelnoise.losses.catalogue import LossError
from labelnoise.models import catalogue as models
from labelnoise.noise.catalogue import NOISES
from labelnoise.published import presets
from labelnoise.training.code import code_version
from labelnoise.training.recipe import FROM_FILES, IN_MEMORY


@dataclass(frozen=True, eq=False)
class Trial:
    """One trial: the resolved spec, its hash, and what is no part of it.

    `label` and `noise_heading` are what tables and figures call its loss and its noise.
    """

    spec: dict[str, Any]
    hash: str
    label: str
    noise_heading: tuple[str, str]
    dataset: Dataset
    noise_source: Path | None

    @property
    def folder(self) -> Path:
        return paths.trial(self.spec, self.hash)

    @property
    def result(self) -> Path:
        return self.folder / "result.json"

    @property
    def labels(self) -> Path:
        return paths.labels(self.spec)

    @property
    def human_file(self) -> Path | None:
        """The official file of human labels that its label file is made from."""
        if self.spec["noise"]["kind"] != "human":
            return None
        return self.noise_source / self.dataset.info.human[self.spec["noise"]["variant"]][0]


def expand(source: Source) -> tuple[Config, list[Trial]]:
    """The config and its trials in the order written there; `UserError` listing every mistake."""
    config = validate(source)
    problems = Problems(source)
    chosen = _datasets(config, problems)
    noise_cases = _noise_cases(config, problems)
    cases = _loss_cases(config, problems)
    _check_preset(config, problems)
    _check_distinct(config.seeds, ("seeds",), "seed", problems)
    problems.raise_any()
    trials = list(_combine(config, chosen, noise_cases, cases, problems))
    _check_twins(trials, problems)
    _check_run(config, trials, problems)
    trials = _only(config, trials, problems)
    problems.raise_any()
    return config, [trial for trial, _ in trials]


def doubts(trials: list[Trial]) -> list[str]:
    """A line for each noise under which clean labels do not dominate: allowed, but no loss is robust there."""
    from labelnoise.noise import transitions

    found: dict[str, None] = {}
    for trial in {
        (paths.dataset(trial.spec), paths.noise_name(trial.spec["noise"])): trial for trial in trials
    }.values():
        asked = transitions.requested(trial.spec["noise"], len(trial.dataset.info.classes))
        if asked is not None and transitions.margin(asked) <= 1e-12:
            found[not_robust(trial, transitions.margin(asked))] = None
    return list(found)


def not_robust(trial: Trial, margin: float) -> str:
    """The warning about a noise whose least T_ii − max T_ij is not positive."""
    noise = " ".join(filter(None, trial.noise_heading))
    return (
        f"{trial.dataset.info.name}, {noise}: in some class a wrong label is as frequent as the true one "
        f"(least T_ii − max T_ij: {margin:.3f}): no loss is robust there"
    )


def _datasets(config: Config, problems: Problems) -> list[Dataset]:
    found = []
    for i, entry in enumerate(config.datasets):
        try:
            found.append(datasets.resolve(entry))
        except EntryError as error:
            problems.add(error.place(("datasets", i)), error)
    _check_distinct([entry.name for entry in config.datasets], ("datasets",), "data set", problems)
    return found


def _noise_cases(config: Config, problems: Problems) -> list[tuple[Place, NoiseCase]]:
    found: list[tuple[Place, NoiseCase]] = []
    for i, entry in enumerate(config.noise):
        try:
            found += [(("noise", i), case) for case in noises.cases(entry)]
        except EntryError as error:
            problems.add(error.place(("noise", i)), error)
    return found


def _loss_cases(config: Config, problems: Problems) -> list[tuple[Place, LossCase]]:
    """Every loss entry at every point of its sweep; a label belongs to one case only."""
    found: list[tuple[Place, LossCase]] = []
    labels: set[str] = set()
    for i, entry in enumerate(config.losses):
        place: Place = ("losses", i)
        try:
            cases = list(losses.cases(entry))
        except (LossError, UserError) as error:
            problems.add(place, error)
            continue
        for case in cases:
            if case.label in labels:
                remedy = "give one of them a `label:` of its own, or remove it"
                problems.add(place, f"two losses are called {case.label!r} in the tables; {remedy}")
            labels.add(case.label)
            found.append((place, case))
    return found


def _check_preset(config: Config, problems: Problems) -> None:
    if config.preset is None:
        return
    known = presets.names()
    if config.preset.name not in known:
        problems.add(("preset",), unknown("preset", config.preset.name, known))
        return
    if config.preset.dataset is not None:
        datasets = presets.datasets(config.preset.name)
        if config.preset.dataset not in datasets:
            what = f"data set of the preset {config.preset.name}"
            problems.add(("preset", "dataset"), unknown(what, config.preset.dataset, datasets))


def _check_distinct(values: list[Any], place: Place, what: str, problems: Problems) -> None:
    for i, value in enumerate(values):
        if value in values[:i]:
            problems.add((*place, i), f"the {what} {value} is listed twice; keep one")


def _noises_on(
    dataset: Dataset, cases: list[tuple[Place, NoiseCase]], problems: Problems
) -> Iterator[tuple[Place, Noise]]:
    """Every noise on this data set; a name or heading belongs to one noise only."""
    names: set[str] = set()
    headings: set[tuple[str, str]] = set()
    for place, case in cases:
        try:
            noise = noises.on(case, dataset)
        except EntryError as error:
            problems.add(error.place(place), error)
            continue
        heading = " ".join(filter(None, noise.heading))
        if noise.name in names:
            problems.add(place, f"the noise {noise.name} is listed twice; keep one")
            continue  # its trials would be told as twins as well
        if noise.heading in headings:
            problems.add(place, f"two noises are called {heading!r} in the tables; give one of them a `label:`")
        names.add(noise.name)
        headings.add(noise.heading)
        yield place, noise


def _combine(
    config: Config,
    chosen: list[Dataset],
    noise_cases: list[tuple[Place, NoiseCase]],
    cases: list[tuple[Place, LossCase]],
    problems: Problems,
) -> Iterator[tuple[Trial, Place]]:
    code = {"code": code_version()} if config.on_code_change == "retrain" else {}
    unread = Unread()
    for dataset in chosen:
        on_it = [noise for _, noise in _noises_on(dataset, noise_cases, problems)]
        for noise, (place, case) in itertools.product(on_it, cases):
            try:
                loss, train = losses.resolve_loss(case, config.preset, dataset, noise)
                recipe = resolve_recipe(dataset.info.recipe, preset=train, config=config.train, entry=case.entry.train)
                _check_fit(dataset.info, recipe)
                images = "arrays" if dataset.info.in_memory else "files"
                unread.note(("train",), config.train, recipe, images=images)
                unread.note((*place, "train"), case.entry.train, recipe, images=images)
            except RecipeError as error:
                problems.add(("train", error.key) if error.layer == "config" else (*place, "train"), error)
                continue
            except (LossError, UserError) as error:
                problems.add(place, error)
                continue
            for seed in config.seeds:
                noise_seed = seed if config.noise_seed == "same" else config.noise_seed
                spec = {
                    "dataset": dataset.identity,
                    "noise": noise.spec | {"seed": noise_seed if NOISES[noise.spec["kind"]].has_seed else None},
                    "loss": loss,
                    "recipe": recipe,
                    "seed": seed,
                    **code,
                }
                trial = Trial(spec, canonical_hash(spec), case.label, noise.heading, dataset, noise.source)
                yield trial, place
    for place, key, message in unread.mistakes():
        problems.add((*place, key), message)


def _check_fit(dataset: DatasetInfo, recipe: dict[str, Any]) -> None:
    """Recipe values that the data set cannot take."""
    if len(recipe["mean"]) != dataset.channels:
        message = f"mean and std need {dataset.channels} value(s), one a channel of {dataset.name}"
        raise RecipeError("mean", "config", message)
    if not dataset.in_memory and (recipe["image_size"] is None or recipe["resize"] is None):
        raise RecipeError("image_size", "config", f"{dataset.name} is read from files: give image_size and resize")
    size = dataset.image_size if dataset.in_memory else recipe["image_size"]
    wanted = models.find(recipe["model"]).image_size
    if wanted is not None and size != wanted:
        fitting = ", ".join(name for name, info in models.MODELS.items() if info.image_size in (None, size))
        message = (
            f"the model {recipe['model']} takes images of {wanted} × {wanted}, those of {dataset.name} are "
            f"{size} × {size}; models for them: {fitting}, timm/NAME"
        )
        raise RecipeError("model", "config", message)
    if not dataset.in_memory:
        shortest = min(recipe["resize"]) if isinstance(recipe["resize"], list) else recipe["resize"]
        if recipe["image_size"] > shortest:
            message = f"image_size ({recipe['image_size']}) must not be above resize ({shortest}): it is cut out"
            raise RecipeError("image_size", "config", message)
    fitting = IN_MEMORY if dataset.in_memory else FROM_FILES
    for name in recipe["augmentation"]:
        if name not in fitting:
            what = f"augmentation for {dataset.name}, whose images are {'arrays' if dataset.in_memory else 'files'}"
            raise RecipeError("augmentation", "config", unknown(what, name, fitting))
    if recipe["validation"] and dataset.train_size is not None:
        held_out = round(recipe["validation"] * dataset.train_size)
        if not 1 <= held_out <= dataset.train_size - 2:
            message = f"validation: {recipe['validation']:g} of {dataset.train_size} images leaves one part empty"
            raise RecipeError("validation", "config", message)


def _check_twins(trials: list[tuple[Trial, Place]], problems: Problems) -> None:
    """Two entries that resolve to the same trial would be one result under two names."""
    first: dict[str, Trial] = {}
    for trial, place in trials:
        canonical = trial.spec | {"loss": losses.canonical_spec(trial.spec["loss"])}
        twin = first.setdefault(canonical_hash(canonical), trial)
        if twin is not trial:
            problems.add(
                place,
                f"{trial.label!r} is the same trial as {twin.label!r}: same loss, parameters and recipe; keep one",
            )


def _check_run(config: Config, trials: list[tuple[Trial, Place]], problems: Problems) -> None:
    last = max((trial.spec["recipe"]["epochs"] for trial, _ in trials), default=None)
    for i, epoch in enumerate(config.run.snapshots):
        if last is not None and epoch > last:
            problems.add(("run", "snapshots", i), f"there is no epoch {epoch}: the longest recipe has {last}")
    if config.run.checkpoint_epochs is not None and config.run.checkpoint_minutes is not None:
        problems.add(("run", "checkpoint_epochs"), "give this or checkpoint_minutes")


def _only(config: Config, trials: list[tuple[Trial, Place]], problems: Problems) -> list[tuple[Trial, Place]]:
    """The trials that `only:` selects; a noise may be named by kind or with its rate."""
    axes = {
        "datasets": lambda trial: {trial.spec["dataset"]["name"]},
        "noise": lambda trial: {
            trial.spec["noise"]["kind"],
            paths.noise_name(trial.spec["noise"]),
            trial.noise_heading[0],
        },
        "losses": lambda trial: {trial.label, trial.spec["loss"]["name"]},
        "seeds": lambda trial: {trial.spec["seed"]},
    }
    for axis, names in axes.items():
        wanted = getattr(config.only, axis)
        if wanted is None:
            continue
        present = dict.fromkeys(name for trial, _ in trials for name in sorted(names(trial), key=str))
        for i, name in enumerate(wanted):
            if name not in present:
                place = ("only", axis, i)
                problems.add(place, unknown(f"entry of {axis} in this config", name, map(str, present)))
        if not present.keys() & set(wanted):
            continue  # told above; the other axes are checked against all trials
        trials = [(trial, place) for trial, place in trials if names(trial) & set(wanted)]
    return trials
