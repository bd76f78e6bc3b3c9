"""Expands a config into trials: every combination of data set, noise, loss and seed, with its spec and hash."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelnoise import paths, targets
from labelnoise.datasets.info import DatasetInfo, Images
from labelnoise.errors import UserError, unknown
from labelnoise.experiment import config_file, datasets, losses, noises, printed, recipes
from labelnoise.experiment.config import Config, EntryError, PresetRef
from labelnoise.experiment.config_file import ConfigFile, KeyPath
from labelnoise.experiment.datasets import Dataset
from labelnoise.experiment.losses import LossCase
from labelnoise.experiment.noises import Noise, NoiseCase
from labelnoise.experiment.recipes import RecipeError, Unread, resolve_recipe
from labelnoise.experiment.validation import Problems, validate
from labelnoise.files import canonical_hash, write_text
from labelnoise.losses.parameters import LossError
from labelnoise.manifest import Sweep
from labelnoise.models import catalogue as models
from labelnoise.noise.catalogue import NOISES
from labelnoise.noise.resolve import dominance_margin
from labelnoise.published import presets
from labelnoise.training.code_version import code_version
from labelnoise.training.recipe import AUGMENTATIONS
from labelnoise.trial_folder import TrialFolder


@dataclass(frozen=True, eq=False)
class Trial:
    """One trial: the resolved spec, its hash, and what does not affect its identity.

    `label` and `noise_heading` name its loss and noise in tables and figures; `sweep` and `unlike_preset` are those of
    the manifest.
    """

    spec: dict[str, Any]
    hash: str
    label: str
    noise_heading: tuple[str, str]
    dataset: Dataset
    noise_source: Path | None
    sweep: Sweep | None
    unlike_preset: str

    @property
    def folder(self) -> TrialFolder:
        return TrialFolder(paths.trial(self.spec, self.hash))

    @property
    def labels(self) -> Path:
        return paths.labels(self.spec)

    @property
    def human_file(self) -> Path | None:
        """The official file of human labels that the label file is made from; None for other noises."""
        if self.spec["noise"]["kind"] != "human" or self.noise_source is None:
            return None
        return self.noise_source / self.dataset.info.human[self.spec["noise"]["variant"]].file.name


def write_checked(path: Path, text: str) -> None:
    """Write a config file; if the config is refused, remove it again. Raises `UserError` listing every mistake."""
    write_text(path, text)
    try:
        expand(config_file.read(path))
    except UserError:
        path.unlink()
        raise


def expand(file: ConfigFile) -> tuple[Config, list[Trial]]:
    """Return the config and its trials in config order. Raises `UserError` listing every mistake."""
    config = validate(file)
    problems = Problems(file)
    chosen = _resolve_datasets(config, problems)
    noise_cases = _expand_noises(config, problems)
    cases = _expand_losses(config, problems)
    _check_presets(config, problems)
    _check_distinct(config.seeds, ("seeds",), "seed", problems)
    problems.raise_any()
    trials = list(_combine(config, chosen, noise_cases, cases, problems))
    _check_twins(trials, problems)
    _check_run(config, trials, problems)
    printed.check(config, [trial.spec for trial, _ in trials], problems)
    trials = _select_only(config, trials, problems)
    problems.raise_any()
    return config, [trial for trial, _ in trials]


def noise_warnings(trials: list[Trial]) -> list[str]:
    """Return a warning per noise under which clean labels do not dominate: it is allowed, but no loss is robust."""
    warnings: dict[str, None] = {}
    distinct = {(paths.dataset(trial.spec), paths.noise_name(trial.spec["noise"])): trial for trial in trials}
    for trial in distinct.values():
        margin = dominance_margin(trial.spec["noise"], len(trial.dataset.info.classes))
        if margin is not None and margin <= 1e-12:
            warnings[not_robust(trial, margin)] = None
    return list(warnings)


def not_robust(trial: Trial, margin: float) -> str:
    """The warning for a noise whose smallest T_ii − max T_ij, `margin`, is not positive."""
    noise = " ".join(filter(None, trial.noise_heading))
    return (
        f"{trial.dataset.info.name}, {noise}: in some class a wrong label is as frequent as the true one "
        f"(least T_ii − max T_ij: {margin:.3f}): no loss is robust there"
    )


def _resolve_datasets(config: Config, problems: Problems) -> list[Dataset]:
    resolved = []
    for i, entry in enumerate(config.datasets):
        try:
            resolved.append(datasets.resolve_dataset(entry))
        except EntryError as error:
            problems.add(error.key_path(("datasets", i)), error)
    _check_distinct([entry.name for entry in config.datasets], ("datasets",), "data set", problems)
    return resolved


def _expand_noises(config: Config, problems: Problems) -> list[tuple[KeyPath, NoiseCase]]:
    cases: list[tuple[KeyPath, NoiseCase]] = []
    for i, entry in enumerate(config.noise):
        try:
            cases += [(("noise", i), case) for case in noises.expand_noise(entry)]
        except EntryError as error:
            problems.add(error.key_path(("noise", i)), error)
    return cases


def _expand_losses(config: Config, problems: Problems) -> list[tuple[KeyPath, LossCase]]:
    """Expand every loss entry over its sweep, reporting labels that are used twice."""
    labelled: list[tuple[KeyPath, LossCase]] = []
    labels: set[str] = set()
    for i, entry in enumerate(config.losses):
        key_path: KeyPath = ("losses", i)
        try:
            cases = list(losses.expand_loss(entry, config.train))
        except (LossError, UserError) as error:
            problems.add(key_path, error)
            continue
        for case in cases:
            if case.label in labels:
                remedy = "give one of them its own `label:`, or remove it"
                problems.add(key_path, f"two losses are called {case.label!r} in the tables; {remedy}")
            labels.add(case.label)
            labelled.append((key_path, case))
    return labelled


def _check_presets(config: Config, problems: Problems) -> None:
    named: list[tuple[KeyPath, PresetRef | None]] = [(("preset",), config.preset)]
    named += [(("losses", i, "preset"), entry.preset) for i, entry in enumerate(config.losses)]
    known = presets.names()
    for key_path, preset in named:
        if preset is None:
            continue
        if preset.name not in known:
            problems.add(key_path, unknown("preset", preset.name, known))
        elif preset.dataset is not None and preset.dataset not in (datasets := presets.datasets(preset.name)):
            what = f"data set of the preset {preset.name}"
            problems.add((*key_path, "dataset"), unknown(what, preset.dataset, datasets))


def _check_distinct(values: list[Any], key_path: KeyPath, what: str, problems: Problems) -> None:
    for i, value in enumerate(values):
        if value in values[:i]:
            problems.add((*key_path, i), f"the {what} {value} is listed twice; keep one")


def _noises_on(
    dataset: Dataset, cases: list[tuple[KeyPath, NoiseCase]], problems: Problems
) -> Iterator[tuple[KeyPath, Noise]]:
    """Yield every noise on this data set, reporting names and headings that are used twice."""
    names: set[str] = set()
    headings: set[tuple[str, str]] = set()
    for key_path, case in cases:
        try:
            noise = noises.resolve_noise_on(case, dataset)
        except EntryError as error:
            problems.add(error.key_path(key_path), error)
            continue
        heading = " ".join(filter(None, noise.heading))
        if noise.name in names:
            problems.add(key_path, f"the noise {noise.name} is listed twice; keep one")
            continue  # else its trials would be reported as duplicates too
        if noise.heading in headings:
            problems.add(key_path, f"two noises are called {heading!r} in the tables; give one of them a `label:`")
        names.add(noise.name)
        headings.add(noise.heading)
        yield key_path, noise


def _combine(
    config: Config,
    chosen: list[Dataset],
    noise_cases: list[tuple[KeyPath, NoiseCase]],
    cases: list[tuple[KeyPath, LossCase]],
    problems: Problems,
) -> Iterator[tuple[Trial, KeyPath]]:
    code = {"code": code_version()} if config.on_code_change == "retrain" else {}
    unread = Unread()
    paper = config.published.paper if config.published else None
    for dataset in chosen:
        on_it = [noise for _, noise in _noises_on(dataset, noise_cases, problems)]
        for noise, (key_path, case) in itertools.product(on_it, cases):
            try:
                loss, train = losses.resolve_loss(case, config.preset, dataset, noise)
                recipe = resolve_recipe(dataset.info.recipe, preset=train, config=case.shared, entry=case.train)
                _check_fit(dataset.info, recipe)
                images = dataset.info.images
                unread.note(("train",), case.shared, recipe, images=images)
                unread.note((*key_path, "train"), case.train, recipe, images=images)
            except RecipeError as error:
                problems.add(("train", error.key) if error.layer == "config" else (*key_path, "train"), error)
                continue
            except (LossError, UserError) as error:
                problems.add(key_path, error)
                continue
            plain = resolve_recipe(dataset.info.recipe, preset=train, config={}, entry={})
            unlike = ", ".join(
                filter(
                    None,
                    (
                        losses.unlike_preset(case, config.preset, dataset, noise, loss, paper=paper),
                        losses.changes(_compared(recipe), plain),
                    ),
                )
            )
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
                trial = Trial(
                    spec, canonical_hash(spec), case.label, noise.heading, dataset, noise.source, case.sweep, unlike
                )
                yield trial, key_path
    for key_path, key, message in unread.mistakes():
        problems.add((*key_path, key), message)


def _compared(recipe: dict[str, Any]) -> dict[str, Any]:
    """The recipe without what trials.csv states of every trial; a user's own model or augmentation as text."""
    own = {"model": recipe["model"], "augmentation": recipe["augmentation"]}
    shown = {key: recipes.text(value) for key, value in own.items() if value and not isinstance(value, str)}
    plain = {key: value for key, value in recipe.items() if key not in ("precision", "threads")}
    return plain | (shown if any(map(targets.is_target, [recipe["model"], *recipe["augmentation"]])) else {})


def _check_fit(dataset: DatasetInfo, recipe: dict[str, Any]) -> None:
    """Raise `RecipeError` for recipe values that do not fit the data set."""
    if len(recipe["mean"]) != dataset.channels:
        message = f"mean and std need {dataset.channels} value(s), one per channel of {dataset.name}"
        raise RecipeError("mean", "config", message)
    if dataset.images == Images.FILES:
        _check_sizes(dataset, recipe)
    size = recipe["image_size"] if dataset.images == Images.FILES else dataset.image_size
    wanted = models.find(recipe["model"]).image_size
    if wanted is not None and size != wanted:
        fitting = ", ".join(name for name, info in models.MODELS.items() if info.image_size in (None, size))
        message = (
            f"the model {recipe['model']} takes images of {wanted} × {wanted}, but those of {dataset.name} are "
            f"{size} × {size}; models that fit: {fitting}, timm/NAME"
        )
        raise RecipeError("model", "config", message)
    fitting_augmentations = AUGMENTATIONS[dataset.images]
    own = [targets.is_target(entry) for entry in recipe["augmentation"]]
    if dataset.images == Images.FILES and own != sorted(own):
        message = f"an augmentation of your own comes last for {dataset.name}: it gets decoded batches"
        raise RecipeError("augmentation", "config", message)
    for name in recipe["augmentation"]:
        if not targets.is_target(name) and name not in fitting_augmentations:
            what = f"augmentation for {dataset.name}, whose images are {dataset.images}"
            raise RecipeError("augmentation", "config", unknown(what, name, fitting_augmentations))
    if not dataset.test_sets and not recipe["validation"]:
        message = f"{dataset.name} has no test set; hold out a part of its training samples: train: {{validation: 0.2}}"
        raise RecipeError("validation", "config", message)
    if recipe["validation"] and dataset.train_size is not None:
        held_out = round(recipe["validation"] * dataset.train_size)
        if not 1 <= held_out <= dataset.train_size - 2:
            message = f"validation: {recipe['validation']:g} of {dataset.train_size} images leaves one part empty"
            raise RecipeError("validation", "config", message)


def _check_sizes(dataset: DatasetInfo, recipe: dict[str, Any]) -> None:
    """Check `resize`, the size that image files are resized to, and `image_size`, the size of the crop."""
    if recipe["image_size"] is None or recipe["resize"] is None:
        raise RecipeError("image_size", "config", f"{dataset.name} is read from image files; set image_size and resize")
    shortest = min(recipe["resize"]) if isinstance(recipe["resize"], list) else recipe["resize"]
    if recipe["image_size"] > shortest:
        message = f"image_size ({recipe['image_size']}) must not exceed resize ({shortest}): it is the size of a crop"
        raise RecipeError("image_size", "config", message)


def _check_twins(trials: list[tuple[Trial, KeyPath]], problems: Problems) -> None:
    """Report entries that resolve to the same trial: they would be one result under two names."""
    first: dict[str, Trial] = {}
    for trial, key_path in trials:
        canonical = trial.spec | {"loss": losses.canonical_spec(trial.spec["loss"])}
        twin = first.setdefault(canonical_hash(canonical), trial)
        if twin is not trial:
            problems.add(
                key_path,
                f"{trial.label!r} is the same trial as {twin.label!r}: same loss, parameters and recipe; keep one",
            )


def _check_run(config: Config, trials: list[tuple[Trial, KeyPath]], problems: Problems) -> None:
    last = max((trial.spec["recipe"]["epochs"] for trial, _ in trials), default=None)
    for i, epoch in enumerate(config.run.snapshots):
        if last is not None and epoch > last:
            problems.add(("run", "snapshots", i), f"there is no epoch {epoch}: the longest recipe has {last}")
    if config.run.checkpoint_epochs is not None and config.run.checkpoint_minutes is not None:
        problems.add(("run", "checkpoint_epochs"), "give this or checkpoint_minutes, not both")

    if "tsne" in config.figures.kinds and "features" not in config.run.keep:
        problems.add(("figures",), "tsne draws the features of test images: keep them with run: {keep: [features]}")
    if "parameter_sweep" in config.figures.kinds and not any(trial.sweep for trial, _ in trials):
        problems.add(("figures",), "parameter_sweep needs a loss with a list of values for a parameter")
    labels = dict.fromkeys(trial.label for trial, _ in trials)
    for i, label in enumerate(config.figures.losses):
        if labels and label not in labels:
            problems.add(("figures", "losses", i), unknown("label of a loss in this config", label, labels))


def _select_only(
    config: Config, trials: list[tuple[Trial, KeyPath]], problems: Problems
) -> list[tuple[Trial, KeyPath]]:
    """Return the trials that `only:` selects. A noise may be named by its kind, name or heading."""
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
                key_path = ("only", axis, i)
                problems.add(key_path, unknown(f"entry of {axis} in this config", name, map(str, present)))
        if not present.keys() & set(wanted):
            continue  # reported above; check the other axes against all trials
        trials = [(trial, key_path) for trial, key_path in trials if names(trial) & set(wanted)]
    return trials
