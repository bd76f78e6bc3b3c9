"""`extends:`, with which experiment files share what they have in common, and presets of single losses."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelnoise.errors import UserError
from labelnoise.experiment import config_file
from labelnoise.experiment.trials import expand
from labelnoise.published import presets

BASE = """\
datasets: [digits]
noise: [clean, {kind: symmetric, rate: 0.4}]
losses: [CE, MAE]
seeds: [1, 2]
train: {epochs: 2, lr: 0.2}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(BASE)


def read(text: str, name: str = "child.yaml") -> config_file.ConfigFile:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)
    return config_file.read(Path(name))


def test_own_keys_replace_whole_keys_of_the_extended_file():
    _, trials = expand(read("extends: base.yaml\nseeds: [3]\ntrain: {epochs: 1}\n"))
    assert {trial.label for trial in trials} == {"CE", "MAE"}
    assert {trial.spec["seed"] for trial in trials} == {3}
    recipes = [trial.spec["recipe"] for trial in trials]
    assert all(recipe["epochs"] == 1 and recipe["lr"] != 0.2 for recipe in recipes)


def test_chains_are_read_relative_to_each_file():
    read("extends: ../base.yaml\nseeds: [4]\n", "sub/middle.yaml")
    _, trials = expand(read("extends: sub/middle.yaml\nlosses: [CE]\n"))
    assert [(trial.label, trial.spec["seed"]) for trial in trials] == [("CE", 4), ("CE", 4)]


def test_trials_are_those_of_the_written_out_file():
    _, short = expand(read("extends: base.yaml\nlosses: [CE]\n"))
    _, long = expand(read(BASE.replace("[CE, MAE]", "[CE]"), "long.yaml"))
    assert [trial.hash for trial in short] == [trial.hash for trial in long]


def test_mistakes_are_placed_in_the_file_that_has_them():
    Path("base.yaml").write_text(BASE.replace("lr: 0.2", "lr: 0"))
    with pytest.raises(UserError) as caught:
        expand(read("extends: base.yaml\n\nlosses: [CEE]\n"))
    (first, second) = (
        sorted(str(caught.value).splitlines())[:2] if "\n" in str(caught.value) else (str(caught.value), "")
    )
    assert "child.yaml, line 3: losses[0]" in first + second
    with pytest.raises(UserError, match=r"base\.yaml, line 5: train\.lr"):
        expand(read("extends: base.yaml\n"))


def test_overrides_of_the_command_line_come_last():
    file = read("extends: base.yaml\nseeds: [3]\n").overridden({"seeds": "[9]"})
    _, trials = expand(file)
    assert {trial.spec["seed"] for trial in trials} == {9}
    with pytest.raises(UserError, match="--config: seeds"):
        expand(file.overridden({"seeds": "[-1]"}))


def test_circles_and_missing_files_are_named():
    Path("other.yaml").write_text("extends: child.yaml\n")
    with pytest.raises(UserError, match=r"extends itself, by way of child\.yaml, other\.yaml"):
        read("extends: other.yaml\n")
    with pytest.raises(UserError, match=r"child\.yaml, line 1: extends: there is no file none\.yaml"):
        read("extends: none.yaml\n")
    with pytest.raises(UserError, match="must be the name of a config file"):
        read("extends: [base.yaml]\n")


def test_preset_of_a_loss_replaces_the_experiments():
    text = BASE.replace("[CE, MAE]", "[GCE, {loss: LT-APL, preset: {name: lt2024, dataset: cifar10}}]")
    _, trials = expand(read(text + "preset: {name: jal2025, dataset: cifar10}\n"))
    by_loss = {trial.label: trial.spec for trial in trials}
    published = presets.settings("lt2024", "LT-APL", dataset="cifar10", noise="symmetric", rate=0.4)
    assert by_loss["LT-APL"]["recipe"]["optimizer"] == "adam"
    assert by_loss["LT-APL"]["loss"]["params"]["margin"] == published.params["margin"]
    assert by_loss["GCE"]["recipe"]["optimizer"] == "sgd"


def test_what_differs_from_the_preset_is_said():
    text = BASE.replace("[CE, MAE]", "[CE, {loss: GCE, q: 0.5}]")
    _, trials = expand(read(text + "preset: {name: jal2025, dataset: cifar10}\n"))
    unlike = {trial.label: trial.unlike_preset for trial in trials}
    assert unlike["CE"] == "epochs 2 (preset: 20), lr 0.2 (preset: 0.1)"
    assert unlike["GCE"].startswith("q 0.5 (preset: 0.7), epochs 2")


@pytest.mark.parametrize(
    ("losses", "preset", "said"),
    [
        ("[{loss: GCE, label: CE, q: 0.7}]", "jal2025", "the loss GCE"),
        ("[{loss: SCE, label: my loss, alpha: 0.1, beta: 1}]", "jal2025", ""),
        ("[CE]", "lt2024", "the preset lt2024"),
        ("[{loss: CE, preset: anl2023}]", "jal2025", "the preset anl2023"),
        ("[CE]", "jal2025-paper", ""),
        ("[CE+RCE]", None, "no preset"),
    ],
)
def test_what_differs_from_the_paper_that_is_compared_is_said(losses: str, preset: str | None, said: str):
    text = BASE.replace("losses: [CE, MAE]", f"losses: {losses}").replace("train: {epochs: 2, lr: 0.2}\n", "")
    text += "published: {paper: jal2025}\n"
    _, trials = expand(read(text + (f"preset: {{name: {preset}, dataset: cifar10}}\n" if preset else "")))
    unlike = {trial.unlike_preset for trial in trials}
    assert all(text.startswith(said) for text in unlike) if said else unlike == {""}


def test_parameter_that_presets_leave_out_of_the_identity_is_said_too():
    text = BASE.replace("[CE, MAE]", "[{loss: NNCE, scale: 2}]").replace("{epochs: 2, lr: 0.2}", "{}")
    _, (trial, *_) = expand(read(text + "preset: {name: anl2023, dataset: cifar10}\n"))
    assert trial.unlike_preset == "scale 2.0 (preset: default)"
