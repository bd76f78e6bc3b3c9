"""Predicted probability of the given label, on correctly and on wrongly labelled training samples, over snapshots."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.analysis.results import Results
from labelnoise.trial_folder import TrialFolder

_BINS = [i / 20 for i in range(21)]


def draw(results: Results, dataset: str, test_set: str) -> Figure:
    rows = results.rows_of(dataset, test_set)
    rows = rows[(rows.seed == results.seeds[0]) & rows.status.eq("ok")]
    if rows.empty:
        return style.empty("no finished trials")
    labels = {entry["hash"]: Path(entry["labels"]) for entry in results.manifest["trials"]}
    snapshots = [epoch for epoch in results.manifest["snapshots"] if epoch < rows.epochs.max()]
    columns = len(snapshots) + 1
    figure, panels = style.grid(len(rows) * columns, columns=columns, height=1.5, sharex=True, sharey=True)
    shown = ((row, epoch) for row in rows.itertuples() for epoch in [*snapshots, None])  # None: the last epoch
    for axes, (row, epoch) in zip(panels, shown, strict=True):
        axes.set(title=f"{row.label}, {results.noise_title(row.noise)}\nepoch {epoch or int(row.epochs)}")
        axes.set(xlabel="probability of the given label", ylabel="training samples", yscale="log")
        found = read_confidence(TrialFolder(Path(row.folder)), epoch, labels[row.trial])
        if isinstance(found, str):
            axes.text(0.5, 0.5, found, ha="center", va="center", transform=axes.transAxes, fontsize=6)
            continue
        confidence, is_wrong = found
        for which, colour, name in ((~is_wrong, "C0", "correct label"), (is_wrong, "C3", "wrong label")):
            axes.hist(confidence[which], bins=_BINS, color=colour, alpha=0.55, label=name)
    style.label_edges(panels, columns=columns)
    style.legend_below(figure, panels)
    return figure


def read_confidence(folder: TrialFolder, epoch: int | None, labels: Path) -> tuple[np.ndarray, np.ndarray] | str:
    """The probability of each training sample's given label, and whether that is wrong, `(N,)`; or what is missing."""
    predictions = folder.predictions(epoch)
    if not predictions.exists():
        return f"no snapshot: set run: {{snapshots: [{epoch}]}},\ndelete its folder, run again"
    if not labels.exists():
        return f"the label file is missing:\n{labels.name}"
    with np.load(labels) as file:
        noisy, clean = file["noisy_labels"], file.get("clean_labels")
    if clean is None:
        return "unknown: no true labels"
    with np.load(predictions) as file:
        confidence = file["train_confidence"]
        index = file["train_index"] if "train_index" in file else np.arange(len(confidence))
    return confidence, (noisy != clean)[index]
