"""Expanding a config into trials: what identifies a trial, and where its values come from."""

from __future__ import annotations

import yaml

from labelnoise.datasets.catalogue import DATASETS
from labelnoise.experiment.config_file import ConfigFile, read
from labelnoise.experiment.recipes import resolve_recipe
from labelnoise.experiment.trials import Trial, expand
from support.project import ROOT, SMALL

GOOD = yaml.safe_load(SMALL)


def trials(**changes: object) -> list[Trial]:
    return expand(ConfigFile("config.yaml", GOOD | changes))[1]


def hashes(**changes: object) -> set[str]:
    return {trial.hash for trial in trials(**changes)}


def test_default_config_has_147_trials_with_published_cifar10_values():
    _, expanded = expand(read(ROOT / "config.yaml"))
    assert len(expanded) == 147
    params = {trial.label: trial.spec["loss"]["params"] for trial in expanded}
    assert params["GCE"]["q"] == 0.7
    assert (params["SCE"]["alpha"], params["SCE"]["beta"]) == (0.1, 1)
    assert (params["NCE+RCE"]["alpha"], params["NCE+RCE"]["beta"], params["NCE+RCE"]["RCE.A"]) == (1, 1, -4)
    agce = params["NCE+AGCE"]
    assert [agce[key] for key in ("alpha", "beta", "AGCE.a", "AGCE.q")] == [1, 4, 6, 1.5]
    assert (params["ANL-CE"]["alpha"], params["ANL-CE"]["beta"]) == (5, 5)
    assert [params["JAL-CE"][key] for key in ("alpha", "beta", "AMSE.a")] == [1, 1, 30]
    l1 = {trial.label: (trial.spec["recipe"]["l1"], trial.spec["recipe"]["weight_decay"]) for trial in expanded}
    assert l1["ANL-CE"] == l1["JAL-CE"] == (5e-5, 0)
    assert l1["CE"] == (0, 1e-4)


def test_identity_depends_on_values_not_on_how_they_are_written():
    written = [{"loss": "GCE", "q": 0.7}, "CE"]
    assert hashes(losses=written) == hashes(losses=["CE", "GCE"]) == hashes(losses=["GCE", {"loss": "CE", "train": {}}])
    assert hashes(noise=["clean", {"kind": "symmetric", "rate": [0.4], "variant": "exact"}]) == hashes()
    assert hashes(train={"epochs": 2, "lr": 0.1}) == hashes()


def test_identity_ignores_label_and_presentation():
    assert hashes(losses=[{"loss": "CE", "label": "cross entropy"}, "GCE"], highlight="top2") == hashes()


def test_identity_includes_every_value_that_affects_training():
    base = hashes()
    for changes in (
        {"losses": ["CE", {"loss": "GCE", "q": 0.8}]},
        {"losses": ["CE", {"loss": "GCE", "eps": 1e-8}]},
        {"train": {"epochs": 3}},
        {"train": {"epochs": 2, "threads": 2}},
        {"noise": [{"kind": "symmetric", "rate": 0.4}, "clean"], "noise_seed": 7},
    ):
        assert hashes(**changes) != base, changes


def test_identity_includes_the_code_only_on_request(monkeypatch):
    kept, retrained = hashes(), hashes(on_code_change="retrain")
    assert kept.isdisjoint(retrained)
    monkeypatch.setattr("labelnoise.experiment.trials.code_version", lambda: "another")
    assert hashes() == kept
    assert hashes(on_code_change="retrain").isdisjoint(retrained)


def test_clean_trials_do_not_depend_on_the_noise_seed():
    assert hashes(noise=["clean"], noise_seed=7) == hashes(noise=["clean"])


def test_losses_share_label_files_but_seeds_do_not():
    assert len({trial.labels for trial in trials()}) == 3  # clean, and symmetric 0.4 for each of two seeds
    assert len({trial.labels for trial in trials(noise_seed=5)}) == 2


def test_lists_of_values_expand_to_their_product():
    swept = trials(losses=[{"loss": "AGCE", "a": [1, 2], "q": [0.5, 2], "label": "A"}])
    assert {trial.label for trial in swept} == {"A a=1 q=0.5", "A a=1 q=2", "A a=2 q=0.5", "A a=2 q=2"}


def test_l1_replaces_weight_decay_unless_it_is_set():
    digits = DATASETS["digits"].recipe
    assert resolve_recipe(digits, preset={"l1": 1e-5})["weight_decay"] == 0
    assert resolve_recipe(digits, preset={"l1": 1e-5}, config={"weight_decay": 1e-3})["weight_decay"] == 1e-3


def test_identity_includes_the_code_of_a_target_but_not_comments_and_other_classes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    entry = {"target": "mine:Mine", "weight": 2}
    (tmp_path / "mine.py").write_text("class Mine:\n    def __init__(self, weight): ...\n")
    first = hashes(losses=[entry])
    (tmp_path / "mine.py").write_text(
        "class Mine:\n    def __init__(self, weight): ...  # a comment\n\nclass Other: ...\n"
    )
    assert hashes(losses=[entry]) == first
    (tmp_path / "mine.py").write_text("class Mine:\n    def __init__(self, weight): pass\n")
    assert hashes(losses=[entry]).isdisjoint(first)


def test_sweep_of_the_config_does_not_apply_to_an_entry_that_sets_the_value():
    config = {"datasets": ["digits"], "noise": ["clean"], "seeds": [1], "train": {"lr": [0.1, 0.01]}}
    losses = ["CE", {"loss": "MAE", "train": {"lr": 0.5}}]
    trials = expand(ConfigFile("config.yaml", config | {"losses": losses}))[1]
    assert {trial.label: trial.spec["recipe"]["lr"] for trial in trials} == {
        "CE lr=0.1": 0.1, "CE lr=0.01": 0.01, "MAE": 0.5,
    }  # fmt: skip
