"""Peak memory of a trial by recipe, on the CPU: six steps and a test batch on a data set of the published size.

    python benchmarks/memory.py > benchmarks/memory.csv

Image files are not read: their recipes train on batches of random images of the recipe's size, so the memory of the
loading processes is not included. Each recipe runs in its own process; MB is that process's largest resident set.
"""

from __future__ import annotations

import csv
import dataclasses
import resource
import subprocess
import sys

STEPS = 6
# Images, image shape, classes. Recipes that read files (None) get as many images as the steps take.
CASES = {
    "digits": (1442, (1, 8, 8), 10),
    "mnist": (60_000, (1, 28, 28), 10),
    "cifar10": (50_000, (3, 32, 32), 10),
    "cifar100": (50_000, (3, 32, 32), 100),
    "animal10n": (None, (3, None, None), 10),
    "clothing1m": (None, (3, None, None), 14),
    "webvision_mini": (None, (3, None, None), 50),
}


def peak(name: str, precision: str, batch_size: int | None) -> int:
    import torch

    from labelnoise import losses
    from labelnoise.datasets.catalogue import DATASETS
    from labelnoise.training import device as devices
    from labelnoise.training import learner as learners
    from labelnoise.training import recipe as recipes
    from labelnoise.training import step as steps
    from labelnoise.training.data import Data, ImagesInMemory, Normalise
    from labelnoise.training.evaluator import Evaluator

    torch.set_num_threads(2)
    cpu = torch.device("cpu")
    devices.prepare(cpu)
    recipe = recipes.Recipe(**dict(DATASETS[name].recipe) | {"precision": precision, "pretrained": False})
    recipe = dataclasses.replace(recipe, batch_size=batch_size or recipe.batch_size)
    size, shape, classes = CASES[name]
    if size is None:
        size, shape = STEPS * recipe.batch_size, (3, recipe.image_size, recipe.image_size)
        recipe = dataclasses.replace(recipe, augmentation=[])
    images = torch.randint(0, 256, (size, *shape), dtype=torch.uint8)
    labels = torch.arange(size) % classes
    train = ImagesInMemory(images, labels, labels)
    data = Data(train, None, {"test": train.take(torch.arange(min(size, 1024)))}, classes)
    loss = losses.create("CE", num_classes=classes)
    learner = learners.create(data, loss, recipe, seed=1, device=cpu, precision=precision)
    normalise = Normalise(recipe, cpu)
    step = steps.create(learner, normalise, recipe)
    step.begin_epoch(1)
    batches = train.training_batches(torch.randperm(size), recipe, seed=1, epoch=1, views=1)
    for start, views in zip(range(0, STEPS * recipe.batch_size, recipe.batch_size), batches, strict=False):
        step(views, labels[start : start + recipe.batch_size])
    if CASES[name][0] is not None:
        Evaluator(learner, normalise, data).accuracy(data.tests["test"])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["recipe", "batch size", "precision", "peak MB"])
    for name in CASES:
        # Two smaller batches give the published one of the ResNet-50s, as activations grow with the batch.
        for batch_size in ("8", "16") if CASES[name][0] is None else ("",):
            for precision in ("fp32", "bf16"):
                command = [sys.executable, __file__, name, precision, batch_size]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                writer.writerow([name, batch_size or "published", precision, done.stdout.strip()])
                sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:]:
        print(peak(sys.argv[1], sys.argv[2], int(sys.argv[3]) if sys.argv[3] else None))
    else:
        main()
