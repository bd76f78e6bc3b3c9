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


def lookup(preset: str, loss: str, *, dataset: str, noise: str, rate: float) -> Values | None:
    """The most specific row for the case: data set outweighs noise, noise outweighs rate. None when there is none."""
    case = {"dataset": dataset, "noise": noise, "rate": rate}
    rows = [
        row
        for row in presets()[preset]["values"]
        if loss in _listed(row["loss"]) and all(case[key] in _listed(row[key]) for key in _KEYS if key in row)
    ]
    if not rows:
        return None
    row = max(rows, key=lambda row: [key in row for key in _KEYS])
    params = {key: value for key, value in row.items() if key not in ("loss", "train", "source", *_KEYS)}
    return Values(params, row.get("train", {}), row.get("source", presets()[preset]["source"]))


def constants(preset: str) -> dict[str, float]:
    """Values the preset gives to every loss that has such a parameter (its probability clamp)."""
    return presets()[preset].get("constants", {})


def having(loss: str, *, dataset: str, noise: str, rate: float) -> list[str]:
    """The presets that have values for the case."""
    return [name for name in presets() if lookup(name, loss, dataset=dataset, noise=noise, rate=rate)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
