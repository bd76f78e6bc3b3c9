"""How well `labelnoise choose` chooses, and how many of its first suspects are wrong, where the truth is known.

    python benchmarks/choose.py FOLDER digits symmetric 0.4
    python benchmarks/choose.py FOLDER mnist asymmetric 0.3 --files DIR --size 10000 --epochs 10

Works in FOLDER, which must be new: hides the true labels, runs `labelnoise choose --run`, and then uses them. With
cleanlab installed, its ranking of the same held-out probabilities is measured too.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from labelnoise import results, suspects
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.models import catalogue as models
from labelnoise.noise.generate import generate
from labelnoise.noise.resolve import resolve_noise
from labelnoise.training.data import Normalise
from labelnoise.training.recipe import Recipe
from labelnoise.trial_folder import TrialFolder

ROOT = Path(__file__).parents[1]
FIRST = 200


def prepare(options: argparse.Namespace) -> dict[str, np.ndarray]:
    """Write mine.npz with noisy labels only; returns the true labels and the clean test set."""
    info = DATASETS[options.dataset]
    loaded = info.load(info, options.files)
    images, true = loaded.images["train"][: options.size], loaded.labels["train"][: options.size]
    noise = resolve_noise(options.kind, rate=options.rate, classes=info.classes, maps=info.asymmetric_maps)
    noisy = generate(true, num_classes=len(info.classes), noise=noise | {"seed": 1})
    np.savez("mine.npz", x_train=images, y_train=noisy)
    return {"true": true, "given": noisy, "x_test": loaded.images["test"], "y_test": loaded.labels["test"]}


def run(epochs: int | None) -> None:
    command = [sys.executable, "-m", "labelnoise", "choose", "mine.npz"]
    subprocess.run([*command, *(["--epochs", str(epochs)] if epochs else [])], check=True)
    with Path("experiments/choose-mine.yaml").open("a") as file:
        file.write("run: {keep: [weights]}\n")
    subprocess.run([*command, "--run"], check=True)


def clean_accuracies(held: dict[str, np.ndarray]) -> None:
    """Print each loss's accuracy on the clean test set beside its agreement with held-out noisy labels."""
    loaded = results.load("results/experiments/choose-mine")
    images = torch.from_numpy(held["x_test"])
    accuracies: dict[str, list[tuple[float, float]]] = {}
    for row in loaded.trials.itertuples():
        folder = loaded.folder(row.trial)
        recipe = Recipe(**folder.read_result()["spec"]["recipe"])
        model = models.create(recipe.model, num_classes=int(held["true"].max()) + 1, channels=images.shape[1]).eval()
        model.load_state_dict(torch.load(folder.weights(), weights_only=True)["model"])
        normalise = Normalise(recipe, torch.device("cpu"))
        with torch.no_grad():
            predicted = torch.cat([model(normalise(batch)) for batch in images.split(1000)]).argmax(1).numpy()
        accuracies.setdefault(row.label, []).append((100 * (predicted == held["y_test"]).mean(), row.last_accuracy))
    print(f"{'loss':<10} {'clean test accuracy':>20} {'agreement with held-out noisy labels':>38}")
    for label, pairs in sorted(accuracies.items(), key=lambda item: -np.mean([clean for clean, _ in item[1]])):
        clean, noisy = np.mean(pairs, axis=0)
        print(f"{label:<10} {clean:>20.2f} {noisy:>38.2f}")


def precision(held: dict[str, np.ndarray]) -> None:
    """Print the share of wrong labels among the first suspects, also by cleanlab on the same probabilities."""
    manifest = json.loads(Path("results/experiments/choose-mine-suspects/manifest.json").read_text())
    trials = [suspects.read(TrialFolder(Path(entry["folder"]))) for entry in manifest["trials"]]
    given, wrong = held["given"], held["given"] != held["true"]
    probabilities = suspects.held_out_probabilities(trials, len(given), int(held["true"].max()) + 1)
    order, _ = suspects.rank(probabilities, given)
    print(f"{100 * wrong.mean():.1f} % of the labels are wrong; labelnoise lists {len(order)} suspects")
    print(f"wrong among the first {FIRST}: {100 * wrong[order[:FIRST]].mean():.1f} %")
    if importlib.util.find_spec("cleanlab") is None:
        print("cleanlab is not installed")
        return
    from cleanlab.filter import find_label_issues

    mean = probabilities.mean(axis=0).astype(np.float64)
    for by in ("self_confidence", "normalized_margin"):
        issues = find_label_issues(given, mean / mean.sum(axis=1, keepdims=True), return_indices_ranked_by=by)
        share = 100 * wrong[issues[:FIRST]].mean()
        print(f"cleanlab by {by}: {len(issues)} issues, {share:.1f} % wrong in the first {FIRST}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("dataset")
    parser.add_argument("kind")
    parser.add_argument("rate", type=float)
    parser.add_argument("--files", type=Path, default=Path(), help="the folder with the data set's official files")
    parser.add_argument("--size", type=int, help="only the first so many training samples")
    parser.add_argument("--epochs", type=int)
    options = parser.parse_args()
    options.files = options.files.resolve()
    options.folder.mkdir(parents=True)
    os.chdir(options.folder)
    for name in ("Snakefile", "workflow", "profiles"):
        Path(name).symlink_to(ROOT / name)
    held = prepare(options)
    run(options.epochs)
    clean_accuracies(held)
    precision(held)


if __name__ == "__main__":
    main()
