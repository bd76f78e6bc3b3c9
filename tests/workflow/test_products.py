"""The products of a finished run: trials.csv, tables, figures and a self-contained report."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.metrics import roc_auc_score

from labelnoise.analysis.metrics import METRICS
from labelnoise.figures import FIGURES
from support.project import ROOT, Project


def test_trials_csv_has_a_row_for_each_trial(finished_project: Project):
    trials = pd.read_csv(finished_project.results / "trials.csv")
    assert len(trials) == 8
    assert (trials.status == "ok").all()
    assert trials[["last_accuracy", "best_accuracy", "seconds", "torch", "code"]].notna().all(axis=None)
    assert (trials.best_accuracy >= trials.last_accuracy).all()
    assert trials.loc[trials.kind == "symmetric", "realised_rate"].round(3).eq(0.4).all()


def test_every_table_and_figure_exists_in_every_format(finished_project: Project):
    tables = {path.name for path in (finished_project.results / "tables").glob("digits*")}
    metrics = [metric for metric in METRICS if metric != "validated"]
    assert tables == {f"digits-{metric}.{end}" for metric in metrics for end in ("csv", "md", "tex", "html")}
    drawn = {path.name for path in (finished_project.results / "figures").glob("[a-z]*")}
    names = [*(f"digits-{kind}" for kind in FIGURES), "win_rates"]  # three blocks are too few for a critical difference
    assert drawn == {f"{name}.{end}" for name in names for end in ("svg", "pdf", "png")}


def test_report_is_complete_and_loads_nothing_from_the_network(finished_project: Project):
    html = (finished_project.results / "report.html").read_text()
    assert html.count("<figure class") == len(FIGURES) + 1
    assert html.count("<table class='results' id='table-") == 5
    for section in ("overview", "explorer", "tables", "parameters", "audit", "trouble", "environment", "cite"):
        assert f'<section id="{section}"' in html
    page = re.sub(r"<script>.*?</script>", "", html, flags=re.DOTALL)
    links = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)""", page)
    assert links
    assert all(link.startswith(("data:", "#")) for link in links)
    assert "@import" not in page
    assert "url(" not in page


def test_summary_is_what_pandas_computes_from_trials_csv(finished_project: Project):
    trials = pd.read_csv(finished_project.results / "trials.csv")
    rows = pd.read_csv(finished_project.results / "summary.csv")
    columns = {name: metric.column for name, metric in METRICS.items()}
    assert set(rows.metric) == set(columns) - {"validated"}
    for row in rows.itertuples():
        values = trials.loc[(trials.label == row.label) & (trials.noise == row.noise), columns[row.metric]]
        assert (row.mean, row.std, row.n) == pytest.approx((values.mean(), values.std(ddof=1), 2))
    of_clean = rows[rows.noise == "clean"]
    assert set(of_clean.metric) == {"last", "best"}  # no wrong label is memorised or detected


def test_detection_is_measured_from_the_predictions(finished_project: Project):
    trials = pd.read_csv(finished_project.results / "trials.csv")
    manifest = json.loads((finished_project.results / "manifest.json").read_text())
    labels = {entry["hash"]: entry["labels"] for entry in manifest["trials"]}
    noisy = trials[trials.kind == "symmetric"]
    assert len(noisy) == 4
    for row in noisy.itertuples():
        with np.load(finished_project.folder / labels[row.trial]) as file:
            is_wrong = file["noisy_labels"] != file["clean_labels"]
        with np.load(finished_project.folder / row.folder / "predictions.npz") as file:
            confidence = file["train_confidence"]
        assert row.detection_auroc == pytest.approx(100 * roc_auc_score(is_wrong, -confidence))
        least = np.argsort(confidence, kind="stable")[: is_wrong.sum()]
        assert row.detection_precision == pytest.approx(100 * is_wrong[least].mean(), abs=0.2)
    assert trials.loc[trials.kind == "clean", "detection_auroc"].isna().all()


def test_detection_is_unknown_without_the_label_file_of_the_training(copied: Project):
    labels = next(copied.results.glob("labels/digits/symmetric*.npz"))
    audit = labels.with_suffix(".json")
    audit.write_text(audit.read_text().replace('"sha256": "', '"sha256": "0'))
    assert copied.labelnoise("collect", "results/manifest.json").returncode == 0
    trials = pd.read_csv(copied.results / "trials.csv", keep_default_na=False)
    assert trials.loc[trials.kind == "symmetric", "detection_auroc"].value_counts()["unknown"] == 2


def test_snakemakes_own_report_has_every_table_and_figure_with_captions(copied: Project):
    copied.snakemake("--report", "all.html")
    page = (copied.folder / "all.html").read_text(encoding="utf-8")
    shown = [*copied.results.glob("tables/*.html"), *copied.results.glob("figures/*.svg")]
    assert len(shown) > 10 and all(f'"{path.name}"' in page for path in shown)
    for caption in (ROOT / "workflow" / "report").glob("*.rst"):
        assert caption.read_text(encoding="utf-8").split(":")[0][:40] in page


def test_svg_figures_carry_the_font_they_use(finished_project: Project):
    for path in (finished_project.results / "figures").glob("*.svg"):
        assert "@font-face{font-family:'DejaVu Sans'" in path.read_text(), path


def test_changed_summary_is_refused_with_the_remedy(copied: Project):
    path = copied.results / "summary.csv"
    path.write_text(path.read_text().replace("last", "best", 1))
    done = copied.labelnoise("tables", "results/manifest.json")
    assert done.returncode == 2
    assert "were changed since they were written: delete them and run snakemake, or `labelnoise collect" in done.stderr
    copied.labelnoise("collect", "results/manifest.json")
    assert copied.labelnoise("tables", "results/manifest.json").returncode == 0


def test_edited_result_is_named_and_not_averaged(copied: Project):
    path = next(copied.results.glob("trials/digits/clean/CE/*/result.json"))
    result = json.loads(path.read_text())
    result["test_sets"]["test"]["last"] = 12.34
    path.write_text(json.dumps(result))
    output = copied.snakemake(expect=1)
    assert "7 ok, 0 diverged, 1 failed" in output
    trials = pd.read_csv(copied.results / "trials.csv")
    edited = trials[trials.status == "failed"]
    assert edited.folder.tolist() == [path.parent.relative_to(copied.folder).as_posix()]
    assert edited.last_accuracy.isna().all()
    assert edited.reason.item().startswith("result.json has test last 12.34, but metrics.csv ")
    assert f"labelnoise rerun {edited.trial.item()}" in edited.reason.item()
    assert re.search(r"– .*1/2", (copied.results / "tables/digits-last.md").read_text())


def test_terminal_shows_progress_but_no_job_lines(project: Project):
    output = project.snakemake("trials")
    assert "trials: 100%" in output
    assert "Select jobs" not in output
    assert "rule train" not in output
    log = next(project.results.rglob("train.log")).read_text()
    assert "epoch/s" in log


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX here: the LaTeX tables are not compiled")
def test_latex_tables_compile(finished_project: Project, tmp_path: Path):
    tables = sorted((finished_project.results / "tables").glob("*.tex"))
    inputs = "\n".join(path.read_text() for path in tables)
    document = "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage[utf8]{inputenc}\\usepackage{booktabs}"
    (tmp_path / "tables.tex").write_text(f"{document}\\begin{{document}}\n{inputs}\n\\end{{document}}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_cross_entropy_memorises_and_ncerce_is_robust_at_symmetric_04(project: Project):
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    config["only"] = {"losses": ["CE", "NCE+RCE"], "noise": ["symmetric-0.4"]}
    project.write(yaml.safe_dump(config))
    project.snakemake("trials")
    trials = pd.read_csv(project.results / "trials.csv")
    assert trials.groupby("label").seed.nunique().to_dict() == {"CE": 3, "NCE+RCE": 3}
    means = trials.groupby("label").last_accuracy.mean()
    assert means["CE"] <= means["NCE+RCE"] - 15


def test_noisy_validation_selects_an_epoch_and_has_its_own_table(project: Project):
    project.edit(train={"epochs": 4, "validation": 0.2}, noise=[{"kind": "symmetric", "rate": 0.4}], losses=["CE"])
    project.snakemake()
    trials = pd.read_csv(project.results / "trials.csv")
    for row in trials.itertuples():
        metrics = pd.read_csv(project.folder / row.folder / "metrics.csv", index_col="epoch")
        assert row.validated_epoch == metrics.validation_accuracy.idxmax()
        assert row.validated_accuracy == metrics.test_accuracy[row.validated_epoch]
    table = pd.read_csv(project.results / "tables" / "digits-validated.csv", index_col=0)
    assert table["symmetric-0.4 mean"].iloc[0] == pytest.approx(trials.validated_accuracy.mean(), abs=1e-3)
    assert "held-out noisy labels" in (project.results / "report.html").read_text()
