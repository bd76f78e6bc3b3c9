"""Reads config files: strict YAML that remembers the line of each key."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from labelnoise.errors import UserError

KeyPath = tuple[str | int, ...]

# The comment in which `labelnoise init` states the version that a config was written for.
WRITTEN_FOR = "# Written for labelnoise"


class _StrictLoader(yaml.SafeLoader):
    """A safe loader for documents whose keys `_check_keys` has checked."""


def _check_keys(node: yaml.Node | None, seen: set[int] | None = None) -> None:
    """Reject duplicate keys in a mapping, of which YAML silently keeps the last. Merged keys may be overridden."""
    seen = set() if seen is None else seen
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for entry in node.value:
            _check_keys(entry, seen)
    if isinstance(node, yaml.MappingNode):
        keys = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a name", key.start_mark)
            if key.tag != "tag:yaml.org,2002:merge" and (key.tag, key.value) in keys:
                problem = f"the key {key.value!r} is given twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            keys.add((key.tag, key.value))
            _check_keys(value, seen)


# YAML 1.1 reads `1:30` as 90, `010` as 8, `on` and `no` as booleans, `2024-01-01` as a date, and `1e-3` as text. These
# are read much as in YAML 1.2 instead: the last is a number, the others are text, which is refused as a number.
_SCALARS = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?(0|[1-9][0-9_]*)|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        r"[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
}
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag.rpartition(":")[2] not in (*_SCALARS, "timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _name, (_pattern, _first) in _SCALARS.items():
    _StrictLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(f"(?:{_pattern})$"), list(_first))


@dataclass(frozen=True)
class ConfigFile:
    """A config's values, where they came from, and (for a file) its YAML nodes and the file that it extends.

    `written_for` is the version of labelnoise that it states.
    """

    name: str
    values: Any
    root: yaml.Node | None = None
    written_for: str | None = None
    overrides: frozenset[str] = frozenset()
    extended: ConfigFile | None = None

    def overridden(self, values: Mapping[str, Any]) -> ConfigFile:
        """Return a copy with top-level keys replaced by Snakemake's `--config`, which passes nested values as text."""
        if not values or not isinstance(self.values, dict):
            return self
        typed = {key: _parse_override(value, key) for key, value in values.items()}
        return dataclasses.replace(self, values=self.values | typed, overrides=frozenset(values))

    def where(self, key_path: KeyPath) -> str:
        """`config.yaml, line 7: losses[1].q`, with the line of the deepest step that exists in the file."""
        if key_path and key_path[0] in self.overrides:
            return f"--config: {dotted(key_path)}"
        line = self._line(key_path)
        if self.extended is not None and key_path and line is None:
            return self.extended.where(key_path)
        return f"{self.name}{f', line {line}' if line else ''}: {dotted(key_path) or 'the whole file'}"

    def _line(self, key_path: KeyPath) -> int | None:
        node, line = self.root, None
        for step in key_path:
            if isinstance(node, yaml.MappingNode):
                pair = next(((key, value) for key, value in node.value if key.value == str(step)), None)
                if pair is None:
                    return line
                line, node = pair[0].start_mark.line + 1, pair[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                line = node.start_mark.line + 1
            else:
                return line
        return line


def dotted(key_path: KeyPath) -> str:
    """`("losses", 1, "q")` as `losses[1].q`."""
    text = ""
    for step in key_path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def read(path: Path) -> ConfigFile:
    """Read a config file; top-level keys that it lacks are those of the file that it `extends:`.

    Raises `UserError` with the line of a syntax error or duplicate key, and for files that extend each other.
    """
    return _read_chain(path, ())


def _read_chain(path: Path, extending: tuple[Path, ...]) -> ConfigFile:
    """Read `path` and what it extends; `extending` are the files that extend it."""
    if path.resolve() in extending:
        raise UserError(f"{path}: extends itself, by way of {', '.join(file.name for file in extending)}")
    file = _read_one(path)
    if not isinstance(file.values, dict) or "extends" not in file.values:
        return file
    named = file.values["extends"]
    if not isinstance(named, str):
        raise UserError(f"{file.where(('extends',))}: must be the name of a config file, got {named!r}")
    if not (path.parent / named).exists():
        raise UserError(f"{file.where(('extends',))}: there is no file {named} beside {path}")
    extended = _read_chain(path.parent / named, (*extending, path.resolve()))
    if not isinstance(extended.values, dict):
        raise UserError(f"{extended.name}: must be keys and values, as {path} extends it")
    own = {key: value for key, value in file.values.items() if key != "extends"}
    return dataclasses.replace(file, values=extended.values | own, extended=extended)


def check_is(config: Mapping[str, Any], path: Path, overridden: Collection[str]) -> None:
    """Raise `UserError` if the `config:` given to Snakemake's `module` is neither empty nor that of the file."""
    in_file = yaml.safe_load(path.read_text(encoding="utf-8")) if config and path.exists() else {}
    differing = [key for key in {**config, **in_file} if key not in overridden and config.get(key) != in_file.get(key)]
    if config and differing:
        raise UserError(
            f"the `config:` of `module` differs from {path} in {', '.join(map(str, differing))}; labelnoise reads the "
            "file: change it there, or name another by `configfile:`"
        )


def _read_one(path: Path) -> ConfigFile:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(f"there is no config file {path} in {Path.cwd()}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a readable text file ({error})") from None
    try:
        root = yaml.compose(text, _StrictLoader)
        _check_keys(root)
        values = yaml.load(text, _StrictLoader)
        json.dumps(values, default=str, skipkeys=True)
    except yaml.YAMLError as error:
        raise UserError(_syntax_message(path, error)) from None
    except (RecursionError, ValueError):
        raise UserError(f"{path}: an alias (*name) refers to itself") from None
    stated = re.search(rf"^{WRITTEN_FOR} (\S+)$", text, re.MULTILINE)
    return ConfigFile(str(path), values, root, stated[1] if stated else None)


def _parse_override(value: Any, key_path: str) -> Any:
    """Parse the text values that Snakemake passes as YAML. Raises `UserError` if they are invalid."""
    if isinstance(value, dict):
        return {key: _parse_override(entry, f"{key_path}.{key}") for key, entry in value.items()}
    if isinstance(value, list):
        return [_parse_override(entry, f"{key_path}[{i}]") for i, entry in enumerate(value)]
    if not isinstance(value, str):
        return value
    try:
        _check_keys(yaml.compose(value, _StrictLoader))
        return yaml.load(value, _StrictLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        problem = getattr(error, "problem", None) or str(error)
        raise UserError(f"--config {key_path}: {value!r} is not valid YAML: {problem}") from None


def _syntax_message(path: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    problem = getattr(error, "problem", None) or str(error)
    context = getattr(error, "context", None)
    return f"{path}{line}: not valid YAML: {problem}{f' ({context})' if context else ''}"
