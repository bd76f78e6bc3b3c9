"""Published hyper-parameters by preset, loss, data set, noise and rate (published/hyperparameters.yaml)."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import labelnoise

FILE = Path(labelnoise.__file__).parent / "published" / "hyperparameters.yaml"
_KEYS = ("dataset", "noise", "rate")


@dataclass(frozen=True)
class Values:
    """What a preset says of one case: loss parameters as written there, recipe overrides, and where they come from."""

    params: dict[str, Any]
    train: dict[str, Any]
    source: str


@functools.cache
def presets() -> dict[str, dict[str, Any]]:
    """All presets by name."""
    import yaml

    return yaml.load(FILE.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def lookup(preset: str, loss: str, *, dataset: str, noise: str, rate: float) -> Values:
    """What the preset says of the case, its own rows before those of the preset it extends.

    Among matching rows the most specific one wins: data set outweighs noise, noise outweighs rate. `params` is
    empty where there is no row for the loss.
    """
    entry = presets()[preset]
    parent = entry.get("extends")
    inherited = (
        lookup(parent, loss, dataset=dataset, noise=noise, rate=rate) if parent else Values({}, {}, entry["source"])
    )
    case = {"dataset": dataset, "noise": noise, "rate": rate}
    recipe = {}
    for row in _matching(entry.get("recipe", []), case):
        recipe |= {key: value for key, value in row.items() if key not in _KEYS}
    rows = [row for row in _matching(entry["values"], case) if loss in _listed(row["loss"])]
    if not rows:
        return Values(inherited.params, inherited.train | recipe, inherited.source)
    row = max(rows, key=lambda row: [key in row for key in _KEYS])
    params = {key: value for key, value in row.items() if key not in ("loss", "train", "source", *_KEYS)}
    return Values(params, recipe | row.get("train", {}), row.get("source", entry["source"]))


def _matching(rows: list[dict[str, Any]], case: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in rows if all(case[key] in _listed(row[key]) for key in _KEYS if key in row)]


def datasets(preset: str) -> list[str]:
    """The data sets that the preset (or the one it extends) has rows for."""
    entry = presets()[preset]
    own = {name for row in entry["values"] for name in _listed(row.get("dataset", []))}
    return sorted(own | set(datasets(entry["extends"]) if "extends" in entry else []))


def constants(preset: str) -> dict[str, float]:
    """Values the preset gives to every loss that has such a parameter (its probability clamp)."""
    entry = presets()[preset]
    inherited = constants(entry["extends"]) if "extends" in entry else {}
    return inherited | entry.get("constants", {})


def having(loss: str, *, dataset: str, noise: str, rate: float) -> list[str]:
    """The presets that have values for the case."""
    return [name for name in presets() if lookup(name, loss, dataset=dataset, noise=noise, rate=rate).params]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
