"""Last-epoch test accuracy over one or two swept parameters of a loss, with the value at which it becomes asymmetric.

The asymmetric condition is the papers' closed form (labelnoise.theory.closed_forms) under the noise's requested
transition matrix; where classes differ, the class that needs the most is shown.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.analysis.results import Results
from labelnoise.figures.facets import look_order
from labelnoise.files import read_json_or_nothing
from labelnoise.theory.closed_forms import Threshold, threshold


def draw(results: Results, dataset: str, test_set: str) -> Figure:
    points = _points(results, dataset, test_set)
    if points.empty:
        return style.empty("no loss of the experiment has a list of values")
    groups = [(key, group) for key, group in points.groupby(["of", "names", "noise"], sort=False)]
    figure, panels = style.grid(len(groups), columns=3, width=2.25, height=1.9)
    cells = results.cells(dataset, test_set)
    for axes, ((of, names, noise), group) in zip(panels, groups, strict=True):
        draw_one = _draw_curve if len(names) == 1 else _draw_heat_map if len(names) == 2 else _refuse
        group.attrs["accuracy"] = f"last-epoch {results.accuracy(dataset)} (%)"
        draw_one(axes, group.assign(mean=group["mean"].astype(float)), list(names), _requested(results, dataset, noise))
        axes.set_title(f"{of}{_fixed(group, names)}, {results.noise_title(noise)}")
        if len(names) == 1:
            _draw_references(axes, results, cells, noise)
            axes.legend(fontsize=5)
    return figure


def _points(results: Results, dataset: str, test_set: str) -> pd.DataFrame:
    """One row per swept loss and noise: its entry, the swept values, the mean and standard deviation over seeds."""
    cells = results.cells(dataset, test_set)
    rows = results.rows_of(dataset, test_set).dropna(subset=["loss_params"]).drop_duplicates(["label", "noise"])
    params = {(row.label, row.noise): json.loads(row.loss_params) for row in rows.itertuples()}
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in results.manifest["trials"]:
        key = (entry["label"], entry["noise"])
        if entry["dataset"] == dataset and entry["sweep"] is not None and key in cells.index:
            values = entry["sweep"]["values"]
            found[key] = {
                "of": entry["sweep"]["of"], "names": tuple(values), "noise": entry["noise"], "loss": entry["loss"],
                "values": values, "params": params.get(key), **cells.loc[key, ["mean", "std"]],
            }  # fmt: skip
    return pd.DataFrame(found.values())


def _requested(results: Results, dataset: str, noise: str) -> list[list[float]] | None:
    """The requested transition matrix of the noise; None if there is none."""
    entry = next(e for e in results.manifest["trials"] if e["dataset"] == dataset and e["noise"] == noise)
    matrix: list[list[float]] | None = read_json_or_nothing(Path(entry["labels"]).with_suffix(".json")).get(
        "requested_transition"
    )
    return matrix


def _threshold(
    loss: str, name: str, params: dict[str, float] | None, matrix: list[list[float]] | None
) -> Threshold | None:
    """The condition of the class that needs the most; None if there is none, or clean labels do not dominate."""
    if params is None or matrix is None:
        return None
    transition = np.array(matrix)
    others = transition - np.diag(np.full(len(transition), np.inf))
    if (np.diag(transition) <= others.max(axis=1)).any():
        return None
    needed = [found for row in transition if (found := threshold(loss, name, params, row)) is not None]
    if not needed:
        return None
    return max(needed, key=lambda found: found.value if found.above else -found.value)


def _draw_curve(axes: Axes, group: pd.DataFrame, names: list[str], matrix: list[list[float]] | None) -> None:
    (name,) = names
    line = group.assign(x=[values[name] for values in group["values"]]).sort_values("x")
    axes.errorbar(line.x, line["mean"], yerr=line["std"].astype(float), marker="o", markersize=4, label="mean ± std")
    axes.set(xlabel=name, ylabel=group.attrs["accuracy"])
    known = group.dropna(subset=["params"])
    limit = _threshold(group.loss.iloc[0], name, known.params.iloc[0] if len(known) else None, matrix)
    if limit is not None:
        label = f"asymmetric for {name} {'≥' if limit.above else '≤'} {limit.value:.3g}"
        if line.x.min() <= limit.value <= line.x.max():
            axes.axvline(limit.value, color="black", linestyle=":", linewidth=1, label=label)
        else:  # a line there would leave no room for the curve
            axes.plot([], [], linestyle="", label=label)


def _draw_references(axes: Axes, results: Results, cells: pd.DataFrame, noise: str) -> None:
    """A line at the mean of every loss that is not swept."""
    swept = {entry["label"] for entry in results.manifest["trials"] if entry["sweep"] is not None}
    for label in results.losses:
        if label not in swept and (label, noise) in cells.index and pd.notna(cells.loc[(label, noise), "mean"]):
            colour = style.loss_look(label, look_order(results))["color"]
            axes.axhline(cells.loc[(label, noise), "mean"], color=colour, linestyle="--", linewidth=1, label=label)


def _draw_heat_map(axes: Axes, group: pd.DataFrame, names: list[str], matrix: list[list[float]] | None) -> None:
    columns = "a" if "a" in names else names[-1]  # the papers' conditions are on a
    (rows,) = set(names) - {columns}
    table = group.assign(
        row=[values[rows] for values in group["values"]], column=[values[columns] for values in group["values"]]
    ).pivot(index="row", columns="column", values="mean")
    sns.heatmap(table, ax=axes, annot=True, fmt=".1f", cmap="cividis", vmax=100, annot_kws={"fontsize": 5.5},
                cbar_kws={"label": group.attrs["accuracy"]})  # fmt: skip
    axes.set(xlabel=columns, ylabel=rows)
    axes.tick_params(length=0, axis="y", rotation=0)
    for y, value in enumerate(table.index):
        known = group[[values[rows] == value for values in group["values"]]].dropna(subset=["params"])
        limit = _threshold(group.loss.iloc[0], columns, known.params.iloc[0] if len(known) else None, matrix)
        if limit is not None:
            outside = [value < limit.value - 1e-9 if limit.above else value <= limit.value for value in table.columns]
            x = sum(outside)
            axes.plot([x, x], [y, y + 1], color="red", linewidth=2, clip_on=False)


def _refuse(axes: Axes, group: pd.DataFrame, names: list[str], matrix: object) -> None:
    axes.text(0.5, 0.5, f"{len(names)} parameters vary:\nsweep at most two", ha="center", va="center")


def _fixed(group: pd.DataFrame, names: tuple[str, ...]) -> str:
    """The entry's other numeric parameters, where it has at most three."""
    known = group.dropna(subset=["params"])
    if known.empty:
        return ""
    fixed = {key: value for key, value in known.params.iloc[0].items() if key not in names and key != "eps"}
    numbers = [f"{key} = {value:g}" for key, value in fixed.items() if isinstance(value, int | float)]
    return f" ({', '.join(numbers)})" if 0 < len(numbers) <= 3 else ""
