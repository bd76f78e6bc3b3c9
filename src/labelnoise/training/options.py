"""How trials are run: no option here changes a result. Declared once, for config.yaml and for flags. Needs no torch."""

from __future__ import annotations

import argparse
import types
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from labelnoise.bounds import Ge
from labelnoise.errors import UserError

Options = TypeVar("Options")


@dataclass(frozen=True)
class RunOptions:
    """What a trial saves, and how reproducible it is: the keys of `run:` in config.yaml."""

    checkpoint_minutes: Annotated[float, Ge(0)] | None = field(
        default=None, metadata={"help": "save a checkpoint after an epoch, at most once in this time (default: 1)"}
    )
    checkpoint_epochs: Annotated[int, Ge(1)] | None = field(
        default=None, metadata={"help": "save a checkpoint after every N epochs instead"}
    )
    keep: Sequence[Literal["weights", "features", "checkpoint"]] = field(
        default=(), metadata={"help": "what to keep besides the result of a finished trial"}
    )
    snapshots: Sequence[Annotated[int, Ge(1)]] = field(
        default=(), metadata={"help": "epochs after which to keep predictions too, and what `keep` names"}
    )
    deterministic: bool = field(default=False, metadata={"help": "give the same bits every time on a GPU too (slower)"})


@dataclass(frozen=True)
class DeviceOptions:
    """Which devices a trial may use, see `labelnoise.training.device`."""

    gpus: Annotated[int, Ge(0)] | None = field(
        default=None, metadata={"help": "number of GPUs to use (default: all; 0: train on the CPU)"}
    )
    trials_per_gpu: Annotated[int, Ge(1)] = field(
        default=1, metadata={"help": "trials that share one GPU at a time (default: 1)"}
    )
    capture: bool = field(
        default=True, metadata={"help": "capture steps as CUDA graphs (default: true; false: a trial is slower)"}
    )


def add_flags(parser: argparse.ArgumentParser, options: type) -> None:
    """Add a flag for every field of the dataclass: `--checkpoint-minutes 5`, `--keep weights`, `--deterministic`."""
    for name, (annotation, default) in declared(options).items():
        arguments: dict[str, Any] = {"help": helps(options)[name], "default": default}
        kind, is_list = _kind(annotation)
        if kind is bool and not default:
            parser.add_argument(_flag(name), action="store_true", **arguments)
            continue
        if kind is bool:
            parser.add_argument(_flag(name), type=_truth, metavar="true|false", **arguments)
            continue
        if is_list:
            arguments["nargs"] = "+"
        if get_origin(kind) is Literal:
            arguments["choices"] = get_args(kind)
        else:
            arguments |= {"type": kind, "metavar": "N"}
        parser.add_argument(_flag(name), **arguments)


def from_flags(options: type[Options], namespace: argparse.Namespace) -> Options:
    """The dataclass with the values of the flags; raises `UserError` for a value out of range."""
    values = {name: getattr(namespace, name) for name in _annotations(options)}
    for name, annotation in _annotations(options).items():
        low = _lower_bound(annotation)
        entries = values[name] if isinstance(values[name], list) else [values[name]]
        for value in entries:
            if low is not None and value is not None and not isinstance(value, tuple) and value < low:
                raise UserError(f"{_flag(name)} must be ≥ {low}, got {value:g}")
    return options(**values)


def as_flags(options: Any) -> list[str]:
    """The flags for these options; options at their default are left out."""
    flags: list[str] = []
    for name, (_, default) in declared(type(options)).items():
        value = getattr(options, name)
        if isinstance(value, list | tuple):
            flags += [_flag(name), *map(str, value)] if value else []
        elif value != default:
            flags += [_flag(name), *([] if value is True else [f"{value:g}"])]
    return flags


def declared(options: type) -> dict[str, tuple[Any, Any]]:
    """The annotation and the default of every field."""
    defaults = {entry.name: entry.default for entry in fields(options)}
    return {name: (annotation, defaults[name]) for name, annotation in _annotations(options).items()}


def helps(options: type) -> dict[str, str]:
    """The description of every field."""
    return {entry.name: entry.metadata["help"] for entry in fields(options)}


def list_fields(options: type) -> frozenset[str]:
    """The fields that take a list."""
    return frozenset(name for name, annotation in _annotations(options).items() if _kind(annotation)[1])


def _truth(text: str) -> bool:
    """A truth value as a profile or a shell writes it."""
    known = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in known:
        raise argparse.ArgumentTypeError(f"must be true or false, got {text!r}")
    return known[text.lower()]


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _annotations(options: type) -> dict[str, Any]:
    hints = get_type_hints(options, include_extras=True)
    return {entry.name: hints[entry.name] for entry in fields(options)}


def _kind(annotation: Any) -> tuple[Any, bool]:
    """The type of a single value without its bounds, and whether the option is a list of them."""
    if get_origin(annotation) is Annotated:
        return _kind(get_args(annotation)[0])
    if get_origin(annotation) in (types.UnionType, Union):
        return _kind(get_args(annotation)[0])
    if get_origin(annotation) is Sequence:
        return _kind(get_args(annotation)[0])[0], True
    return annotation, False


def _lower_bound(annotation: Any) -> Any:
    """The lower bound of the value; None if there is none."""
    if get_origin(annotation) is Annotated:
        return next((bound.ge for bound in annotation.__metadata__ if isinstance(bound, Ge)), None)
    return next(filter(lambda low: low is not None, map(_lower_bound, get_args(annotation))), None)
