"""A trial imports only what it needs, since its fixed cost is as large as its training."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"pandas", "pydantic", "seaborn", "matplotlib", "torchvision", "timm", "sklearn", "scipy", "snakemake", "sympy"}


def _loaded_after(code: str, cwd=None) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*{{name.split('.')[0] for name in sys.modules}})"],
        capture_output=True, text=True, check=True, cwd=cwd,
    )  # fmt: skip
    return set(done.stdout.splitlines()[-1].split())


def test_trial_imports_only_what_it_needs(project):
    project.write("datasets: [digits]\nnoise: [clean]\nlosses: [JAL-CE]\nseeds: [1]\ntrain: {epochs: 1}\n")
    project.snakemake("trials")
    spec = next(project.results.rglob("spec.json"))
    code = f"from labelnoise import cli; assert cli.main(['train', '--spec', {str(spec)!r}, '--out', 'again']) == 0"
    loaded = _loaded_after(code, cwd=project.folder)
    assert "torch" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.parametrize(
    "module",
    ["losses.catalogue", "experiment.trials", "experiment.plan", "analysis.tables", "figures.heatmap", "report"],
)
def test_config_and_analysis_never_import_torch(module: str):
    assert "torch" not in _loaded_after(f"import labelnoise.{module}")


def test_losses_import_nothing_else_from_the_package():
    code = (
        "from labelnoise.losses import create; create('NCE+AGCE', num_classes=10)\n"
        "import sys; rooms = {n.split('.')[1] for n in sys.modules if n.startswith('labelnoise.')}\n"
        "assert rooms == {'losses'}, rooms"
    )
    _loaded_after(code)
