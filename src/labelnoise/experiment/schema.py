"""The JSON schema of config.yaml, for editors and the documentation: its structure, and the catalogues' names.

# yaml-language-server: $schema=config.schema.json
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter

import labelnoise
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.experiment.config import Config
from labelnoise.losses import catalogue
from labelnoise.noise.catalogue import NOISES, OWN
from labelnoise.published import presets
from labelnoise.training import recipe
from labelnoise.training.recipe import Recipe

# The comment by which editors find a config's schema; the schema's path follows.
EDITORS = "# yaml-language-server: $schema="

_REQUIRED = ("datasets", "noise", "losses", "seeds")


def schema() -> dict[str, Any]:
    """The schema of a config, JSON Schema draft 2020-12; a config that the program accepts is valid."""
    made: dict[str, Any] = Config.model_json_schema()
    definitions = made["$defs"]
    definitions["Recipe"] = _recipe()
    for properties in (made["properties"], definitions["LossEntry"]["properties"]):
        properties["train"] = {"$ref": "#/$defs/Recipe", "description": properties["train"]["description"]}
    made["properties"]["extends"] = {
        "type": "string",
        "description": "A config file, relative to this one, whose keys apply where this file does not set them.",
    }
    made["anyOf"] = [{"required": list(_REQUIRED)}, {"required": ["extends"]}]
    del made["required"]
    # An entry is of the catalogue or of the user's own; only a function of one's own takes further keys.
    definitions["LossEntry"]["oneOf"] = [{"required": ["loss"]}, {"required": ["target"]}]
    definitions["NoiseEntry"]["oneOf"] = [{"required": ["kind"]}, {"required": ["target"]}]
    known = dict.fromkeys(definitions["NoiseEntry"]["properties"], True)
    definitions["NoiseEntry"]["if"] = {"required": ["kind"]}
    definitions["NoiseEntry"]["then"] = {"properties": known, "additionalProperties": False}
    _name_choices(made)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": f"Written by `labelnoise schema`, labelnoise {labelnoise.__version__}.",
        "title": "config.yaml of labelnoise",
    }
    simplified: dict[str, Any] = head | _simplify(made) | {"title": head["title"]}
    return simplified


def text() -> str:
    """The schema as the content of a file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def first_line(config: Path) -> str:
    """The line by which a config in a project or a clone names the schema there; empty if there is none."""
    for file in (Path("config.schema.json"), Path("workflow/schemas/config.schema.json")):
        if file.exists():
            return f"{EDITORS}{Path(os.path.relpath(file, config.parent)).as_posix()}\n"
    return ""


def _name_choices(made: dict[str, Any]) -> None:
    """Name what is in the catalogues, which editors then offer."""
    kinds = [kind for kind in NOISES if kind != OWN]
    losses = {"anyOf": [{"enum": list(catalogue.names())}, {"type": "string", "pattern": r"^[^+\s]+\+[^+\s]+$"}]}
    definitions = made["$defs"]
    for key, choices in (("datasets", {"enum": list(DATASETS)}), ("noise", {"enum": kinds}), ("losses", losses)):
        made["properties"][key]["items"]["anyOf"][0] = choices
    definitions["NoiseEntry"]["properties"]["parts"]["anyOf"][0]["items"]["anyOf"][0] = {"enum": kinds}
    for entry, key, choices in (
        ("DatasetEntry", "like", {"enum": list(DATASETS)}),
        ("NoiseEntry", "kind", {"enum": kinds}),
        ("LossEntry", "loss", losses),
        ("LossEntry", "preset", {"enum": presets.names()}),
    ):
        definitions[entry]["properties"][key]["anyOf"][0] = choices
    made["properties"]["preset"]["anyOf"][0] = {"enum": presets.names()}
    definitions["PresetRef"]["properties"]["name"] |= {"enum": presets.names()}


def _recipe() -> dict[str, Any]:
    """The values of a recipe; each may be a list, which is a sweep."""
    hints = get_type_hints(Recipe, include_extras=True)
    properties = {}
    for name, description in recipe.HELP.items():
        value = TypeAdapter(hints[name], config=ConfigDict(strict=True)).json_schema()
        sweep = {"type": "array", "items": value, "minItems": 1}
        properties[name] = {"anyOf": [value, sweep], "description": description}
    return {
        "description": "Values of the recipe; those not given are the data set's.",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _simplify(node: Any) -> Any:
    """Without titles, and without null where it only says that a key may be left out."""
    if isinstance(node, list):
        return [_simplify(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _simplify(value) for key, value in node.items() if not (key == "title" and isinstance(value, str))}
    if "default" in kept and kept["default"] is None:
        del kept["default"]
    return kept
