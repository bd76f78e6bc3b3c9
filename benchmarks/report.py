"""Size and opening time of the report for many trials, made up (tests/support/synthetic.py). Needs Chromium.

python benchmarks/report.py [LOSSES DATASETS SEEDS]   default: 30 3 5 under nine noises, 4,050 trials
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from playwright.sync_api import sync_playwright

from labelnoise import figures, report
from labelnoise.analysis import collect, write_tables
from support import synthetic


def main() -> None:
    losses, datasets, seeds = map(int, sys.argv[1:] or ("30", "3", "5"))
    os.chdir(tempfile.mkdtemp())
    run = synthetic.write(synthetic.config(losses, datasets, seeds))
    manifest = Path("results/manifest.json")
    for step, make in (
        ("collect", collect.collect), ("tables", write_tables.write_all), ("figures", figures.draw_all),
        ("report", report.write),
    ):  # fmt: skip
        started = time.perf_counter()
        make(manifest)
        print(f"{step}: {time.perf_counter() - started:.1f} s")
    page = Path("results/report.html").resolve()
    print(f"{len(run.trials)} trials: {page.stat().st_size / 1e6:.2f} MB")
    with sync_playwright() as api:
        executable = shutil.which("chromium") or shutil.which("google-chrome")
        browser = api.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        ready = [_seconds_to_ready(browser, page.as_uri()) for _ in range(5)]
        print(f"ready to use after {statistics.median(ready):.2f} s (median of 5, slowest {max(ready):.2f})")


def _seconds_to_ready(browser: object, url: str) -> float:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(url)
    page.wait_for_selector("#explorer-table tbody tr")
    ready: float = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    page.close()
    return ready / 1000


if __name__ == "__main__":
    main()
