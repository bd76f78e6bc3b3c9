"""Looks up published hyper-parameters by preset, loss, data set and noise (hyperparameters.yaml)."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelnoise.losses import catalogue
from labelnoise.losses.parameters import Value

_FILE = Path(__file__).with_name("hyperparameters.yaml")

# Keys of a row that restrict where it applies, in order of precedence; and keys that are not loss parameters.
_WHERE = ("dataset", "noise", "rate")
_NOT_PARAMETERS = ("loss", "train", "source", *_WHERE)


@dataclass(frozen=True)
class Settings:
    """Parameters by their full names, recipe overrides, and where they were published.

    `params` holds only the values that the preset gives, not the loss's defaults.
    """

    params: dict[str, Value]
    recipe: dict[str, Any]
    source: str


@dataclass(frozen=True)
class Row:
    """One row of a preset for one loss: where it applies (None: no restriction), and what it sets."""

    loss: str
    where: dict[str, list[Any] | None]
    settings: Settings


def names() -> list[str]:
    """The names of all presets."""
    return list(_presets())


def datasets(preset: str) -> list[str]:
    """The data sets that rows of the preset, or of one it extends, name."""
    named = (row.where["dataset"] or [] for ancestor in _lineage(preset) for row in _rows(ancestor))
    return sorted({name for names in named for name in names})


def rows(preset: str) -> Iterator[Row]:
    """Yield the preset's own rows, one per loss that they name; the parameters include the preset's constants."""
    for row in _rows(preset):
        params = _constants(preset, row.loss) | row.settings.params
        yield dataclasses.replace(row, settings=dataclasses.replace(row.settings, params=params))


def settings(preset: str, loss: str, *, dataset: str, noise: str, rate: float | None) -> Settings:
    """The parameters and recipe overrides of `loss` on `dataset` under `noise` in `preset`.

    A preset's own rows take precedence over those of the preset it extends. Among matching rows the most specific one
    wins: the data set outweighs the noise, and the noise the rate. Without a row, `params` holds constants only.
    """
    case = {"dataset": dataset, "noise": noise, "rate": rate}
    match: Settings | None = None
    recipe: dict[str, Any] = {}
    for ancestor in reversed(_lineage(preset)):
        for row in _presets()[ancestor].get("recipe", []):
            if _matches(_where(row), case):
                recipe |= {key: value for key, value in row.items() if key not in _WHERE}
        fitting = [row for row in _rows(ancestor) if row.loss == loss and _matches(row.where, case)]
        if fitting:
            match = max(fitting, key=lambda row: [row.where[key] is not None for key in _WHERE]).settings
            recipe |= match.recipe
    if match is None:
        return Settings(_constants(preset, loss), recipe, _presets()[preset]["source"])
    return Settings(_constants(preset, loss) | match.params, recipe, match.source)


def presets_covering(loss: str, *, dataset: str, noise: str, rate: float | None) -> list[str]:
    """The presets that have a row for this case."""
    case = {"dataset": dataset, "noise": noise, "rate": rate}
    return [
        name
        for name in names()
        if any(row.loss == loss and _matches(row.where, case) for other in _lineage(name) for row in _rows(other))
    ]


@functools.cache
def _presets() -> dict[str, dict[str, Any]]:
    import yaml

    loaded: dict[str, dict[str, Any]] = yaml.load(
        _FILE.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    )
    return loaded


def _lineage(preset: str) -> list[str]:
    """The preset, the one it extends, and so on."""
    parent = _presets()[preset].get("extends")
    return [preset, *(_lineage(parent) if parent else [])]


@functools.cache
def _rows(preset: str) -> list[Row]:
    entry = _presets()[preset]
    rows = []
    for row in entry["values"]:
        for loss in _as_list(row["loss"]):
            own = {key: value for key, value in row.items() if key not in _NOT_PARAMETERS}
            settings = Settings(
                catalogue.spelled_out(loss, own), row.get("train", {}), row.get("source", entry["source"])
            )
            rows.append(Row(loss, _where(row), settings))
    return rows


def _constants(preset: str, loss: str) -> dict[str, Value]:
    """The preset's values for every loss that has such a parameter; `NLNL.eps` takes precedence over `eps`."""
    constants: dict[str, Value] = {}
    for ancestor in reversed(_lineage(preset)):
        constants |= _presets()[ancestor].get("constants", {})
    values = {}
    for full, (part, name) in catalogue.owners(loss).items():
        for key in (f"{part}.{name}", name):
            if key in constants:
                values[full] = constants[key]
                break
    return values


def _where(row: dict[str, Any]) -> dict[str, list[Any] | None]:
    return {key: _as_list(row[key]) if key in row else None for key in _WHERE}


def _matches(where: dict[str, list[Any] | None], case: dict[str, Any]) -> bool:
    return all(values is None or case[key] in values for key, values in where.items())


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
