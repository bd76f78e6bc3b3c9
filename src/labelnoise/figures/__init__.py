"""Figures as SVG, PDF and PNG, one module per kind. Reads result files only; never imports torch.

A new figure is a module with `draw(results, dataset, test_set) -> matplotlib Figure` and one entry in FIGURES, or in
EXTRA (and labelnoise.manifest.EXTRA_FIGURES) if experiments are to ask for it. One of the whole experiment has
`draw(results)` and an entry in OVERALL.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelnoise.files import read_json_or_nothing, replacing_folder

if TYPE_CHECKING:
    from labelnoise.analysis.results import Results

# module → what the figure shows; also its caption in the report.
FIGURES: dict[str, str] = {
    "accuracy_by_rate": "Last-epoch test accuracy against the noise rate; bars are ± one sample standard deviation "
    "over seeds. The axis is logarithmic in the error.",
    "learning_curves": "Test accuracy over epochs; bands are ± one sample standard deviation over seeds. A "
    "falling curve has begun to fit wrong labels.",
    "memorisation": "Share of the wrong labels that the network reproduces on its own training samples, over epochs "
    "(from the training forward passes). At 100 % every wrong label is memorised.",
    "transition_matrices": "Requested and actual transition matrices (first seed), one row per true class.",
    "best_last_gap": "What early stopping on the test set would have gained: best minus last-epoch test accuracy, in "
    "points; a robust loss gains little. Black marks are seeds, grey ones the means of the other losses.",
    "heatmap": "Last-epoch test accuracy of every loss under every noise, mean over seeds. The best of a column is "
    "framed; † is not separable from it. Colours are the same for every data set.",
}

# Figures of the whole experiment.
OVERALL: dict[str, str] = {
    "win_rates": "How often the loss of a row has a higher last-epoch test accuracy than that of a column, over data "
    "sets (the first test set of each), noises and seeds; ties count half. Best on top.",
    "critical_difference": "Average ranks of last-epoch test accuracy over blocks: data set × kind of noise (clean "
    "labels are one kind), rates averaged. Losses under one bar are not separated (Friedman, then Wilcoxon with Holm's "
    "adjustment, 5 %).",
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
    """Draw every figure of the experiment as SVG, PDF and PNG in its figures/."""
    from labelnoise import plot_style as style
    from labelnoise.analysis.results import read

    results = read(manifest_path)
    style.apply([*results.losses, *map(results.noise_title, results.noises), *_class_names(results)])
    with replacing_folder(results.folder / "figures") as folder:
        results.stamp(folder)
        for dataset, test_set, name, kind in figures_of(results):
            style.save(_module(kind).draw(results, dataset, test_set), folder / name)
        for kind in overall(results):
            style.save(_module(kind).draw(results), folder / kind)


def _module(kind: str) -> Any:
    return importlib.import_module(f"labelnoise.figures.{kind}")


def overall(results: Results) -> dict[str, str]:
    """The figures of the whole experiment, with their captions; a critical-difference diagram only if there is one."""
    noisy = results.manifest["noisy_tests"]
    note = f" Of {', '.join(noisy)} it is the agreement with noisy labels." if noisy else ""
    from labelnoise.analysis.blocks import why_no_critical_difference

    left_out = set() if why_no_critical_difference(results) is None else {"critical_difference"}
    return {kind: caption + note for kind, caption in OVERALL.items() if kind not in left_out}


def kinds(results: Results) -> dict[str, str]:
    """The kinds of figures of an experiment, with their captions."""
    published = results.manifest["published"]
    extra = {kind: EXTRA[kind] for kind in results.manifest["figures"]}
    return extra | (PUBLISHED if published and published["cells"] else {}) | FIGURES


def caption(kind: str, results: Results, dataset: str) -> str:
    """The caption of a figure of the data set, which says so if test labels may be wrong."""
    text = kinds(results)[kind]
    for article in ("test accuracy", "Test accuracy"):
        named = results.accuracy(dataset)
        text = text.replace(article, named if article.islower() else named[0].upper() + named[1:])
    return text


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
        for test_set in results.test_sets(dataset):
            for kind in kinds(results):
                yield dataset, test_set, f"{results.stem(dataset, test_set)}-{kind}", kind
