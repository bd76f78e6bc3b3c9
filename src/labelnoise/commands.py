"""What each command does. Each imports only what it needs: `train` no pandas, `plan` and the tables no torch."""

from __future__ import annotations

import argparse
import sys

from labelnoise.errors import Stopped, UserError
from labelnoise.training.options import DeviceOptions, RunOptions, from_flags


def init(options: argparse.Namespace) -> None:
    from labelnoise import new_project

    print(new_project.init(experiment=options.experiment, data=options.data))


def plan(options: argparse.Namespace) -> None:
    from labelnoise.experiment import plan

    print(plan.describe(options.config, cores=options.cores, gpus=options.gpus))
    from labelnoise.papers import overview

    if verdicts := overview.describe_verdicts(options.config):
        print(verdicts)


def trials(options: argparse.Namespace) -> None:
    from labelnoise.experiment import listing

    print(listing.describe(options.config, failed=options.failed, loss=options.loss))


def rerun(options: argparse.Namespace) -> None:
    from labelnoise.experiment import listing

    print(listing.rerun(options.hashes))


def choose(options: argparse.Namespace) -> int:
    from labelnoise import choose

    keys = ("name", "like", "epochs", "runs", "cores")
    return choose.choose(options.data, **{key: getattr(options, key) for key in keys})


def suspects(options: argparse.Namespace) -> None:
    from labelnoise import suspects

    print(suspects.write(options.manifest))


def compare(options: argparse.Namespace) -> None:
    from labelnoise import comparison

    print(comparison.describe(options.a, options.b))


def papers(options: argparse.Namespace) -> None:
    from labelnoise.papers import overview

    print(overview.describe_all(options.cores))


def record(options: argparse.Namespace) -> None:
    from labelnoise.papers import record, reproducing

    print(record.record(options.experiment))
    print(f"{reproducing.write()} is up to date")


def losses(options: argparse.Namespace) -> None:
    from labelnoise.losses import LossError, describe

    try:
        print(describe.describe_loss(options.name) if options.name else describe.describe_all())
    except LossError as error:
        raise UserError(error) from None


def download(options: argparse.Namespace) -> None:
    from labelnoise import paths
    from labelnoise.datasets import download, official_files
    from labelnoise.datasets.catalogue import DATASETS
    from labelnoise.errors import unknown

    downloadable = [name for name, info in DATASETS.items() if info.official_files]
    if options.name not in downloadable:
        raise UserError(unknown("data set that can be downloaded", options.name, downloadable))
    info = DATASETS[options.name]
    files = official_files.all_files(info)
    for file in [official_files.file_called(info, options.file)] if options.file else files.values():
        print(f"{download.fetch(file, options.out or paths.DOWNLOADS / options.name)} is complete and verified")


def data(options: argparse.Namespace) -> None:
    from labelnoise import paths
    from labelnoise.datasets import image_names, store
    from labelnoise.experiment import datasets
    from labelnoise.experiment.config import DatasetEntry
    from labelnoise.files import read_json

    if (options.name is None) == (options.spec is None):
        raise UserError("give either the name of a data set, or --spec with an entry of `datasets:`")
    entry = read_json(options.spec, "data set entry") if options.spec else {"name": options.name, "path": options.path}
    chosen = datasets.resolve_dataset(DatasetEntry(**entry))
    folder = options.out or paths.dataset({"dataset": chosen.identity})
    described = store.prepare(chosen.info, chosen.source, folder)
    sizes = ", ".join(f"{size} {key.removesuffix('_labels')}" for key, size in described["sizes"].items())
    print(f"{chosen.info.name} is ready in {folder}: {sizes} images, {len(described['classes'])} classes")
    for line in described["skipped"]:
        print(f"  skipped, cannot be read: {line}")
    if others := image_names.describe(described.get("other_files", {})):
        print(f"  left out by their ending: {others}")
    for line in described["copies"]:
        print(f"  warning: {line}")
    if described["exif_rotated"]:
        print(f"  {described['exif_rotated']} images have an EXIF rotation; it is not applied, as in torchvision")


def noise(options: argparse.Namespace) -> None:
    from labelnoise import labelling
    from labelnoise.files import read_json
    from labelnoise.noise.audit import source_lines

    if (options.spec is None) == (options.labels is None):
        raise UserError("give either --spec (of a trial) or --labels (your own)")
    if options.spec is not None:
        spec = read_json(options.spec, "trial spec")
        audit = labelling.write_for_trial(spec, options.source, options.out)
    else:
        keys = ("kind", "rate", "variant", "seed", "features", "map", "matrix", "like", "column")
        audit = labelling.write_for_own_labels(
            options.labels, options.out, **{key: getattr(options, key) for key in keys}
        )
    for line in source_lines(audit.get("source", {})):
        print(line)
    if audit["wrong_labels"] is None:
        print(f"{options.out}: {audit['size']} labels; how many are wrong is unknown")
        return
    print(f"{options.out}: {audit['wrong_labels']} of {audit['size']} labels are wrong")
    if not audit["clean_labels_dominate"]:
        print(
            "warning: in some class a wrong label is as frequent as the true one: no loss is robust there "
            f"(least T_ii − max T_ij: {audit['dominance_margin']:.3f})",
            file=sys.stderr,
        )


def audit(options: argparse.Namespace) -> None:
    from labelnoise.noise import audit

    print(audit.describe(options.file))


def train(options: argparse.Namespace) -> int:
    from labelnoise.files import read_json
    from labelnoise.training import job

    run_options, device_options = from_flags(RunOptions, options), from_flags(DeviceOptions, options)
    try:
        job.run(read_json(options.spec, "trial spec"), options.out, run_options, device_options, options.attempt)
    except (Stopped, KeyboardInterrupt):  # KeyboardInterrupt: before training starts, while torch is imported
        print(Stopped.MESSAGE, flush=True)
        return Stopped.EXIT_CODE
    return 0


def features(options: argparse.Namespace) -> None:
    from labelnoise.training import trial
    from labelnoise.trial_folder import TrialFolder

    for path in trial.derive_features(TrialFolder(options.folder), from_flags(DeviceOptions, options)):
        print(f"wrote {path}")


def collect(options: argparse.Namespace) -> None:
    from labelnoise.analysis import collect

    print(collect.collect(options.manifest))


def tables(options: argparse.Namespace) -> None:
    from labelnoise.analysis import write_tables

    write_tables.write_all(options.manifest)


def figures(options: argparse.Namespace) -> None:
    from labelnoise import figures

    figures.draw_all(options.manifest)


def report(options: argparse.Namespace) -> None:
    from labelnoise import report

    print(report.write(options.manifest))


def schema(options: argparse.Namespace) -> None:
    from labelnoise.experiment import schema

    print(schema.text(), end="")


def theory(options: argparse.Namespace) -> None:
    from labelnoise.theory import figures, properties

    properties.write(options.out / "properties.csv")
    figures.draw_all(options.out / "figures")


def check(options: argparse.Namespace) -> int:
    from labelnoise.analysis import collect

    return collect.check(options.manifest)
