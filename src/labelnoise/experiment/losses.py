"""Expands an entry of `losses:`, and resolves each loss on a data set under a noise."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from labelnoise import targets
from labelnoise.errors import closest, unknown
from labelnoise.experiment import recipes
from labelnoise.experiment.config import EntryError, LossEntry, PresetRef, check_label
from labelnoise.experiment.datasets import Dataset
from labelnoise.experiment.noises import Noise
from labelnoise.losses import catalogue
from labelnoise.losses.parameters import LossError
from labelnoise.manifest import Sweep
from labelnoise.published import presets


@dataclass(frozen=True)
class LossCase:
    """A loss entry at one point of its sweep; `sweep` says at which one, None if nothing varies.

    `train` are the entry's recipe values there, `shared` those of the config. `own` is the spec of a user's own loss.
    """

    entry: LossEntry
    params: dict[str, Any]
    train: dict[str, Any]
    shared: dict[str, Any]
    label: str
    sweep: Sweep | None
    own: dict[str, Any] | None = None


def expand_loss(entry: LossEntry, train: Mapping[str, Any]) -> Iterator[LossCase]:
    """Yield the entry at every point of its sweep and of that of the config's `train`.

    Raises `EntryError` or `LossError` for a wrong entry.
    """
    if (entry.loss is None) == (entry.target is None):
        raise EntryError("a loss entry needs exactly one of `loss: NAME` and `target: module:Class`")
    for key in entry.parameters:
        _check_parameter_name(entry, key)
    swept = {key: value for key, value in entry.parameters.items() if _is_swept(entry, key, value)}
    own_train = recipes.swept(entry.train)
    # A sweep of the config does not apply to an entry that sets the value itself.
    shared = {key: values for key, values in recipes.swept(train).items() if key not in entry.train}
    unswept = {key: value for key, value in train.items() if key not in recipes.swept(train)}
    for key, values in (swept | own_train | shared).items():
        if not values:
            raise EntryError(f"{key}: the list is empty; give at least one value")
    for params, at_train, at_shared in itertools.product(_points(swept), _points(own_train), _points(shared)):
        resolved = entry.parameters | params
        if entry.loss:
            catalogue.resolve(entry.loss, resolved)
            own = None
        else:
            own = targets.resolve(entry.target, resolved, supplied=("num_classes",))
        suffix = "".join(_suffix(key, value, among=swept[key]) for key, value in params.items())
        suffix += "".join(f" {key}={recipes.text(value)}" for key, value in (at_shared | at_train).items())
        title = entry.label or entry.loss or (entry.target or "").rpartition(":")[2]
        varied = {key: value for key, value in params.items() if len(swept[key]) > 1 and not isinstance(value, list)}
        varied |= {
            key: value if isinstance(value, int | float) and not isinstance(value, bool) else recipes.text(value)
            for key, value in (at_shared | at_train).items()
            if len((shared | own_train)[key]) > 1
        }
        sweep = Sweep(of=title, values=varied) if varied else None
        case = LossCase(entry, resolved, entry.train | at_train, unswept | at_shared, title + suffix, sweep, own)
        check_label(case.label)
        yield case


def _points(swept: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Every combination of the values."""
    return [dict(zip(swept, point, strict=True)) for point in itertools.product(*swept.values())]


def _is_swept(entry: LossEntry, key: str, value: Any) -> bool:
    """Whether a parameter has several values. A list of numbers is one value of a catalogue loss's class weights."""
    is_weight = entry.loss is not None and key == catalogue.WEIGHT.name
    return isinstance(value, list) and not (is_weight and all(isinstance(number, int | float) for number in value))


def _suffix(key: str, value: Any, *, among: list[Any]) -> str:
    """The label suffix of a swept parameter; empty if its only value is a list, such as class weights."""
    if isinstance(value, list):
        return f" {key}={among.index(value) + 1}" if len(among) > 1 else ""
    return f" {key}={value:g}" if isinstance(value, float | int) else f" {key}={value}"


def _check_parameter_name(entry: LossEntry, key: str) -> None:
    """Report a misspelt `label`, `preset` or `train` as an unknown key, not as an unknown parameter of the loss."""
    if entry.loss is None:
        return
    full = list(catalogue.parameters(entry.loss))
    flat = [name.split(".")[-1] for name in full]
    own = ["loss", "target", "label", "preset", "train"]
    if key not in full + flat and closest(key, own + flat) in own:
        raise EntryError(unknown("key", key, own + flat))


def resolve_loss(
    case: LossCase, preset: PresetRef | None, dataset: Dataset, noise: Noise
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the loss part of the spec, and the recipe overrides of the preset; an entry's own preset has precedence.

    Raises `EntryError` if the preset lacks a tuned parameter that the entry does not give.
    """
    name = case.entry.loss
    if name is None:
        return dict(case.own or {}), {}
    weight, classes = case.params.get(catalogue.WEIGHT.name), len(dataset.info.classes)
    if isinstance(weight, list) and len(weight) != classes:
        raise EntryError(f"weight has {len(weight)} numbers, but {dataset.info.name} has {classes} classes")
    given: dict[str, Any] = {}
    train: dict[str, Any] = {}
    preset = case.entry.preset or preset
    if preset is not None:
        on = {
            "dataset": preset.dataset or dataset.info.published,
            "noise": noise.spec["kind"],
            "rate": noise.spec["rate"],
        }
        published = presets.settings(preset.name, name, **on)
        given, train = published.params, published.recipe
    given = given | catalogue.spelled_out(name, case.params)
    tuned = [full for full, parameter in catalogue.parameters(name).items() if parameter.tuned]
    if preset is not None and (missing := [full for full in tuned if full not in given]):
        covering = presets.presets_covering(name, **on)
        raise EntryError(
            f"the preset {preset.name} has no value for {', '.join(missing)} of {name} "
            f"({on['dataset']}, {noise.name}); give it in the entry, or use a preset "
            f"that has it: {', '.join(covering) or 'none does'}"
        )
    spec = {"name": name, "version": catalogue.version(name), "params": catalogue.identity(name, given)}
    return spec, train


def unlike_preset(
    case: LossCase,
    preset: PresetRef | None,
    dataset: Dataset,
    noise: Noise,
    spec: dict[str, Any],
    *,
    paper: str | None,
) -> str:
    """What makes the loss another one than that of the preset, or than its label says; empty if nothing.

    `q 2 (preset: 0.7)`; `the loss GCE` under the label CE. With a `paper` to compare with, also another preset or none.
    """
    name = case.entry.loss
    if name is None:
        return f"a loss of one's own, {case.entry.target}"
    said = [] if _is_label_of(case.label, name) else [f"the loss {name}"]
    preset = case.entry.preset or preset
    if preset is None:
        return ", ".join([*said, *(["no preset"] if paper else [])])
    if paper in presets.names() and not preset.name.startswith(paper or ""):
        said.append(f"the preset {preset.name}")
    with contextlib.suppress(EntryError):  # the preset does not have this loss
        plain, _ = resolve_loss(dataclasses.replace(case, params={}), preset, dataset, noise)
        said.append(changes(spec["params"], plain["params"]))
    return ", ".join(filter(None, said))


def _is_label_of(label: str, name: str) -> bool:
    """Whether a label names the loss, or no loss of the catalogue at all."""
    try:
        labelled = catalogue.parts(label)
    except LossError:
        return True
    same_term = catalogue.is_entropy_regularised(label) == catalogue.is_entropy_regularised(name)
    return same_term and {part.name for part in labelled} == {part.name for part in catalogue.parts(name)}


def changes(values: dict[str, Any], preset: dict[str, Any]) -> str:
    """The values that are not those of the preset, as text."""
    absent = object()  # a parameter that is part of the identity only if it is not at its default
    return ", ".join(
        f"{key} {value} (preset: {preset.get(key, 'default')})"
        for key, value in values.items()
        if value != preset.get(key, absent)
    )


def canonical_spec(loss: dict[str, Any]) -> Any:
    """Map all names of one loss to the same value: SCE, CE+RCE, and RCE+CE with its weights exchanged."""
    if "target" in loss or catalogue.is_entropy_regularised(loss["name"]):
        return loss
    if len(parts := catalogue.parts(loss["name"])) == 1:
        return loss | {"name": parts[0].name}
    params = dict(loss["params"])
    weights = (params.pop("alpha"), params.pop("beta"))
    return [sorted(zip((entry.name for entry in parts), weights, strict=True)), params]
