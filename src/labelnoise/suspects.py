"""suspects.csv: the training labels that a network disagrees with most, each judged by networks not trained on it.

Cross-fitting: for every seed the folds of an experiment hold out each sample once, so that no label is judged from a
network's memory of it. Labels are ranked by the mean margin p(given) − max p(other) over seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise import manifest as manifests
from labelnoise import paths
from labelnoise.datasets import store
from labelnoise.errors import UserError
from labelnoise.files import canonical_hash, read_json, write_csv
from labelnoise.noise import label_file
from labelnoise.trial_folder import HELD_OUT, Status, TrialFolder

COLUMNS = ("rank", "index", "file", "given", "predicted", "confidence", "agreement", "margin")

# The message states the precision of the first so many suspects if the true labels are known.
_FIRST = 200


def write(manifest_path: Path) -> str:
    """Write suspects.csv beside the manifest, and say what is in it.

    One row per label that the mean prediction contradicts, the most suspicious first: `index` or `file` of the sample,
    the `given` and the `predicted` class, the mean probability of the latter (`confidence`), the share of seeds whose
    network predicts that class (`agreement`), and the mean `margin`. Raises `UserError` unless the experiment has one
    loss on one data set and noise, with all folds of every seed finished.
    """
    manifest = manifests.read(manifest_path)
    trials = [read(TrialFolder(Path(entry["folder"]))) for entry in manifest["trials"]]
    spec = _common_spec(trials, manifest_path)
    prepared = store.open_prepared(paths.dataset(spec), spec["dataset"])
    given, true = label_file.read(paths.labels(spec), np.array(prepared.train.labels))
    probabilities = held_out_probabilities(trials, len(given), prepared.num_classes)
    order, columns = rank(probabilities, given)
    rows = [
        {
            "rank": place,
            "index": i,
            "file": None if prepared.train.files is None else prepared.train.files[i].decode(),
            "given": prepared.classes[given[i]],
            "predicted": prepared.classes[columns["predicted"][i]],
            **{key: f"{columns[key][i]:.4f}" for key in ("confidence", "agreement", "margin")},
        }
        for place, i in enumerate(order.tolist(), start=1)
    ]
    path = manifest_path.parent / "suspects.csv"
    write_csv(path, rows, COLUMNS)
    seeds = len({trial["seed"] for trial, _ in trials})
    said = (
        f"{path}: {len(rows)} of {len(given)} labels are contradicted by held-out predictions of {seeds} seeds. If in "
        "some class a wrong label is as frequent as the true one, this list may be worse than chance: look at samples "
        "of every class before you trust it"
    )
    if true is None or not len(order):
        return said
    first = order[:_FIRST]
    wrong = int((given[first] != true[first]).sum())
    return f"{said}; of the first {len(first)}, {wrong} ({100 * wrong / len(first):.1f} %) are wrong by the true labels"


def rank(probabilities: np.ndarray, given: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Order the labels `given` `(N,)` that the mean of `probabilities` `(seeds, N, K)` contradicts, by their margin.

    Returns their indices, and of all samples the predicted class, confidence, agreement and margin, each `(N,)`.
    """
    mean = probabilities.mean(axis=0)
    samples = np.arange(len(given))
    predicted = mean.argmax(axis=1)
    others = mean.copy()
    others[samples, given] = -1
    margin = mean[samples, given] - others.max(axis=1)
    columns = {
        "predicted": predicted,
        "confidence": mean[samples, predicted],
        "agreement": (probabilities.argmax(axis=2) == predicted).mean(axis=0),
        "margin": margin,
    }
    order = np.argsort(margin, kind="stable")
    return order[predicted[order] != given[order]], columns


def held_out_probabilities(
    trials: list[tuple[dict[str, Any], Mapping[str, np.ndarray]]], size: int, num_classes: int
) -> np.ndarray:
    """The probabilities `(seeds, N, K)` of every sample by the networks that were not trained on it."""
    by_seed: dict[int, np.ndarray] = {}
    for spec, arrays in trials:
        of_seed = by_seed.setdefault(spec["seed"], np.full((size, num_classes), np.nan, dtype=np.float32))
        of_seed[arrays["validation_index"]] = held_out(arrays)
    for seed, of_seed in by_seed.items():
        if missing := int(np.isnan(of_seed).any(axis=1).sum()):
            raise UserError(
                f"seed {seed}: {missing} of {size} samples are never held out; train every fold, such as "
                "train: {validation: 0.2, fold: [1, 2, 3, 4, 5]}"
            )
    return np.stack(list(by_seed.values()))


def held_out(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """The probabilities `(n, K)` of the samples that a trial held out, from its predictions."""
    return next(arrays[name] for name in (f"{HELD_OUT}_probabilities", "validation_probabilities") if name in arrays)


def read(folder: TrialFolder) -> tuple[dict[str, Any], Mapping[str, np.ndarray]]:
    """The spec and the predictions of a finished trial that held samples out."""
    if folder.status != Status.OK:
        raise UserError(f"{folder.path} has no result that is ok ({folder.status}); run snakemake again")
    spec = read_json(folder.result, "result")["spec"]
    with np.load(folder.predictions(), allow_pickle=False) as file:
        arrays = dict(file)
    if "validation_index" not in arrays:
        raise UserError(f"{folder.path} held no samples out; set train: {{validation: 0.2, fold: [1, 2, 3, 4, 5]}}")
    return spec, arrays


def _common_spec(trials: list[tuple[dict[str, Any], Any]], manifest_path: Path) -> dict[str, Any]:
    """The spec of the first trial, if the others differ only in their seed and fold."""

    def without(spec: dict[str, Any]) -> str:
        recipe = {key: value for key, value in spec["recipe"].items() if key != "fold"}
        return canonical_hash(spec | {"seed": None, "recipe": recipe})

    if len({without(spec) for spec, _ in trials}) != 1:
        raise UserError(
            f"{manifest_path}: suspects need one loss on one data set and one label file, with every fold; "
            "`labelnoise choose` writes such an experiment"
        )
    return trials[0][0]
