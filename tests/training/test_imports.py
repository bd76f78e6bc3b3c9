"""A trial imports only what it needs, since its fixed cost is as large as its training."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from labelnoise import labelling, paths
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.store import prepare
from labelnoise.experiment.config_file import ConfigFile
from labelnoise.experiment.trials import expand
from labelnoise.files import write_json

HEAVY = {"pandas", "pydantic", "seaborn", "matplotlib", "torchvision", "timm", "sklearn", "scipy", "snakemake", "sympy"}


def _loaded_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*{{name.split('.')[0] for name in sys.modules}})"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stdout.splitlines()[-1].split())


def test_trial_imports_only_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    axes = {"datasets": ["digits"], "noise": ["clean"], "losses": ["JAL-CE"], "seeds": [1], "train": {"epochs": 1}}
    (trial,) = expand(ConfigFile("config.yaml", axes))[1]
    prepare(DATASETS["digits"], Path(), paths.dataset(trial.spec))
    labelling.write_for_trial(trial.spec, None, trial.labels)
    write_json(Path("spec.json"), trial.spec)
    loaded = _loaded_after(
        "from labelnoise import cli; assert cli.main(['train', '--spec', 'spec.json', '--out', 'x']) == 0"
    )
    assert Path("x/result.json").exists()
    assert "torch" in loaded
    assert loaded & HEAVY == set()


BARE = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("snakemake", "pydantic", "pydantic_core", "annotated_types", "jinja2", "rich"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
"""


def test_trainer_runs_where_only_torch_and_its_friends_are_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    axes = {"datasets": ["digits"], "noise": [{"kind": "symmetric", "rate": 0.4}], "losses": ["JAL-CE"], "seeds": [1]}
    (trial,) = expand(ConfigFile("config.yaml", axes | {"train": {"epochs": 1}}))[1]
    write_json(Path("spec.json"), trial.spec)
    code = f"""{BARE}
import json
from pathlib import Path
from labelnoise import cli, labelling, paths
from labelnoise.datasets import own, store
from labelnoise.datasets.catalogue import DATASETS
spec = json.loads(Path("spec.json").read_text())
store.prepare(DATASETS["digits"], Path(), paths.dataset(spec))
labelling.write_for_trial(spec, None, paths.labels(spec))
command = ["train", "--spec", "spec.json", "--out", "x", "--checkpoint-epochs", "1", "--gpus", "0"]
assert cli.main(command) == 0
"""
    _loaded_after(code)
    assert Path("x/result.json").exists()


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
