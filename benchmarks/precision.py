"""bf16 against fp32 on digits: last-epoch test accuracy of pairs of trials that differ only in precision.

    python benchmarks/precision.py      # writes docs/measured/precision.csv

Forty seeds × four losses under symmetric 0.4, the default recipe (ten leave an interval of ± 0.6 points). Per loss and
over all pairs: mean accuracies, mean difference (bf16 − fp32) and its 90 % t-interval, in points.
"""

from __future__ import annotations

import csv
import itertools
import multiprocessing
import platform
import tempfile
from pathlib import Path

import numpy as np
import torch
from digits_trials import prepare, trained
from scipy import stats

from labelnoise.experiment.config_file import ConfigFile
from labelnoise.experiment.trials import expand

ROOT = Path(__file__).parent.parent
PRECISIONS = ("fp32", "bf16")
CONFIG = {
    "datasets": ["digits"],
    "noise": [{"kind": "symmetric", "rate": 0.4}],
    "losses": ["CE", "NCE+RCE", "ANL-CE", "JAL-CE"],
    "preset": {"name": "jal2025", "dataset": "cifar10"},
    "seeds": list(range(1, 41)),
}


def last_accuracy(job: tuple[str, dict, str]) -> float:
    """Test accuracy (%) after the last epoch of one trial."""
    folder, spec, precision = job
    return trained(Path(folder), spec, precision=precision).metrics[-1]["test_accuracy"]


def row(name: str, pairs: np.ndarray) -> dict[str, object]:
    """The row for accuracies `(n, 2)` in fp32 and bf16."""
    difference = pairs[:, 1] - pairs[:, 0]
    low, high = stats.t.interval(0.9, len(pairs) - 1, loc=difference.mean(), scale=stats.sem(difference))
    return {
        "loss": name,
        "pairs": len(pairs),
        "fp32": f"{pairs[:, 0].mean():.2f}",
        "bf16": f"{pairs[:, 1].mean():.2f}",
        "difference": f"{difference.mean():+.2f}",
        "from": f"{low:+.2f}",
        "to": f"{high:+.2f}",
        "inside half a point": "yes" if max(-low, high) < 0.5 else "no",
        "machine": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
        "torch": torch.__version__,
    }


def main() -> None:
    _, trials = expand(ConfigFile("config.yaml", CONFIG))
    with tempfile.TemporaryDirectory() as folder, multiprocessing.get_context("spawn").Pool(2) as pool:
        prepare(Path(folder))
        jobs = [(folder, trial.spec, precision) for trial, precision in itertools.product(trials, PRECISIONS)]
        pairs = np.array(pool.map(last_accuracy, jobs, chunksize=1)).reshape(-1, 2)
    by_loss = {name: pairs[[trial.label == name for trial in trials]] for name in CONFIG["losses"]}
    rows = [*(row(name, own_pairs) for name, own_pairs in by_loss.items()), row("all", pairs)]
    path = ROOT / "docs" / "measured" / "precision.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(path.read_text())


if __name__ == "__main__":
    main()
