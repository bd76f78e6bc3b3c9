"""Tests on the real files, if LABELNOISE_REAL_DATA names a folder with MNIST/raw, cifar10.npz and so on."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from labelnoise.datasets import human, mnist
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.cifar import CIFAR100, CIFAR100_SUPERCLASSES
from labelnoise.noise.audit import sha256
from labelnoise.noise.generate import generate

FOLDER = Path(os.environ.get("LABELNOISE_REAL_DATA", "nowhere"))


def real(name: str) -> Path:
    if not (FOLDER / name).exists():
        pytest.skip(f"LABELNOISE_REAL_DATA names no folder with the real {name}")
    return FOLDER / name


def test_real_mnist_is_read():
    real("MNIST/raw")
    arrays = mnist.load(DATASETS["mnist"], FOLDER)
    assert arrays.images["train"].shape == (60_000, 1, 28, 28)
    assert arrays.images["test"].shape == (10_000, 1, 28, 28)
    assert np.bincount(arrays.labels["train"]).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert arrays.labels["train"][:8].tolist() == [5, 0, 4, 1, 9, 2, 1, 3]
    # mean and standard deviation of the training pixels in the published recipes
    assert arrays.images["train"].mean() / 255 == pytest.approx(0.1307, abs=1e-4)
    assert arrays.images["train"].std() / 255 == pytest.approx(0.3081, abs=1e-4)


@pytest.mark.parametrize(
    ("variant", "rate"),
    [("aggre", 9.01), ("random1", 17.23), ("random2", 18.12), ("random3", 17.64), ("worst", 40.21)],
)
def test_rates_of_cifar10n_equal_the_published_ones(variant: str, rate: float):
    real("CIFAR-10_human.pt")
    true = np.load(real("cifar10.npz"))["y_train"]
    given = human.load("cifar10", variant, FOLDER, true)
    assert 100 * (given != true).mean() == pytest.approx(rate, abs=0.005)


def test_rate_of_cifar100n_equals_the_published_one():
    real("CIFAR-100_human.pt")
    true = np.load(real("cifar100_labels.npz"))["y_train"].astype(np.int64)
    given = human.load("cifar100", "noisy", FOLDER, true)
    assert 100 * (given != true).mean() == pytest.approx(40.20, abs=0.005)


def test_superclasses_match_cifar100s_coarse_labels():
    labels = np.load(real("cifar100_labels.npz"))
    coarse = dict(zip(labels["y_train"].tolist(), labels["y_train_coarse"].tolist(), strict=True))
    for number, names in enumerate(CIFAR100_SUPERCLASSES.values()):
        assert {coarse[CIFAR100.classes.index(name)] for name in names} == {number}


def test_instance_noise_on_real_images_is_pinned():
    """The labels equal those of the published procedure, run step by step in float32 (50,000 of 50,000)."""
    held = np.load(real("cifar10.npz"))
    labels, images = held["y_train"], held["x_train"].transpose(0, 3, 1, 2)
    noise = {"kind": "instance", "rate": 0.4, "variant": "pdn", "version": 1, "seed": 1}
    given = generate(labels, num_classes=10, noise=noise, features=images)
    assert sha256(given) == "615930c826832c43cdfa14368f08bcd588dbf49df9f4f6b59f7e504e3f8b5da5"
    assert hashlib.sha256(labels.astype("<i8").tobytes()).hexdigest() == sha256(labels)
