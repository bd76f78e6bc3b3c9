"""How losses are drawn: distinct looks, which of many stand out, and figures that fit a column of a paper."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from labelnoise import looks
from labelnoise import plot_style as style
from labelnoise.analysis import collect
from labelnoise.analysis.results import Results, read
from labelnoise.figures import accuracy_by_rate, best_last_gap, heatmap, learning_curves, win_rates
from labelnoise.figures.facets import facets, look_order
from support import synthetic

DRAWN = {
    "accuracy_by_rate": lambda results: accuracy_by_rate.draw(results, "digits", "test"),
    "learning_curves": lambda results: learning_curves.draw(results, "digits", "test"),
    "best_last_gap": lambda results: best_last_gap.draw(results, "digits", "test"),
    "heatmap": lambda results: heatmap.draw(results, "digits", "test"),
    "win_rates": win_rates.draw,
}


def lab(colour: str) -> np.ndarray:
    """A colour in CIELAB (D65)."""
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    matrix = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    x, y, z = np.cbrt(np.array(matrix) @ linear / [0.95047, 1, 1.08883])  # all colours used are bright enough
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_colours_of_eight_losses_are_far_apart():
    """A difference of 30 in CIELAB; the nearest two of seaborn's colour-blind palette are 20 apart."""
    for a, b in itertools.combinations([*looks.PALETTE, style.REST], 2):
        assert np.linalg.norm(lab(a) - lab(b)) > 30, (a, b)


def test_thirty_losses_look_different_and_eight_do_in_grey():
    thirty = [looks.look_of(i) for i in range(30)]
    assert len(set(thirty)) == 30
    assert len({(marker, dash) for _, marker, dash in thirty[:8]}) == 8
    assert all(thirty[i][2] != thirty[i + 1][2] for i in range(7))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("looks"))
    yield Path.cwd()
    os.chdir(before)


def made(values: dict[str, object], name: str) -> Results:
    run = synthetic.write(values, Path(f"{name}.yaml"))
    collect.collect(run.products / "manifest.json")
    return read(run.products / "manifest.json")


@pytest.fixture(scope="module")
def many(folder: Path) -> Results:
    """Thirty losses, nine noises, three seeds."""
    return made(synthetic.config(30, 1, 3), "many")


@pytest.fixture(scope="module")
def swept(folder: Path) -> Results:
    """Two losses, and one with ten values of a parameter."""
    losses = ["CE", "GCE", {"loss": "AGCE", "q": 0.5, "a": list(range(1, 11))}]
    return made(synthetic.config(2, 1, 2) | {"losses": losses}, "swept")


def test_the_eight_best_of_many_losses_stand_out(many: Results):
    (facet,) = facets(many, "digits", "test")
    best = many.ranks_of("digits", "test").average_rank.sort_values().index[:8]
    assert set(facet.prominent) == set(best)
    assert len(facet.rest) == 22
    assert len({looks.look_of(look_order(many).index(label))[0] for label in facet.prominent}) == 8


def test_the_config_chooses_the_losses_that_stand_out(folder: Path):
    results = made(synthetic.config(12, 1, 2) | {"figures": {"losses": ["GCE", "MAE"]}}, "chosen")
    (facet,) = facets(results, "digits", "test")
    assert facet.prominent == ["MAE", "GCE"]
    assert len(facet.rest) == 10


def test_swept_losses_have_panels_of_their_own(swept: Results):
    plain, of_agce = facets(swept, "digits", "test")
    assert (plain.title, plain.losses) == ("", ["CE", "GCE"])
    assert of_agce.heading("clean") == "AGCE: clean"
    assert (len(of_agce.prominent), len(of_agce.rest)) == (8, 2)
    titles = [axes.get_title() for axes in accuracy_by_rate.draw(swept, "digits", "test").axes]
    assert titles == ["symmetric", "asymmetric", "AGCE: symmetric", "AGCE: asymmetric"]


def test_noises_of_a_kind_share_rows(many: Results):
    figure = learning_curves.draw(many, "digits", "test")
    rows: dict[float, set[str]] = {}
    for axes in figure.axes:
        rows.setdefault(round(axes.get_subplotspec().rowspan.start), set()).add(axes.get_title().split(" ")[0])
    assert all(len(kinds) == 1 for kinds in rows.values())


def test_accuracy_axis_shows_chance_and_spreads_high_accuracies(many: Results):
    axes = accuracy_by_rate.draw(many, "digits", "test").axes[0]
    (chance,) = [line for line in axes.lines if line.get_label() == "chance"]
    assert set(chance.get_ydata()) == {10.0}
    place = axes.transData.transform
    assert place((0, 98))[1] - place((0, 90))[1] > place((0, 50))[1] - place((0, 20))[1]


@pytest.mark.parametrize("kind", DRAWN)
def test_figures_fit_and_clip_no_text(many: Results, kind: str, tmp_path: Path):
    style.apply()
    figure: Figure = DRAWN[kind](many)
    style.save(figure, tmp_path / kind)
    width, height = figure.get_size_inches()
    if kind != "win_rates":  # thirty columns need more
        assert width <= style.ONE_COLUMN + 0.2
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    limit = np.array([width, height]) * figure.dpi + 1
    for axes in figure.axes:
        box = axes.get_tightbbox(canvas.get_renderer())
        assert min(box.x0, box.y0) >= -1, (kind, axes.get_title())
        assert (np.array([box.x1, box.y1]) <= limit).all(), (kind, axes.get_title())


def test_heat_maps_of_all_data_sets_share_their_colours_and_mark_the_best(many: Results):
    figure = heatmap.draw(many, "digits", "test")
    assert figure.axes[0].images[0].get_clim() == (0.0, 100.0)
    bold = [text for text in figure.axes[0].texts if text.get_fontweight() == "bold"]
    assert len(bold) >= 9  # one per noise
    assert any("†" in text.get_text() for text in figure.axes[0].texts)
