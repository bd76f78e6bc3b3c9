"""Run options are declared once: config and flags agree."""

from __future__ import annotations

import argparse
import dataclasses

import pytest

from labelnoise.errors import UserError
from labelnoise.experiment.config import Config
from labelnoise.training.options import DeviceOptions, RunOptions, add_flags, as_flags, from_flags

AXES = {"datasets": ["digits"], "noise": ["clean"], "losses": ["CE"], "seeds": [1]}
OPTIONS = [
    {},
    {"checkpoint_minutes": 0.5},
    {"checkpoint_epochs": 3},
    {"keep": ["weights"]},
    {"keep": ["weights", "features", "checkpoint"], "snapshots": [1, 20]},
    {"deterministic": True},
]


def parsed(flags: list[str], options: type) -> object:
    parser = argparse.ArgumentParser()
    add_flags(parser, options)
    return from_flags(options, parser.parse_args(flags))


@pytest.mark.parametrize("given", OPTIONS, ids=str)
def test_flags_reproduce_the_options_of_the_config(given: dict):
    from_config = Config.model_validate(AXES | {"run": given}).run_options
    assert {name: value for name, value in dataclasses.asdict(from_config).items() if name in given} == given
    assert parsed(as_flags(from_config), RunOptions) == from_config
    assert bool(as_flags(from_config)) == bool(given)


def test_every_field_is_a_flag_with_help_and_a_config_key():
    parser = argparse.ArgumentParser()
    for options in (RunOptions, DeviceOptions):
        add_flags(parser, options)
        for field in dataclasses.fields(options):
            assert f"--{field.name.replace('_', '-')}" in parser.format_help()
            assert field.metadata["help"]
    assert set(Config.model_fields["run"].annotation.model_fields) == {f.name for f in dataclasses.fields(RunOptions)}


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        (RunOptions, ["--checkpoint-minutes", "-1"]),
        (RunOptions, ["--checkpoint-epochs", "0"]),
        (RunOptions, ["--snapshots", "3", "0"]),
        (DeviceOptions, ["--gpus", "-1"]),
        (DeviceOptions, ["--trials-per-gpu", "0"]),
    ],
)
def test_flags_have_the_same_bounds_as_the_config(options: type, flags: list[str]):
    with pytest.raises(UserError, match=rf"{flags[0]} must be ≥ "):
        parsed(flags, options)
