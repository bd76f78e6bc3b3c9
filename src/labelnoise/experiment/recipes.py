"""Applies overrides from the preset, the config and the loss entry, in this order, to a data set's recipe."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from labelnoise.errors import unknown
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
    return resolved


def _check_idle(recipe: dict[str, Any], layers: dict[str, dict[str, Any]]) -> None:
    """Raise `RecipeError` for an override of the schedule that has no effect."""
    layer_of = {key: layer for layer, values in layers.items() for key in values}
    parts = {"schedule", *(key for keys in recipes.READ_BY["schedule"].values() for key in keys)}
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
    rules = {
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
    if key == "model" and not models.exists(str(value)):
        raise RecipeError(key, layer, unknown("model", value, [*models.MODELS, "timm/NAME"]))
    try:
        return _adapters()[key].validate_python(value)
    except ValidationError as error:
        detail = error.errors()[0]
        message = detail["msg"].replace("Input should be", "must be").removeprefix("Value error, ")
        raise RecipeError(key, layer, f"{key}: {message}, got {value!r}") from None
