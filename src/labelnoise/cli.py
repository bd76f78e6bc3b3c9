"""The command line. Each command imports only what it needs: `train` no pandas, the others no torch."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import labelnoise
from labelnoise.errors import UserError

_DESCRIPTION = """\
labelnoise trains classifiers on wrong labels with many losses and says which of them hold.

  snakemake --cores all        runs the experiment in config.yaml: tables, figures and report in results/
  labelnoise plan              checks config.yaml and says what that would train, and for how long

The other commands do single steps of it; the Snakefile calls them.
"""


def main(arguments: list[str]) -> int:
    """Run one command; the exit code. 2 is a mistake of the user's, told in one message."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except UserError as error:
        print(f"labelnoise {options.command}: error: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "labelnoise", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"labelnoise {labelnoise.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run, summary: str, details: str = "") -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}. {details}".strip(),
        )
        sub.set_defaults(run=run)
        return sub

    plan = command("plan", _plan, "check a config and say what would be trained", "Trains and writes nothing.")
    plan.add_argument("config", nargs="?", type=Path, default=Path("config.yaml"), help="default: config.yaml")
    plan.add_argument("--cores", type=int, default=None, metavar="N", help="cores to reckon with (default: all)")

    losses = command("losses", _losses, "list the losses, or explain one")
    losses.add_argument("name", nargs="?", help="a loss such as GCE, ANL-CE or NCE+AGCE")

    data = command("data", _data, "prepare a data set", "Writes uint8 arrays that training opens instantly.")
    data.add_argument("name", help="the data set's name, such as digits")
    data.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write")

    noise = command("noise", _noise, "make the label file of a trial", "Writes its audit (.json) beside it.")
    noise.add_argument("--spec", type=Path, required=True, metavar="FILE", help="the trial's spec.json")
    noise.add_argument("--out", type=Path, required=True, metavar="FILE", help="the label file (.npz) to write")

    audit = command("audit", _audit, "describe a label file", "Checks the labels against the audit beside them.")
    audit.add_argument("file", type=Path, help="a label file (.npz)")

    train = command("train", _train, "train one trial", "A folder that holds the finished trial is left as it is.")
    train.add_argument("--spec", type=Path, required=True, metavar="FILE", help="the trial's spec.json")
    train.add_argument("--out", type=Path, required=True, metavar="DIR", help="the trial's folder")

    steps = (
        ("collect", _collect, "join the trials' results into trials.csv"),
        ("tables", _tables, "make the mean ± std tables"),
        ("figures", _figures, "draw the figures"),
        ("report", _report, "make the report, one HTML file"),
        ("check", _check, "exit with 1 if a trial failed or is missing"),
    )
    for name, run, summary in steps:
        step = command(name, run, summary, "Reads result files only.")
        step.add_argument("manifest", type=Path, help="the experiment's manifest.json, such as results/manifest.json")

    theory = command("theory", _theory, "measure which conditions every loss meets, and draw the papers' figures")
    theory.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write")
    return parser


def _plan(options: argparse.Namespace) -> None:
    from labelnoise.experiment import plan

    print(plan.describe(options.config, cores=options.cores))


def _losses(options: argparse.Namespace) -> None:
    from labelnoise.losses import LossError, describe

    try:
        print(describe.one(options.name) if options.name else describe.everything())
    except LossError as error:
        raise UserError(error) from None


def _data(options: argparse.Namespace) -> None:
    from labelnoise.datasets import store

    store.prepare(options.name, options.out)
    print(f"{options.name} is ready in {options.out}")


def _noise(options: argparse.Namespace) -> None:
    from labelnoise import paths
    from labelnoise.datasets import store
    from labelnoise.files import read_json
    from labelnoise.noise import labels

    spec = read_json(options.spec, "trial spec")
    prepared = store.open_prepared(paths.dataset(spec))
    audit = labels.make(prepared.train_labels, classes=prepared.classes, noise=spec["noise"], path=options.out)
    print(f"{options.out}: {audit['wrong_labels']} of {audit['size']} labels are wrong")


def _audit(options: argparse.Namespace) -> None:
    from labelnoise.noise import labels

    print(labels.describe(options.file))


def _train(options: argparse.Namespace) -> None:
    from labelnoise.files import read_json
    from labelnoise.training import trial

    trial.run(read_json(options.spec, "trial spec"), options.out)


def _collect(options: argparse.Namespace) -> None:
    from labelnoise.analysis import collect

    print(collect.collect(options.manifest))


def _tables(options: argparse.Namespace) -> None:
    from labelnoise.analysis import tables

    tables.write_all(options.manifest)


def _figures(options: argparse.Namespace) -> None:
    from labelnoise import figures

    figures.draw_all(options.manifest)


def _report(options: argparse.Namespace) -> None:
    from labelnoise import report

    print(report.write(options.manifest))


def _theory(options: argparse.Namespace) -> None:
    from labelnoise.theory import figures, properties

    properties.write(options.out / "properties.csv")
    figures.draw_all(options.out / "figures")


def _check(options: argparse.Namespace) -> int:
    from labelnoise.analysis import collect

    return collect.check(options.manifest)
