"""The printed numbers that a config's `published:` names, and what of the experiment they are compared with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labelnoise import paths
from labelnoise.errors import UserError, unknown
from labelnoise.experiment.config import Config, PublishedRef
from labelnoise.experiment.validation import Problems
from labelnoise.published import numbers
from labelnoise.published.numbers import PrintedCell


def check(config: Config, specs: list[dict[str, Any]], problems: Problems) -> None:
    """Report unknown papers and tables, and two noises that would be compared with the same printed numbers."""
    if config.published is None:
        return
    try:
        cells = cells_of(config.published, {spec["dataset"]["name"] for spec in specs})
    except UserError as error:
        problems.add(("published",), error)
        return
    printed = {(cell["dataset"], cell["noise"], cell["rate"]) for cell in cells}
    names: dict[tuple[Any, ...], str] = {}
    for spec in specs:
        key = (spec["dataset"]["name"], *noise_of(spec["noise"]))
        name = paths.noise_name(spec["noise"])
        if key in printed and names.setdefault(key, name) != name:
            message = f"{names[key]} and {name} would both be compared with the printed {key[1]} {key[2]}; keep one"
            problems.add(("noise",), message)


def cells_of(published: PublishedRef, datasets: Iterable[str]) -> list[PrintedCell]:
    """The cells of the tables on these data sets. Raises `UserError` for unknown papers, tables and data sets."""
    cells, present = numbers.select(published.paper, published.tables), set(datasets)
    if published.dataset is None:
        return [cell for cell in cells if cell["dataset"] in present]
    if len(present) != 1:
        raise UserError("`dataset:` says what one data set is compared with, and this experiment has several")
    known = {cell["dataset"] for cell in cells}
    if published.dataset not in known:
        raise UserError(unknown(f"data set of {published.paper}", published.dataset, sorted(known)))
    (name,) = present
    note = f"printed for {published.dataset}"
    return [
        {**cell, "dataset": name, "note": "; ".join(filter(None, (cell["note"], note)))}
        for cell in cells
        if cell["dataset"] == published.dataset
    ]


def noise_of(noise: dict[str, Any]) -> tuple[str, float | None]:
    """The noise and rate as printed tables name them; a noise of the user's own map, matrix or file is in none."""
    name = numbers.noise_of(noise["kind"], noise["variant"])
    return (f"{name}-{noise['content']}" if "content" in noise else name, noise["rate"])
