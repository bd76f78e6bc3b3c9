"""What a plan says of the data sets: classes and samples, files left out, and what is doubtful."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from labelnoise import paths
from labelnoise.datasets import image_names
from labelnoise.datasets.own import find_copies
from labelnoise.experiment.datasets import Dataset
from labelnoise.experiment.trials import Trial
from labelnoise.files import read_json_or_nothing


def describe(trials: Iterable[Trial]) -> list[str]:
    """A line per data set: its classes and samples, as far as they are known before it is prepared."""
    lines = []
    for dataset in _datasets(trials):
        info, sizes = dataset.info, dataset.own.description.sizes if dataset.own else {}
        few = ", ".join(info.classes[:5]) + (" …" if len(info.classes) > 5 else "")
        samples = f"{info.train_size} training samples" if info.train_size else "training samples not counted yet"
        tests = ", ".join(f"{size} in {name}" for name, size in sizes.items())
        if not info.test_sets:
            tests = "no test set: losses are compared on held-out noisy labels"
        elif not info.has_clean_tests:
            tests += " (noisy test labels)"
        lines.append(
            f"    {info.name}: {len(info.classes)} classes ({few}), {samples}{f', {tests}' if tests else ''}, labels "
            f"{'noisy as provided' if info.labels == 'given' else 'taken as true'}"
        )
        others = dataset.own.description.others if dataset.own else _prepared(dataset).get("other_files", {})
        if others:
            lines.append(f"    {info.name}: left out by their ending: {image_names.describe(others)}")
    return lines


def warnings(trials: Iterable[Trial], *, look: bool = False) -> Iterator[str]:
    """Yield a warning for what is doubtful in a data set.

    Copies of training images in test sets are known once a data set is prepared; with `look`, its images are compared
    before that, unless it is large.
    """
    for dataset in _datasets(trials):
        name = dataset.info.name
        doubts = list(dataset.own.description.warnings) if dataset.own else []
        copies = _prepared(dataset).get("copies")
        if copies is None and look and dataset.own is not None:
            copies = find_copies(dataset.own, dataset.source)
        yield from (f"{name}: {line}" for line in [*doubts, *(copies or ())])


def _prepared(dataset: Dataset) -> dict[str, Any]:
    return read_json_or_nothing(paths.dataset({"dataset": dataset.identity}) / "dataset.json")


def _datasets(trials: Iterable[Trial]) -> list[Dataset]:
    return list({trial.spec["dataset"]["name"]: trial.dataset for trial in trials}.values())
