"""Speed on a GPU: a whole trial, what capture gains, several trials at once, and ratios to the published code's loop.

    python benchmarks/gpu.py [--cifar10 cifar10.npz] [--seconds 340] > benchmarks/gpu.csv

Prints one row per measurement, the most telling first, and leaves out what no longer fits into the time. Without
`--cifar10` (x_train, y_train, x_test, y_test) images are random: the speed is the same, but nothing is learned.
ResNet-34 runs a few epochs, from which its 200 are extrapolated; the row says so. Needs no Snakemake and no pydantic.
`--dry-run` does everything at a tiny size, on the CPU if there is no GPU, and measures nothing.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import multiprocessing
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import throughput
import torch

from labelnoise import losses
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.noise.generators import symmetric
from labelnoise.training import device as devices
from labelnoise.training import loop
from labelnoise.training import recipe as recipes
from labelnoise.training.data import Data, ImagesInMemory

RATE = 0.4
PATIENCE = 120  # seconds for processes to reach the same point


@dataclasses.dataclass(frozen=True)
class Sizes:
    """How much is done: as published, or as little as shows that it runs."""

    train: int = 50_000
    test: int = 10_000
    epochs: int = 120
    epochs_uncaptured: int = 8
    epochs_resnet: int = 6  # of 200
    epochs_together: int = 12  # of 120, for each trial sharing the GPU
    counts: tuple[int, ...] = (1, 2, 4)
    loader: int = 25_000


TINY = Sizes(
    train=140, test=20, epochs=3, epochs_uncaptured=2, epochs_resnet=2, epochs_together=2, counts=(2,), loader=64
)
DEVICE = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
PRECISION = "bf16" if DEVICE.type == "cuda" else "fp32"


def cifar(file: Path | None, num_classes: int, sizes: Sizes) -> dict[str, np.ndarray]:
    """Images and labels of CIFAR's size."""
    if file is not None:
        with np.load(file) as arrays:
            held = {name: arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")}
        for name in ("x_train", "x_test"):
            if held[name].shape[-1] == 3:
                held[name] = held[name].transpose(0, 3, 1, 2)
        return held | {name: held[name].reshape(-1).astype(np.int64) for name in ("y_train", "y_test")}
    random = np.random.RandomState(0)
    return {
        "x_train": random.randint(0, 256, (sizes.train, 3, 32, 32)).astype(np.uint8),
        "y_train": np.arange(sizes.train) % num_classes,
        "x_test": random.randint(0, 256, (sizes.test, 3, 32, 32)).astype(np.uint8),
        "y_test": np.arange(sizes.test) % num_classes,
    }


def trial(
    arrays: dict[str, np.ndarray], recipe: recipes.Recipe, num_classes: int = 10, *, capture: bool = True
) -> tuple[float, loop.Outcome]:
    """Train with CE; returns the seconds from arrays in host memory to predictions, and the outcome."""
    devices.prepare(DEVICE)
    started = time.perf_counter()
    noisy = symmetric(arrays["y_train"], num_classes=num_classes, rate=RATE, seed=1)
    given, true, tests = (torch.from_numpy(v).to(DEVICE) for v in (noisy, arrays["y_train"], arrays["y_test"]))
    train = ImagesInMemory(torch.from_numpy(arrays["x_train"]).to(DEVICE), given, true)
    test = ImagesInMemory(torch.from_numpy(arrays["x_test"]).to(DEVICE), tests, tests)
    loss, data = losses.create("CE", num_classes=num_classes), Data(train, None, {"test": test}, num_classes)
    with devices.deterministic(False):
        outcome = loop.train(data, loss, recipe, seed=1, device=DEVICE, capture=capture)
    return time.perf_counter() - started, outcome


def of_recipe(name: str, **changes: object) -> recipes.Recipe:
    return recipes.Recipe(**dict(DATASETS[name].recipe) | {"precision": PRECISION} | changes)


def seconds_per_epoch(arrays: dict[str, np.ndarray], recipe: recipes.Recipe, **options: object) -> float:
    """Without the fixed cost of a trial: many epochs less one."""
    once, _ = trial(arrays, dataclasses.replace(recipe, epochs=1), **options)
    several, _ = trial(arrays, recipe, **options)
    return (several - once) / (recipe.epochs - 1)


def _one_of_several(barrier, file: Path | None, sizes: Sizes) -> None:
    try:
        arrays = cifar(file, 10, sizes)
        for epochs in (2, 2, 2 + sizes.epochs_together):  # the first run loads libraries and chooses kernels
            barrier.wait(PATIENCE)
            trial(arrays, of_recipe("cifar10", epochs=epochs))
        barrier.wait(PATIENCE)
    except BaseException:
        barrier.abort()
        raise


def trials_an_hour(count: int, file: Path | None, sizes: Sizes) -> float:
    """Whole 120-epoch trials per hour when `count` of them share the GPU, extrapolated from some of their epochs."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(count + 1)
    processes = [context.Process(target=_one_of_several, args=(barrier, file, sizes)) for _ in range(count)]
    for process in processes:
        process.start()
    moments = []
    for _ in range(4):
        barrier.wait(PATIENCE)
        moments.append(time.perf_counter())
    for process in processes:
        process.join()
    _, second, third, end = moments
    once, epoch = third - second, ((end - third) - (third - second)) / sizes.epochs_together
    return 3600 * count / (once + 118 * epoch)


def rows(file: Path | None, sizes: Sizes, has_time: Callable[[str], bool]):
    """Yield (what, value, unit, remark), the most telling first."""
    name = torch.cuda.get_device_name() if DEVICE.type == "cuda" else "CPU"
    yield "device", name, "", f"torch {torch.__version__}"
    arrays = cifar(file, 10, sizes)
    seconds, outcome = trial(arrays, of_recipe("cifar10", epochs=sizes.epochs))
    accuracy = f"last test accuracy {outcome.metrics[-1]['test_accuracy']:.2f} %" if file else "random images"
    yield f"cnn8, {sizes.epochs} epochs, CE, symmetric {RATE}", f"{seconds:.1f}", "s", accuracy
    few = of_recipe("cifar10", epochs=sizes.epochs_uncaptured)
    captured, uncaptured = seconds_per_epoch(arrays, few), seconds_per_epoch(arrays, few, capture=False)
    speed = len(arrays["x_train"]) / captured
    is_gpu = DEVICE.type == "cuda"
    share = speed * throughput.multiply_adds("cnn8") / throughput.matrix_products(DEVICE) if is_gpu else float("nan")
    yield "cnn8, captured", f"{speed:.0f}", "images/s", f"{share:.3f} of the rate of bf16 matrix products"
    yield (
        "cnn8, not captured",
        f"{speed * captured / uncaptured:.0f}",
        "images/s",
        f"{captured / uncaptured:.2f} of that",
    )
    if has_time("resnet34"):
        hundred = cifar(None, 100, dataclasses.replace(sizes, train=max(sizes.train, 300)))
        recipe = of_recipe("cifar100", epochs=sizes.epochs_resnet)
        epoch = seconds_per_epoch(hundred, recipe, num_classes=100)
        yield (
            "resnet34, 200 epochs",
            f"{epoch * 200:.0f}",
            "s",
            f"estimated from {recipe.epochs} epochs of {epoch:.2f} s",
        )
    for count in sizes.counts:
        if has_time(f"{count} at once"):
            yield f"cnn8, {count} at once", f"{trials_an_hour(count, file, sizes):.1f}", "trials/hour", "estimated"
    if is_gpu and has_time("the standard loop"):
        for row in throughput.measure("cnn8", sizes.loader, 2, DEVICE):
            yield f"cnn8, {row['what']}", row["images/s"], "images/s", f"{row['ratio to loader']} of the loader"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar10", type=Path, metavar="FILE", help="the real data set as .npz")
    parser.add_argument("--seconds", type=float, default=340, help="begin nothing after this time")
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args()
    if DEVICE.type == "cpu" and not options.dry_run:
        sys.exit("there is no CUDA device, so nothing is measured")
    started = time.monotonic()

    def has_time(what: str) -> bool:
        left = options.seconds - (time.monotonic() - started)
        print(f"{what}: {'left out, ' if left < 0 else ''}{left:.0f} s left", file=sys.stderr, flush=True)
        return left > 0

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["what", "value", "unit", "remark"])
    for row in rows(options.cifar10, TINY if options.dry_run else Sizes(), has_time):
        writer.writerow(row)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
