"""Training speed: the published code's loop, plain PyTorch with the data in memory, and this engine, in one run.

    python benchmarks/throughput.py [--models cnn8 cnn4] [--threads 2] [--rounds 5] > benchmarks/throughput.csv

(a) `loader`: torchvision's data set, PIL transforms and DataLoader with its best number of workers, and ReLU before
pooling, as APL, ALF, ANL and JAL train; (b) `memory`: the same data as a tensor, batched augmentation, channels_last,
torch.optim; (c) `engine`: this project, with augmentation, clipping and counters, in fp32 and bf16, and on the CPU in
bf16 without `devices.prepare`. Images are random, since speed does not depend on their content. Each runs in its own
process, as in use, one at a time and in turn. Printed are medians of images per second and ratios to (a). For the
engine in bf16, also the share of the machine's bf16 matrix-product rate (multiply-adds of convolutions and linear
layers, forward and backward) and the shares of an epoch taken by the test pass and the counters at the published sizes.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import dataclasses
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode
from torchvision import datasets, transforms

from labelnoise import losses
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.models import catalogue
from labelnoise.training import device as devices
from labelnoise.training import learner as learners
from labelnoise.training import recipe as recipes
from labelnoise.training.augmentation import augment, find
from labelnoise.training.data import Data, ImagesInMemory, Normalise
from labelnoise.training.evaluator import Evaluator
from labelnoise.training.loop import train
from labelnoise.training.measures import training_measures

# Recipe, image shape, images per epoch: seconds of work in each measurement.
CASES = {
    "cnn8": ("cifar10", (3, 32, 32), 2048),
    "cnn4": ("mnist", (1, 28, 28), 16384),
    "resnet34": ("cifar100", (3, 32, 32), 256),
    "digits_cnn": ("digits", (1, 8, 8), 14420),
}
# Test images per training image: 10,000 to 50,000, to 60,000, and 355 to 1,442.
TEST_SHARES = {"cnn8": 1 / 5, "cnn4": 1 / 6, "resnet34": 1 / 5, "digits_cnn": 1 / 4}


def images(shape: tuple[int, int, int], size: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(0)
    return random.randint(0, 256, (size, *shape)).astype(np.uint8), random.randint(0, 10, size).astype(np.int64)


def case(name: str, size: int) -> tuple[recipes.Recipe, np.ndarray, np.ndarray]:
    """The recipe, and `size` random images with labels."""
    base, shape, _ = CASES[name]
    return (recipes.Recipe(**DATASETS[base].recipe), *images(shape, size))


def model_of(name: str, shape: tuple[int, int, int]) -> torch.nn.Module:
    torch.manual_seed(0)
    return catalogue.create(name, num_classes=10, channels=shape[0])


def published(name: str, shape: tuple[int, int, int]) -> torch.nn.Module:
    """The network with ReLU before pooling, as in the papers' code; ours has it after, with the same values."""
    model = model_of(name, shape)
    layers = list(model.features) if isinstance(model.features, torch.nn.Sequential) else []
    for i, layer in enumerate(tuple(layers)):
        if isinstance(layer, torch.nn.MaxPool2d):
            layers[i : i + 2] = reversed(layers[i : i + 2])
    if layers:
        model.features = torch.nn.Sequential(*layers)
    return model


def loop(model: torch.nn.Module, batches, recipe: recipes.Recipe, device: torch.device) -> None:
    """One epoch as in the published code."""
    optimizer = torch.optim.SGD(model.parameters(), lr=recipe.lr, momentum=0.9, weight_decay=recipe.weight_decay)
    criterion = torch.nn.CrossEntropyLoss()
    for inputs, targets in batches:
        inputs, targets = inputs.to(device, non_blocking=True), targets.to(device, non_blocking=True)
        optimizer.zero_grad()
        criterion(model(inputs), targets).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
        optimizer.step()


def with_loader(name: str, size: int, device: torch.device, workers: int) -> Callable[[], float]:
    """Seconds of an epoch of (a)."""
    devices.prepare(device)  # the same TF32 setting as (c)
    recipe, x, y = case(name, size)
    steps = [transforms.ToTensor(), transforms.Normalize(recipe.mean, recipe.std)]
    if "crop4" in recipe.augmentation:
        steps = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(), *steps]
    if len(recipe.mean) == 1:
        held = datasets.MNIST.__new__(datasets.MNIST)
        held.data, held.targets = torch.from_numpy(x[:, 0]), torch.from_numpy(y)
    else:
        held = datasets.CIFAR10.__new__(datasets.CIFAR10)
        held.data, held.targets = x.transpose(0, 2, 3, 1), y.tolist()
    held.transform, held.target_transform = transforms.Compose(steps), None
    model = published(name, x.shape[1:]).to(device)
    options = {"num_workers": workers, "pin_memory": device.type == "cuda"}
    loader = DataLoader(held, recipe.batch_size, shuffle=True, **options)
    return lambda: seconds(lambda: loop(model, loader, recipe, device))


def in_memory(name: str, size: int, device: torch.device) -> Callable[[], float]:
    """Seconds of an epoch of (b)."""
    devices.prepare(device)
    recipe, x, y = case(name, size)
    augmentations = [find(entry) for entry in recipe.augmentation]
    model = model_of(name, x.shape[1:]).to(device, memory_format=torch.channels_last)
    held, targets = torch.from_numpy(x).to(device), torch.from_numpy(y).to(device)
    normalise = Normalise(recipe, device)

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for index in torch.randperm(len(held)).to(device).split(recipe.batch_size):
            yield normalise(augment(held[index], augmentations, torch.Generator())), targets[index]

    return lambda: seconds(lambda: loop(model, batches(), recipe, device))


def data_of(x: np.ndarray, y: np.ndarray, device: torch.device) -> Data:
    """Training data, and two images to test on."""
    labels = torch.from_numpy(y).to(device)
    samples = ImagesInMemory(torch.from_numpy(x).to(device), labels, labels)
    return Data(samples, None, {"test": samples.take(torch.arange(2, device=device))}, 10)


def engine(name: str, size: int, device: torch.device, precision: str, prepared: bool = True) -> Callable[[], float]:
    """Seconds of an epoch of (c): two epochs minus one, which excludes the fixed cost of a trial."""
    if prepared:
        devices.prepare(device)
    recipe, x, y = case(name, size)
    data = data_of(x, y, device)

    def run(epochs: int) -> None:
        chosen = dataclasses.replace(recipe, epochs=epochs, precision=precision)
        train(data, losses.create("CE", num_classes=10), chosen, seed=1, device=device)

    def an_epoch() -> float:
        once, twice = seconds(lambda: run(1)), seconds(lambda: run(2))
        return twice - once

    return an_epoch


def test_pass(name: str, size: int, device: torch.device, precision: str) -> Callable[[], float]:
    """Seconds of the evaluation by (c) after each epoch, with `size` test images."""
    devices.prepare(device)
    recipe, x, y = case(name, size)
    data, loss = data_of(x, y, device), losses.create("CE", num_classes=10)
    learner = learners.create(data, loss, recipe, seed=1, device=device, precision=precision)
    trained = Evaluator(learner, Normalise(recipe, device), data)
    return lambda: seconds(lambda: trained.accuracy(data.train))


def seconds(run: Callable[[], None]) -> float:
    """Seconds until the device is done."""
    started = time.perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


class Process:
    """A process that holds the result of `make(*arguments)`; a call returns the seconds of one epoch of it."""

    def __init__(self, make: Callable[..., Callable[[], float]], *arguments: Any):
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, spawn, _hold, (torch.get_num_threads(), make, arguments))

    def __call__(self) -> float:
        future: Future[float] = self._pool.submit(_epoch)
        return future.result()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()


def _hold(threads: int, make: Callable[..., Callable[[], float]], arguments: tuple[Any, ...]) -> None:
    global _held
    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = True  # for the published loop too
    _held = make(*arguments)


def _epoch() -> float:
    return _held()


def matrix_products(device: torch.device) -> float:
    """The machine's bf16 rate on large square matrices, in multiply-adds per second."""
    size = 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(size, size, dtype=torch.bfloat16, device=device) for _ in range(2))
    for _ in range(2):
        a @ b
    return 10 * size**3 / seconds(lambda: [a @ b for _ in range(10)])


def multiply_adds(name: str) -> float:
    """Multiply-adds of one image in training."""
    shape = CASES[name][1]
    model, counter = model_of(name, shape), FlopCounterMode(display=False)
    with counter:
        model(torch.randn(8, *shape)).sum().backward()
    return counter.get_total_flops() / 2 / 8


def best_workers(name: str, size: int, device: torch.device) -> int:
    """The number of DataLoader workers with which (a) is fastest."""

    def time_with(workers: int) -> float:
        with Process(with_loader, name, size, device, workers) as epoch:
            return epoch()

    return min((0, 1, 2) if device.type == "cpu" else (4, 8, 16), key=time_with)


def measure(name: str, size: int, rounds: int, device: torch.device) -> list[dict[str, object]]:
    workers = best_workers(name, size // 2, device)
    speeds: dict[str, list[float]] = {}
    shares, tests = [], []
    with contextlib.ExitStack() as open_processes:

        def process(*arguments: Any) -> Process:
            return open_processes.enter_context(Process(*arguments))

        epochs = {
            "loader": process(with_loader, name, size, device, workers),
            "memory": process(in_memory, name, size, device),
            "engine fp32": process(engine, name, size, device, "fp32"),
            "engine bf16": process(engine, name, size, device, "bf16"),
        }
        if device.type == "cpu":
            epochs["engine bf16, freed memory given back"] = process(engine, name, size, device, "bf16", False)
        tested = process(test_pass, name, round(size * TEST_SHARES[name]), device, "bf16")
        for _ in range(rounds):
            for key, epoch in epochs.items():
                speeds.setdefault(key, []).append(size / epoch())
            shares.append(speeds["engine bf16"][-1] * multiply_adds(name) / matrix_products(device))
            epoch_seconds = size / speeds["engine bf16"][-1]
            tests.append(tested() / epoch_seconds)
    rows = []
    for key, own_speeds in speeds.items():
        ratio = statistics.median(speed / loader for speed, loader in zip(own_speeds, speeds["loader"], strict=True))
        is_ours = key == "engine bf16"
        rows.append(
            {
                "model": name,
                "what": f"loader, {workers} workers" if key == "loader" else key,
                "images/s": round(statistics.median(own_speeds)),
                "ratio to loader": f"{ratio:.2f}",
                "share of bf16 matrix products": f"{statistics.median(shares):.2f}" if is_ours else "",
                "test pass of an epoch": f"{statistics.median(tests):.3f}" if is_ours else "",
                "counters of an epoch": f"{counters(size) / epoch_seconds:.5f}" if is_ours else "",
            }
        )
    return rows


def counters(size: int) -> float:
    """Seconds that the counters of an epoch take, including the argmax of every batch."""
    given, true = (torch.randint(0, 10, (size,)) for _ in range(2))
    logits = torch.randn(128, 10)

    def count() -> None:
        predicted = torch.empty_like(given)
        for start in range(0, size, 128):
            predicted[start : start + 128] = logits.argmax(dim=1)[: size - start]
        training_measures(predicted, given, true)

    return statistics.median(seconds(count) for _ in range(5))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["cnn8", "cnn4"], choices=list(CASES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = torch.device("cpu")
    rows = [row for name in options.models for row in measure(name, CASES[name][2], options.rounds, device)]
    writer = csv.DictWriter(sys.stdout, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


if __name__ == "__main__":
    main()
