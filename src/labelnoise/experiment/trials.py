"""Config → trials: every combination of data set, noise, loss and seed, fully resolved, with its identity."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelnoise import paths, targets
from labelnoise.datasets.catalogue import DatasetInfo
from labelnoise.errors import UserError, closest, unknown
from labelnoise.experiment import datasets, noises, presets
from labelnoise.experiment.config import Config, EntryError, LossEntry, Problems, validate
from labelnoise.experiment.datasets import Dataset
from labelnoise.experiment.noises import Noise, NoiseCase
from labelnoise.experiment.recipes import RecipeError, resolve_recipe
from labelnoise.experiment.source import Place, Source
from labelnoise.files import canonical_hash
from labelnoise.losses import catalogue
from labelnoise.losses.catalogue import LossError
from labelnoise.models import catalogue as models
from labelnoise.noise.catalogue import NOISES
from labelnoise.training.code import code_version
from labelnoise.training.recipe import FROM_FILES, IN_MEMORY

# What every format can print: matplotlib reads $ as mathematics and hides a label with a leading underscore.
_LABEL = re.compile(r"(?![_ ])[^\x00-\x1f\x7f$\\|]+(?<! )")
_LABEL_RULE = "use no $, \\, | or line break, no space at its ends, no underscore at its beginning"


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


@dataclass(frozen=True)
class _LossCase:
    """A loss entry at one point of its sweep."""

    entry: LossEntry
    place: Place
    params: dict[str, Any]
    label: str


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
    trials = _only(config, trials, problems)
    problems.raise_any()
    return config, [trial for trial, _ in trials]


def warnings(trials: list[Trial]) -> list[str]:
    """A line for each noise under which clean labels do not dominate: allowed, but no loss is robust there."""
    from labelnoise.noise import transitions

    found: dict[str, None] = {}
    for trial in {
        (paths.dataset(trial.spec), paths.noise_name(trial.spec["noise"])): trial for trial in trials
    }.values():
        asked = transitions.requested(trial.spec["noise"], len(trial.dataset.info.classes))
        if asked is not None and transitions.margin(asked) <= 1e-12:
            noise = " ".join(filter(None, trial.noise_heading))
            found[
                f"{trial.dataset.info.name}, {noise}: in some class a wrong label is as frequent as the true one "
                f"(least T_ii − max T_ij: {transitions.margin(asked):.3f}): no loss is robust there"
            ] = None
    return list(found)


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


def _loss_cases(config: Config, problems: Problems) -> list[_LossCase]:
    """Every loss entry at every point of its sweep; a label belongs to one case only."""
    cases: list[_LossCase] = []
    for i, entry in enumerate(config.losses):
        place: Place = ("losses", i)
        if (entry.loss is None) == (entry.target is None):
            problems.add(place, "a loss entry needs exactly one of `loss: NAME` and `target: module:Class`")
            continue
        name = entry.loss or entry.target.rpartition(":")[2]
        try:
            cases += _sweep(entry, place, name)
        except (LossError, UserError) as error:
            problems.add(place, error)
    by_label: dict[str, _LossCase] = {}
    for case in cases:
        if not _LABEL.fullmatch(case.label):
            problems.add(case.place, f"the label {case.label!r} cannot stand in tables and figures; {_LABEL_RULE}")
        if case.label in by_label:
            remedy = "give one of them a `label:` of its own, or remove it"
            problems.add(case.place, f"two losses are called {case.label!r} in the tables; {remedy}")
        by_label[case.label] = case
    return cases


def _sweep(entry: LossEntry, place: Place, name: str) -> Iterator[_LossCase]:
    for key in entry.parameters:
        _check_parameter_name(entry, key)
    swept = {key: value for key, value in entry.parameters.items() if isinstance(value, list)}
    for key, values in swept.items():
        if not values:
            raise UserError(f"{key}: the list is empty; give at least one value")
    for point in itertools.product(*swept.values()):
        chosen = dict(zip(swept, point, strict=True))
        params = entry.parameters | chosen
        if entry.loss:
            catalogue.resolve(entry.loss, params)
        else:
            _check_plain(params)
            targets.check(targets.find(entry.target), params)
        suffix = "".join(
            f" {key}={value:g}" if isinstance(value, float | int) else f" {key}={value}"
            for key, value in chosen.items()
        )
        yield _LossCase(entry, place, params, (entry.label or name) + suffix)


def _check_plain(params: dict[str, Any]) -> None:
    """A target's parameters are part of the trial's identity, so they have to be plain values."""
    for key, value in params.items():
        is_plain = (
            value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))
        )
        if not is_plain:
            raise UserError(f"{key}: must be a finite number, text, true, false or null, got {value!r}")


def _check_parameter_name(entry: LossEntry, key: str) -> None:
    """A misspelt `label` or `train` would otherwise be reported as an unknown parameter of the loss."""
    if entry.loss is None:
        return
    full = list(catalogue.parameters(entry.loss))
    flat = [name.split(".")[-1] for name in full]
    own = ["loss", "target", "label", "train"]
    if key not in full + flat and closest(key, own + flat) in own:
        raise UserError(unknown("key", key, own + flat))


def _check_preset(config: Config, problems: Problems) -> None:
    if config.preset is None:
        return
    known = presets.presets()
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
        if not _LABEL.fullmatch(heading):
            problems.add(place, f"the label {heading!r} cannot stand in tables and figures; {_LABEL_RULE}")
        if noise.name in names:
            problems.add(place, f"the noise {noise.name} is listed twice; keep one")
        elif noise.heading in headings:
            problems.add(place, f"two noises are called {heading!r} in the tables; give one of them a `label:`")
        names.add(noise.name)
        headings.add(noise.heading)
        yield place, noise


def _combine(
    config: Config,
    chosen: list[Dataset],
    noise_cases: list[tuple[Place, NoiseCase]],
    cases: list[_LossCase],
    problems: Problems,
) -> Iterator[tuple[Trial, Place]]:
    code = {"code": code_version()} if config.on_code_change == "retrain" else {}
    for dataset in chosen:
        for (_, noise), case in itertools.product(list(_noises_on(dataset, noise_cases, problems)), cases):
            try:
                loss, train = _resolve_loss(config, case, dataset, noise)
                recipe = resolve_recipe(dataset.info.recipe, preset=train, config=config.train, entry=case.entry.train)
                _check_fit(dataset.info, recipe)
            except RecipeError as error:
                problems.add(("train", error.key) if error.layer == "config" else (*case.place, "train"), error)
                continue
            except (LossError, UserError) as error:
                problems.add(case.place, error)
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
                yield trial, case.place


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


def _resolve_loss(
    config: Config, case: _LossCase, dataset: Dataset, noise: Noise
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The loss part of the spec, and the recipe overrides that the preset brings."""
    name = case.entry.loss
    if name is None:
        target = targets.find(case.entry.target)
        spec = {"name": target.cls, "target": target.name, "sha256": target.sha256, "params": case.params}
        return spec, {}
    known = catalogue.parameters(name)
    given = {catalogue.full_name(name, key): value for key, value in case.params.items()}
    train: dict[str, Any] = {}
    if config.preset is not None:
        case_of = {
            "dataset": config.preset.dataset or dataset.published,
            "noise": noise.spec["kind"],
            "rate": noise.spec["rate"],
        }
        values = presets.lookup(config.preset.name, name, **case_of)
        train = values.train
        given = {catalogue.full_name(name, key): value for key, value in values.params.items()} | given
        clamps = presets.constants(config.preset.name)
        given = {full: clamps[end] for full in known if (end := full.split(".")[-1]) in clamps} | given
        missing = [full for full, parameter in known.items() if parameter.tuned and full not in given]
        if missing:
            have = presets.having(name, **case_of)
            where = f"{case_of['dataset']}, {noise.name}"
            raise UserError(
                f"the preset {config.preset.name} has no value for {', '.join(missing)} of {name} ({where}); give it "
                f"in the entry, or use a preset that has it: {', '.join(have) or 'none does'}"
            )
    spec = {"name": name, "version": catalogue.version(name), "params": catalogue.resolve(name, given)}
    return spec, train


def _check_twins(trials: list[tuple[Trial, Place]], problems: Problems) -> None:
    """Two entries that resolve to the same trial would be one result under two names."""
    first: dict[str, Trial] = {}
    for trial, place in trials:
        meaning = trial.spec | {"loss": _meaning(trial.spec["loss"])}
        twin = first.setdefault(canonical_hash(meaning), trial)
        if twin is not trial:
            problems.add(
                place,
                f"{trial.label!r} is the same trial as {twin.label!r}: same loss, parameters and recipe; keep one",
            )


def _meaning(loss: dict[str, Any]) -> Any:
    """The same for two names of one loss: SCE, CE+RCE and RCE+CE with the weights exchanged."""
    if "target" in loss or catalogue.is_entropy_regularised(loss["name"]):
        return loss
    if len(parts := catalogue.parts(loss["name"])) == 1:
        return loss | {"name": parts[0].name}
    params = dict(loss["params"])
    weights = (params.pop("alpha"), params.pop("beta"))
    return [sorted(zip((entry.name for entry in parts), weights, strict=True)), params]


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
        trials = [(trial, place) for trial, place in trials if names(trial) & set(wanted)]
    return trials
