"""Checks a config against its models: each mistake is one message with its place, what is allowed, and the remedy."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

import labelnoise
from labelnoise.errors import UserError, unknown
from labelnoise.experiment.config import Config, DatasetEntry, Figures, NoiseEntry, Only, PresetRef, PublishedRef, Run
from labelnoise.experiment.config_file import ConfigFile, KeyPath


class Problems:
    """Collects mistakes; `raise_any` raises them as one `UserError`, one line per mistake."""

    def __init__(self, source: ConfigFile):
        self.source = source
        self.lines: list[str] = []

    def add(self, key_path: KeyPath, message: object) -> None:
        line = f"{self.source.where(key_path)}: {message}"
        if line not in self.lines:
            self.lines.append(line)

    def raise_any(self) -> None:
        if not self.lines:
            return
        if self.source.written_for not in (None, labelnoise.__version__):
            self.lines.append(
                f"{self.source.name} was written for labelnoise {self.source.written_for}; "
                f"{labelnoise.__version__} is installed (CHANGELOG.md says what changed)"
            )
        raise UserError("\n".join(self.lines))


def validate(source: ConfigFile) -> Config:
    """Return the config with every key and type checked.

    Names of losses, data sets and so on are checked on expansion. Raises `UserError` listing every mistake.
    """
    problems = Problems(source)
    if not isinstance(source.values, dict):
        kind = "is empty" if source.values is None else f"is a {type(source.values).__name__}"
        problems.add(
            (),
            f"the config {kind}; it must be keys and values; see the config.yaml that comes with labelnoise",
        )
        problems.raise_any()
    try:
        return Config.model_validate(source.values)
    except ValidationError as error:
        for detail in error.errors():
            key_path, message = _explain(detail)
            problems.add(key_path, message)
        problems.raise_any()
        raise


_FIELDS: dict[str, list[str]] = {
    "": [*Config.model_fields, "extends"],
    "datasets": list(DatasetEntry.model_fields),
    "noise": list(NoiseEntry.model_fields),
    "preset": list(PresetRef.model_fields),
    "published": list(PublishedRef.model_fields),
    "figures": list(Figures.model_fields),
    "only": list(Only.model_fields),
    "run": list(Run.model_fields),
}

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "keys and values",
}


def _explain(detail: Any) -> tuple[KeyPath, str]:
    """Return a pydantic error as (key path, message), without the steps that name a branch of a union."""
    branches = ("literal[", "constrained", "list[", "function-")
    steps = (step for step in detail["loc"] if isinstance(step, int) or not step.startswith(branches))
    key_path = tuple(step for step in steps if step != "int")
    kind, given = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        options = _FIELDS["" if len(key_path) == 1 else str(key_path[0])]
        return key_path, unknown("key", key_path[-1], options)
    if kind == "missing":
        return key_path, "this key is missing"
    if key_path and key_path[-1] == "noise_seed":
        return key_path, f"must be `same` or a whole number ≥ 0, got {given!r}"
    if kind.startswith("model_"):
        named = key_path[0] in ("datasets", "noise", "losses", "preset")
        return key_path, f"must be {'a name, or ' if named else ''}keys and values, got {given!r}"
    if kind == "invalid_key" or (kind == "string_type" and key_path and key_path[-1] == "[key]"):
        return key_path[:-1], (
            f"a key must be text, got {given!r}; a number has a point (0.1), as a comma begins a new key, and a name "
            "that looks like a number is quoted"
        )
    if kind == "string_type" and isinstance(given, int | float):
        return key_path, f"must be text, got {given!r}; quote it if it is a name"
    if kind in _TYPES:
        return key_path, f"must be {_TYPES[kind]}, got {given!r}"
    if kind == "literal_error":
        options = [option.strip("'") for option in detail["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        return key_path, unknown("value", given, options)
    if kind == "string_too_short":
        return key_path, "it is empty"
    if kind == "too_short" and detail["ctx"]["min_length"] > 1:
        return key_path, f"give at least {detail['ctx']['min_length']} entries, got {detail['ctx']['actual_length']}"
    if kind == "too_short":
        return key_path, "the list is empty; give at least one entry, or leave the key out"
    if kind == "too_long":
        return key_path, f"at most {detail['ctx']['max_length']} can be given, got {detail['ctx']['actual_length']}"
    bounds = {"greater_than_equal": ("≥", "ge"), "less_than": ("<", "lt"), "greater_than": (">", "gt")}
    if kind in bounds:
        if len(key_path) > 1 and key_path[0] == "noise":
            return key_path, f"a noise rate must lie in [0, 1), got {given!r}"
        sign, key = bounds[kind]
        return key_path, f"must be {sign} {detail['ctx'][key]}, got {given!r}"
    return key_path, f"{detail['msg']}, got {given!r}"
