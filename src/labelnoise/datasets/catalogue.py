"""What each data set is called, holds and comes from. Needs nothing but the standard library.

A new data set is a module with `load(folder)` and one entry here; store.py says what `load` gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from labelnoise.datasets import classes
from labelnoise.datasets.classes import Map

MNIST_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


@dataclass(frozen=True)
class DatasetInfo:
    """A catalogue entry, or a user's own data set.

    `in_memory` sets are arrays of `image_size` pixels a side, the others indexes of image files. `files` are what its
    download consists of, `human` its files of human labels: variant → (file, key in it). `asymmetric_maps` are (true,
    wrong) pairs by name. `train_size` is None where it is not fixed, `version` rises when the arrays change. `labels`
    are `clean`, or `given`: noisy as they come, and the true ones not known; `states_given` sets have noisy ones beside
    the true ones.
    """

    name: str
    module: str
    title: str
    source: str
    license: str
    classes: tuple[str, ...]
    recipe: str
    train_size: int | None = None
    channels: int = 3
    image_size: int | None = None
    in_memory: bool = True
    asymmetric_maps: Mapping[str, Map] = field(default_factory=dict)
    human: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    test_sets: tuple[str, ...] = ("test",)
    labels: str = "clean"
    states_given: bool = False
    version: int = 1
    # Of a user's own data set only: a hash of its content, and the catalogue entry it is like.
    fingerprint: str | None = None
    like: str | None = None


_ENTRIES = (
    DatasetInfo(
        name="digits",
        module="digits",
        title="handwritten digits, 8 × 8",
        source="UCI Optical Recognition of Handwritten Digits (Alpaydin & Kaynak 1998), embedded in scikit-learn",
        license="CC BY 4.0",
        classes=classes.DIGITS,
        recipe="digits",
        train_size=1442,
        channels=1,
        image_size=8,
        asymmetric_maps={"published": classes.DIGITS_MAP},
    ),
    DatasetInfo(
        name="mnist",
        module="mnist",
        title="handwritten digits, 28 × 28",
        source="MNIST (LeCun, Cortes & Burges 1998)",
        license="CC BY-SA 3.0",
        classes=classes.DIGITS,
        recipe="mnist",
        train_size=60_000,
        channels=1,
        image_size=28,
        asymmetric_maps={"published": classes.DIGITS_MAP},
        files=MNIST_FILES,
    ),
    DatasetInfo(
        name="fashion_mnist",
        module="mnist",
        title="clothes, 28 × 28",
        source="Fashion-MNIST (Xiao, Rasul & Vollgraf 2017)",
        license="MIT",
        classes=classes.FASHION,
        recipe="mnist",
        train_size=60_000,
        channels=1,
        image_size=28,
        files=MNIST_FILES,
    ),
    DatasetInfo(
        name="cifar10",
        module="cifar",
        title="ten kinds of things, 32 × 32",
        source="CIFAR-10 (Krizhevsky 2009); human labels CIFAR-10N (Wei et al., ICLR 2022)",
        license="not stated; CIFAR-10N CC BY-NC 4.0",
        classes=classes.CIFAR10,
        recipe="cifar10",
        train_size=50_000,
        image_size=32,
        asymmetric_maps={"published": classes.CIFAR10_MAP},
        human={
            "aggre": ("CIFAR-10_human.pt", "aggre_label"),
            "random1": ("CIFAR-10_human.pt", "random_label1"),
            "random2": ("CIFAR-10_human.pt", "random_label2"),
            "random3": ("CIFAR-10_human.pt", "random_label3"),
            "worst": ("CIFAR-10_human.pt", "worse_label"),
        },
        files=("cifar-10-python.tar.gz",),
    ),
    DatasetInfo(
        name="cifar100",
        module="cifar",
        title="a hundred kinds of things, 32 × 32",
        source="CIFAR-100 (Krizhevsky 2009); human labels CIFAR-100N (Wei et al., ICLR 2022)",
        license="not stated; CIFAR-100N CC BY-NC 4.0",
        classes=classes.CIFAR100,
        recipe="cifar100",
        train_size=50_000,
        image_size=32,
        asymmetric_maps={
            "superclass": classes.CIFAR100_SUPERCLASS_MAP,
            "blocks": classes.CIFAR100_BLOCKS_MAP,
        },
        human={"noisy": ("CIFAR-100_human.pt", "noisy_label")},
        files=("cifar-100-python.tar.gz",),
    ),
    DatasetInfo(
        name="webvision_mini",
        module="webvision",
        title="the first 50 classes of WebVision 1.0's Google images",
        source="WebVision (Li et al. 2017); ILSVRC 2012 validation images (Russakovsky et al. 2015)",
        license="for research",
        classes=tuple(classes.WEBVISION_MINI.values()),
        recipe="webvision_mini",
        in_memory=False,
        labels="given",
        test_sets=("webvision", "ilsvrc12"),
    ),
    DatasetInfo(
        name="clothing1m",
        module="clothing1m",
        title="a million clothes with labels from their shops' texts",
        source="Clothing1M (Xiao et al., CVPR 2015)",
        license="for research",
        classes=classes.CLOTHING1M,
        recipe="clothing1m",
        in_memory=False,
        labels="given",
        test_sets=("test", "clean_val"),
    ),
    DatasetInfo(
        name="animal10n",
        module="animal10n",
        title="five pairs of animals that look alike, labelled by people",
        source="ANIMAL-10N (Song, Kim & Lee, ICML 2019)",
        license="for research",
        classes=classes.ANIMAL10N,
        recipe="animal10n",
        in_memory=False,
        labels="given",
    ),
)

DATASETS: dict[str, DatasetInfo] = {entry.name: entry for entry in _ENTRIES}
