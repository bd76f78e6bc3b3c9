"""Applies overrides from the preset, the config and the loss entry, in this order, to a data set's recipe."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from labelnoise import targets
from labelnoise.errors import UserError, unknown
from labelnoise.models import catalogue as models
from labelnoise.training import recipe as recipes


class RecipeError(ValueError):
    """A wrong override of `key`; `layer` says where it was given (`preset`, `config` or `entry`)."""

    def __init__(self, key: str, layer: str, message: str):
        super().__init__(message)
        self.key, self.layer = key, layer


@functools.cache
def _adapters() -> dict[str, TypeAdapter[Any]]:
    hints = get_type_hints(recipes.Recipe, include_extras=True)
    return {key: TypeAdapter(hints[key], config=ConfigDict(strict=True, allow_inf_nan=False)) for key in recipes.FIELDS}


def resolve_recipe(base: Mapping[str, Any], **layers: dict[str, Any]) -> dict[str, Any]:
    """Return the recipe `base` of a data set with the layers applied, later ones winning.

    L1 regularisation replaces weight decay: `l1 > 0` sets `weight_decay` to 0 unless a layer sets it. Raises
    `RecipeError` for a wrong override.
    """
    resolved = dict(base)
    for layer, values in layers.items():
        for key, value in values.items():
            resolved[key] = _check_value(key, value, layer)
    if resolved["l1"] > 0 and not any("weight_decay" in values for values in layers.values()):
        resolved["weight_decay"] = 0.0
    _check_together(resolved, {key: layer for layer, values in layers.items() for key in values})
    _check_idle(resolved, layers)
    return recipes.without_defaults(resolved)


def _check_idle(recipe: dict[str, Any], layers: dict[str, dict[str, Any]]) -> None:
    """Raise `RecipeError` for an override of the schedule that has no effect."""
    layer_of = {key: layer for layer, values in layers.items() for key in values}
    parts = {"schedule", "warmup_epochs", *(key for keys in recipes.READ_BY["schedule"].values() for key in keys)}
    for key, message in recipes.idle(recipe).items():
        if overridden := [name for name in (key, *sorted(parts)) if name in layer_of]:
            raise RecipeError(overridden[0], layer_of[overridden[0]], message)


class Unread:
    """Collects recipe overrides that no trial uses."""

    def __init__(self) -> None:
        self._unread: dict[tuple[Any, str], str] = {}
        self._read: set[tuple[Any, str]] = set()

    def note(self, key_path: Any, given: dict[str, Any], recipe: dict[str, Any], *, images: str) -> None:
        """Record which of the values given at `key_path` a trial with this recipe uses."""
        unread = recipes.unread(recipe, images=images)
        for key in given:
            if key in unread:
                self._unread.setdefault((key_path, key), unread[key])
            else:
                self._read.add((key_path, key))

    def mistakes(self) -> list[tuple[Any, str, str]]:
        """Return (key path, key, message) for each value that no trial uses."""
        return [
            (key_path, key, f"{key} is not used by any trial: it belongs to {readers}; leave it out, or set that too")
            for (key_path, key), readers in self._unread.items()
            if (key_path, key) not in self._read
        ]


def _check_together(recipe: dict[str, Any], given_in: dict[str, str]) -> None:
    """Raise `RecipeError` for values that are wrong only in combination."""
    folds, fold = 1 / (recipe["validation"] or 1), recipe.get("fold", 1)
    rules = {
        "fold": (
            f"fold {fold} needs a validation of 1/2, 1/3 … (a share that divides the data set), with at least as many "
            f"parts; it is {recipe['validation']:g}",
            fold > 1 and (fold > round(folds) or abs(folds - round(folds)) > 1e-6),
        ),
        "nesterov": ("nesterov needs momentum > 0", recipe["nesterov"] and recipe["momentum"] == 0),
        "lr_min": (f"lr_min must not exceed lr ({recipe['lr']:g})", recipe["lr_min"] > recipe["lr"]),
        "std": ("mean and std must both have one value per channel", len(recipe["mean"]) != len(recipe["std"])),
    }
    for key, (message, is_wrong) in rules.items():
        if is_wrong:
            raise RecipeError(key, given_in.get(key, "config"), message)


def _check_value(key: str, value: Any, layer: str) -> Any:
    if key not in recipes.FIELDS:
        raise RecipeError(key, layer, unknown("recipe value", key, recipes.FIELDS))
    if key == "model" and not targets.is_target(value) and not models.exists(str(value)):
        raise RecipeError(key, layer, unknown("model", value, [*models.MODELS, "timm/NAME", "{target: my_models:Net}"]))
    try:
        value = _with_targets(key, value)
    except UserError as error:
        raise RecipeError(key, layer, str(error)) from None
    try:
        return _adapters()[key].validate_python(value)
    except ValidationError as error:
        detail = error.errors()[0]
        message = detail["msg"].replace("Input should be", "must be").removeprefix("Value error, ")
        if isinstance(value, list):
            message += "; to sweep over lists, give a list of lists"
        raise RecipeError(key, layer, f"{key}: {message}, got {value!r}") from None


def _with_targets(key: str, value: Any) -> Any:
    """The value with a user's own model or augmentations as specs."""
    if key == "model" and targets.is_target(value):
        return _own(value, supplied=models.SUPPLIED)
    if key == "augmentation" and isinstance(value, list):
        return [_own(entry, positional=2) if targets.is_target(entry) else entry for entry in value]
    return value


def _own(value: Mapping[str, Any], **called: Any) -> dict[str, Any]:
    if "code" in value:  # a spec already
        return dict(value)
    return targets.resolve(value["target"], {key: entry for key, entry in value.items() if key != "target"}, **called)


def text(value: Any) -> str:
    """A recipe value for labels and messages: `0.1`, `crop4+flip`, `Net width=32`."""
    if targets.is_target(value):
        params = value["params"] if "code" in value else {key: entry for key, entry in value.items() if key != "target"}
        return targets.text({"name": str(value["target"]).rpartition(":")[2], "params": params})
    if isinstance(value, list):
        return "+".join(map(text, value)) or "none"
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value).lower()


def as_text(recipe: Mapping[str, Any]) -> dict[str, str]:
    """Every value of a spec's recipe as text, for the manifest; `own` names those that are the user's code."""
    own = {
        "model": targets.is_target(recipe["model"]),
        "augmentation": any(map(targets.is_target, recipe["augmentation"])),
    }
    shown = {key: text(value) for key, value in (recipes.DEFAULTS | dict(recipe)).items() if key != "version"}
    return shown | {"own": " ".join(key for key, is_own in own.items() if is_own)}


# Recipe values that are lists themselves; a list of lists is a sweep.
_LISTS = ("milestones", "mean", "std", "augmentation", "resize")


def swept(train: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The recipe values for which several are given, with all of them; a target's parameters count as well."""
    sweeps: dict[str, list[Any]] = {}
    for key, value in train.items():
        if key == "model" and (listed := _models(value)) != [value]:
            sweeps[key] = listed
        elif isinstance(value, list) and key != "model":
            is_sweep = any(isinstance(entry, list) for entry in value) if key in _LISTS else True
            if is_sweep:
                sweeps[key] = value
    return sweeps


def _models(value: Any) -> list[Any]:
    """Every model in a list, and every combination of a target's parameters that are lists."""
    models_listed = []
    for entry in value if isinstance(value, list) else [value]:
        lists = (
            {key: values for key, values in entry.items() if isinstance(values, list)}
            if targets.is_target(entry)
            else {}
        )
        for point in itertools.product(*lists.values()):
            models_listed.append(entry | dict(zip(lists, point, strict=True)) if lists else entry)
    return models_listed
