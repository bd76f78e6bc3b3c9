"""The report in a real browser: what a reader can do with it, and that its numbers are those of summary.csv."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from labelnoise import figures, report
from labelnoise.analysis import collect, write_tables
from labelnoise.analysis.results import Results, read
from labelnoise.analysis.statistics import average_ranks
from labelnoise.looks import look_of
from support import synthetic

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
playwright = pytest.importorskip(
    "playwright.sync_api", reason="no playwright here: the report is not tried in a browser"
)
if CHROMIUM is None:
    pytest.skip("no Chromium here: the report is not tried in a browser", allow_module_level=True)

# A label is text, whatever it looks like.
WICKED = "</script><b onclick=x>&'"
DOT = "<svg xmlns='http://www.w3.org/2000/svg' width='2' height='2'><rect width='2' height='2'/></svg>"


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    """Ten losses × two data sets × nine noises × three seeds without training; one trial failed."""
    folder, before = tmp_path_factory.mktemp("report"), Path.cwd()
    os.chdir(folder)
    config = synthetic.config(9, 2, 3)
    run = synthetic.write(config | {"losses": [*config["losses"], {"loss": "GCE", "q": 0.33, "label": WICKED}]})
    wanted = ("FL", "digits", 0.8, 2)
    (broken,) = (
        trial
        for trial in run.trials
        if (trial.label, trial.spec["dataset"]["name"], trial.spec["noise"]["rate"], trial.spec["seed"]) == wanted
    )
    result = json.loads(broken.folder.result.read_text())
    broken.folder.result.write_text(json.dumps(result | {"status": "failed", "reason": "out of luck", "test_sets": {}}))
    manifest = Path("results/manifest.json")
    collect.collect(manifest)
    write_tables.write_all(manifest)
    results = read(manifest)
    drawings = results.folder / "figures"
    drawings.mkdir()
    for name in [*(name for _, _, name, _ in figures.figures_of(results)), *figures.overall(results)]:
        (drawings / f"{name}.svg").write_text(DOT)
    results.stamp(drawings)
    report.write(manifest)
    yield results
    os.chdir(before)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as api:
        # Chromium refuses its sandbox to root.
        opened = api.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield opened
        opened.close()


@pytest.fixture
def opened(experiment: Results, browser: Any) -> Iterator[Any]:
    """A function that opens the page; at the end nothing may have failed or left the file."""
    contexts, wrong = [], []

    def note_request(request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            wrong.append(request.url)

    def open_page(**options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        page.on("request", note_request)
        page.goto((experiment.folder / "report.html").resolve().as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong


def column(page: Any, index: int) -> list[str]:
    """The texts of a column of the explorer; 0 is the loss."""
    return page.eval_on_selector_all(
        "#explorer-table tbody tr", f"rows => rows.map(row => row.cells[{index}].innerText.trim())"
    )


def shown_ranks(page: Any) -> dict[str, float]:
    ranks = [
        re.match(r"[\d.]+|–", text)[0]
        for text in column(page, -1 + page.evaluate("document.querySelector('#explorer-table tbody tr').cells.length"))
    ]
    return dict(zip(column(page, 0), (float(rank) if rank != "–" else float("nan") for rank in ranks), strict=True))


def uncheck(page: Any, *labels: str) -> None:
    page.evaluate("document.getElementById('choose-losses').open = true")
    for label in labels:
        page.get_by_role("checkbox", name=label, exact=True).uncheck()


def test_page_says_what_was_run_what_came_out_and_what_is_doubtful(opened: Any, experiment: Results):
    text = opened().inner_text("#overview")
    assert "540 trials: 10 losses × 9 noises × 2 data sets (digits, mnist) × 3 seeds" in text
    assert "Partial: 1 of 540 trials failed or are missing" in text
    cells = experiment.cells("mnist", "test").xs("symmetric-0.4", level="noise")
    best = cells["mean"].idxmax()
    others = [loss for loss in experiment.losses if loss != best and cells.tied_with_best[loss] is True]
    assert re.search(rf"symmetric 0.4: {re.escape(best)} {cells['mean'][best]:.2f}", text)
    assert all(loss in text for loss in others[:3])


def test_columns_sort_by_their_means(opened: Any, experiment: Results):
    page = opened()
    means = experiment.cells("digits", "test").xs("symmetric-0.4", level="noise")["mean"]
    page.get_by_role("button", name="0.4", exact=True).first.click()
    assert column(page, 0) == means.sort_values(ascending=False).index.tolist()
    page.locator("#explorer-table th[aria-sort] button").click()
    assert column(page, 0) == means.sort_values().index.tolist()
    assert page.locator("#explorer-table th[aria-sort='ascending']").count() == 1


def test_ranks_of_what_is_shown_equal_those_of_pandas(opened: Any, experiment: Results):
    page = opened()
    means = experiment.means("digits", "test")
    assert shown_ranks(page) == pytest.approx(average_ranks(means).to_dict(), abs=0.051)
    uncheck(page, "symmetric 0.8", "clean", "asymmetric 0.1", "MAE", WICKED)
    fewer = means.drop(index=["MAE", WICKED], columns=["symmetric-0.8", "clean", "asymmetric-0.1"])
    assert shown_ranks(page) == pytest.approx(average_ranks(fewer).to_dict(), abs=0.051)
    page.select_option("#choose-dataset", label="mnist")
    other = experiment.means("mnist", "test").loc[fewer.index, fewer.columns]
    assert shown_ranks(page) == pytest.approx(average_ranks(other).to_dict(), abs=0.051)


def test_measure_of_which_less_is_better_ranks_the_least_first(opened: Any, experiment: Results):
    from labelnoise.analysis.metrics import METRICS

    page = opened()
    page.select_option("#choose-metric", label=METRICS["memorised"].menu)
    means = experiment.means("digits", "test", METRICS["memorised"])
    assert "clean" not in means
    assert shown_ranks(page) == pytest.approx(average_ranks(means, higher_is_better=False).to_dict(), abs=0.051)
    page.get_by_role("button", name="0.4", exact=True).first.click()
    assert column(page, 0) == means["symmetric-0.4"].sort_values().index.tolist()


def test_every_tie_of_the_summary_is_the_pages(opened: Any, experiment: Results):
    """The page computes ties itself, as they depend on the losses shown."""
    page = opened()
    rows = experiment.summary.reset_index(drop=True)
    computed = page.evaluate(
        """() => data.summary.dataset.map((dataset, i) => {
          const s = data.summary, higher = data.metrics[s.metric[i]].higherIsBetter;
          if (s.mean[i] === null) return null;
          const meanOf = (loss) => cellOf(dataset, s.testSet[i], s.metric[i], s.noise[i], loss)?.mean ?? null;
          const means = data.losses.map((_, loss) => [loss, meanOf(loss)]).filter(([, mean]) => mean !== null);
          const best = (higher ? d3.max : d3.min)(means, ([, mean]) => mean);
          const leaders = means.filter(([, mean]) => mean === best);
          return leaders.some(([leader]) => isTied(dataset, s.testSet[i], s.metric[i], s.noise[i], s.loss[i], leader));
        })"""
    )
    expected = [None if pd.isna(tied) else bool(tied) for tied in rows.tied_with_best]
    assert len(computed) > 800
    assert {True, False, None} <= set(expected)
    assert computed == expected


def test_marks_do_not_depend_on_the_order_of_rows(opened: Any, experiment: Results):
    page = opened()

    def marked() -> dict[str, list[str]]:
        rows = page.eval_on_selector_all(
            "#explorer-table tbody tr",
            "rows => rows.map(row => [...row.cells].slice(0, -1).map(cell => cell.innerText))",
        )
        return {loss: cells for loss, *cells in rows}

    before = marked()
    for name in ("average rank", "0.4", "loss"):
        page.get_by_role("button", name=name, exact=True).first.click()
        assert marked() == before


def test_incomplete_rows_hide_on_request(opened: Any):
    page = opened()
    assert "– 2/3" in column(page, 5)
    page.check("#hide-incomplete")
    assert "FL" not in column(page, 0)
    assert len(column(page, 0)) == 9


def test_losses_are_found_by_text(opened: Any):
    page = opened()
    page.evaluate("document.getElementById('choose-losses').open = true")
    page.fill("#find-losses", "nce, fl")
    assert column(page, 0) == ["FL", "NCE", "NFL"]
    page.fill("#find-losses", "")
    assert len(column(page, 0)) == 10


def test_cell_opens_its_trials(opened: Any, experiment: Results):
    page = opened()
    page.get_by_role("button", name=re.compile("^FL, symmetric 0.8: ")).click()
    dialog = page.locator("#trials-dialog")
    text = dialog.inner_text()
    trials = experiment.trials[(experiment.trials.label == "FL") & (experiment.trials.noise == "symmetric-0.8")]
    trials = trials[trials.dataset == "digits"]
    for row in trials.itertuples():
        assert row.folder in text
        if row.status == "ok":
            assert f"{row.last_accuracy:.2f}" in text
    labels = {entry["hash"]: entry["labels"] for entry in experiment.manifest["trials"]}
    for trial in trials.trial:
        audit = json.loads(Path(labels[trial]).with_suffix(".json").read_text())
        assert audit["sha256"] in text
    for words in ("FL, symmetric 0.8, digits", "seed 2 failed", "out of luck", "gamma = 0.5", "batch_size = 128"):
        assert words in text
    assert dialog.locator("svg[role=img]").count() == 2
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_keyboard_reaches_cells_and_opens_trials(opened: Any):
    page = opened()
    page.locator("#explorer-table tbody button").first.focus()
    assert "CE, clean: " in page.inner_text("#explorer-detail")
    page.keyboard.press("Tab")
    assert "CE, symmetric 0.2: " in page.inner_text("#explorer-detail")
    page.keyboard.press("Enter")
    assert "CE, symmetric 0.2, digits" in page.inner_text("#trials-dialog")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("CE, symmetric 0.2: ")


def copied(page: Any, kind: str) -> str:
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.locator(f"[data-copy={kind}]").click()
    page.wait_for_function("document.getElementById('copied').textContent === 'copied'")
    return page.evaluate("window.copied")


def test_shown_table_is_copied_in_every_format(opened: Any, experiment: Results):
    page = opened()
    uncheck(page, "MAE")
    rows = list(csv.DictReader(io.StringIO(copied(page, "csv"))))
    assert [row["loss"] for row in rows] == [loss for loss in experiment.losses if loss != "MAE"]
    cells = experiment.cells("digits", "test")
    for row in rows:
        cell = cells.loc[(row["loss"], "symmetric-0.2")]
        assert float(row["symmetric 0.2 mean"]) == pytest.approx(cell["mean"], abs=0.006)
        assert float(row["symmetric 0.2 std"]) == pytest.approx(cell["std"], abs=0.006)
    markdown = copied(page, "markdown")
    cell = cells.loc[("CE", "symmetric-0.2")]
    assert f"{cell['mean']:.2f} ± {cell['std']:.2f}" in markdown
    assert r"\</script\>\<b onclick=x\>&'" in markdown
    latex = copied(page, "latex")
    assert rf"{cell['mean']:.2f} $\pm$ {cell['std']:.2f}" in latex
    assert r"\begin{tabular}{lcccccccccc}" in latex
    assert r"\&'" in latex
    assert r"\textless{}/script\textgreater{}" in latex
    assert "mean ± sample standard deviation over 3 seeds. Bold: best of those shown" in markdown


def test_charts_have_the_looks_of_the_static_figures(opened: Any, experiment: Results):
    from labelnoise.figures.facets import look_order

    page = opened()
    page.locator("#chart-rate").scroll_into_view_if_needed()
    page.wait_for_selector("#chart-rate svg[aria-label]")
    strokes = page.eval_on_selector_all(
        "#chart-rate [data-mark=line]",
        "lines => lines.map(line => line.getAttribute('stroke') ?? line.querySelector('path')?.getAttribute('stroke'))",
    )
    best = average_ranks(experiment.means("digits", "test")).sort_values().index[0]
    colour = look_of(look_order(experiment).index(best))[0]
    assert colour in strokes
    assert "var(--rest)" in strokes  # ten losses: two are grey
    for chart in ("curves", "memorisation", "wins"):
        page.evaluate(f"document.getElementById('chart-{chart}').scrollIntoView()")
        page.wait_for_selector(f"#chart-{chart} svg[aria-label]")
    assert page.locator("#chart-curves .panels figure").count() == 9
    assert page.locator("#chart-memorisation .panels figure").count() == 8  # nothing is memorised from clean labels


def test_phone_never_scrolls_sideways_and_keeps_the_names_in_sight(opened: Any):
    page = opened(viewport={"width": 400, "height": 800})
    for _ in range(2):
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
    region = page.locator("#explorer .scroll")
    region.evaluate("box => { box.scrollLeft = 300; box.scrollTop = 100; }")
    name = page.locator("#explorer-table tbody th").nth(5).bounding_box()
    head = page.locator("#explorer-table thead").bounding_box()
    box = region.bounding_box()
    assert name["x"] == pytest.approx(box["x"], abs=2)
    assert head["y"] >= box["y"] - 2
    assert page.locator("#explorer-caption").bounding_box()["x"] >= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(opened: Any, scheme: str):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")
    page = opened(color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
    for chart in ("rate", "curves", "memorisation", "wins"):
        page.evaluate(f"document.getElementById('chart-{chart}').scrollIntoView()")
        page.wait_for_selector(f"#chart-{chart} svg")
    found = axe.Axe().run(page).response["violations"]
    page.locator("#explorer-table tbody button").first.click()
    found += axe.Axe().run(page).response["violations"]
    grave = [
        (rule["id"], rule["nodes"][0]["html"][:200]) for rule in found if rule["impact"] in ("serious", "critical")
    ]
    assert not grave


def test_page_without_scripts_shows_tables_and_figures(opened: Any, experiment: Results):
    page = opened(java_script_enabled=False)
    assert not page.locator("#explorer").is_visible()
    assert page.locator("#table-digits-last").is_visible()
    assert page.locator("#figure-mnist-heatmap img").is_visible()
    assert f"{experiment.cells('digits', 'test').loc[('CE', 'clean'), 'mean']:.2f}" in page.inner_text(
        "#table-digits-last"
    )


def test_print_unfolds_everything(opened: Any):
    page = opened()
    assert not page.locator("#table-digits-last").is_visible()
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("#table-digits-last").is_visible()
    assert not page.locator("#controls").is_visible()
    page.wait_for_function("[...document.images].every((image) => image.naturalWidth > 0)")
    page.set_viewport_size({"width": 1030, "height": 720})  # A4 across, at 96 dots per inch
    wide = page.eval_on_selector_all("table", "tables => tables.map((table) => table.getBoundingClientRect().right)")
    assert max(wide) <= 1030


def test_figures_are_saved_from_the_page(opened: Any, experiment: Results):
    page = opened()
    page.evaluate("document.querySelectorAll('details').forEach((fold) => (fold.open = true))")
    figure = page.locator("#figure-digits-heatmap")
    figure.scroll_into_view_if_needed()
    with page.expect_download() as saved:
        figure.get_by_role("button", name="Save SVG").click()
    assert Path(saved.value.path()).read_text() == DOT
    with page.expect_download() as saved:
        figure.get_by_role("button", name="Save PNG").click()
    assert saved.value.suggested_filename == "digits-heatmap.png"
    assert Path(saved.value.path()).read_bytes().startswith(b"\x89PNG")


def test_vendored_libraries_are_those_of_the_lock():
    """`make vendor` fetches them anew, checks them against the registry's hash, and writes the hash of each file."""
    import hashlib

    folder = Path(report.__file__).parent / "vendor"
    locked = json.loads((folder / "VENDORED.json").read_text())
    for package in locked.values():
        content = (folder / Path(package["file"]).name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == package["sha256"]
