"""Training speed: the published code's loop, plain PyTorch with the data in memory, and this engine, in one run.

    python benchmarks/throughput.py [--models cnn8 cnn4] [--threads 2] [--rounds 5] > benchmarks/throughput.csv

(a) `loader`: torchvision's data set, PIL transforms and DataLoader with its best number of workers, as APL, ALF, ANL
and JAL train; (b) `memory`: the same data as a tensor, batched augmentation, channels_last, torch.optim; (c) `engine`:
this one, with augmentation, clipping and counters, in fp32 and bf16. Random images: speed does not depend on what they
show. Rounds are interleaved; printed are medians of images a second, ratios to (a), and, of the engine in bf16, the
share of the machine's own bf16 matrix-product rate (multiply-adds of convolutions and linear layers, both ways).
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode
from torchvision import datasets, transforms

from labelnoise import losses
from labelnoise.models import catalogue
from labelnoise.training import recipe as recipes
from labelnoise.training.augmentation import augment
from labelnoise.training.data import Data, ImagesInMemory, Normalise
from labelnoise.training.loop import train

# Recipe, shape of an image, images an epoch: seconds of work in each measurement.
CASES = {"cnn8": ("cifar10", (3, 32, 32), 1024), "cnn4": ("mnist", (1, 28, 28), 8192)}
CPU = torch.device("cpu")


def images(shape: tuple[int, int, int], size: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(0)
    return random.randint(0, 256, (size, *shape)).astype(np.uint8), random.randint(0, 10, size).astype(np.int64)


def model_of(name: str, shape: tuple[int, int, int]) -> torch.nn.Module:
    torch.manual_seed(0)
    return catalogue.create(name, num_classes=10, channels=shape[0])


def loop(model: torch.nn.Module, batches, recipe: recipes.Recipe) -> None:
    """One epoch as the published code has it."""
    optimizer = torch.optim.SGD(model.parameters(), lr=recipe.lr, momentum=0.9, weight_decay=recipe.weight_decay)
    criterion = torch.nn.CrossEntropyLoss()
    for inputs, targets in batches:
        optimizer.zero_grad()
        criterion(model(inputs), targets).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
        optimizer.step()


def with_loader(name: str, recipe: recipes.Recipe, x: np.ndarray, y: np.ndarray, workers: int) -> Callable[[], None]:
    """(a)"""
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
    model = model_of(name, x.shape[1:])
    return lambda: loop(model, DataLoader(held, recipe.batch_size, shuffle=True, num_workers=workers), recipe)


def in_memory(name: str, recipe: recipes.Recipe, x: np.ndarray, y: np.ndarray) -> Callable[[], None]:
    """(b)"""
    model = model_of(name, x.shape[1:]).to(memory_format=torch.channels_last)
    held, targets, normalise = torch.from_numpy(x), torch.from_numpy(y), Normalise(recipe, CPU)

    def batches():
        for index in torch.randperm(len(held)).split(recipe.batch_size):
            yield normalise(augment(held[index], recipe.augmentation, torch.Generator())), targets[index]

    return lambda: loop(model, batches(), recipe)


def engine(recipe: recipes.Recipe, x: np.ndarray, y: np.ndarray) -> Callable[[int], None]:
    """(c), for a number of epochs: what is done once a trial is told apart by running two numbers of them."""
    labels = torch.from_numpy(y)
    samples = ImagesInMemory(torch.from_numpy(x), labels, labels)
    data = Data(samples, None, {"test": samples.take(torch.arange(2))}, 10)

    def run(epochs: int) -> None:
        chosen = dataclasses.replace(recipe, epochs=epochs)
        train(data, losses.create("CE", num_classes=10), chosen, seed=1, device=CPU)

    return run


def seconds(run: Callable[[], None]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def matrix_products(size: int = 2048) -> float:
    """The machine's bf16 rate on large square matrices, in multiply-adds a second."""
    a, b = (torch.randn(size, size, dtype=torch.bfloat16) for _ in range(2))
    for _ in range(2):
        a @ b
    return 10 * size**3 / seconds(lambda: [a @ b for _ in range(10)])


def multiply_adds(name: str, shape: tuple[int, int, int]) -> float:
    """Of one image in training."""
    model, counter = model_of(name, shape), FlopCounterMode(display=False)
    with counter:
        model(torch.randn(8, *shape)).sum().backward()
    return counter.get_total_flops() / 2 / 8


def measure(name: str, rounds: int) -> list[dict[str, object]]:
    base, shape, size = CASES[name]
    recipe = recipes.Recipe(**recipes.load(base))
    x, y = images(shape, size)
    workers = min(
        (0, 1, 2), key=lambda count: seconds(with_loader(name, recipe, x[: size // 2], y[: size // 2], count))
    )
    plain = {"loader": with_loader(name, recipe, x, y, workers), "memory": in_memory(name, recipe, x, y)}
    engines = {p: engine(dataclasses.replace(recipe, precision=p), x, y) for p in ("fp32", "bf16")}
    found: dict[str, list[float]] = {}
    shares = []
    for _ in range(rounds):
        for key, run in plain.items():
            found.setdefault(key, []).append(size / seconds(run))
        for precision, run in engines.items():
            once, thrice = seconds(lambda run=run: run(1)), seconds(lambda run=run: run(3))
            found.setdefault(f"engine {precision}", []).append(2 * size / (thrice - once))
        shares.append(found["engine bf16"][-1] * multiply_adds(name, shape) / matrix_products())
    rows = []
    for key, speeds in found.items():
        ratio = statistics.median(speed / loader for speed, loader in zip(speeds, found["loader"], strict=True))
        share = f"{statistics.median(shares):.2f}" if key == "engine bf16" else ""
        rows.append(
            {
                "model": name,
                "what": f"loader, {workers} workers" if key == "loader" else key,
                "images/s": round(statistics.median(speeds)),
                "ratio to loader": f"{ratio:.2f}",
                "share of bf16 matrix products": share,
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(CASES), choices=list(CASES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = [row for name in options.models for row in measure(name, options.rounds)]
    writer = csv.DictWriter(sys.stdout, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


if __name__ == "__main__":
    main()
