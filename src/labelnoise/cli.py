"""The command line: the parser of every command, and how its errors are reported."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import labelnoise
from labelnoise import arguments, commands
from labelnoise.errors import NO_ROOM, UserError
from labelnoise.training.options import DeviceOptions, RunOptions, add_flags

# Errors of the operating system that the user's input causes.
_MISTAKES = (FileExistsError, FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)

_DESCRIPTION = """\
labelnoise trains classifiers on noisy labels with many losses and reports which losses are robust.

  labelnoise init              writes config.yaml and a Snakefile into an empty folder (a clone has them)
  snakemake --cores all        runs the experiment in config.yaml and writes tables, figures and a report to results/
  labelnoise plan              checks config.yaml and says what it would train, and about how long that takes

The other commands run single steps; the Snakefile calls them.
"""


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code; 2 means a user error, reported in one message."""
    options = parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except UserError as error:
        print(f"labelnoise {options.command}: error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno in NO_ROOM:
            remedy = "make room and run again; finished work is kept, and trials resume from their checkpoints"
            print(f"labelnoise {options.command}: error: {error.strerror}: {remedy}", file=sys.stderr)
            return 2
        if not isinstance(error, _MISTAKES):
            raise
        message = f"{error.filename}: {error.strerror}" if error.filename else error
        print(f"labelnoise {options.command}: error: {message}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """The parser of every command; `run` of what it returns is the function to call."""
    top = argparse.ArgumentParser(
        "labelnoise", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    top.add_argument("--version", action="version", version=f"labelnoise {labelnoise.__version__}")
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int | None], summary: str, details: str = ""
    ) -> argparse.ArgumentParser:
        sub = subparsers.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}. {details}".strip(),
        )
        sub.set_defaults(run=run)
        return sub

    init = command(
        "init",
        commands.init,
        "write a project into the working folder: config.yaml, Snakefile, profiles, and an example of a loss",
        "Overwrites nothing.",
    )
    content = init.add_mutually_exclusive_group()
    content.add_argument(
        "--experiment", metavar="NAME", help="one of `labelnoise papers`, which repeat tables and figures"
    )
    content.add_argument("--data", type=Path, metavar="PATH", help="use your own data, an .npz or an image folder")

    plan = command("plan", commands.plan, "check a config and say what it would train", "Trains and writes nothing.")
    plan.add_argument("config", nargs="?", type=Path, default=Path("config.yaml"), help="default: config.yaml")
    plan.add_argument("--cores", type=int, default=None, metavar="N", help="cores for the estimate (default: all)")
    plan.add_argument(
        "--gpus", type=int, default=None, metavar="N", help="GPUs for the estimate (default: all; 0: CPU)"
    )

    trials = command("trials", commands.trials, "list the trials of a config with their status and folder")
    trials.add_argument("config", nargs="?", type=Path, default=Path("config.yaml"), help="default: config.yaml")
    trials.add_argument("--failed", action="store_true", help="only failed trials, with their reasons")
    trials.add_argument("--loss", metavar="NAME", help="only those of this loss, by its name or label")

    rerun = command(
        "rerun",
        commands.rerun,
        "set the results of trials aside, so that the next run trains them again",
        "Nothing is deleted: the files move to aside-N in the trial's folder.",
    )
    rerun.add_argument("hashes", nargs="+", metavar="HASH", help="as `labelnoise trials` lists them")

    choose = command(
        "choose",
        commands.choose,
        "find out which loss fits your data, and which of its labels are suspicious",
        "Needs no clean labels and no test set: writes experiments/choose-NAME.yaml, and with --run runs it.",
    )
    choose.add_argument("data", type=Path, help="an .npz or an image folder (docs/how-to/own-data.md)")
    choose.add_argument("--name", help="the data set's name (default: from DATA)")
    choose.add_argument("--like", metavar="NAME", help="the data set whose recipe to use (default: by image size)")
    choose.add_argument("--epochs", type=int, metavar="N", help="default: those of the recipe")
    choose.add_argument(
        "--run", action="store_true", dest="runs", help="run it, and list suspicious labels in suspects.csv"
    )
    choose.add_argument("--cores", metavar="N", help="with --run: as for snakemake (default: all)")

    suspects = command(
        "suspects",
        commands.suspects,
        "list the labels that held-out predictions contradict",
        "For an experiment with one loss and every fold, such as `labelnoise choose` writes.",
    )
    suspects.add_argument("manifest", type=Path, help="the experiment's manifest.json")

    compare = command(
        "compare",
        commands.compare,
        "show two experiments side by side",
        "With paired differences by seed, and what differs in the trials with the same labels.",
    )
    for name in ("a", "b"):
        compare.add_argument(name, type=Path, metavar=name.upper(), help="such as results or results/experiments/NAME")

    papers = command("papers", commands.papers, "list the experiments that repeat the papers' tables and figures")
    papers.add_argument("--cores", type=int, default=None, metavar="N", help="cores for the estimate (default: all)")

    record = command(
        "record",
        commands.record,
        "add an experiment's finished trials to docs/measured",
        "Also writes docs/reference/reproduced.md anew. Trials that are recorded already are left out.",
    )
    record.add_argument("experiment", help="a config file, or the name of one in experiments/")

    losses = command("losses", commands.losses, "list the losses, or explain one")
    losses.add_argument("name", nargs="?", help="a loss such as GCE, ANL-CE or NCE+AGCE")

    download = command("download", commands.download, "download a data set's official files", "Resumes.")
    download.add_argument("name", help="the data set's name, such as cifar10")
    download.add_argument("--file", help="download only this file")
    download.add_argument("--out", type=Path, metavar="DIR", help="default: results/downloads/NAME")

    data = command("data", commands.data, "prepare a data set", "Writes arrays that training opens instantly.")
    data.add_argument("name", nargs="?", help="a catalogue data set, such as cifar10; or use --spec")
    data.add_argument("--spec", type=Path, metavar="FILE", help="a JSON file with an entry of the config's `datasets:`")
    data.add_argument(
        "--path", metavar="DIR", help="the folder of its official files (default: results/downloads/NAME)"
    )
    data.add_argument("--out", type=Path, metavar="DIR", help="the folder to write (default: in results/data)")

    noise = command(
        "noise",
        commands.noise,
        "make noisy labels, for a trial or for your own labels",
        "Writes an audit (.json) beside them; for your own labels also a CSV.",
    )
    noise.add_argument("--out", type=Path, required=True, metavar="FILE", help="the label file (.npz) to write")
    noise.add_argument("--spec", type=Path, metavar="FILE", help="a trial's spec.json; for your own labels, --labels")
    noise.add_argument("--source", type=Path, metavar="PATH", help="with --spec: the human labels or your label file")
    noise.add_argument("--labels", type=Path, metavar="FILE", help="true labels: CSV, .npy, .npz or JSON")
    noise.add_argument("--column", metavar="NAME", help="the column of true labels, if several could hold them")
    noise.add_argument("--kind", help="symmetric, asymmetric, pair or instance")
    noise.add_argument(
        "--rate", type=arguments.rate, help="the noise rate, in [0, 1), or one per class: cat=0.3,dog=0.1"
    )
    noise.add_argument("--variant", help="a variant other than the default (docs/reference/noise.md)")
    noise.add_argument("--seed", type=arguments.seed, default=1, help="default: 1")
    noise.add_argument("--features", type=Path, metavar="FILE", help="instance noise: a .npy, one row per sample")
    noise.add_argument(
        "--map", type=arguments.map, metavar="A=B,…", help="asymmetric noise: the class that each class flips to"
    )
    noise.add_argument("--matrix", type=Path, metavar="FILE", help="asymmetric noise: a transition matrix, CSV or .npy")
    noise.add_argument("--like", metavar="NAME", help="asymmetric noise: the data set whose published map to use")

    audit = command(
        "audit", commands.audit, "describe a label file", "Checks the labels against the audit beside them."
    )
    audit.add_argument("file", type=Path, help="a label file (.npz or .csv)")

    train = command("train", commands.train, "train one trial", "A finished trial is left unchanged.")
    train.add_argument("--spec", type=Path, required=True, metavar="FILE", help="the trial's spec.json")
    train.add_argument("--out", type=Path, required=True, metavar="DIR", help="the trial's folder")
    add_flags(train, RunOptions)
    train.add_argument(
        "--attempt",
        type=int,
        default=1,
        metavar="N",
        help="set by Snakemake; three attempts in a row without progress fail the trial",
    )

    features = command("features", commands.features, "compute a finished trial's features from its kept weights")
    features.add_argument("folder", type=Path, metavar="DIR", help="the trial's folder")
    for step in (train, features):
        add_flags(step, DeviceOptions)

    steps = (
        ("collect", commands.collect, "collect the trials' results in trials.csv"),
        ("tables", commands.tables, "make the mean ± std tables"),
        ("figures", commands.figures, "draw the figures"),
        ("report", commands.report, "write the report, one HTML file"),
        ("check", commands.check, "exit with 1 if a trial failed or is missing"),
    )
    for name, run, summary in steps:
        step = command(name, run, summary, "Reads result files only.")
        step.add_argument("manifest", type=Path, help="the experiment's manifest.json, such as results/manifest.json")

    command("schema", commands.schema, "print the JSON schema of config.yaml, for editors")

    theory = command(
        "theory", commands.theory, "measure which conditions every loss meets, and draw the papers' figures"
    )
    theory.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder to write")
    return top
