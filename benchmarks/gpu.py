"""Speed on a GPU: ratios to the published code's loop, whole trials, and several trials at once. Needs no Snakemake.

    python benchmarks/gpu.py [--cifar10 cifar10.npz] > benchmarks/gpu.csv

Prints one row per measurement. Without `--cifar10` (x_train, y_train, x_test, y_test) images are random: the speed is
the same, but nothing is learned. ResNet-34 runs a few epochs, from which its 200 are extrapolated; the row says so.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import multiprocessing
import sys
import time
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
EPOCHS_TOGETHER = 12  # of 120, for each trial sharing the GPU
EPOCHS_RESNET = 6  # of 200
PATIENCE = 120  # seconds for processes to reach the same point


def cifar(file: Path | None, num_classes: int) -> dict[str, np.ndarray]:
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
        "x_train": random.randint(0, 256, (50_000, 3, 32, 32)).astype(np.uint8),
        "y_train": np.arange(50_000) % num_classes,
        "x_test": random.randint(0, 256, (10_000, 3, 32, 32)).astype(np.uint8),
        "y_test": np.arange(10_000) % num_classes,
    }


def trial(arrays: dict[str, np.ndarray], recipe: recipes.Recipe, loss: str, rate: float, num_classes: int):
    """Train on the GPU; returns the seconds from arrays in host memory to predictions, and the outcome."""
    device = torch.device("cuda", 0)
    devices.prepare(device)
    started = time.perf_counter()
    noisy = symmetric(arrays["y_train"], num_classes=num_classes, rate=rate, seed=1)
    given, true, tests = (torch.from_numpy(v).to(device) for v in (noisy, arrays["y_train"], arrays["y_test"]))
    train = ImagesInMemory(torch.from_numpy(arrays["x_train"]).to(device), given, true)
    test = ImagesInMemory(torch.from_numpy(arrays["x_test"]).to(device), tests, tests)
    made = losses.create(loss, num_classes=num_classes)
    with devices.deterministic(False):
        outcome = loop.train(Data(train, None, {"test": test}, num_classes), made, recipe, seed=1, device=device)
    return time.perf_counter() - started, outcome


def of_recipe(name: str, **changes: object) -> recipes.Recipe:
    return recipes.Recipe(**dict(DATASETS[name].recipe) | {"precision": "bf16"} | changes)


def _one_of_several(barrier, file: Path | None) -> None:
    try:
        arrays = cifar(file, 10)
        for epochs in (2, 2, 2 + EPOCHS_TOGETHER):  # the first run loads libraries and chooses kernels
            barrier.wait(PATIENCE)
            trial(arrays, of_recipe("cifar10", epochs=epochs), "CE", RATE, 10)
        barrier.wait(PATIENCE)
    except BaseException:
        barrier.abort()
        raise


def trials_an_hour(count: int, file: Path | None) -> float:
    """Whole 120-epoch trials per hour when `count` of them share the GPU, extrapolated from some of their epochs."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(count + 1)
    processes = [context.Process(target=_one_of_several, args=(barrier, file)) for _ in range(count)]
    for process in processes:
        process.start()
    moments = []
    for _ in range(4):
        barrier.wait(PATIENCE)
        moments.append(time.perf_counter())
    for process in processes:
        process.join()
    _, second, third, end = moments
    once, epoch = third - second, ((end - third) - (third - second)) / EPOCHS_TOGETHER
    return 3600 * count / (once + 118 * epoch)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar10", type=Path, metavar="FILE", help="the real data set as .npz")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("there is no CUDA device, so nothing is measured")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["what", "value", "unit", "remark"])

    def write(*row: object) -> None:
        writer.writerow(row)
        sys.stdout.flush()

    write("device", torch.cuda.get_device_name(), "", f"torch {torch.__version__}")
    arrays = cifar(options.cifar10, 10)
    seconds, outcome = trial(arrays, of_recipe("cifar10"), "CE", RATE, 10)
    accuracy = f"last test accuracy {outcome.metrics[-1]['test_accuracy']:.2f} %" if options.cifar10 else ""
    write(f"cnn8, 120 epochs, CE, symmetric {RATE}", f"{seconds:.1f}", "s", accuracy)
    few = of_recipe("cifar100", epochs=EPOCHS_RESNET)
    hundred = cifar(None, 100)
    once, _ = trial(hundred, dataclasses.replace(few, epochs=1), "CE", RATE, 100)
    several, _ = trial(hundred, few, "CE", RATE, 100)
    epoch = (several - once) / (EPOCHS_RESNET - 1)
    write("resnet34, 200 epochs", f"{epoch * 200:.0f}", "s", f"estimated from {EPOCHS_RESNET} epochs of {epoch:.2f} s")
    for count in (1, 2, 4, 8):
        write(f"cnn8, {count} at once", f"{trials_an_hour(count, options.cifar10):.1f}", "trials/hour", "estimated")
    for row in throughput.measure("cnn8", 25_000, 3, torch.device("cuda", 0)):
        write(f"cnn8, {row['what']}", row["images/s"], "images/s", f"{row['ratio to loader']} of the loader")


if __name__ == "__main__":
    main()
