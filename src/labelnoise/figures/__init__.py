"""Figures as SVG and PNG, one module per kind. Reads result files only; never imports torch.

A new figure is a module with `draw(results, dataset, test_set) -> matplotlib Figure` and one entry in FIGURES, or in
EXTRA (and labelnoise.manifest.EXTRA_FIGURES) if experiments are to ask for it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from labelnoise.files import read_json_or_nothing, replacing_folder

if TYPE_CHECKING:
    from labelnoise.analysis.cells import Results

# module → what the figure shows; also its caption in the report.
FIGURES: dict[str, str] = {
    "accuracy_by_rate": "Last-epoch test accuracy against the noise rate; bands are ± one sample standard deviation "
    "over seeds.",
    "learning_curves": "Test accuracy over epochs; bands are ± one sample standard deviation over seeds. A "
    "falling curve has begun to fit wrong labels.",
    "memorisation": "Share of the wrong labels that the network reproduces on its own training samples, over epochs "
    "(from the training forward passes). At 100 % every wrong label is memorised.",
    "transition_matrices": "Requested and actual transition matrices (first seed), one row per true class.",
    "best_last_gap": "What early stopping on the test set would have gained: best minus last-epoch test accuracy, in "
    "points; a robust loss gains little. Marks are seeds.",
    "heatmap": "Last-epoch test accuracy of every loss under every noise, mean over seeds.",
}

# Figures of experiments that name a paper, and those of which an experiment asks for with `figures:`.
PUBLISHED: dict[str, str] = {
    "against_print": "Measured against printed last-epoch test accuracy; bars are ± one sample standard deviation.",
}
EXTRA: dict[str, str] = {
    "tsne": "t-SNE of the features (the classifier's input) of at most 5,000 test images, first seed; colours are the "
    "true classes. Distances between clusters have no meaning.",
    "confidence_histograms": "Predicted probability of the given label on training samples with correct and with wrong "
    "labels, first seed. A wrong label at 1 is memorised.",
    "parameter_sweep": "Last-epoch test accuracy over the swept parameters of a loss, mean ± one sample standard "
    "deviation over seeds. Dotted and red lines: where the papers' condition for asymmetric losses begins to hold, in "
    "a heat map for its row; without a line it is unknown, or holds for every or for no value.",
}


def draw_all(manifest_path: Path) -> None:
    """Draw every figure of the experiment as SVG and PNG in its figures/."""
    from labelnoise import plot_style as style
    from labelnoise.analysis.cells import read

    results = read(manifest_path)
    style.apply([*results.losses, *map(results.noise_title, results.noises), *_class_names(results)])
    with replacing_folder(results.folder / "figures") as folder:
        results.stamp(folder)
        for dataset, test_set, name, kind in figures_of(results):
            figure = importlib.import_module(f"labelnoise.figures.{kind}").draw(results, dataset, test_set)
            style.save(figure, folder / name)


def kinds(results: Results) -> dict[str, str]:
    """The kinds of figures of an experiment, with their captions."""
    published = results.manifest["published"]
    extra = {kind: EXTRA[kind] for kind in results.manifest["figures"]}
    return extra | (PUBLISHED if published and published["cells"] else {}) | FIGURES


def _class_names(results: Results) -> list[str]:
    """The classes of every data set, read from the audits of its label files."""
    classes: dict[str, list[str]] = {}
    for entry in results.manifest["trials"]:
        if entry["dataset"] not in classes:
            audit = read_json_or_nothing(Path(entry["labels"]).with_suffix(".json"))
            classes[entry["dataset"]] = audit.get("classes", [])
    return [name for names in classes.values() for name in names]


def figures_of(results: Results) -> Iterator[tuple[str, str, str, str]]:
    """Yield (data set, test set, file stem, kind) for every figure of an experiment."""
    for dataset in results.datasets:
        test_sets = results.test_sets(dataset)
        for test_set in test_sets:
            for kind in kinds(results):
                yield (
                    dataset,
                    test_set,
                    "-".join([dataset, *([test_set] if len(test_sets) > 1 else []), kind]),
                    kind,
                )
