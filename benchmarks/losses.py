"""What a loss costs: forward + backward relative to torch's cross entropy and to a cnn4 training step.

    OMP_NUM_THREADS=1 python benchmarks/losses.py > benchmarks/losses.csv      about a minute

Batch 128, float32 logits of scale 3. In each round every loss runs once, in a new order, so a slow moment affects all
alike; the figures are medians over the rounds. The step is cnn4 on 28 × 28 images with cross entropy, clipping and SGD.
"""

from __future__ import annotations

import csv
import random
import statistics
import sys
import time
from collections.abc import Callable

import torch

from labelnoise.datasets.catalogue import DATASETS
from labelnoise.losses import catalogue, create
from labelnoise.models import catalogue as models
from labelnoise.training import recipe
from labelnoise.training.flat import FlatParameters
from labelnoise.training.optimizers import SGD

BATCH, ROUNDS, REPEATS = 128, 40, 10


def loss_run(name: str, num_classes: int) -> Callable[[], object]:
    """One forward and backward pass of a loss (or of torch's cross entropy) on fixed logits."""
    targets = torch.randint(0, num_classes, (BATCH,))
    if name == "F.cross_entropy":
        loss, width = torch.nn.functional.cross_entropy, num_classes
    else:
        loss, width = create(name, num_classes=num_classes), num_classes
        if "features" in loss.needs:
            width = 128
            loss.initialise(width)
    inputs = (3 * torch.randn(BATCH, width)).requires_grad_()
    views = (inputs, inputs) if name == "GJS" else inputs
    return lambda: loss(views, targets).backward()


def cnn4_step() -> Callable[[], object]:
    """One training step of cnn4 on a batch of 28 × 28 images."""
    model = models.create("cnn4", num_classes=10, channels=1).to(memory_format=torch.channels_last)
    flat = FlatParameters([model])
    optimizer = SGD(flat.values, recipe.Recipe(**DATASETS["digits"].recipe))
    images, targets = torch.randn(BATCH, 1, 28, 28), torch.randint(0, 10, (BATCH,))

    lr = torch.tensor(0.01)

    def step() -> None:
        flat.zero_grad()
        torch.nn.functional.cross_entropy(model(images), targets).backward()
        flat.clip(5.0)
        optimizer.step(lr)

    return step


def medians(runs: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median microseconds of each run."""
    durations: dict[str, list[float]] = {name: [] for name in runs}
    for round_ in range(ROUNDS + 3):
        for name in random.Random(round_).sample(list(runs), len(runs)):
            started = time.perf_counter()
            for _ in range(repeats):
                runs[name]()
            durations[name].append((time.perf_counter() - started) / repeats * 1e6)
    return {name: statistics.median(values[3:]) for name, values in durations.items()}


def main() -> None:
    torch.manual_seed(0)
    names = ["F.cross_entropy", *catalogue.names()]
    step = medians({"step": cnn4_step()}, repeats=1)["step"]
    ten = medians({name: loss_run(name, 10) for name in names}, REPEATS)
    hundred = medians({name: loss_run(name, 100) for name in names}, REPEATS)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["loss", "us_K10", "us_K100", "times_cross_entropy_K10", "percent_of_cnn4_step_K10"])
    for name in names:
        ratio, share = ten[name] / ten["F.cross_entropy"], 100 * ten[name] / step
        writer.writerow([name, f"{ten[name]:.0f}", f"{hundred[name]:.0f}", f"{ratio:.1f}", f"{share:.2f}"])
    print(f"cnn4 step: {step:.0f} us, {torch.get_num_threads()} threads", file=sys.stderr)


if __name__ == "__main__":
    main()
