"""Config files as text: strict YAML, and the line on which each key stands."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from labelnoise.errors import UserError

Place = tuple[str | int, ...]


class _StrictLoader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, where YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a name", key_node.start_mark)
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str | int | float) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


# `1e-3` is the number it looks like: YAML 1.1 takes it for text, as it has no dot.
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+$"), list("+-0123456789")
)


@dataclass(frozen=True)
class Source:
    """A config's values, where they came from, and (for a file) its YAML nodes."""

    name: str
    values: Any
    root: yaml.Node | None = None
    overrides: frozenset[str] = frozenset()

    def overridden(self, values: Mapping[str, Any]) -> Source:
        """With top-level keys replaced by Snakemake's `--config key=value`, which hands nested values over as text."""
        if not values or not isinstance(self.values, dict):
            return self
        typed = {key: _typed(value) for key, value in values.items()}
        return Source(self.name, self.values | typed, self.root, frozenset(values))

    def where(self, place: Place) -> str:
        """`config.yaml, line 7: losses[1].q`, as far as the place exists in the file."""
        if place and place[0] in self.overrides:
            return f"--config: {dotted(place)}"
        line = self._line(place)
        return f"{self.name}{f', line {line}' if line else ''}: {dotted(place) or 'the whole file'}"

    def _line(self, place: Place) -> int | None:
        node, line = self.root, None
        for step in place:
            if isinstance(node, yaml.MappingNode):
                found = next(((key, value) for key, value in node.value if key.value == str(step)), None)
                if found is None:
                    return line
                line, node = found[0].start_mark.line + 1, found[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
            else:
                return line
        return line


def dotted(place: Place) -> str:
    """`("losses", 1, "q")` as `losses[1].q`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def read(path: Path) -> Source:
    """The config file; `UserError` with the line for a syntax error or a key given twice."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"there is no config file {path} in {Path.cwd()}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a readable text file ({error})") from None
    try:
        root = yaml.compose(text, yaml.SafeLoader)
        values = yaml.load(text, _StrictLoader)
        json.dumps(values, default=str, skipkeys=True)
    except yaml.YAMLError as error:
        raise UserError(_syntax_message(path, error)) from None
    except (RecursionError, ValueError):
        raise UserError(f"{path}: an alias (*name) refers to itself") from None
    return Source(str(path), values, root)


def _typed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _typed(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_typed(entry) for entry in value]
    return yaml.load(value, _StrictLoader) if isinstance(value, str) else value


def _syntax_message(path: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    problem = getattr(error, "problem", None) or str(error)
    context = getattr(error, "context", None)
    return f"{path}{line}: not valid YAML: {problem}{f' ({context})' if context else ''}"
