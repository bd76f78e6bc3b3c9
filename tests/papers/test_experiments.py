"""The shipped experiments: every one resolves without data, and to its exact number of trials."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from labelnoise.experiment import config_file, printed
from labelnoise.experiment.config import Config
from labelnoise.experiment.trials import Trial, expand
from support.project import ROOT

# (losses, conditions, seeds)
GRIDS = {
    "alf2021-tables6-7-mnist": (14, 9, 3), "alf2021-tables6-7-mnist-bf16": (14, 9, 3),
    "alf2021-tables6-7-mnist-paper-bf16": (1, 9, 3), "alf2021-tables6-7-cifar10": (17, 9, 3),
    "alf2021-tables6-7-cifar100": (14, 9, 3), "alf2021-table3-webvision": (6, 1, 1),
    "jal2025-table1-cifar10": (5, 4, 3), "jal2025-table2-cifar10": (3, 4, 3), "jal2025-table3-cifar10": (14, 9, 3),
    "jal2025-table3-cifar100": (14, 9, 3), "jal2025-table4-cifar10": (10, 3, 3), "jal2025-table4-cifar100": (10, 3, 3),
    "jal2025-table5-cifar10n": (10, 3, 3), "jal2025-table5-cifar100n": (10, 1, 3),
    "jal2025-table6-webvision": (9, 1, 1), "jal2025-table6-clothing1m": (9, 1, 1), "jal2025-table7-cifar10": (8, 4, 3),
    "alf2021-figure3": (25, 1, 1), "alf2021-figure5": (2, 2, 1), "alf2021-figure7": (2, 5, 1),
    "alf2021-figure8": (10, 2, 1), "jal2025-figure1": (6, 1, 1), "jal2025-figure2": (5, 2, 1),
    "jal2025-figure3": (2, 1, 1), "jal2025-figure4": (18, 1, 1),
    "apl2020-mnist": (14, 9, 3), "apl2020-cifar10": (14, 9, 3), "apl2020-cifar100": (14, 9, 3),
    "anl2023-mnist": (13, 9, 3), "anl2023-cifar10": (14, 9, 3), "anl2023-cifar100": (14, 9, 3),
    "smoke": (2, 3, 2),
}  # fmt: skip
FILES = sorted((ROOT / "experiments").glob("*.yaml"))


@pytest.fixture(scope="module")
def expanded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Config, list[Trial]]]:
    """Every experiment, expanded in a folder without any data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("empty"))
        return {file.stem: expand(config_file.read(file)) for file in FILES}


def test_every_experiment_resolves_to_its_exact_trials_without_data(expanded):
    assert expanded.keys() == GRIDS.keys()
    for name, (_, trials) in expanded.items():
        axes = [{trial.label for trial in trials}, {trial.noise_heading for trial in trials}]
        axes.append({trial.spec["seed"] for trial in trials})
        assert tuple(map(len, axes)) == GRIDS[name], name
        losses, conditions, seeds = GRIDS[name]
        assert len({trial.hash for trial in trials}) == len(trials) == losses * conditions * seeds, name


def test_every_printed_cell_of_its_tables_has_trials_in_the_experiment(expanded):
    """Rows are labelled as printed, and noises found under the printed names."""
    compared: Counter[str] = Counter()
    for name, (config, trials) in expanded.items():
        if config.published is None or name == "alf2021-tables6-7-mnist-paper-bf16":
            continue
        measured = {(printed.noise_of(trial.spec["noise"]), trial.label) for trial in trials}
        cells = printed.cells_of(config.published, {trial.spec["dataset"]["name"] for trial in trials})
        for cell in cells:
            assert ((cell["noise"], cell["rate"]), cell["loss"]) in measured, (name, cell)
        compared[config.published.paper] += len(cells)
    assert compared["jal2025"] == 421  # all of them
    assert compared["alf2021"] == 708 - 297 + 126  # Tables 1 and 2 are parts of 6 and 7; MNIST also has a bf16 file


def test_labels_of_catalogue_losses_are_their_own(expanded):
    for name, (_, trials) in expanded.items():
        for trial in trials:
            assert trial.label.startswith(trial.spec["loss"]["name"]), (name, trial.label)


def test_experiments_follow_the_preset_where_they_say_nothing_else(expanded):
    for name, (_, trials) in expanded.items():
        if name == "smoke" or "figure" in name:
            continue
        others = {trial for trial in trials if trial.unlike_preset}
        assert {(trial.label, trial.unlike_preset) for trial in others} <= {("LT-APL", "the preset lt2024")}, name


def test_tables_share_trials(expanded):
    def hashes(name: str) -> set[str]:
        return {trial.hash for trial in expanded[name][1]}

    assert len(hashes("jal2025-table1-cifar10") & hashes("jal2025-table3-cifar10")) == 2 * 4 * 3  # NCE, NCE+RCE
    assert hashes("jal2025-table1-cifar10") <= hashes("jal2025-table7-cifar10")
    assert hashes("alf2021-figure8") <= hashes("alf2021-tables6-7-mnist")
    assert len(hashes("jal2025-table2-cifar10") & hashes("jal2025-table3-cifar10")) == 2 * 4 * 3  # NCE, JAL-CE


def test_generators_are_those_of_the_published_code(expanded):
    def variants(name: str) -> set[tuple[str, str]]:
        return {(trial.spec["noise"]["kind"], trial.spec["noise"]["variant"]) for trial in expanded[name][1]}

    assert {("symmetric", "truncated"), ("asymmetric", "parallel")} <= variants("jal2025-table3-cifar10")
    assert ("asymmetric", "blocks") in variants("jal2025-table3-cifar100")
    assert {("symmetric", "bernoulli"), ("asymmetric", "bernoulli")} <= variants("alf2021-tables6-7-mnist")
    assert {("symmetric", "exact"), ("asymmetric", "sequential")} <= variants("alf2021-tables6-7-cifar10")
    seeds = {trial.spec["noise"]["seed"] for trial in expanded["alf2021-tables6-7-mnist"][1]}
    assert seeds == {None, 0}


def test_papers_precision_is_pinned(expanded):
    for name, (_, trials) in expanded.items():
        used = {trial.spec["recipe"]["precision"] for trial in trials}
        expected = "bf16" if name.endswith("bf16") or "table6-" in name else "fp32"
        assert used == {expected}, name


def test_figures_keep_what_they_draw(expanded):
    for name, (config, _) in expanded.items():
        assert "figure" not in name or config.figures, name
        assert "tsne" not in config.figures or "features" in config.run.keep
    assert list(expanded["jal2025-figure3"][0].run.snapshots) == [10, 60, 120]


def test_each_file_says_what_it_repeats():
    for file in FILES:
        assert file.read_text().startswith("# "), file
        assert len(Path(file).read_text().splitlines()) <= 30, file
