"""`labelnoise choose`: which loss for labels of unknown quality, and which of the labels are suspicious.

Two experiments: about eight losses, compared by their agreement with held-out noisy labels; then the leading loss with
all folds, so that each label is judged by networks that were not trained on it (see `suspects`).
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from labelnoise import paths, suspects
from labelnoise.analysis import results
from labelnoise.analysis.results import Results
from labelnoise.analysis.statistics import is_true
from labelnoise.analysis.tables import text_of
from labelnoise.datasets.own import MANY_CLASSES, propose
from labelnoise.errors import UserError
from labelnoise.experiment import plan, schema
from labelnoise.experiment.trials import write_checked
from labelnoise.files import write_text
from labelnoise.noise import label_file
from labelnoise.report import overview
from labelnoise.trial_folder import Status, TrialFolder

EXPERIMENTS = Path("experiments")

# Cross-entropy as the baseline, and losses of every family with published parameters. ELR's are those for CIFAR-10.
LOSSES: tuple[str | dict[str, Any], ...] = (
    "CE", "GCE", "SCE", "NCE+RCE", "NCE+AGCE", "ANL-CE", "JAL-CE",
    {"loss": "ELR", "lam": 3, "beta": 0.7, "label": "ELR"},
)  # fmt: skip

_FOLDS = 5

# Classes with more than so many times the labels of another are imbalanced.
_IMBALANCE = 1.5

_HEADER = """\
# Which loss for {name}? Written by `labelnoise choose`; change it as you like, it is not overwritten.
# Losses are compared by their agreement with held-out noisy labels (docs/how-to/choose-a-loss.md). Hyper-parameters
# as published for {published}, recipe of {like}: set what fits your data under `train:`, such as epochs or a model.
"""


def choose(data: Path, *, name: str | None, like: str | None, epochs: int | None, runs: bool, cores: str | None) -> int:
    """Write the experiment that compares the losses on a user's data, and say what it would train; with `runs`, run it.

    `data` is an .npz or an image folder (docs/how-to/own-data.md); its labels are taken as noisy, those of test sets
    too. An existing experiment file is used as it is. Returns the exit code.
    """
    if runs and not Path("Snakefile").exists():
        raise UserError(f"there is no Snakefile in {Path.cwd()}: run `labelnoise init` first, or work in a clone")
    name = name or re.sub(r"[^A-Za-z0-9_.-]", "-", data.resolve().stem)
    file = EXPERIMENTS / f"choose-{name}.yaml"
    if file.exists():
        print(f"{file} exists and is used as it is")
        if like is not None or epochs is not None:
            raise UserError(f"--like and --epochs are for a new experiment: change {file}, or move it away")
    else:
        # Data that are refused leave no experiment that would be used as it is.
        write_checked(file, schema.first_line(file) + _experiment(data, name, like, epochs))
        print(f"wrote {file}")
    print(plan.describe(file))
    if not runs:
        print(f"to run it and list suspicious labels: labelnoise choose {data} --name {name} --run")
        return 0
    if code := _snakemake(file, cores):
        return code
    compared = results.read(_manifest(file))
    leader = leading_loss(compared)
    second = EXPERIMENTS / f"choose-{name}-suspects.yaml"
    if not second.exists() or _first_loss(second) != _entry(file, leader):
        write_text(second, schema.first_line(second) + _suspects_experiment(file, leader))
    if code := _snakemake(second, cores):
        return code
    print(describe(compared))
    print(suspects.write(_manifest(second)))
    print(f"report: {compared.folder / 'report.html'}")
    return 0


def leading_loss(compared: Results) -> str:
    """The label of the loss that agrees most with held-out noisy labels; raises `UserError` if none finished."""
    means = _column(compared)["mean"].dropna()
    if means.empty:
        raise UserError(f"no loss finished with all its seeds; see {compared.folder / 'report.html'}")
    return str(means.idxmax())


def describe(compared: Results) -> str:
    """Which losses lead, which are tied with them, all means, and when the criterion is fair and when it is not.

    If the classes are imbalanced, the mean agreement over classes stands beside it, as one class may decide the other.
    """
    column = _column(compared)
    outcome = next(overview.outcomes(compared))
    lines = [f"{outcome.title}: {winner.label} leads, {winner.tied}" for winner in outcome.winners]
    balanced = balanced_agreement(compared)
    for label, cell in column.sort_values("mean", ascending=False).iterrows():
        beside = "" if balanced is None or label not in balanced else f"   balanced {balanced[label]:.2f}"
        lines.append(f"  {label:<12} {text_of(cell)}{' †' if is_true(cell.tied_with_best) else ''}{beside}")
    if balanced is not None:
        lines.append("balanced: the mean over classes, which counts rare classes as much as frequent ones")
        lines += _order_warning(column["mean"].dropna().to_dict(), balanced)
    return "\n".join(
        [*lines, "† is tied with the best: with few seeds that says little", *overview.criterion(compared)]
    )


def _order_warning(plain: dict[str, float], balanced: dict[str, float]) -> list[str]:
    """A warning if the two agreements of the losses order them differently."""
    common = sorted((label for label in plain if label in balanced), key=lambda label: -plain[label])
    by_class = sorted(common, key=lambda label: -balanced[label])
    if common == by_class:
        return []
    return [
        "warning: the classes are imbalanced, and balanced agreement orders the losses differently "
        f"({', '.join(by_class)}): decide whether rare classes matter to you as much as frequent ones"
    ]


def balanced_agreement(compared: Results) -> dict[str, float] | None:
    """Each loss's agreement with held-out noisy labels (%), averaged over classes, then seeds; None if balanced.

    Classes count as balanced while none has more than `_IMBALANCE` times as many labels as another.
    """
    from sklearn.metrics import balanced_accuracy_score  # takes a second to import

    by_loss: dict[str, list[float]] = {}
    for entry in compared.manifest["trials"]:
        folder = TrialFolder(Path(entry["folder"]))
        if folder.status != Status.OK:
            continue
        _, arrays = suspects.read(folder)
        given, _ = label_file.read(Path(entry["labels"]))
        sizes = np.bincount(given)
        if sizes.max() <= _IMBALANCE * sizes.min():
            return None
        held_out = arrays["validation_index"]
        predicted = suspects.held_out(arrays).argmax(axis=1)
        by_loss.setdefault(entry["label"], []).append(100 * balanced_accuracy_score(given[held_out], predicted))
    return {label: float(np.mean(values)) for label, values in by_loss.items()} or None


def _column(compared: Results) -> Any:
    """The cells of the only noise on the first test set, which is the held-out part."""
    dataset = compared.datasets[0]
    cells = compared.cells(dataset, compared.test_sets(dataset)[0])
    return cells.xs(compared.noises[0], level="noise").reindex(compared.losses)


def _experiment(data: Path, name: str, like: str | None, epochs: int | None) -> str:
    proposal = propose(name, data, like=like)
    info, entry = proposal.info, proposal.entry
    if not info.states_given:
        entry["labels"] = "given"
    if info.test_sets:
        entry["test_labels"] = "given"
    published = "cifar100" if len(info.classes) >= MANY_CLASSES else "cifar10"
    train: dict[str, Any] = {"validation": 1 / _FOLDS, **proposal.train}
    if epochs is not None:
        train["epochs"] = epochs
    config = {
        "datasets": [entry],
        "noise": ["given"],
        "losses": list(LOSSES),
        "preset": {"name": "jal2025", "dataset": published},
        "seeds": [1, 2, 3],
        "train": train,
        "highlight": "tied",
    }
    return _HEADER.format(name=name, published=published, like=entry["like"]) + _yaml(config)


def _suspects_experiment(file: Path, leader: str) -> str:
    train = _content(file).get("train", {}) | {"validation": 1 / _FOLDS, "fold": list(range(1, _FOLDS + 1))}
    header = f"# Every fold of {leader}, so that each label is judged by networks not trained on it.\n"
    return header + _yaml({"extends": file.name, "losses": [_entry(file, leader)], "train": train})


def _entry(file: Path, label: str) -> str | dict[str, Any]:
    """The loss entry with this label."""
    for entry in _content(file)["losses"]:
        if label in ((entry,) if isinstance(entry, str) else (entry.get("label"), entry.get("loss"))):
            found: str | dict[str, Any] = entry
            return found
    raise UserError(f"{file}: no entry of `losses:` is called {label!r}; give the one that leads its own `label:`")


def _first_loss(file: Path) -> Any:
    return _content(file)["losses"][0]


def _content(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


def _yaml(config: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(config, sort_keys=False, default_flow_style=None)
    return text


def _manifest(file: Path) -> Path:
    return paths.products(file.stem) / "manifest.json"


def _snakemake(file: Path, cores: str | None) -> int:
    """Run the experiment, as a user would; returns the exit code."""
    command = [sys.executable, "-m", "snakemake", "--cores", cores or "all", "--configfile", str(file)]
    return subprocess.run(command, check=False).returncode
