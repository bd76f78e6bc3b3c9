"""The catalogue of data sets. To add one, write a module with its `DatasetInfo` and list it here."""

from __future__ import annotations

from labelnoise.datasets import animal10n, cifar, clothing1m, digits, mnist, webvision
from labelnoise.datasets.info import DatasetInfo

DATASETS: dict[str, DatasetInfo] = {
    info.name: info
    for info in (
        digits.INFO,
        mnist.MNIST,
        mnist.FASHION_MNIST,
        cifar.CIFAR10,
        cifar.CIFAR100,
        webvision.INFO,
        clothing1m.INFO,
        animal10n.INFO,
    )
}
