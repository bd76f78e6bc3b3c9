"""Seconds to draw noise, and the memory that instance noise needs besides its data.

    python benchmarks/noise.py > benchmarks/noise.csv

60,000 labels of 10 classes like MNIST, 50,000 of 10 and of 100 like CIFAR; random images of CIFAR's size. Medians of 5
runs, one run for instance noise. The memory is the increase of the process's peak.
"""

from __future__ import annotations

import csv
import resource
import statistics
import sys
import time

import numpy as np

from labelnoise.datasets.catalogue import DATASETS
from labelnoise.noise.catalogue import MAPS, NOISES
from labelnoise.noise.generate import generate

SIZES = {"mnist": 60_000, "cifar10": 50_000, "cifar100": 50_000}


def peak() -> float:
    """Peak memory of this process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    random = np.random.RandomState(0)
    images = random.randint(0, 256, (50_000, 3, 32, 32), dtype=np.uint8)
    generate(np.zeros(4, dtype=np.int64), num_classes=2, noise=noise("instance", "pdn", {}), features=images[:4])
    rows = []
    for name, size in SIZES.items():
        info = DATASETS[name]
        labels = random.permutation(np.arange(size) % len(info.classes))
        for kind in ("symmetric", "asymmetric", "instance"):
            for variant in NOISES[kind].variants:
                maps = info.asymmetric_maps
                if kind == "asymmetric" and MAPS.get(variant, "published") not in maps:
                    continue
                if kind == "instance" and name == "mnist":
                    continue
                content = {"map": maps[MAPS.get(variant, "published")]} if kind == "asymmetric" else {}
                before, seconds = peak(), []
                for _ in range(1 if kind == "instance" else 5):
                    started = time.perf_counter()
                    generate(
                        labels, num_classes=len(info.classes), noise=noise(kind, variant, content), features=images
                    )
                    seconds.append(time.perf_counter() - started)
                rows.append(
                    {
                        "labels": name,
                        "noise": f"{kind} {variant}",
                        "seconds": f"{statistics.median(seconds):.3f}",
                        "MB": round(peak() - before) if kind == "instance" else "",
                    }
                )
    writer = csv.DictWriter(sys.stdout, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def noise(kind: str, variant: str, content: dict[str, object]) -> dict[str, object]:
    return {"kind": kind, "variant": variant, "rate": 0.4, "seed": 1, "version": NOISES[kind].version} | content


if __name__ == "__main__":
    main()
