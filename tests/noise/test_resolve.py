"""config.yaml and the command line resolve the same noise settings to the same spec and the same labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelnoise import cli, labelling, paths
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.store import prepare
from labelnoise.errors import UserError
from labelnoise.experiment.config import DatasetEntry, NoiseEntry
from labelnoise.experiment.datasets import Dataset, resolve_dataset
from labelnoise.experiment.noises import expand_noise, resolve_noise_on
from labelnoise.noise import label_file
from labelnoise.noise.catalogue import NOISES

RANDOM = np.random.RandomState(0)


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    """A data set with ten and one with a hundred classes, like CIFAR-10 and CIFAR-100, by those names."""
    by_name = {}
    for like, size in (("cifar10", 500), ("cifar100", 2000)):
        path = tmp_path_factory.mktemp(like) / "mine.npz"
        classes = np.array(DATASETS[like].classes)
        labels = RANDOM.permutation(np.arange(size) % len(classes))
        images = RANDOM.randint(0, 256, (size, 4, 4, 3)).astype(np.uint8)
        arrays = {"x_train": images, "y_train": classes[labels], "x_test": images, "y_test": classes[labels]}
        np.savez(path, **arrays)
        by_name[like] = resolve_dataset(DatasetEntry(name="mine", arrays=str(path), like=like))
    return by_name


def matrix() -> list[list[float]]:
    rows = np.eye(10) * 0.7
    rows[:, 0] += 0.3
    return rows.tolist()


OWN_MAP = {"cat": "dog", "dog": "cat", "airplane": "ship"}
CASES: list[tuple[str, dict[str, Any]]] = [
    *(("cifar10", {"kind": "symmetric", "variant": name}) for name in NOISES["symmetric"].variants),
    ("cifar10", {"kind": "symmetric"}),
    *(
        ("cifar10", {"kind": "asymmetric", "variant": name})
        for name in ("parallel", "truncated", "bernoulli", "sequential")
    ),
    ("cifar10", {"kind": "asymmetric"}),
    *(
        ("cifar100", {"kind": "asymmetric", "variant": name})
        for name in ("superclass", "blocks", "blocks-bernoulli", "permuted")
    ),
    ("cifar100", {"kind": "asymmetric"}),
    ("cifar10", {"kind": "asymmetric", "map": OWN_MAP}),
    ("cifar10", {"kind": "asymmetric", "map": OWN_MAP, "variant": "sequential"}),
    ("cifar10", {"kind": "asymmetric", "matrix": matrix()}),
    ("cifar10", {"kind": "pair"}),
    ("cifar10", {"kind": "pair", "variant": "bernoulli"}),
    ("cifar10", {"kind": "symmetric", "rate": {"cat": 0.3, "dog": 0.1}}),
    ("cifar10", {"kind": "asymmetric", "rate": {"cat": 0.3}}),
    ("cifar10", {"kind": "asymmetric", "rate": {"airplane": 0.3}, "map": OWN_MAP}),
    ("cifar10", {"kind": "pair", "rate": {"truck": 0.3}}),
    ("cifar10", {"kind": "instance"}),
]


def from_config(entry: dict[str, Any], dataset: Dataset) -> dict[str, Any]:
    rate = {} if "matrix" in entry or "rate" in entry else {"rate": 0.4}
    (case,) = expand_noise(NoiseEntry(**entry | rate))
    return resolve_noise_on(case, dataset).spec | {"seed": 3}


def arguments(entry: dict[str, Any], like: str, folder: Path) -> list[str]:
    """The same entry as command-line arguments."""
    rate = ",".join(f"{name}={rate}" for name, rate in entry["rate"].items()) if "rate" in entry else "0.4"
    flags = ["--kind", entry["kind"], "--seed", "3", "--rate", rate]
    if "variant" in entry:
        flags += ["--variant", entry["variant"]]
    if "map" in entry:
        flags += ["--map", ",".join(f"{true}={wrong}" for true, wrong in entry["map"].items())]
    elif "matrix" in entry:
        np.savetxt(folder / "T.csv", entry["matrix"], delimiter=",")
        flags = [*flags[:4], "--matrix", str(folder / "T.csv")]
    elif entry["kind"] == "asymmetric":
        flags += ["--like", like]
    if entry["kind"] == "instance":
        flags += ["--features", str(folder / "features.npy")]
    return flags


@pytest.mark.parametrize(("like", "entry"), CASES, ids=str)
def test_config_and_command_line_give_the_same_spec_and_the_same_labels(
    like: str, entry: dict, datasets: dict[str, Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    dataset, written = datasets[like], []

    def write(*_: Any, noise: dict[str, Any], **options: Any) -> dict[str, Any]:
        written.append((dict(noise), [options["classes"][label] for label in _[2].tolist()]))
        return real(*_, noise=noise, **options)

    real = label_file.write
    monkeypatch.setattr(label_file, "write", write)
    prepare(dataset.info, dataset.source, paths.dataset({"dataset": dataset.identity}))
    spec = {"dataset": dataset.identity, "noise": from_config(entry, dataset)}
    labelling.write_for_trial(spec, None, tmp_path / "config.npz")

    held = np.load(dataset.source)
    order = sorted(dataset.info.classes)  # the command line sorts class names as text
    (tmp_path / "labels.csv").write_text("label\n" + "".join(f"{name}\n" for name in held["y_train"]))
    np.save(tmp_path / "features.npy", held["x_train"].transpose(0, 3, 1, 2))
    assert cli.main(["noise", "--labels", "labels.csv", "--out", "noisy", *arguments(entry, like, tmp_path)]) == 0
    (config_spec, config_labels), (cli_spec, cli_labels) = written
    assert cli_spec == config_spec
    assert cli_labels == config_labels
    assert label_file.sha256_of_file(tmp_path / "noisy.npz") == label_file.sha256_of_file(tmp_path / "config.npz")
    assert order == list(dataset.info.classes)


REFUSED = [
    ("cifar100", {"kind": "asymmetric", "variant": "truncated"}, "unknown variant of asymmetric noise on"),
    ("cifar10", {"kind": "asymmetric", "variant": "superclass"}, "unknown variant of asymmetric noise on"),
    ("cifar10", {"kind": "asymmetric", "variant": "blocks", "map": OWN_MAP}, "has its own map"),
    ("cifar10", {"kind": "asymmetric", "map": {"cat": "cat"}}, "cat is mapped to itself"),
    ("cifar10", {"kind": "asymmetric", "map": {"cat": "dgo"}}, "did you mean dog?"),
    ("cifar10", {"kind": "symmetric", "variant": "exat"}, "did you mean exact?"),
    ("cifar10", {"kind": "instance", "rate": {"cat": 0.3}}, "takes a rate per class"),
    ("cifar10", {"kind": "symmetric", "rate": {"cat": 0.0}}, "at least one class with a rate above 0"),
    ("cifar10", {"kind": "symmetric", "rate": {"cta": 0.3}}, "did you mean cat?"),
    ("cifar10", {"kind": "symmetric", "rate": {"cat": 0.3}, "variant": "truncated"}, "takes no rate per class"),
    ("cifar10", {"kind": "asymmetric", "rate": {"frog": 0.3}}, "frog has a rate, but the map"),
]


@pytest.mark.parametrize(("like", "entry", "message"), REFUSED, ids=str)
def test_config_and_command_line_refuse_the_same_settings(
    like: str, entry: dict, message: str, datasets: dict[str, Dataset], tmp_path: Path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        from_config(entry, datasets[like])
    assert message in str(caught.value)
    held = np.load(datasets[like].source)
    (tmp_path / "labels.csv").write_text("label\n" + "".join(f"{name}\n" for name in held["y_train"]))
    assert cli.main(["noise", "--labels", "labels.csv", "--out", "noisy", *arguments(entry, like, tmp_path)]) == 2
    assert message in capsys.readouterr().err
