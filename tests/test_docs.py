"""Code blocks of the documentation run or are checked, docstring examples hold, and every page is in the contents."""

from __future__ import annotations

import dataclasses
import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

from labelnoise import cli, losses, noise
from labelnoise.experiment.config import Config
from labelnoise.experiment.schema import schema
from labelnoise.training.options import RunOptions
from labelnoise.training.recipe import FIELDS
from support.documentation import PAGES, BrokenBlockError, blocks, run_page
from support.project import ROOT

# tests/test_results.py runs it in a finished project.
RESULTS = ROOT / "docs/how-to/results-in-python.md"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page != RESULTS], ids=lambda page: str(page.relative_to(ROOT))
)
def test_code_blocks_run(page: Path, folder: Path):
    run_page(page.read_text(encoding="utf-8"), folder)


BROKEN = {
    "python that raises": "```python\n1 / 0\n```",
    "a file with a mistake": "```python\n# my_losses.py\nclass\n```",
    "a name from nowhere": "```python\nloss(1)\n```",
    "a misspelt key": "```yaml\nlosses: [CE]\nnoises: [clean]\n```",
    "an unknown loss": "```yaml\nlosses: [CEE]\n```",
    "a parameter that the loss does not have": "```yaml\nlosses: [{loss: GCE, p: 0.7}]\n```",
    "an unknown variant beside data from elsewhere": (
        "```yaml\nnoise: [given, {kind: file, path: mine.csv}, {kind: symmetric, rate: 0.4, variant: exactly}]\n```"
    ),
    "an experiment to extend that does not exist": "```yaml\nextends: nothing.yaml\nlosses: [CE]\n```",
    "an unknown recipe value": "```yaml\ntrain: {learning_rate: 0.1}\n```",
    "an unknown parameter of the page's own loss": (
        "```python\n# my_losses.py\nclass Mine:\n    def __init__(self, cap=1):\n        pass\n```\n"
        "```yaml\nlosses: [{target: my_losses:Mine, cup: 2}]\n```"
    ),
    "yaml that is not yaml": "```yaml\nlosses: [CE\n```",
    "an unknown command": "```console\n$ labelnoise plann\n```",
    "an unknown option": "text\n\n    labelnoise plan --speed 2\n",
    "an unknown target": "```console\n$ make bench\n```",
    "an unknown option of snakemake": "```console\n$ snakemake --corse all\n```",
    "an experiment that does not exist": "```console\n$ snakemake --cores 1 --configfile experiments/nothing.yaml\n```",
    "a script that does not exist": "```console\n$ python benchmarks/nothing.py\n```",
    "an unknown language": "```ruby\n1\n```",
    "an exemption without a reason": "<!-- not run: -->\n```python\n1 / 0\n```",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_broken_blocks_are_found(text: str, folder: Path):
    with pytest.raises(BrokenBlockError):
        run_page(text, folder)


def test_exempt_blocks_are_few_and_not_run(folder: Path):
    run_page("<!-- not run: an example -->\n```python\n1 / 0\n```", folder)
    exempt = [block for page in PAGES for block in blocks(page.read_text(encoding="utf-8")) if block.exempt]
    assert len(exempt) <= 3


@pytest.mark.parametrize("package", [losses, noise], ids=lambda package: package.__name__)
def test_docstring_examples_hold(package):
    modules = [module.name for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")]
    results = [doctest.testmod(importlib.import_module(name)) for name in [package.__name__, *modules]]
    assert sum(result.attempted for result in results) >= 10
    assert not sum(result.failed for result in results)


def test_reference_names_every_key_command_and_recipe_value(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    generate = importlib.import_module("generate")
    keys = generate.config_keys(schema())
    recipe_section = keys.split("## `train`")[1].split("\n## ")[0]
    assert all(f"| `{key}` |" in keys for key in [*Config.model_fields, "extends"])
    assert all(f"| `{key}` |" in recipe_section for key in FIELDS)
    assert all(f"| `{field.name}` |" in keys for field in dataclasses.fields(RunOptions))
    commands = generate.commands(cli.parser())
    assert all(f"## `labelnoise {name}`" in commands for name in ("plan", "choose", "losses", "noise", "train"))


def test_every_page_is_in_the_contents():
    contents = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    pages = {str(page.relative_to(ROOT / "docs").with_suffix("")) for page in PAGES if ROOT / "docs" in page.parents}
    assert pages - {"index"} == set(re.findall(r"^([a-z-]+/[a-z-]+)$", contents, re.MULTILINE))


def test_links_of_the_readme_lead_to_files():
    for page in (ROOT / "README.md", ROOT / "results/README.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), target
