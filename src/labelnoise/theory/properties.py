"""properties.csv: measured and claimed properties of every loss, at its defaults and all published parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise.files import write_csv
from labelnoise.losses import catalogue
from labelnoise.losses.parameters import Value
from labelnoise.published import presets
from labelnoise.theory.asymmetry import asymmetric_from, claimed_from
from labelnoise.theory.calibration import is_calibrated
from labelnoise.theory.risks import FLOOR, label_losses, symmetric_spread

NUM_CLASSES = 10
SYMMETRIC_SPREAD = 1e-5

COLUMNS = (
    "loss", "preset", "dataset", "params", "symmetric_claimed", "symmetric", "symmetric_spread", "asymmetric_claimed",
    "asymmetric_from_claimed", "asymmetric_from", "bounded", "calibrated", "note",
)  # fmt: skip


def cases() -> Iterator[tuple[str, str, str, dict[str, Value]]]:
    """Yield (loss, preset, data sets, parameters): every name at its defaults, then every preset row."""
    for name in catalogue.names():
        yield name, "defaults", "", catalogue.resolve(name, {})
    for preset in presets.names():
        for published in presets.rows(preset):
            datasets = " ".join(published.where["dataset"] or ["all"])
            yield published.loss, preset, datasets, catalogue.resolve(published.loss, published.settings.params)


def measure(name: str, params: Mapping[str, Value]) -> dict[str, Any]:
    """The measured properties with ten classes."""
    spread = symmetric_spread(name, params, NUM_CLASSES)
    far = label_losses(name, params, np.array([[FLOOR**power] + [1 / 9] * 9 for power in (0.5, 1.0)]))[:, 0]
    level = asymmetric_from(name, params, NUM_CLASSES)
    return {
        "symmetric": spread < SYMMETRIC_SPREAD,
        "symmetric_spread": f"{spread:.1e}",
        "asymmetric_from": "never" if level is None else f"{level:.3f}",
        # A loss that grows like log 1/p doubles from p = 1e-150 to 1e-300.
        "bounded": bool(far[1] <= 1.5 * far[0] + 1e-12),
        "calibrated": is_calibrated(name, params),
    }


def row(name: str, preset: str, dataset: str, params: dict[str, Value]) -> dict[str, Any]:
    """One row of properties.csv."""
    entries = catalogue.parts(name)
    values: dict[str, Any] = dict.fromkeys(COLUMNS)
    values |= {
        "loss": name,
        "preset": preset,
        "dataset": dataset,
        "params": " ".join(f"{key}={_short(value)}" for key, value in params.items()),
        "symmetric_claimed": all(entry.symmetric for entry in entries),
        "asymmetric_claimed": "; ".join(entry.asymmetric for entry in entries),
    }
    if not catalogue.is_function_of_probabilities(name):
        return values | {"note": "not a function of one probability vector"}
    claimed = claimed_from(name, params, NUM_CLASSES)
    values["asymmetric_from_claimed"] = None if claimed is None else f"{max(claimed, 1 / NUM_CLASSES):.3f}"
    return values | measure(name, params)


def _short(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def write(path: Path) -> None:
    """Write properties.csv. Equal parameters are measured once."""
    rows, known = [], {}
    for name, preset, dataset, params in cases():
        key = (name, tuple(sorted(params.items())))
        if key not in known:
            known[key] = row(name, preset, dataset, params)
        rows.append(known[key] | {"preset": preset, "dataset": dataset})
    write_csv(path, rows, COLUMNS)
