"""A data set's recipe with overrides from the preset, the config and the loss entry, in this order, checked."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from labelnoise.errors import unknown
from labelnoise.models import catalogue as models
from labelnoise.training import recipe as recipes


class RecipeError(ValueError):
    """A wrong override: which key, given in which layer (`preset`, `config` or `entry`)."""

    def __init__(self, key: str, layer: str, message: str):
        super().__init__(message)
        self.key, self.layer = key, layer


@functools.cache
def _adapters() -> dict[str, TypeAdapter[Any]]:
    hints = get_type_hints(recipes.Recipe, include_extras=True)
    return {key: TypeAdapter(hints[key], config=ConfigDict(strict=True, allow_inf_nan=False)) for key in recipes.FIELDS}


def resolve_recipe(base: Mapping[str, Any], **layers: dict[str, Any]) -> dict[str, Any]:
    """The recipe `base` of a data set with the layers applied, later ones winning; `RecipeError` on a wrong override.

    Regularisation by L1 replaces weight decay: `l1 > 0` sets `weight_decay` to 0 unless a layer gives it.
    """
    resolved = dict(base)
    for layer, values in layers.items():
        for key, value in values.items():
            resolved[key] = _checked(key, value, layer)
    if resolved["l1"] > 0 and not any("weight_decay" in values for values in layers.values()):
        resolved["weight_decay"] = 0.0
    _check_together(resolved, {key: layer for layer, values in layers.items() for key in values})
    _check_idle(resolved, layers)
    return resolved


def _check_idle(recipe: dict[str, Any], layers: dict[str, dict[str, Any]]) -> None:
    """A schedule that was given, or a part of it, and changes nothing."""
    given = {key: layer for layer, values in layers.items() for key in values}
    parts = {"schedule", *(key for keys in recipes.READ_BY["schedule"].values() for key in keys)}
    for key, message in recipes.idle(recipe).items():
        if mine := [name for name in (key, *sorted(parts)) if name in given]:
            raise RecipeError(mine[0], given[mine[0]], message)


class Unread:
    """Recipe values that are given and that no trial reads."""

    def __init__(self) -> None:
        self._unread: dict[tuple[Any, str], str] = {}
        self._read: set[tuple[Any, str]] = set()

    def note(self, place: Any, given: dict[str, Any], recipe: dict[str, Any], *, images: str) -> None:
        """What a trial reads of the values given at `place`."""
        unread = recipes.unread(recipe, images=images)
        for key in given:
            if key in unread:
                self._unread.setdefault((place, key), unread[key])
            else:
                self._read.add((place, key))

    def mistakes(self) -> list[tuple[Any, str, str]]:
        """(place, key, message) of each value that nothing reads."""
        return [
            (place, key, f"{key} is not read by any trial: it belongs to {readers}; leave it out, or give that too")
            for (place, key), readers in self._unread.items()
            if (place, key) not in self._read
        ]


def _check_together(recipe: dict[str, Any], given_in: dict[str, str]) -> None:
    """What is wrong only in combination."""
    wrong = {
        "nesterov": ("nesterov needs momentum > 0", recipe["nesterov"] and recipe["momentum"] == 0),
        "lr_min": (f"lr_min must not be above lr ({recipe['lr']:g})", recipe["lr_min"] > recipe["lr"]),
        "std": ("mean and std need one value each for every channel", len(recipe["mean"]) != len(recipe["std"])),
    }
    for key, (message, is_wrong) in wrong.items():
        if is_wrong:
            raise RecipeError(key, given_in.get(key, "config"), message)


def _checked(key: str, value: Any, layer: str) -> Any:
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
