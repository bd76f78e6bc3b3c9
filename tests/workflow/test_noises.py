"""A user's own noise, mixed noise, pair noise and rates per class, through the Snakefile."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.digits import load
from support.project import Project

OWN = """\
import numpy as np


def by_brightness(labels, features, generator, rate, shift=1):
    # The darkest images get a wrong label.
    brightness = features.reshape(len(labels), -1).mean(axis=1) + generator.uniform(0, 1e-9, len(labels))
    darkest = np.argsort(brightness)[: int(rate * len(labels))]
    noisy = labels.copy()
    noisy[darkest] = (noisy[darkest] + shift) % 10
    return noisy
"""


def test_every_new_noise_trains_with_its_audit_and_a_comment_in_the_file_changes_nothing(project: Project):
    project.write(OWN, "my_noise.py")
    noise = [
        {"kind": "pair", "rate": 0.2},
        {"kind": "symmetric", "rate": {3: 0.3, 5: 0.1}},
        {"kind": "mixed", "parts": [{"kind": "symmetric", "rate": 0.2}, {"kind": "pair", "rate": 0.1, "seed": 7}]},
        {"target": "my_noise:by_brightness", "rate": 0.3, "shift": [1, 2]},
    ]
    project.edit(noise=noise, losses=["CE"], seeds=[1], train={"epochs": 1})
    project.snakemake("trials")
    trials = pd.read_csv(project.results / "trials.csv")
    assert (trials.status == "ok").all(), trials.reason
    manifest = json.loads((project.results / "manifest.json").read_text())
    headings = manifest["noise_headings"]
    assert [" ".join(filter(None, headings[noise])) for noise in manifest["noises"]] == [
        "pair 0.2",
        "symmetric 3 0.3, 5 0.1",
        "symmetric 0.2 + pair 0.1",
        "by_brightness shift=1 0.3",
        "by_brightness shift=2 0.3",
    ]
    audits = {path.name.split("-")[0]: json.loads(path.read_text()) for path in project.results.glob("labels/*/*.json")}
    first, second = audits["mixed"]["parts"]
    assert (first["generator"], second["generator"], second["seed"]) == ("symmetric", "pair", 7)
    assert abs(first["realised_rate"] - 0.2) < 0.001 and abs(second["realised_rate"] - 0.1) < 0.001
    assert audits["target"]["target"]["target"] == "my_noise:by_brightness"
    digits = load(DATASETS["digits"], project.folder)
    dark = np.argsort(digits.images["train"].reshape(len(digits.labels["train"]), -1).mean(axis=1))
    (one, *_) = sorted(project.results.glob("labels/*/target*.npz"))
    labels = np.load(one)
    wrong = labels["noisy_labels"] != labels["clean_labels"]
    assert wrong[dark[:100]].all() and not wrong[dark[-100:]].any()
    project.write(OWN.replace("# The darkest", "# Only the darkest"), "my_noise.py")
    assert "train" not in project.would_run()
    project.write(OWN.replace("% 10", "% 9"), "my_noise.py")
    assert "train" in project.would_run()


def test_plan_refuses_a_noise_of_ones_own_that_returns_no_labels(project: Project):
    project.write("def bad(labels, features, generator):\n    return labels + 1\n", "my_noise.py")
    project.edit(noise=[{"target": "my_noise:bad"}], losses=["CE"], seeds=[1])
    planned = project.labelnoise("plan")
    assert planned.returncode == 2
    assert "the noise my_noise:bad on digits" in planned.stderr and "class numbers 0..9" in planned.stderr
