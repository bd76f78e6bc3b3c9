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
from labelnoise.datasets.catalogue import DATASETS, DatasetInfo
from labelnoise.errors import UserError, closest, unknown
from labelnoise.experiment import presets
from labelnoise.experiment.config import Config, LossEntry, NoiseEntry, Problems, validate
from labelnoise.experiment.recipes import RecipeError, resolve_recipe
from labelnoise.experiment.source import Place, Source
from labelnoise.files import canonical_hash
from labelnoise.losses import catalogue
from labelnoise.losses.catalogue import LossError
from labelnoise.noise.catalogue import NOISES
from labelnoise.training.code import code_version

# What every format can print: matplotlib reads $ as mathematics and hides a label with a leading underscore.
_LABEL = re.compile(r"(?![_ ])[^\x00-\x1f\x7f$\\|]+(?<! )")
_LABEL_RULE = "use no $, \\, | or line break, no space at its ends, no underscore at its beginning"


@dataclass(frozen=True, eq=False)
class Trial:
    """One trial: the resolved spec, its hash, and the label its loss has in tables and figures."""

    spec: dict[str, Any]
    hash: str
    label: str

    @property
    def folder(self) -> Path:
        return paths.trial(self.spec, self.hash)

    @property
    def result(self) -> Path:
        return self.folder / "result.json"

    @property
    def labels(self) -> Path:
        return paths.labels(self.spec)


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
    datasets = _datasets(config, problems)
    noises = _noises(config, problems)
    cases = _loss_cases(config, problems)
    _check_preset(config, problems)
    _check_distinct(config.seeds, ("seeds",), "seed", problems)
    problems.raise_any()
    trials = list(_combine(config, datasets, noises, cases, problems))
    _check_twins(trials, problems)
    trials = _only(config, trials, problems)
    problems.raise_any()
    return config, [trial for trial, _ in trials]


def _datasets(config: Config, problems: Problems) -> list[DatasetInfo]:
    for i, name in enumerate(config.datasets):
        if name not in DATASETS:
            problems.add(("datasets", i), unknown("data set", name, DATASETS))
    _check_distinct(config.datasets, ("datasets",), "data set", problems)
    return [DATASETS[name] for name in config.datasets if name in DATASETS]


def _noises(config: Config, problems: Problems) -> list[tuple[Place, dict[str, Any]]]:
    """Every noise at every rate, without its seed and map."""
    found: list[tuple[Place, dict[str, Any]]] = []
    for i, entry in enumerate(config.noise):
        place: Place = ("noise", i)
        if entry.kind not in NOISES:
            problems.add(place, unknown("noise", entry.kind, NOISES))
            continue
        info = NOISES[entry.kind]
        if (entry.variant or info.variants[0]) not in info.variants:
            problems.add((*place, "variant"), unknown(f"variant of {entry.kind} noise", entry.variant, info.variants))
        for rate in _rates(entry, place, problems):
            variant = entry.variant or info.variants[0]
            noise = {"kind": entry.kind, "rate": rate, "variant": variant, "version": info.version}
            if any(noise == other for _, other in found):
                problems.add(place, f"the noise {paths.noise_name(noise)} is listed twice; keep one")
            found.append((place, noise))
    return found


def _rates(entry: NoiseEntry, place: Place, problems: Problems) -> list[float]:
    if entry.kind == "clean":
        if entry.rate is not None and entry.rate != [0]:
            problems.add((*place, "rate"), "clean labels have no noise rate; leave it out")
        return [0.0]
    if entry.rate is None:
        problems.add(place, f"{entry.kind} noise needs a rate, such as {{kind: {entry.kind}, rate: [0.2, 0.4]}}")
    return entry.rate or []


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


def _combine(
    config: Config,
    datasets: list[DatasetInfo],
    noises: list[tuple[Place, dict[str, Any]]],
    cases: list[_LossCase],
    problems: Problems,
) -> Iterator[tuple[Trial, Place]]:
    code = {"code": code_version()} if config.on_code_change == "retrain" else {}
    for dataset, (place, noise) in itertools.product(datasets, noises):
        drawn = dict(noise)
        if NOISES[noise["kind"]].needs_map:
            if not dataset.asymmetric_map:
                having = ", ".join(info.name for info in DATASETS.values() if info.asymmetric_map)
                problems.add(
                    place,
                    f"the data set {dataset.name} has no asymmetric map; data sets that have one: {having}",
                )
                continue
            drawn["map"] = {str(true): wrong for true, wrong in sorted(dataset.asymmetric_map.items())}
        for case in cases:
            try:
                loss, train = _resolve_loss(config, case, dataset, noise)
                recipe = resolve_recipe(dataset.recipe, preset=train, config=config.train, entry=case.entry.train)
                _check_fit(dataset, recipe)
            except RecipeError as error:
                problems.add(("train", error.key) if error.layer == "config" else (*case.place, "train"), error)
                continue
            except (LossError, UserError) as error:
                problems.add(case.place, error)
                continue
            for seed in config.seeds:
                noise_seed = seed if config.noise_seed == "same" else config.noise_seed
                spec = {
                    "dataset": {"name": dataset.name, "version": dataset.version},
                    "noise": drawn | {"seed": None if noise["kind"] == "clean" else noise_seed},
                    "loss": loss,
                    "recipe": recipe,
                    "seed": seed,
                    **code,
                }
                yield Trial(spec, canonical_hash(spec), case.label), case.place


def _check_fit(dataset: DatasetInfo, recipe: dict[str, Any]) -> None:
    """Recipe values that the data set cannot take."""
    if len(recipe["mean"]) != dataset.channels:
        message = f"mean and std need {dataset.channels} value(s), one a channel of {dataset.name}"
        raise RecipeError("mean", "config", message)
    held_out = round(recipe["validation"] * dataset.train_size)
    if recipe["validation"] and not 1 <= held_out <= dataset.train_size - 2:
        message = f"validation: {recipe['validation']:g} of {dataset.train_size} images leaves one part empty"
        raise RecipeError("validation", "config", message)


def _resolve_loss(
    config: Config, case: _LossCase, dataset: DatasetInfo, noise: dict[str, Any]
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
            "dataset": config.preset.dataset or dataset.name,
            "noise": noise["kind"],
            "rate": noise["rate"],
        }
        values = presets.lookup(config.preset.name, name, **case_of)
        train = values.train
        given = {catalogue.full_name(name, key): value for key, value in values.params.items()} | given
        clamps = presets.constants(config.preset.name)
        given = {full: clamps[end] for full in known if (end := full.split(".")[-1]) in clamps} | given
        missing = [full for full, parameter in known.items() if parameter.tuned and full not in given]
        if missing:
            have = presets.having(name, **case_of)
            where = f"{case_of['dataset']}, {paths.noise_name(noise)}"
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
        "noise": lambda trial: {trial.spec["noise"]["kind"], paths.noise_name(trial.spec["noise"])},
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
