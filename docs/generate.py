"""The generated parts of the reference: pure functions from parser, catalogues and schema to Markdown.

conf.py calls `write_all` before each build; the pages in reference/ include what it writes to _generated/.
"""

from __future__ import annotations

import argparse
import csv
import functools
import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from as_markdown import code, codes, paragraphs, plain, table
from config_keys import config_keys

from labelnoise import cli
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.experiment.recipes import resolve_recipe, text
from labelnoise.experiment.schema import schema
from labelnoise.losses import catalogue
from labelnoise.losses.entries import ALIASES, LOSSES, PUBLISHED_SUMS
from labelnoise.losses.parameters import Parameter
from labelnoise.models.catalogue import MODELS
from labelnoise.noise.catalogue import NOISES
from labelnoise.published import presets
from labelnoise.theory import properties
from labelnoise.theory.asymmetry import asymmetric_from
from labelnoise.training import recipe

COMPILED = Path(__file__).parents[1] / "benchmarks" / "compile.csv"


def write_all(folder: Path) -> None:
    """Write every part whose text changed."""
    torch.set_num_threads(1)  # the theory's arrays are small; on a busy machine several threads are slower
    folder.mkdir(exist_ok=True)
    parts = {
        "config": config_keys(schema()),
        "cli": commands(cli.parser()),
        "losses": single_losses(),
        "sums": sums(),
        "presets": preset_list(),
        "noise": noise_kinds(),
        "datasets": dataset_list(),
        "recipes": recipe_values(),
        "models": model_list(),
        "compile": compiled(),
        "read_by": recipe.markdown_table(),
    }
    for name, part in parts.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != part:
            path.write_text(part, encoding="utf-8")


# The commands


def commands(parser: argparse.ArgumentParser) -> str:
    """One section for each command: its usage and a table of its arguments."""
    (choices,) = (action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    blocks = []
    for name, command in choices.items():
        blocks += [f"## `labelnoise {name}`", plain(command.description or ""), f"```text\n{_usage(command)}\n```"]
        actions = [action for action in command._actions if not isinstance(action, argparse._HelpAction)]
        rows = [(_flags(action), plain(action.help or "")) for action in actions]
        blocks.append(table(("argument", "meaning"), rows) if rows else "")
    return paragraphs(*blocks)


def _usage(command: argparse.ArgumentParser) -> str:
    formatter = argparse.HelpFormatter(command.prog, width=80)
    formatter.add_usage(command.usage, command._actions, command._mutually_exclusive_groups)
    return formatter.format_help().removeprefix("usage: ").strip()


def _flags(action: argparse.Action) -> str:
    value = str(action.metavar or (action.dest.upper() if action.option_strings else action.dest))
    if action.nargs == 0:
        value = ""
    elif action.choices is not None:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    names = action.option_strings or [""]
    required = ", required" if action.required and action.option_strings else ""
    return ", ".join(code(f"{name} {value}".strip()) for name in names) + required


# Losses


def single_losses() -> str:
    """One section for each loss of the catalogue."""
    blocks = []
    for name, entry in LOSSES.items():
        needs = f"; needs {codes(entry.needs)}" if entry.needs else ""
        formula = _formula(entry.load())
        source = "" if formula.startswith(entry.source) else f" Source: {plain(entry.source)}."
        facts = [
            f"{plain(_capital(entry.title))}.{source}",
            plain(formula),
            f"{_capital(entry.kind)}; takes {entry.takes}{needs}; soft targets: {'yes' if entry.linear else 'no'}.",
            _properties_of(name),
        ]
        blocks += [f"### {name}", *facts, _parameters(entry.parameters), _published(name)]
    return paragraphs(*blocks)


def sums() -> str:
    """One section for each named sum."""
    blocks = []
    for name in (*ALIASES, *PUBLISHED_SUMS):
        alias = ALIASES.get(name)
        parts = catalogue.parts(name)
        entropy = " + lam · (log K − entropy of the mean prediction)" if catalogue.is_entropy_regularised(name) else ""
        formula = parts[0].name if len(parts) == 1 else f"alpha · {parts[0].name} + beta · {parts[1].name}{entropy}"
        shared = [
            f"{code(key)} sets {' and '.join(code(full) for full in catalogue.full_names(name, key))}."
            for key in (alias.shared if alias else ())
        ]
        source = f" Source: {plain(alias.source)}." if alias else ""
        blocks += [f"### {name}", f"`{formula}`.{source}", " ".join(shared), _properties_of(name), _published(name)]
    return paragraphs(*blocks)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _formula(cls: type) -> str:
    """The class's docstring, without its pointers into the code."""
    return re.sub(r"; see `weighted`[^.]*", "", inspect.getdoc(cls) or "")


def _properties_of(name: str) -> str:
    """What the theory measures at the defaults, and what the papers say."""
    measured = properties.row(name, "defaults", "", catalogue.resolve(name, {}))
    claim = f"Asymmetric, by the papers: {plain(measured['asymmetric_claimed'])}."
    if len(catalogue.parts(name)) > 1:
        claim = claim.replace("Asymmetric", "Its parts are asymmetric")
    if measured["note"]:
        return f"Symmetric, asymmetric, bounded: not measured ({measured['note']}). {claim}"
    words = [f"{'' if measured[key] else 'not '}{key}" for key in ("symmetric", "bounded", "calibrated")]
    return (
        f"At the defaults, with ten classes: {', '.join(words)}; asymmetric under symmetric noise "
        f"{_from(measured['asymmetric_from'])}. {claim}"
    )


def _from(level: str) -> str:
    if level == "never":
        return "at no clean level"
    always = float(level) <= 1 / properties.NUM_CLASSES
    return "wherever clean labels dominate" if always else f"from a clean level of {level}"


def _parameters(listed: Sequence[Parameter]) -> str:
    rows = [(code(entry.name), code(entry.shown), entry.range, plain(entry.about)) for entry in listed]
    return table(("parameter", "default", "range", "meaning"), rows) if rows else ""


def _published(name: str) -> str:
    """The values of the presets that have the loss, with where they hold and how asymmetric they make it."""
    rows = []
    known = catalogue.parameters(name)
    for preset in presets.names():
        for row in presets.rows(preset):
            if row.loss != name:
                continue
            where = [", ".join(map(str, row.where[key] or ["all"])) for key in ("dataset", "noise", "rate")]
            values = [
                f"{key.rpartition('.')[2] if _is_unique(key, known) else key}={_value(value)}"
                for key, value in row.settings.params.items()
                if known[key].tuned or value != known[key].default
            ]
            train = [f"{key}={text(value)}" for key, value in row.settings.recipe.items()]
            rows.append((code(preset), *where, " ".join(map(code, values)), " ".join(map(code, train)), _level(row)))
    header = ("preset", "data set", "noise", "rate", "values", "recipe", "asymmetric from")
    return table(header, rows) if rows else ""


def _is_unique(key: str, known: Mapping[str, Parameter]) -> bool:
    return sum(full.rpartition(".")[2] == key.rpartition(".")[2] for full in known) == 1


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float | int) and not isinstance(value, bool) else str(value).lower()


def _level(row: presets.Row) -> str:
    return _asymmetric_from(row.loss, tuple(sorted(catalogue.resolve(row.loss, row.settings.params).items())))


@functools.cache
def _asymmetric_from(name: str, params: tuple[tuple[str, Any], ...]) -> str:
    if not catalogue.is_function_of_probabilities(name):
        return "–"
    level = asymmetric_from(name, dict(params), properties.NUM_CLASSES)
    return "never" if level is None else f"{level:.3f}"


def preset_list() -> str:
    """Every preset with its title and source."""
    rows = [
        (code(name), entry["title"], entry["source"], codes(presets.datasets(name)))
        for name, entry in presets._presets().items()
    ]
    return table(("preset", "paper", "source of the values", "data sets"), rows) + "\n"


# Noise, data sets, recipes, models


def noise_kinds() -> str:
    """Every kind of noise with its variants."""
    rows = []
    for name, entry in NOISES.items():
        variants = list(entry.variants.items()) or [("", "")]
        for i, (variant, about) in enumerate(variants):
            shown = f"{code(variant)}{' (default)' if i == 0 and len(variants) > 1 else ''}" if variant else ""
            words = [entry.title, about] if i == 0 else [about]
            rows.append((code(name) if i == 0 else "", shown, plain(": ".join(filter(None, words)))))
    return table(("kind", "variant", "definition"), rows) + "\n"


def dataset_list() -> str:
    """The catalogue of data sets."""
    rows = [
        (
            code(name),
            entry.title,
            len(entry.classes),
            f"{entry.train_size:,}" if entry.train_size else "by the files",
            codes(entry.test_sets),
            codes(entry.human),
            f"{code(entry.recipe['model'])}, {entry.recipe['epochs']} epochs",
            entry.license,
            entry.source,
        )
        for name, entry in DATASETS.items()
    ]
    header = ("name", "content", "classes", "training", "test sets", "human labels", "recipe", "licence", "source")
    return table(header, rows) + "\n"


def recipe_values() -> str:
    """The recipe of every data set: one row per value, one column per data set."""
    resolved = {name: resolve_recipe(entry.recipe) for name, entry in DATASETS.items()}
    rows = [
        (code(key), *(_recipe_value((recipe.DEFAULTS | values)[key]) for values in resolved.values()))
        for key in recipe.FIELDS
    ]
    return table(("value", *map(code, resolved)), rows) + "\n"


def _recipe_value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list):
        return ", ".join(f"{entry:.4g}" if isinstance(entry, float) else str(entry) for entry in value) or "none"
    return text(value)


def model_list() -> str:
    """The networks by name."""
    rows = [
        (code(name), entry.title, f"{entry.image_size} × {entry.image_size}" if entry.image_size else "any")
        for name, entry in MODELS.items()
    ]
    rows.append(("`timm/NAME`", "any model of timm", "any"))
    return table(("model", "network", "image size"), rows) + "\n"


def compiled() -> str:
    """The losses by what torch.compile and torch.export make of them, as benchmarks/compile.py measured."""
    groups: dict[tuple[str, str], list[str]] = {}
    with COMPILED.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            wrong = [name for name in ("eager", "aot_eager", "inductor") if name not in row["compile"].split()]
            compile_ = f"wrong with {', '.join(wrong)}" if wrong else "yes"
            export = {"value and gradient": "yes", "value": "value only"}[row["export"]]
            if "batch size is fixed" in row["reason"]:
                export += ", for one batch size"
            groups.setdefault((compile_, export), []).append(row["loss"])
    largest = max(groups.values(), key=len)
    rows = [("all others" if names is largest else codes(names), *found) for found, names in groups.items()]
    return (
        table(("losses", "torch.compile", "torch.export"), sorted(rows, key=lambda row: row[0] != "all others")) + "\n"
    )
