"""t-SNE of the features of test images, one panel per loss and noise (first seed)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.analysis.results import Results
from labelnoise.trial_folder import TrialFolder

# More images take minutes a panel and do not show more.
_MOST = 5_000


def draw(results: Results, dataset: str, test_set: str) -> Figure:
    rows = results.rows_of(dataset, test_set)
    rows = rows[rows.seed == results.seeds[0]].set_index(["noise", "label"])
    noises = [noise for noise in results.noises if noise in rows.index.get_level_values("noise")]
    figure, panels = style.grid(len(noises) * len(results.losses), columns=min(len(results.losses), 4), height=1.9)
    classes: list[str] = []
    for axes, (noise, label) in zip(panels, ((n, label) for n in noises for label in results.losses), strict=True):
        axes.set(xticks=[], yticks=[], title=f"{label}\n{results.noise_title(noise)}")
        axes.grid(visible=False)
        axes.set_box_aspect(1)
        folder = TrialFolder(Path(rows.loc[(noise, label)].folder))
        found = read_features(folder, test_set)
        if isinstance(found, str):
            axes.text(0.5, 0.5, found, ha="center", va="center", transform=axes.transAxes, fontsize=6, wrap=True)
            continue
        features, labels = found
        points = embed(features)
        count = int(labels.max()) + 1
        colours = np.array(sns.color_palette("tab10" if count <= 10 else "husl", count))
        axes.scatter(points[:, 0], points[:, 1], c=colours[labels], s=1.5, linewidths=0, rasterized=True)
        classes = [str(number) for number in range(count)] if len(classes) < count else classes
    if classes and len(classes) <= 20:
        colours = sns.color_palette("tab10" if len(classes) <= 10 else "husl", len(classes))
        for name, colour in zip(classes, colours, strict=True):
            panels[0].scatter([], [], color=colour, s=12, label=name)
        style.legend_below(figure, panels[:1], title="true class")
    return figure


def read_features(folder: TrialFolder, test_set: str) -> tuple[np.ndarray, np.ndarray] | str:
    """Features `(N, D)` and true classes `(N,)` of at most 5,000 test images; or what is missing, with the remedy."""
    if not folder.features().exists():
        return "no features kept:\nset run: {keep: [features]},\ndelete the trial's folder,\nrun again"
    with np.load(folder.features()) as file:
        if f"{test_set}_labels" not in file:
            return "features.npz has no labels:\ndelete the trial's folder,\nrun again"
        features, labels = file[f"{test_set}_features"], file[f"{test_set}_labels"]
    chosen = np.linspace(0, len(labels) - 1, min(_MOST, len(labels))).astype(int)
    return features[chosen], labels[chosen]


def embed(features: np.ndarray) -> np.ndarray:
    """The features `(N, D)` in two dimensions, `(N, 2)`; the same for the same features."""
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(features) - 1) / 3)
    points: np.ndarray = TSNE(random_state=0, perplexity=perplexity, init="pca").fit_transform(features)
    return points
