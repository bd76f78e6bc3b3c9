"""Finished trials of experiments/alf2021-mnist.yaml next to ALF's printed values: docs/measured/mnist.csv.

    snakemake --cores all --configfile experiments/alf2021-mnist.yaml
    python benchmarks/mnist.py results/experiments/alf2021-mnist/trials.csv > docs/measured/mnist.csv

Run it on the machine that trained. With one seed, a cell needs a closer look if it differs from print by more than the
printed std plus 1.5 points.
"""

from __future__ import annotations

import csv
import platform
import sys

import pandas as pd
import torch

# (noise, rate, loss): mean and std over 3 seeds, last epoch; ALF 2021, Table 1 (symmetric) and Table 2 (asymmetric).
PRINTED = {
    ("symmetric", 0.4, "CE"): (73.98, 0.27),
    ("symmetric", 0.8, "CE"): (22.66, 0.61),
    ("symmetric", 0.4, "NCE+RCE"): (98.51, 0.06),
    ("symmetric", 0.8, "NCE+RCE"): (74.00, 1.68),
    ("symmetric", 0.4, "AUL"): (98.90, 0.09),
    ("symmetric", 0.8, "AUL"): (96.73, 0.20),
    ("symmetric", 0.4, "AGCE"): (98.83, 0.06),
    ("symmetric", 0.8, "AGCE"): (96.59, 0.12),
    ("asymmetric", 0.4, "CE"): (82.27, 0.40),
    ("asymmetric", 0.4, "NCE+RCE"): (90.49, 4.04),
    ("asymmetric", 0.4, "AUL"): (98.62, 0.09),
    ("asymmetric", 0.4, "AGCE"): (98.44, 0.11),
}
ALLOWED = 1.5


def main() -> None:
    trials = pd.read_csv(sys.argv[1])
    columns = ["noise", "rate", "loss", "seed", "last", "best", "printed", "printed std", "difference", "as printed"]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*columns, "epochs", "precision", "threads", "machine", "torch", "python", "code"])
    machine = f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}"
    for row in trials[trials.status == "ok"].itertuples():
        mean, std = PRINTED[row.kind, row.rate, row.loss]
        away = row.last_accuracy - mean
        verdict = "yes" if abs(away) <= std + ALLOWED else "no"
        shown = [f"{row.last_accuracy:.2f}", f"{row.best_accuracy:.2f}", f"{mean:.2f}", f"{std:.2f}", f"{away:+.2f}"]
        run = [
            int(row.epochs),
            row.precision,
            int(row.threads),
            machine,
            row.torch,
            platform.python_version(),
            row.code,
        ]
        writer.writerow([row.kind, row.rate, row.loss, row.seed, *shown, verdict, *run])


if __name__ == "__main__":
    main()
