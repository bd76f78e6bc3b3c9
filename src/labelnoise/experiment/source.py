"""Config files as text: strict YAML, and the line on which each key stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from labelnoise.errors import UserError

Place = tuple[str | int, ...]

_EXPONENT = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")


class _StrictLoader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, where YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str | int | float) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


@dataclass(frozen=True)
class Source:
    """A config's values, where they came from, and (for a file) its YAML nodes."""

    name: str
    values: Any
    root: yaml.Node | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _numbers(self.values))

    def where(self, place: Place) -> str:
        """`config.yaml, line 7: losses[1].q`, as far as the place exists in the file."""
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


def _numbers(value: Any) -> Any:
    """`1e-3` read as the number it is: YAML 1.1 takes it for text, as it has no dot."""
    if isinstance(value, dict):
        return {key: _numbers(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_numbers(entry) for entry in value]
    if isinstance(value, str) and _EXPONENT.fullmatch(value):
        return float(value)
    return value


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
    except yaml.YAMLError as error:
        raise UserError(_syntax_message(path, error)) from None
    return Source(str(path), values, root)


def of_workflow(values: dict[str, Any], files: list[Path]) -> Source:
    """The values that Snakemake merged (files and `--config`), with lines where they are those of one file."""
    if len(files) == 1:
        source = read(files[0])
        return Source(source.name, values, source.root)
    for file in files:
        read(file)
    return Source(" + ".join(map(str, files)) or "--config", values)


def _syntax_message(path: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    line = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    problem = getattr(error, "problem", None) or str(error)
    context = getattr(error, "context", None)
    return f"{path}{line}: not valid YAML: {problem}{f' ({context})' if context else ''}"
