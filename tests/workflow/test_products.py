"""The products of a finished run: trials.csv, tables, figures and a self-contained report."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import yaml

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
    assert tables == {f"digits-{metric}.{end}" for metric in ("last", "best") for end in ("csv", "md", "tex", "html")}
    drawn = {path.name for path in (finished_project.results / "figures").glob("digits*")}
    assert drawn == {f"digits-{kind}.{end}" for kind in FIGURES for end in ("svg", "png")}


def test_report_is_complete_and_loads_nothing_from_the_network(finished_project: Project):
    html = (finished_project.results / "report.html").read_text()
    assert html.count("<figure") == len(FIGURES)
    assert html.count("<table class='results' id='table-") == 2
    for section in ("tables", "figures", "audit", "parameters", "trouble", "environment", "cite"):
        assert f'<section id="{section}">' in html
    links = re.findall(r"""(?:src|href)\s*=\s*["']([^"']+)""", html)
    assert links
    assert all(link.startswith(("data:", "#")) for link in links)
    assert "@import" not in html
    assert "url(" not in html


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
