"""The JSON schema of config.yaml accepts what the program accepts, and refuses what it refuses on structure."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from labelnoise.experiment import config_file, schema
from labelnoise.experiment.validation import validate
from labelnoise.training import recipe
from labelnoise.training.options import RunOptions, helps
from support.project import ROOT

SHIPPED = ROOT / "workflow" / "schemas" / "config.schema.json"
CONFIGS = [ROOT / "config.yaml", *sorted((ROOT / "experiments").glob("*.yaml"))]
VALID = yaml.safe_load((ROOT / "config.yaml").read_text())


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    made = schema.schema()
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def as_json(config: object) -> object:
    """The config with text as keys, as editors read it."""
    return json.loads(json.dumps(config))


def test_shipped_schema_is_that_of_the_models():
    assert SHIPPED.read_text(encoding="utf-8") == schema.text(), f"run: labelnoise schema > {SHIPPED.relative_to(ROOT)}"


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_shipped_config_names_the_schema_and_is_valid(file: Path, validator: jsonschema.Draft202012Validator):
    first, _, _ = file.read_text(encoding="utf-8").partition("\n")
    assert first.startswith(schema.EDITORS)
    assert (file.parent / first.removeprefix(schema.EDITORS)).resolve() == SHIPPED
    validator.validate(as_json(config_file.read(file).values))
    validator.validate(as_json(yaml.safe_load(file.read_text(encoding="utf-8"))))


def test_forms_that_the_program_accepts_are_valid(validator: jsonschema.Draft202012Validator):
    accepted = {
        "datasets": [{"name": "mine", "arrays": "mine.npz", "like": "digits", "test_labels": "given"}],
        "noise": [
            {"kind": "symmetric", "rate": {"cat": 0.3}},
            {"kind": "asymmetric", "rate": [0.2, {"cat": 0.1}], "variant": "parallel"},
            {"kind": "mixed", "parts": ["clean", {"kind": "pair", "rate": 0.1, "seed": 7}]},
            {"target": "my_noise:fn", "strength": 3},
        ],
        "losses": ["NCE+RCE", {"loss": "GCE", "q": [0.5, 0.7], "train": {"lr": [0.1, 0.01]}, "preset": "jal2025"}],
        "seeds": [1],
        "train": {"model": {"target": "my_models:Net"}, "resize": [224, 224], "clip_norm": None},
        "run": {"keep": "weights", "snapshots": [1, 2]},
        "figures": ["tsne"],
    }
    validator.validate(accepted)
    validate(config_file.ConfigFile("accepted", accepted))


@pytest.mark.parametrize(
    "change",
    [
        {"seed": [1]},
        {"seeds": ["one"]},
        {"seeds": []},
        {"seeds": [-1]},
        {"datasets": [{"nam": "digits"}]},
        {"noise": [{"kind": "symmetric", "rate": 1.0}]},
        {"noise": [{"kind": "symmetric", "rate": "high"}]},
        {"noise": [{"kind": "mixed", "parts": ["clean"]}]},
        {"preset": {"dataset": "cifar10"}},
        {"only": {"seeds": 1}},
        {"run": {"keep": ["everything"]}},
        {"run": {"checkpoint_minutes": -1}},
        {"highlight": "worst"},
        {"retry_failed": "yes"},
        {"figures": {"kinds": ["pie"]}},
        {"losses": []},
        {"published": {"paper": "jal2025", "trials": 0}},
    ],
    ids=str,
)
def test_what_the_program_refuses_on_structure_is_invalid(
    change: dict[str, object], validator: jsonschema.Draft202012Validator
):
    with pytest.raises(ValueError, match=next(iter(change))):
        validate(config_file.ConfigFile("config.yaml", VALID | change))
    assert not validator.is_valid(VALID | change)


@pytest.mark.parametrize(
    "change",
    [
        {"noise": [{"kind": "symmetric", "rate": 0.2, "foo": 1}]},
        {"noise": ["symetric"]},
        {"noise": [{"rate": 0.2}]},
        {"losses": [{"q": 0.5}]},
        {"losses": ["GEC"]},
        {"train": {"epoch": 5}},
        {"train": {"lr": "fast"}},
        {"datasets": ["cifar"]},
        {"preset": "jal"},
    ],
    ids=str,
)
def test_what_the_program_refuses_on_expansion_is_invalid_too(
    change: dict[str, object], validator: jsonschema.Draft202012Validator
):
    assert not validator.is_valid(VALID | change)


def test_every_key_has_a_description(validator: jsonschema.Draft202012Validator):
    made = schema.schema()
    for name, node in {"config": made, **made["$defs"]}.items():
        for key, entry in node["properties"].items():
            assert entry.get("description"), f"{name}.{key}"
    assert set(recipe.HELP) == set(recipe.FIELDS)
    assert all(helps(RunOptions).values())


def test_messages_say_that_a_config_was_written_for_another_version(tmp_path: Path):
    (tmp_path / "config.yaml").write_text("# Written for labelnoise 9.0.0\nfuture: 1\n")
    with pytest.raises(ValueError, match=r"was written for labelnoise 9\.0\.0; .* is installed"):
        validate(config_file.read(tmp_path / "config.yaml"))
