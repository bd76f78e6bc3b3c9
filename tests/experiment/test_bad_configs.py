"""Every mistake in a config gives one message with the line, the allowed values and the nearest valid name."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from labelnoise.errors import UserError
from labelnoise.experiment.config import experiment_name
from labelnoise.experiment.config_file import ConfigFile, read
from labelnoise.experiment.trials import expand
from support.project import SMALL, Project

GOOD = yaml.safe_load(SMALL)

# changed top-level keys → texts that the message must contain
BAD: list[tuple[dict, list[str]]] = [
    ({"lossses": ["CE"]}, ["lossses: unknown key 'lossses'", "did you mean losses?", "Allowed: datasets, noise"]),
    ({"noise": [{"kind": "symmetric", "rates": [0.2]}]}, ["noise[0].rates", "did you mean rate?"]),
    ({"only": {"loss": ["CE"]}}, ["only.loss", "did you mean losses?"]),
    ({"preset": {"name": "jal2025", "data": "cifar10"}}, ["preset.data", "Allowed: name, dataset"]),
    ({"losses": ["NCE+AGCEE"]}, ["losses[0]", "unknown loss 'NCE+AGCEE'", "did you mean NCE+AGCE?"]),
    ({"losses": ["GCE", "ce_loss"]}, ["losses[1]", "unknown loss 'ce_loss'", "Known: CE, FL"]),
    ({"losses": [{"loss": "GCE", "p": 0.7}]}, ["losses[0]", "GCE has no parameter 'p'", "Allowed: q, eps"]),
    ({"losses": [{"loss": "CE", "lable": "x"}]}, ["losses[0]", "unknown key 'lable'", "did you mean label?"]),
    ({"losses": [{"loss": "GCE", "q": 1.5}]}, ["GCE: q must be a number > 0 and ≤ 1, got 1.5"]),
    ({"losses": [{"loss": "GCE", "q": "high"}]}, ["GCE: q must be a number, got 'high'"]),
    ({"losses": [{"loss": "GCE", "q": []}]}, ["q: the list is empty"]),
    ({"losses": [{"loss": "NFL+NNFL", "gamma": 1}]}, ["'gamma' is in both parts", "NFL.gamma or NNFL.gamma"]),
    ({"losses": [{"label": "x"}]}, ["losses[0]", "exactly one of `loss: NAME` and `target: module:Class`"]),
    ({"losses": []}, ["losses: the list is empty"]),
    ({"losses": "CE"}, ["losses: must be a list, got 'CE'"]),
    ({"losses": ["CE", "CE"]}, ["losses[1]", "two losses are called 'CE'"]),
    ({"losses": ["CE", {"loss": "CE", "label": "twin"}]}, ["losses[1]", "'twin' is the same trial as 'CE'"]),
    ({"losses": [{"loss": "CE", "train": {"epoch": 5}}]}, ["losses[0].train", "did you mean epochs?"]),
    ({"losses": [{"target": "nowhere:MyLoss"}]}, ["losses[0]", "there is no file nowhere.py"]),
    ({"losses": [{"target": "../../x:MyLoss"}]}, ["target must be module:Name"]),
    ({"noise": ["symetric"]}, ["noise[0]", "unknown noise 'symetric'", "did you mean symmetric?"]),
    ({"noise": ["symmetric"]}, ["noise[0]", "symmetric noise needs a noise rate in [0, 1), such as 0.4"]),
    ({"noise": [{"kind": "symmetric", "rate": 1.0}]}, ["noise[0].rate[0]", "must lie in [0, 1), got 1.0"]),
    ({"noise": [{"kind": "symmetric", "rate": -0.1}]}, ["must lie in [0, 1), got -0.1"]),
    ({"noise": [{"kind": "symmetric", "rate": "a lot"}]}, ["noise[0].rate[0]", "must be a number, got 'a lot'"]),
    ({"noise": [{"kind": "symmetric", "rate": []}]}, ["noise[0].rate", "the list is empty"]),
    ({"noise": [{"kind": "symmetric", "rate": [0.2, 0.2]}]}, ["symmetric-0.2 is listed twice"]),
    ({"noise": [{"kind": "symmetric", "rate": 0.2, "variant": "exat"}]}, ["noise[0].variant", "did you mean exact?"]),
    ({"noise": [{"kind": "clean", "rate": 0.2}]}, ["noise[0].rate", "clean labels have no noise rate; remove it"]),
    ({"noise": []}, ["noise: the list is empty"]),
    ({"noise": [{"kind": "mixed", "parts": ["clean"]}]}, ["noise[0].parts: give at least 2 entries, got 1"]),
    ({"noise": [{"kind": "symmetric", "rate": 0.2, "map": {0: 1}}]}, ["noise[0].map", "belongs to asymmetric noise"]),
    ({"noise": [{"kind": "asymmetric", "rate": 0.2, "map": {}}]}, ["noise[0].map", "the map is empty"]),
    ({"noise": [{"kind": "asymmetric", "rate": 0.2, "map": {3: 3}}]}, ["noise[0].map", "3 is mapped to itself"]),
    (
        {"noise": [{"kind": "asymmetric", "rate": 0.2, "map": {3: 10}}]},
        ["noise[0].map: unknown class 10 — did you mean 1? Allowed: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"],
    ),
    ({"noise": [{"kind": "asymmetric", "matrix": 3}]}, ["noise[0].matrix"]),
    ({"noise": [{"kind": "asymmetric", "rate": 0.2, "map": {3: 1, "3": 2}}]}, ["noise[0].map", "is named twice"]),
    ({"noise": [{"kind": "asymmetric", "rate": 0.2, "map": [3, 1]}]}, ["noise[0].map", "must be keys and values"]),
    ({"noise": [{"kind": "asymmetric", "rate": 0.2, "variant": "blocks"}]}, ["noise[0].variant", "Allowed: parallel"]),
    ({"noise": [{"kind": "asymmetric", "matrix": [[1.0]]}]}, ["noise[0].matrix", "must be 10 × 10"]),
    ({"noise": [{"kind": "asymmetric", "matrix": "no.csv"}]}, ["noise[0].matrix", "no.csv"]),
    (
        {"noise": [{"kind": "asymmetric", "matrix": [[1.0]], "rate": 0.2}]},
        ["noise[0].rate", "no noise rate; remove it"],
    ),
    ({"noise": [{"kind": "asymmetric", "matrix": [[1.0]], "map": {0: 1}}]}, ["noise[0]", "takes no map"]),
    ({"noise": [{"kind": "instance", "rate": 0}]}, ["noise[0].rate", "is not clean"]),
    ({"noise": [{"kind": "human", "variant": "worst"}]}, ["noise[0]", "no human labels for digits", "cifar10"]),
    ({"noise": [{"kind": "human", "variant": "worse"}]}, ["noise[0].variant", "did you mean worst?"]),
    (
        {"noise": [{"kind": "asymmetric", "rate": 0.2, "map": {True: 1}}]},
        ["noise[0].map", "YAML reads true as a truth value; quote it"],
    ),
    ({"datasets": [{"name": "digits", "path": "."}]}, ["datasets[0].path", "is not read from files"]),
    (
        {"datasets": ["animal10n"], "noise": ["given"], "train": {"image_size": 80}},
        ["train.image_size", "must not exceed resize (72)"],
    ),
    ({"noise": ["file"]}, ["noise[0]", "needs `path:`"]),
    ({"noise": [{"kind": "file", "path": "no.csv"}]}, ["noise[0].path", "no.csv cannot be read"]),
    ({"noise": [{"kind": "file", "path": "no.csv", "rate": 0.1}]}, ["noise[0].rate", "no noise rate; remove it"]),
    ({"datasets": [{"name": "digits", "like": "mnist"}]}, ["datasets[0]", "`like:` is for your own data sets"]),
    ({"datasets": [{"name": "mnist", "path": "no/where"}]}, ["datasets[0].path", "there is no such folder"]),
    ({"datasets": [{"name": "digits", "arrays": "x.npz"}]}, ["datasets[0].name", "give yours another name"]),
    ({"datasets": [{"name": "../x", "arrays": "x.npz", "like": "mnist"}]}, ["datasets[0].name", "letters, digits"]),
    ({"datasets": [{"name": "x", "arrays": "x.npz"}]}, ["datasets[0]", "`like:` one of digits, mnist"]),
    ({"datasets": [{"name": "x", "arrays": "x.npz", "like": "clothing1m"}]}, ["datasets[0].like", "Allowed: digits"]),
    (
        {"datasets": [{"name": "x", "arrays": "x.npz", "like": "mnist"}]},
        ["datasets[0]", "x.npz: there is no such file"],
    ),
    ({"datasets": [{"name": "x", "arrays": "x", "image_folder": "y", "like": "mnist"}]}, ["datasets[0]", "not both"]),
    (
        {"datasets": [{"name": "x", "image_folder": "y", "like": "animal10n"}]},
        ["datasets[0]", "y: there is no such folder"],
    ),
    ({"datasets": [{"nam": "x"}]}, ["datasets[0].nam", "did you mean name?"]),
    ({"datasets": ["mnist"], "train": {"model": "cnn8"}}, ["train.model", "takes images of 32 × 32", "28 × 28"]),
    (
        {"datasets": ["animal10n"], "noise": ["given"], "train": {"augmentation": ["crop4"]}},
        ["train.augmentation", "Allowed: resized_crop"],
    ),
    ({"datasets": ["cifar10"], "train": {"augmentation": ["jitter"]}}, ["train.augmentation", "Allowed: crop1"]),
    ({"train": {"model": "resnet33"}}, ["train.model", "unknown model 'resnet33'", "timm/NAME"]),
    ({"datasets": ["digit"]}, ["datasets[0]", "unknown data set 'digit'", "did you mean digits?"]),
    ({"datasets": ["../../etc"]}, ["datasets[0]", "unknown data set '../../etc'"]),
    ({"datasets": ["digits", "digits"]}, ["datasets[1]", "digits is listed twice"]),
    ({"seeds": [1, 1]}, ["seeds[1]", "the seed 1 is listed twice"]),
    ({"seeds": []}, ["seeds: the list is empty"]),
    ({"seeds": ["one"]}, ["seeds[0]: must be a whole number, got 'one'"]),
    ({"seeds": [-1]}, ["seeds[0]: must be ≥ 0, got -1"]),
    ({"seeds": 3}, ["seeds: must be a list, got 3"]),
    ({"noise_seed": "fixed"}, ["noise_seed: must be `same` or a whole number ≥ 0, got 'fixed'"]),
    ({"preset": "jal2024"}, ["preset", "unknown preset 'jal2024'", "did you mean jal2025?"]),
    ({"preset": {"name": "jal2025", "dataset": "cifar"}}, ["preset.dataset", "did you mean cifar10"]),
    (
        {"preset": "jal2025", "losses": ["GCE"]},
        ["losses[0]", "jal2025 has no value for q of GCE (digits, clean)", "a preset that has it: alf2021"],
    ),
    ({"train": {"modle": "digits_cnn"}}, ["train.modle", "did you mean model?"]),
    ({"train": {"model": "digits_cn"}}, ["train.model", "unknown model 'digits_cn'", "did you mean digits_cnn?"]),
    ({"train": {"lr": 0}}, ["train.lr", "must be greater than 0, got 0"]),
    ({"train": {"epochs": 2.5}}, ["train.epochs", "got 2.5"]),
    ({"train": {"optimizer": "lion"}}, ["train.optimizer", "'sgd', 'adam' or 'adamw', got 'lion'"]),
    ({"highlight": "top4"}, ["highlight", "unknown value 'top4'", "Allowed: best, best_second, top2"]),
    ({"figures": "tsn"}, ["figures", "unknown value 'tsn'", "did you mean tsne?"]),
    ({"figures": "tsne"}, ["figures", "run: {keep: [features]}"]),
    ({"figures": {"kinds": "tsn"}}, ["figures", "unknown value 'tsn'", "did you mean tsne?"]),
    ({"figures": {"kind": "tsne"}}, ["figures", "unknown key 'kind'", "did you mean kinds?"]),
    ({"figures": {"losses": ["CEE"]}}, ["figures", "unknown label of a loss in this config 'CEE'", "did you mean CE?"]),
    ({"figures": {"losses": list("ABCDEFGHI")}}, ["figures.losses", "at most 8 can be given, got 9"]),
    ({"figures": ["parameter_sweep"]}, ["figures", "needs a loss with a list of values"]),
    ({"published": "alf2021"}, ["published", "must be keys and values"]),
    ({"published": {"paper": "alf2020"}}, ["published", "unknown paper 'alf2020'", "a .csv file of your own"]),
    (
        {"published": {"paper": "alf2021", "tables": ["Table 9"]}},
        ["published", "unknown table of alf2021 'Table 9'"],
    ),
    ({"published": {"paper": "alf2021", "tolerance": 0}}, ["published.tolerance", "must be > 0.0, got 0"]),
    ({"published": {"paper": "no.csv"}}, ["published", "no.csv cannot be read"]),
    (
        {"published": {"paper": "alf2021", "tables": ["Table 6"], "dataset": "cifar"}},
        ["published", "unknown data set of alf2021 'cifar'", "did you mean cifar10?"],
    ),
    ({"losses": [{"loss": "CE", "preset": "jal"}]}, ["losses[0].preset", "unknown preset 'jal'"]),
    ({"on_code_change": "ask"}, ["on_code_change", "Allowed: keep, retrain"]),
    ({"retry_failed": "yes please"}, ["retry_failed: must be true or false, got 'yes please'"]),
    ({"only": "CE"}, ["only: must be keys and values, got 'CE'"]),
    ({"losses": [{"loss": "CE", "label": "$x^$"}]}, ["losses[0]", "the label '$x^$' cannot be printed in tables"]),
    ({"losses": [{"loss": "CE", "label": "a\nb"}]}, ["losses[0]", "avoid $, \\, |, line breaks"]),
    ({"losses": [{"loss": "CE", "label": "CE "}]}, ["losses[0]", "spaces at either end"]),
    ({"losses": ["SCE", "CE+RCE"]}, ["losses[1]", "'CE+RCE' is the same trial as 'SCE'"]),
    ({"losses": ["LT", "LT-APL"]}, ["losses[1]", "'LT-APL' is the same trial as 'LT'"]),
    ({"losses": ["NCE+RCE", "RCE+NCE"]}, ["losses[1]", "'RCE+NCE' is the same trial as 'NCE+RCE'"]),
    ({"train": {"schedule": "milestones", "milestones": [1]}}, ["train.schedule", "give a step_factor below 1"]),
    (
        {"train": {"schedule": "step", "step_factor": 0.1, "step_epochs": 9, "epochs": 2}},
        ["train.step_epochs", "of 2 epochs"],
    ),
    ({"train": {"schedule": "milestones", "step_factor": 0.1}}, ["train.schedule", "no milestone comes before"]),
    (
        {"train": {"milestones": [1]}},
        ["train.milestones: milestones is not used by any trial", "`schedule: milestones`"],
    ),
    ({"train": {"optimizer": "adam", "momentum": 0.5}}, ["train.momentum", "belongs to `optimizer: sgd`"]),
    ({"train": {"schedule": "constant", "lr_min": 0.001}}, ["train.lr_min", "belongs to `schedule: cosine`"]),
    ({"train": {"image_size": 64}}, ["train.image_size", "belongs to image files"]),
    ({"losses": [{"loss": "CE", "train": {"step_epochs": 1}}]}, ["losses[0].train.step_epochs", "is not used"]),
    ({"train": {"nesterov": True, "momentum": 0}}, ["train.nesterov", "nesterov needs momentum > 0"]),
    ({"train": {"lr_min": 5}}, ["train.lr_min", "lr_min must not exceed lr"]),
    ({"train": {"mean": [0, 0, 0], "std": [1, 1, 1]}}, ["train.mean", "mean and std need 1 value(s)"]),
    ({"train": {"validation": 0.9999}}, ["train.validation", "leaves one part empty"]),
    ({"only": {"losses": ["GCEE"]}}, ["only.losses[0]", "did you mean GCE?"]),
    ({"only": {"losses": ["CE"], "noise": ["asymetric"]}}, ["only.noise[0]: unknown entry"]),
    ({"run": {"keep": ["weigths"]}}, ["run.keep[0]", "did you mean weights?"]),
    ({"run": {"keeps": "weights"}}, ["run.keeps", "did you mean keep?"]),
    ({"run": {"snapshots": [0]}}, ["run.snapshots[0]", "must be ≥ 1"]),
    ({"run": {"snapshots": 10_000}}, ["run.snapshots[0]: there is no epoch 10000: the longest recipe has"]),
    ({"run": {"checkpoint_minutes": -1}}, ["run.checkpoint_minutes", "must be ≥ 0"]),
    ({"run": {"checkpoint_minutes": 1, "checkpoint_epochs": 1}}, ["run.checkpoint_epochs: give this or"]),
    ({"datasets": None}, ["datasets: must be a list, got None"]),
]


@pytest.mark.parametrize(("changes", "expected"), BAD, ids=[str(changes)[:60] for changes, _ in BAD])
def test_mistake_message_names_place_and_remedy(changes: dict, expected: list[str]):
    with pytest.raises(UserError) as raised:
        expand(ConfigFile("config.yaml", GOOD | changes))
    message = str(raised.value)
    assert message.startswith("config.yaml: ")
    for text in expected:
        assert text in message


def test_wrong_name_on_one_axis_is_not_reported_on_others():
    with pytest.raises(UserError) as raised:
        expand(ConfigFile("config.yaml", GOOD | {"only": {"noise": ["asymetric"], "losses": ["CE"]}}))
    assert len(str(raised.value).splitlines()) == 1


def test_at_least_25_mistakes_are_tried():
    assert len(BAD) >= 25


def test_missing_key_is_named():
    with pytest.raises(UserError, match="seeds: this key is missing"):
        expand(ConfigFile("config.yaml", {key: value for key, value in GOOD.items() if key != "seeds"}))


def test_all_mistakes_are_reported_at_once():
    with pytest.raises(UserError) as raised:
        expand(ConfigFile("config.yaml", GOOD | {"datasets": ["digit"], "losses": ["CEE"], "seeds": [1, 1]}))
    assert len(str(raised.value).splitlines()) == 3


def test_message_names_the_line(tmp_path: Path):
    path = tmp_path / "config.yaml"
    path.write_text(SMALL.replace("q: 0.7", "q: 7"))
    with pytest.raises(UserError, match=r"config.yaml, line 5: losses\[1\]"):
        expand(read(path))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("datasets: [digits\nnoise: [clean]\n", "line 2"),
        ("datasets: [digits]\n\tnoise: [clean]\n", "line 2"),
        (
            "datasets: [digits]\nseeds: [1]\ndatasets: [digits]\n",
            "line 3, column 1: not valid YAML: the key",
        ),
        ("losses: &a [CE, *a]\n", "refers to itself"),
        ("losses: [{loss: GCE, [1, 2]: 3}]\n", "line 1"),
        ("", "the config is empty"),
        ("- CE\n", "the config is a list"),
    ],
)
def test_syntax_error_names_the_line(tmp_path: Path, text: str, expected: str):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=expected):
        expand(read(path))


def test_nested_merge_keys_follow_yaml(tmp_path: Path):
    path = tmp_path / "config.yaml"
    path.write_text(
        "base: &base {a: 1, b: 2}\nmore: &more {<<: *base, b: 3}\nmost: {<<: *more, c: 4}\n"
        "list: {<<: [*base, *more], a: 5}\n"
    )
    assert read(path).values == {
        "base": {"a": 1, "b": 2},
        "more": {"a": 1, "b": 3},
        "most": {"a": 1, "b": 3, "c": 4},
        "list": {"a": 5, "b": 2},
    }


@pytest.mark.parametrize("value", ["[1, 2", "{a: b: c}", "*x", "{a: 1, a: 2}", "!!python/name:os.system x"])
def test_invalid_yaml_in_an_override_is_one_message(value: str):
    with pytest.raises(UserError, match=r"--config seeds: .* is not valid YAML"):
        ConfigFile("config.yaml", GOOD).overridden({"seeds": value})


def _read(folder: Path, text: str) -> ConfigFile:
    (folder / "config.yaml").write_text(text)
    return read(folder / "config.yaml")


def test_exponent_without_a_dot_is_read_as_a_number(tmp_path: Path):
    _, trials = expand(_read(tmp_path, SMALL.replace("epochs: 2", "epochs: 2, lr: 1e-3")))
    assert trials[0].spec["recipe"]["lr"] == 0.001


@pytest.mark.parametrize("name", ["a b.yaml", "$(x).yaml", ".yaml", ";rm.yaml"])
def test_experiment_name_that_cannot_be_a_folder_is_refused(name: str):
    with pytest.raises(UserError, match="use letters, digits"):
        experiment_name(Path(name))


def test_plan_refuses_in_under_3_seconds_without_torch(project: Project):
    project.edit(losses=["CEE"])
    code = (
        "import sys; from labelnoise import cli; code = cli.main(['plan']); "
        "assert not {'torch', 'pandas', 'scipy'} & set(sys.modules), 'too much is imported'; sys.exit(code)"
    )
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], cwd=project.folder, capture_output=True, text=True)
    assert time.perf_counter() - started < 3
    assert done.returncode == 2
    assert "labelnoise plan: error: config.yaml, line " in done.stderr
    assert "did you mean CE?" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SMALL.replace("seeds:", "sseeds:"), "did you mean seeds?"),
        (SMALL.replace("[1, 2]", "[1, 2"), "config.yaml, line 7"),
    ],
)
def test_snakemake_refuses_a_bad_config_before_running_anything(project: Project, text: str, expected: str):
    project.write(text)
    output = project.snakemake(expect=1)
    assert expected in output
    assert "Traceback" not in output
    assert not project.results.exists()


def test_swapping_parts_and_weights_gives_the_same_trial():
    losses = [{"loss": "NCE+RCE", "alpha": 1, "beta": 10}, {"loss": "RCE+NCE", "alpha": 10, "beta": 1}]
    with pytest.raises(UserError, match="same trial"):
        expand(ConfigFile("config.yaml", GOOD | {"losses": losses}))
    losses[1]["alpha"] = 5
    assert len(expand(ConfigFile("config.yaml", GOOD | {"losses": losses}))[1]) == 8


def test_quoted_text_stays_text_and_merge_keys_work(tmp_path: Path):
    text = SMALL.replace("  - CE\n", '  - {loss: CE, label: "1e5"}\n') + "only: &none {}\n"
    _, trials = expand(_read(tmp_path, text))
    assert trials[0].label == "1e5"
    merged = SMALL.replace("  - CE\n", "  - &first {loss: CE, label: one}\n  - {<<: *first, loss: MAE, label: two}\n")
    assert {trial.label for trial in expand(_read(tmp_path, merged))[1]} == {"one", "two", "GCE"}


@pytest.mark.parametrize("value", [".nan", "!!binary aGVsbG8=", "{a: 1}"])
def test_target_parameter_that_is_not_a_plain_value_is_refused(tmp_path: Path, monkeypatch, value: str):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("class Mine:\n    def __init__(self, cap): ...\n")
    with pytest.raises(UserError, match="cap: must be a finite number, text, true, false, null or a list of them"):
        expand(_read(tmp_path, SMALL.replace("  - CE\n", f"  - {{target: 'mine:Mine', cap: {value}}}\n")))


def test_command_line_values_are_parsed_and_named_in_errors(tmp_path: Path):
    source = _read(tmp_path, SMALL)
    _, trials = expand(source.overridden({"seeds": ["3"], "train": {"epochs": "1"}}))
    assert {trial.spec["seed"] for trial in trials} == {3}
    with pytest.raises(UserError, match=r"^--config: seeds\[0\]: must be a whole number, got 'x'"):
        expand(source.overridden({"seeds": ["x"]}))


def test_different_noise_rates_have_different_names():
    rates = [0.1234567, 0.12345671, 0.123457]
    _, trials = expand(ConfigFile("config.yaml", GOOD | {"noise": [{"kind": "symmetric", "rate": rates}]}))
    assert len({trial.folder.path.parts[3] for trial in trials}) == 3


@pytest.mark.parametrize("written", ["1:30", "01", "010", "1:30:00", "2024-01-01", "on", "0o7"])
def test_scalar_that_yaml_would_read_as_something_else_is_text_and_refused_as_a_number(tmp_path: Path, written: str):
    with pytest.raises(UserError, match=rf"seeds\[0\]: must be a whole number, got '{written}'"):
        expand(_read(tmp_path, SMALL.replace("seeds: [1, 2]", f"seeds: [{written}]")))


def test_numbers_and_booleans_are_read_as_written(tmp_path: Path):
    text = SMALL.replace("seeds: [1, 2]", "seeds: [1_000, 7]").replace(
        "epochs: 2", "epochs: 2, lr: 1e-3, lr_min: .0001"
    )
    config, trials = expand(_read(tmp_path, text + "retry_failed: false\n"))
    assert (config.seeds, config.retry_failed) == ([1000, 7], False)
    assert (trials[0].spec["recipe"]["lr"], trials[0].spec["recipe"]["lr_min"]) == (1e-3, 1e-4)
    with pytest.raises(UserError, match="retry_failed: must be true or false, got 'on'"):
        expand(_read(tmp_path, SMALL + "retry_failed: on\n"))
    with pytest.raises(UserError, match=r"lr: .*'1:30.5'"):
        expand(_read(tmp_path, SMALL.replace("epochs: 2", "epochs: 2, lr: 1:30.5")))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ("label: 2024, q: 0.7", r"label: must be text, got 2024; quote it if it is a name"),
        ("q: 0,7", "a number has a point .0.1., as a comma begins a new key"),
    ],
)
def test_text_that_yaml_reads_as_a_number_has_its_remedy(tmp_path: Path, changed: str, message: str):
    with pytest.raises(UserError, match=message):
        expand(_read(tmp_path, SMALL.replace("q: 0.7", changed)))
