"""Tables: what is marked, what captions say, and how every format prints it."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest

from labelnoise import recipe_notes
from labelnoise.analysis import formats, results, summary, tables
from labelnoise.analysis.metrics import METRICS
from labelnoise.analysis.statistics import average_ranks


def trials(values: dict[tuple[str, str], list[float | None]]) -> pd.DataFrame:
    """Rows of trials.csv for (label, noise) → last-epoch accuracies; None is a failed trial."""
    rows = [
        {"label": label, "noise": noise, "seed": seed, "last_accuracy": value, "trial": f"{label}{noise}{seed}",
         "best_accuracy": value, "validated_accuracy": None, "memorised": None, "detection_auroc": None,
         "detection_precision": None,
         "status": "failed" if value is None else "ok", "dataset": "d", "test_set": "test",
         "kind": noise.partition("-")[0]}
        for (label, noise), accuracies in values.items()
        for seed, value in enumerate(accuracies)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def table(rows: pd.DataFrame, highlight: str = "best_second") -> tables.Table:
    losses, noises = rows.label.unique().tolist(), rows.noise.unique().tolist()
    manifest = {"experiment": None, "highlight": highlight, "noise_seed": "same", "datasets": ["d"],
                "losses": losses, "noises": noises,
                "noise_headings": {name: name.rpartition("-")[::2] for name in noises},
                "recipes": [], "trials": [], "noisy_tests": [], "seeds": rows.seed.unique().tolist()}  # fmt: skip
    return next(tables.tables(results.from_trials(manifest, rows)))


ROWS = trials(
    {
        ("A", "symmetric-0.2"): [90.0, 91.0, 92.0],
        ("B", "symmetric-0.2"): [91.004, 91.0, 91.0],
        ("C", "symmetric-0.2"): [80.0, None, 82.0],
        ("D & <co>", "symmetric-0.2"): [70.0, 71.0, 72.0],
    }
)


def cell(label: str, noise: str) -> pd.Series:
    rows = summary.summarise(ROWS)
    return rows[(rows.label == label) & (rows.noise == noise) & (rows.metric == "last")].iloc[0]


def test_standard_deviation_divides_by_n_minus_1():
    assert cell("A", "symmetric-0.2")["mean"] == 91
    assert cell("A", "symmetric-0.2")["std"] == pytest.approx(1.0)  # divided by n it would be 0.816


def test_cell_with_a_failed_seed_has_no_mean():
    incomplete = cell("C", "symmetric-0.2")
    assert pd.isna(incomplete["mean"])
    assert (incomplete["n"], incomplete["seeds"]) == (2, 3)
    assert "– 2/3" in formats.as_markdown(tables.as_grid(table(ROWS)))


def test_single_seed_has_a_mean_but_no_deviation():
    text = formats.as_markdown(tables.as_grid(table(trials({("A", "clean"): [90.0]}))))
    assert "90.00" in text
    assert "±" not in text.split("\n", 1)[1]
    assert "n = 1 seed, so no deviation" in text


def test_means_that_print_alike_are_marked_alike():
    means = table(ROWS).cells["mean"].xs("symmetric-0.2", level="noise")
    assert tables.marks(means, "best_second") == {"A": "bold", "B": "bold"}  # no second: two share the first rank


@pytest.mark.parametrize(
    ("highlight", "marked"), [("best", 1), ("best_second", 1), ("top2", 2), ("top3", 3), ("tied", 1)]
)
def test_highlight_marks_as_configured(highlight: str, marked: int):
    rows = trials({(name, "clean"): [value, value] for name, value in zip("ABCD", (4.0, 3.0, 2.0, 1.0), strict=True)})
    text = formats.as_markdown(tables.as_grid(table(rows, highlight)))
    assert text.count("**") == 2 * marked
    assert text.count("<u>") == (1 if highlight == "best_second" else 0)


def test_caption_says_n_and_what_the_deviation_includes():
    caption = table(ROWS).caption
    assert "PARTIAL: 1 of 12 trials have no accuracy" in caption
    assert "n = 3 seeds, each with its own noise draw" in caption
    assert "sample standard deviation" in caption


def test_labels_are_escaped_in_every_format():
    made = table(ROWS)
    assert r"D \& \textless{}co\textgreater{}" in formats.as_latex(tables.as_grid(made))
    assert "D &amp; &lt;co&gt;" in formats.as_html(tables.as_grid(made))


def test_csv_holds_numbers():
    from io import StringIO

    frame = pd.read_csv(StringIO(tables.as_csv(table(ROWS))), index_col="loss")
    assert frame.loc["A", "symmetric-0.2 mean"] == 91
    assert frame.loc["C", "symmetric-0.2 n"] == 2
    assert pd.isna(frame.loc["C", "symmetric-0.2 mean"])


# Environment columns other than code, torch, device, precision and threads.
SAME = {"cpu_capability": "AVX512", "cuda": None, "cudnn": None}


def test_different_cpus_are_reported():
    rows = ROWS.assign(code="a", precision="fp32", torch="2.11", device=["EPYC"] * 6 + ["Xeon"] * 6, threads=1, **SAME)
    notes = results.environment_mismatches(rows.assign(cpu_capability=["AVX512"] * 6 + ["AVX2"] * 6))
    assert notes == [
        "The compared trials used different devices: EPYC (6), Xeon (5).",
        "The compared trials used different CPU capabilities: AVX512 (6), AVX2 (5).",
    ]


def test_marks_and_ranks_follow_the_number_as_printed():
    """At x.xx5 pandas' `round` and the printed number differ: 0.285 is 0.28 by `round` and 0.28 or 0.29 in print."""
    pairs = [(value, float(f"{value:.2f}")) for value in (2.675, 1.005, 90.125, 90.135, 90.145, 0.285)]
    assert any(round(pd.Series([value]), 2)[0] != printed for value, printed in pairs)
    for value, printed in pairs:
        assert tables.marks(pd.Series({"A": value, "B": printed}), "best") == {"A": "bold", "B": "bold"}, value
        means = pd.DataFrame({"clean": [value, printed]}, index=["A", "B"])
        assert average_ranks(means).to_dict() == {"A": 1.5, "B": 1.5}, value


def test_different_code_versions_are_reported():
    rows = ROWS.assign(code=["a"] * 11 + ["b"], precision="fp32", torch="2.11", device="cpu", threads=1, **SAME)
    (note,) = results.environment_mismatches(rows)
    assert note == "The compared trials used different code versions: a (10), b (1)."


@pytest.mark.parametrize("label", ["2", "0.5", "2.50", "NA", "nan", "None", "1e5"])
def test_label_that_looks_like_a_number_or_missing_value_stays_text(label: str):
    from labelnoise.analysis import trials_csv

    trials_text = trials({(label, "clean"): [90.0, 92.0]}).to_csv(index=False).encode()
    assert trials_csv.parse(trials_text).label.tolist() == [label, label]
    for made in (summary.summarise, summary.rank):
        frame = made(trials_csv.parse(trials_text))
        assert set(trials_csv.parse(frame.to_csv(index=False).encode()).label) == {label}


def test_measure_of_which_nothing_is_known_has_no_table():
    manifest_rows = trials({("A", "clean"): [1.0, 2.0]})
    assert set(summary.summarise(manifest_rows).metric) == {"last", "best"}
    assert set(METRICS) > {"last", "best"}


def test_ties_are_marked_in_every_format():
    rows = trials(
        {("A", "clean"): [90.0, 91.0, 92.5], ("B", "clean"): [90.5, 90.6, 92.0], ("C", "clean"): [70.0, 71.0, 72.0]}
    )
    grid = tables.as_grid(table(rows, "best"))
    assert "91.03 ± 0.84 †" in formats.as_markdown(grid)
    assert r"91.03 $\pm$ 0.84$^\dagger$" in formats.as_latex(grid)
    assert "class='tied'>91.03 ± 0.84" in formats.as_html(grid)
    for text in (formats.as_markdown(grid), formats.as_latex(grid)):
        assert text.count("†") + text.count("dagger") == 2  # the caption explains it, and only B has it
    assert "± 4.3 · s/√3" in table(rows).caption
    bold = formats.as_markdown(tables.as_grid(table(rows, "tied")))
    assert "**91.17 ± 1.26**" in bold
    assert "**91.03 ± 0.84**" in bold
    assert "**71.00 ± 1.00**" not in bold
    assert "†" not in bold


def test_html_headings_stand_over_their_own_columns():
    columns = [formats.Column("sym", "0.2"), formats.Column("asym", "0.2"), formats.Column("sym", "0.4")]
    cells = [formats.Cell((formats.Line(text),), 1.0) for text in ("a", "b", "c")]
    html = formats.as_html(formats.Grid("g", "caption", columns, {"CE": cells}))
    assert re.findall(r"<span>(\w+)</span>", html) == ["sym", "asym", "sym"]


def test_one_seed_ties_nothing_and_the_caption_says_so():
    made = table(trials({("A", "clean"): [90.0], ("B", "clean"): [90.0]}))
    assert made.cells.tied_with_best.isna().all()
    assert "With one seed no difference can be told from chance" in made.caption


def test_markdown_signs_in_labels_are_escaped():
    assert r"\*x\* \<u\>" in formats.as_markdown(tables.as_grid(table(trials({("*x* <u>", "clean"): [1.0]}))))


def test_caption_says_that_human_labels_are_the_same_for_all_seeds():
    sentence = "Human labels, labels as provided and labels from a file are the same for all seeds"
    assert sentence in table(trials({("A", "human-worst"): [1.0, 2.0]})).caption
    assert sentence not in table(ROWS).caption


def test_caption_mentions_noise_draws_only_for_drawn_noises():
    assert "noise draw" not in table(trials({("A", "clean"): [1.0, 2.0], ("A", "human-worst"): [1.0, 2.0]})).caption
    caption = table(trials({("A", "clean"): [1.0, 2.0], ("A", "symmetric-0.2"): [1.0, 2.0]})).caption
    assert "n = 2 seeds, each with its own noise draw (except clean labels)" in caption


def test_latex_writes_greek_in_math_mode_and_names_a_compiler_for_other_scripts():
    made = table(trials({("GCE α=2, Δ ≤ ΟΚ", "clean"): [1.0, 2.0], ("猫", "clean"): [1.0, 2.0]}))
    latex = formats.as_latex(tables.as_grid(made))
    assert r"GCE $\alpha$=2, $\Delta$ $\leq$ OK" in latex
    assert "% for 猫 compile with XeLaTeX or LuaLaTeX" in latex
    assert "compile with" not in formats.as_latex(tables.as_grid(table(ROWS)))


def test_figures_use_fonts_that_cover_the_labels_and_warn_if_none_does(capsys):
    from labelnoise import plot_style as style

    assert style.fonts_for(["αβγ é ±"]) == (["DejaVu Sans"], "")
    fonts, lacking = style.fonts_for(["\U0010fffd"])  # a private character
    assert (fonts, lacking) == (["DejaVu Sans"], "\U0010fffd")
    style.apply(["\U0010fffd"])
    assert "PNG figures show boxes instead" in capsys.readouterr().out


def test_hyper_parameters_are_compared_by_what_differs():
    from labelnoise.report import parameters

    rows = trials({("A", "clean"): [1.0], ("A", "symmetric-0.2"): [1.0]})
    both = pd.concat([rows, rows.assign(dataset="e", trial=["x", "y"])], ignore_index=True)
    both = both.assign(loss="CE")
    recipes = dict(zip(both.trial, [(0.1, 1), (0.1, 1), (0.1, 2), (0.3, 2)], strict=True))
    specs = {
        trial: {
            "loss": {"params": {"q": 0.5}},
            "recipe": {"lr": lr, "epochs": 5, "std": std, "image_size": None, "threads": 1, "version": 1},
        }
        for trial, (lr, std) in recipes.items()
    }
    headings = {"clean": ["clean", ""], "symmetric-0.2": ["symmetric", "0.2"]}
    manifest = {"noises": list(headings), "noise_headings": headings, "datasets": ["d", "e"], "losses": ["A"]}
    compared = parameters.compare(results.from_trials(manifest, both), specs)
    assert compared.columns == ["lr"]
    assert compared.same == ["epochs 5"]
    assert compared.by_dataset == {"d": ["std 1"], "e": ["std 2"]}
    assert [(row["params"], row["values"], row["where"]) for row in compared.rows] == [
        ("q = 0.5", ["0.1"], "d; e: clean"),
        ("q = 0.5", ["0.3"], "e: symmetric 0.2"),
    ]


def test_captions_say_which_losses_are_trained_otherwise_and_what_is_the_users_own():
    recipes = [
        {"weight_decay": "0.0001", "l1": "0", "epochs": "50", "model": "Net width=32", "own": "model"},
        {"weight_decay": "0", "l1": "5e-05", "epochs": "50", "model": "Net width=32", "own": "model"},
    ]
    listed = [("A", "n", 0), ("B", "n", 0), ("C", "n", 1), ("C", "m", 0)]
    trials_of = [{"dataset": "d", "label": label, "noise": noise, "recipe": i} for label, noise, i in listed]
    manifest: Any = {"recipes": recipes, "trials": trials_of}
    expected = "The losses are not all trained alike: weight decay 0.0001, but 0 for C; L1 0, but 5e-05 for C"
    assert recipe_notes.differences(manifest, "d", ["n"]) == expected
    assert "0 or 0.0001 for C" in recipe_notes.differences(manifest, "d", ["n", "m"])
    assert recipe_notes.differences(manifest, "d", ["m"]) == ""
    assert recipe_notes.own_parts(manifest, "d", ["n", "m"]) == "Trained with the model Net width=32 of one's own"
