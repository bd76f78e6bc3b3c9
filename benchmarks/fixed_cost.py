"""What a digits trial costs besides its training: interpreter, imports, files, Snakemake's share.

    python benchmarks/fixed_cost.py        prints the table of benchmarks/README.md, about 2 minutes on two cores

Every row is the median of 7 runs after one run to warm the disk cache, on one CPU thread.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from labelnoise import labelling, paths
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.store import prepare
from labelnoise.experiment.config_file import read
from labelnoise.experiment.trials import expand
from labelnoise.files import write_json

ROOT = Path(__file__).parent.parent
RUNS = 7
JOBS = 200

TRIVIAL = f"""
rule all:
    input: expand("out/{{i}}", i=range({JOBS}))
rule one:
    output: "out/{{i}}"
    shell: "touch {{output}}"
"""


def seconds(*command: str, before=lambda: None) -> float:
    """Median wall seconds of a command; `before` runs, untimed, before each run."""
    durations = []
    for _ in range(RUNS + 1):
        before()
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        durations.append(time.perf_counter() - started)
    return statistics.median(durations[1:])


def python(code: str) -> float:
    return seconds(sys.executable, "-c", code)


def trial(epochs: int) -> float:
    """Seconds of a whole `labelnoise train` with so many epochs."""
    spec = json.loads(Path("spec.json").read_text())
    spec["recipe"]["epochs"] = epochs
    write_json(Path("timed.json"), spec)
    command = [sys.executable, "-m", "labelnoise", "train", "--spec", "timed.json", "--out", "timed"]
    return seconds(*command, before=lambda: shutil.rmtree("timed", ignore_errors=True))


def snakemake_share() -> float:
    """Seconds per job of many jobs that do nothing, run one at a time, with the default profile's settings."""
    Path("Trivial").write_text(TRIVIAL)
    options = ["--scheduler", "greedy", "--rerun-triggers", "mtime", "--nolock", "--quiet", "all"]
    started = time.perf_counter()
    command = [sys.executable, "-m", "snakemake", "-s", "Trivial", "--cores", "1", *options]
    subprocess.run(command, check=True, capture_output=True)
    return (time.perf_counter() - started) / JOBS


def main() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    spec = expand(read(ROOT / "config.yaml"))[1][-1].spec
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        prepare(DATASETS["digits"], Path(), paths.dataset(spec))
        labelling.write_for_trial(spec, None, paths.labels(spec))
        write_json(Path("spec.json"), spec)
        short, long = trial(1), trial(spec["recipe"]["epochs"])
        epoch = (long - short) / (spec["recipe"]["epochs"] - 1)
        rows = {
            "interpreter": python("pass"),
            "import torch, ordinary exit": python("import torch"),
            "import torch, no garbage collection, immediate exit": python(
                "import gc; gc.disable(); import torch, os; os._exit(0)"
            ),
            "the same and one step of torch.optim.SGD": python(
                "import gc; gc.disable(); import torch, os; p = torch.nn.Parameter(torch.zeros(1)); "
                "p.grad = torch.zeros(1); torch.optim.SGD([p], lr=1).step(); os._exit(0)"
            ),
            "whole trial": long,
            "its training": epoch * spec["recipe"]["epochs"],
            "its fixed cost": short - epoch,
            f"Snakemake's share of a job ({JOBS} that do nothing)": snakemake_share(),
        }
        os.chdir(ROOT)
    print("| what | seconds |\n|---|---:|")
    for name, value in rows.items():
        print(f"| {name} | {value:.2f} |")


if __name__ == "__main__":
    main()
