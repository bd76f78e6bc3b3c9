"""Presets match the papers and their code, and the most specific row wins."""

from __future__ import annotations

import pytest

from labelnoise.datasets.catalogue import DATASETS
from labelnoise.experiment.recipes import resolve_recipe
from labelnoise.losses import catalogue
from labelnoise.published import presets
from labelnoise.published.presets import Settings


def published(preset: str, loss: str, dataset: str, noise: str = "symmetric", rate: float = 0.4) -> Settings:
    return presets.settings(preset, loss, dataset=dataset, noise=noise, rate=rate)


# preset, loss, data set, parameters of the published code or paper
PARAMETERS = [
    ("alf2021", "MAE", "cifar10", {"scale": 2}),
    ("jal2025", "MAE", "cifar10", {"scale": 2}),
    ("sr2021", "MAE", "cifar10", {"scale": 2}),
    ("lt2024", "MAE", "cifar10", {"scale": 2}),
    ("jal2025", "AMSE", "cifar10", {"a": 30}),
    ("jal2025", "NNCE", "cifar10", {"scale": 5, "min_prob": 1e-8}),
    ("jal2025", "NNCE", "cifar100", {"scale": 1, "min_prob": 1e-8}),
    ("jal2025", "NNFL", "cifar10", {"gamma": 0.5, "min_prob": 1e-8}),
    ("jal2025", "NLNL", "cifar10", {"eps": 1e-5}),
    ("jal2025", "GCE", "cifar10", {"q": 0.7, "eps": 1e-8}),
    ("jal2025", "ANL-FL", "webvision_mini",
     {"alpha": 20, "beta": 1, "NFL.gamma": 0.5, "NNFL.gamma": 0.5, "NNFL.min_prob": 1e-8}),
    ("jal2025", "ANL-FL", "clothing1m",
     {"alpha": 5, "beta": 0.1, "NFL.gamma": 0.5, "NNFL.gamma": 0.5, "NNFL.min_prob": 1e-8}),
    ("jal2025", "JAL-FL", "webvision_mini", {"alpha": 50, "beta": 1, "AMSE.a": 30, "NFL.gamma": 0.5}),
    ("jal2025", "JAL-FL", "clothing1m", {"alpha": 5, "beta": 0.1, "AMSE.a": 5, "NFL.gamma": 0.5}),
    ("anl2023", "NFL+RCE", "mnist", {"alpha": 1, "beta": 10, "NFL.gamma": 0.5}),
    ("anl2023", "NFL+RCE", "cifar100", {"alpha": 10, "beta": 0.1, "NFL.gamma": 0.5}),
    ("anl2023", "NCE+AUL", "cifar100", {"alpha": 10, "beta": 0.015, "AUL.a": 6, "AUL.p": 3}),
    ("anl2023", "NCE+AEL", "cifar10", {"alpha": 1, "beta": 4, "AEL.a": 5}),
    ("apl2020", "NGCE+MAE", "mnist", {"alpha": 1, "beta": 10, "NGCE.q": 0.1}),
    ("apl2020", "NGCE+RCE", "cifar10", {"alpha": 1, "beta": 1, "NGCE.q": 0.1}),
    ("apl2020", "NGCE+MAE", "cifar100", {"alpha": 10, "beta": 1, "NGCE.q": 0.7}),
    ("apl2020", "NGCE+RCE", "cifar100", {"alpha": 10, "beta": 0.1, "NGCE.q": 0.7}),
    ("alf2021-paper", "GCE", "webvision_mini", {"q": 0.7}),
    ("alf2021-paper", "SCE", "webvision_mini", {"alpha": 10, "beta": 1}),
    ("alf2021-paper", "AGCE", "webvision_mini", {"a": 1e-5, "q": 0.5}),
    ("alf2021-paper", "NCE+RCE", "webvision_mini", {"alpha": 50, "beta": 0.1}),
    ("alf2021-paper", "NCE+AGCE", "webvision_mini", {"alpha": 50, "beta": 0.1, "AGCE.a": 2.5, "AGCE.q": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("preset", "loss", "dataset", "params"), PARAMETERS)
def test_parameters_match_the_published_ones(preset: str, loss: str, dataset: str, params: dict):
    assert published(preset, loss, dataset).params == params


@pytest.mark.parametrize("preset", ["alf2021", "jal2025", "sr2021", "lt2024"])
def test_mae_inside_a_sum_has_scale_1(preset: str):
    settings = published(preset, "NCE+MAE", "cifar10")
    assert catalogue.resolve("NCE+MAE", settings.params)["MAE.scale"] == 1


@pytest.mark.parametrize(
    ("noise", "rate", "scale"), [("clean", 0.0, 10), ("symmetric", 0.4, 10), ("asymmetric", 0.4, 1)]
)
def test_nfl_of_apl_on_cifar10_has_scale_10_except_under_asymmetric_noise(noise: str, rate: float, scale: float):
    assert published("apl2020", "NFL", "cifar10", noise, rate).params["scale"] == scale


# preset, loss, data set, values of the recipe
RECIPES = [
    ("jal2025", "AMSE", "cifar10", {"l1": 5e-5, "weight_decay": 0}),
    ("jal2025", "AMSE", "cifar100", {"l1": 5e-6, "weight_decay": 0}),
    ("jal2025", "NNCE", "cifar10", {"l1": 5e-5, "weight_decay": 0}),
    ("jal2025", "NNFL", "cifar100", {"l1": 5e-7, "weight_decay": 0}),
    ("jal2025", "CE", "cifar10", {"l1": 0, "weight_decay": 1e-4}),
    ("jal2025-paper", "CE", "cifar100", {"l1": 5e-6, "weight_decay": 0}),
    ("apl2020", "CE", "mnist", {"weight_decay": 1e-2, "nesterov": True, "lr_min": 1e-3}),
    ("apl2020", "NLNL", "mnist", {"weight_decay": 1e-3, "nesterov": True, "lr_min": 1e-3, "epochs": 720}),
    ("apl2020", "CE", "cifar100", {"model": "resnet50_small"}),
    ("apl2020", "CE", "webvision_mini", {"batch_size": 512}),
    ("anl2023", "ANL-CE", "webvision_mini", {"batch_size": 512, "l1": 5e-6}),
    ("jal2025", "CE", "webvision_mini", {"batch_size": 256}),
    ("gjs2021", "GJS", "cifar10", {"clip_norm": None, "epochs": 400, "milestones": [200, 300]}),
    ("gjs2021", "JS", "webvision_mini", {"clip_norm": None, "epochs": 300, "schedule": "step"}),
]


@pytest.mark.parametrize(("preset", "loss", "dataset", "values"), RECIPES)
def test_recipes_match_the_published_ones(preset: str, loss: str, dataset: str, values: dict):
    recipe = resolve_recipe(DATASETS[dataset].recipe, preset=published(preset, loss, dataset).recipe)
    assert {key: recipe[key] for key in values} == values


def test_more_specific_rows_win(monkeypatch: pytest.MonkeyPatch):
    rows = [
        {"loss": "GCE", "q": 0.1},
        {"loss": "GCE", "dataset": "digits", "q": 0.2},
        {"loss": "GCE", "dataset": "digits", "noise": "symmetric", "q": 0.3},
        {"loss": "GCE", "dataset": "digits", "noise": "symmetric", "rate": 0.8, "q": 0.4},
        {"loss": "GCE", "noise": "asymmetric", "q": 0.5},
    ]
    monkeypatch.setattr(presets, "_presets", lambda: {"p": {"source": "s", "values": rows}})

    def q(dataset: str, noise: str, rate: float) -> object:
        return published("p", "GCE", dataset, noise, rate).params["q"]

    assert q("mnist", "clean", 0.0) == 0.1
    assert q("digits", "asymmetric", 0.2) == 0.2
    assert q("digits", "symmetric", 0.2) == 0.3
    assert q("digits", "symmetric", 0.8) == 0.4
    assert q("mnist", "asymmetric", 0.2) == 0.5


def test_rows_of_a_preset_take_precedence_over_those_it_extends(monkeypatch: pytest.MonkeyPatch):
    loaded = {
        "code": {
            "source": "code",
            "constants": {"eps": 1e-8},
            "recipe": [{"lr": 0.1}, {"dataset": "digits", "epochs": 3}],
            "values": [{"loss": "GCE", "dataset": "digits", "q": 0.2, "train": {"l1": 1e-5}}],
        },
        "paper": {
            "source": "paper",
            "extends": "code",
            "recipe": [{"epochs": 4}],
            "values": [{"loss": "GCE", "q": 0.9}],
        },
    }
    monkeypatch.setattr(presets, "_presets", lambda: loaded)
    settings = published("paper", "GCE", "digits")
    assert settings == Settings({"eps": 1e-8, "q": 0.9}, {"lr": 0.1, "epochs": 4, "l1": 1e-5}, "paper")
    assert presets.presets_covering("GCE", dataset="mnist", noise="clean", rate=0.0) == ["paper"]


def test_every_row_is_complete_and_in_range():
    for preset in presets.names():
        for row in presets.rows(preset):
            catalogue.resolve(row.loss, row.settings.params)
            tuned = {full for full, parameter in catalogue.parameters(row.loss).items() if parameter.tuned}
            assert tuned <= set(row.settings.params), (preset, row)
            for dataset in row.where["dataset"] or ["digits"]:
                resolve_recipe(DATASETS[dataset].recipe, preset=row.settings.recipe)
