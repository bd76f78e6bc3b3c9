"""The tables of config keys in the reference, from the JSON schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from as_markdown import code, codes, paragraphs, plain, table


def config_keys(root: Mapping[str, Any]) -> str:
    """A table of the top-level keys, and one for each kind of entry that they refer to."""
    definitions = root.get("$defs", {})
    headings = _headings(root)
    blocks = ["## Top-level keys", _properties(root, headings)]
    for name, heading in headings.items():
        definition = definitions[name]
        blocks += [f"## {heading}", plain(definition.get("description", "")), _properties(definition, headings)]
    return paragraphs(*blocks)


def _headings(root: Mapping[str, Any]) -> dict[str, str]:
    """The heading of each definition with properties: the key that refers to it."""
    definitions = root.get("$defs", {})
    headings: dict[str, str] = {}
    queue = [(f"`{key}`", node) for key, node in root["properties"].items()]
    while queue:
        heading, node = queue.pop(0)
        for name in _references(node):
            if name in headings:
                continue
            if "properties" in definitions[name]:
                headings[name] = heading if heading not in headings.values() else f"{heading}: {name}"
            children = definitions[name].get("properties", {}) or {"": definitions[name]}
            outer = heading.strip("`")
            queue += [(f"`{outer}.{key}`" if key else heading, child) for key, child in children.items()]
    return headings


def _references(node: Any) -> list[str]:
    """The names of the definitions that a node refers to, in order."""
    if isinstance(node, Mapping):
        own = [node["$ref"].rpartition("/")[2]] if "$ref" in node else []
        return own + [name for key, child in node.items() if key != "default" for name in _references(child)]
    return [name for child in node for name in _references(child)] if isinstance(node, list) else []


def _properties(node: Mapping[str, Any], headings: Mapping[str, str]) -> str:
    rows = [
        (code(key), plain(child.get("description", "")), kind(child, headings), _default(key, child, node))
        for key, child in node["properties"].items()
    ]
    header = ("key", "meaning", "values", "default")
    has_defaults = any(row[-1] != "none" for row in rows)
    return table(header, rows) if has_defaults else table(header[:-1], [row[:-1] for row in rows])


def _default(key: str, node: Mapping[str, Any], parent: Mapping[str, Any]) -> str:
    required = [name for case in (parent, *parent.get("anyOf", ())) for name in case.get("required", ())]
    if key in required and key != "extends":
        return "required"
    default = node.get("default")
    if default is None or default in ([], {}) or isinstance(default, Mapping):
        return "none"
    return code(default if isinstance(default, str) else json.dumps(default, ensure_ascii=False))


_TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true`, `false`"}
_BOUNDS = (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))

# Longer lists of names are in the catalogues' own pages.
_MOST_NAMES = 12


def kind(node: Mapping[str, Any], headings: Mapping[str, str]) -> str:
    """What values a node of the schema allows, in words."""
    if "$ref" in node:
        heading = headings.get(node["$ref"].rpartition("/")[2])
        return f"[keys](#{slug(heading)})" if heading else "keys and values"
    if len(cases := _cases(node)) > 1:
        return _union(cases, headings)
    if "const" in node:
        return code(node["const"])
    if "enum" in node:
        return codes(node["enum"]) if len(node["enum"]) <= _MOST_NAMES else "text"
    if node.get("type") == "array":
        most = f" (at most {node['maxItems']})" if "maxItems" in node else ""
        return f"list: {kind(node['items'], headings)}{most}" if node.get("items") else "list"
    if node.get("type") == "object":
        values = node.get("additionalProperties")
        return f"keys, each with {kind(values, headings)}" if isinstance(values, Mapping) else "keys and values"
    bounds = " and ".join(f"{sign} {_number(node[key])}" for key, sign in _BOUNDS if key in node)
    return f"{_TYPES.get(node.get('type', ''), 'anything')}{f' {bounds}' if bounds else ''}"


def _cases(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The cases of a union, and of unions in it."""
    unions = [case for union in ("anyOf", "oneOf") for case in node.get(union, ())]
    return [inner for case in unions for inner in _cases(case)] if unions else [node]


def _union(cases: list[Mapping[str, Any]], headings: Mapping[str, str]) -> str:
    """The cases joined by "or"; a list of what another case allows is not spelled out again."""
    kinds = list(dict.fromkeys(kind(case, headings) for case in cases if case.get("type") != "null"))
    others = [words for words in kinds if not words.startswith("list: ")]
    lists = [words.removeprefix("list: ") for words in kinds if words.startswith("list: ")]
    for words in lists:
        others.append("a list" if words in (" or ".join(others), *others) else f"list: {words}")
    return " or ".join(dict.fromkeys(others))


def _number(value: float) -> str:
    return "2³²" if value == 2**32 else f"{value:g}"


def slug(heading: str) -> str:
    """The anchor that MyST gives a heading, as GitHub does."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
