"""Make label files: for a trial, from its spec and its data set, or from a user's own labels.

This module combines noise and data sets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise import given, paths
from labelnoise.datasets import human, store
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.store import Prepared
from labelnoise.errors import UserError, unknown
from labelnoise.given import GivenLabels
from labelnoise.noise import label_file, pairs
from labelnoise.noise.catalogue import NOISES, OWN
from labelnoise.noise.generate import generate, generate_in_parts, needs_features
from labelnoise.noise.resolve import Maps, NoiseError, Rate, resolve_noise
from labelnoise.readers import annotation_files
from labelnoise.readers.values import encode


def write_for_trial(spec: Mapping[str, Any], source: Path | None, path: Path) -> dict[str, Any]:
    """Write the label file that a trial's spec requests; returns its audit.

    `source` is the folder of human labels, or the user's label file. Raises `UserError` if they do not fit the data
    set.
    """
    if not {"dataset", "noise"} <= set(spec):
        raise UserError("this is not a trial's spec: it has no data set or no noise")
    noise = spec["noise"]
    prepared = store.open_prepared(paths.dataset(spec), spec["dataset"])
    own = np.array(prepared.train.labels)
    clean: np.ndarray | None = own
    origin = None
    parts: list[np.ndarray] = []
    if noise["kind"] == "given":
        noisy = own if prepared.train.given is None else np.array(prepared.train.given)
        clean = None if prepared.train.given is None else own
    elif noise["kind"] == "human":
        published = spec["dataset"].get("like") or spec["dataset"]["name"]
        noisy = human.load(published, noise["variant"], _existing(source, "human"), own)
    elif noise["kind"] == "file":
        clean = None if noise.get("truth") == "unknown" else own
        read = _read_given(_existing(source, "file"), noise, prepared, own_are_true=clean is not None)
        if read.labels is None:
            raise UserError(f"{source} does not say which label belongs to which sample")
        noisy, origin = read.labels, read.source
    else:
        features = prepared.train.images if needs_features(noise) else None
        parts = generate_in_parts(own, num_classes=prepared.num_classes, noise=noise, features=features)
        noisy = parts[-1]
    return label_file.write(
        path, clean, noisy, classes=prepared.classes, noise=noise, own=own, source=origin, parts=parts,
        copies=prepared.copies,
    )  # fmt: skip


def _existing(source: Path | None, kind: str) -> Path:
    if source is None or not source.exists():
        raise UserError(f"--source must name the labels for {kind} noise, got {source}")
    return source


def _read_given(path: Path, noise: Mapping[str, Any], prepared: Prepared, *, own_are_true: bool) -> GivenLabels:
    """Read a user's label file; raises `UserError` if it does not fit the data set or changed since planning."""
    if hashlib.sha256(path.read_bytes()).hexdigest()[: len(noise["content"])] != noise["content"]:
        raise UserError(f"{path} changed after the run was planned; run snakemake again")
    train = prepared.train
    return given.read(
        path,
        prepared.classes,
        train.samples,
        column=noise.get("column"),
        own=np.array(train.labels),
        own_are_true=own_are_true,
    )


def write_for_own_labels(
    source: Path,
    out: Path,
    *,
    kind: str,
    rate: Rate,
    variant: str | None,
    seed: int,
    features: Path | None,
    map: Mapping[str, str] | None,
    matrix: Path | None,
    like: str | None,
    column: str | None,
) -> dict[str, Any]:
    """Write noisy labels for a user's own labels to `out`.npz and `out`.csv, with an audit `out`.json; returns it.

    `source` holds the true labels (numbers or class names); `column` names their column if several could hold them.
    Columns that identify samples are copied to the output. `like` is the data set whose published map asymmetric noise
    uses. Raises `UserError` if an option or a file is invalid.
    """
    drawn = [name for name, entry in NOISES.items() if entry.has_seed and name not in ("mixed", OWN)]
    if kind in ("mixed", OWN):
        raise UserError(f"{kind} noise is described in a config file (docs/how-to/own-noise.md)")
    if kind not in drawn:
        raise UserError(unknown("kind of noise to draw", kind, drawn))
    annotations = annotation_files.read(source, column=column, want_true=True)
    true, classes = encode(annotations.values, annotations.where)
    if len(classes) < 2:
        raise UserError(f"{source}: noise needs at least two classes, found one")
    if features is not None and kind != "instance":
        raise UserError(f"--features does not apply to {kind} noise; leave it out")
    try:
        noise = resolve_noise(
            kind, rate=rate, variant=variant, classes=classes, maps=_maps(kind, like, map, matrix, classes), map=map,
            matrix=matrix,
        ) | {"seed": seed}  # fmt: skip
    except NoiseError as error:
        raise UserError(f"--{error.key}: {error}" if error.key else str(error)) from None
    stem = out.with_suffix("") if out.suffix in (".npz", ".csv", ".json") else out
    written = {ending: stem.with_name(f"{stem.name}.{ending}") for ending in ("npz", "csv", "json")}
    for input_file in filter(None, (source, features, matrix)):
        if input_file.resolve() in {path.resolve() for path in written.values()}:
            raise UserError(f"{input_file} would be overwritten; choose another --out")
    inputs = _features(features, len(true)) if kind == "instance" else None
    noisy = generate(true, num_classes=len(classes), noise=noise, features=inputs)
    origin = {"file": source.name, "column": annotations.column, "notes": annotations.table.notes}
    names = {name or "index": values for name, values in annotations.identifiers.items()}  # pandas' index has no name
    audit = label_file.write(
        written["npz"], true, noisy, classes=classes, noise=noise, own=true, source=origin, names=names
    )
    pairs.write_csv_pairs(written["csv"], true, noisy, classes, names)
    return audit


def _maps(kind: str, like: str | None, map: object, matrix: object, classes: list[str]) -> Maps:
    """The maps of the data set `like` for these classes, matched by name, or by number if the names are numbers."""
    if kind != "asymmetric":
        if like is not None:
            raise UserError(f"--like does not apply to {kind} noise; leave it out")
        return {}
    if sum(option is not None for option in (map, matrix, like)) != 1:
        raise UserError("asymmetric noise needs one of --map cat=dog,dog=cat, --matrix T.csv or --like cifar10")
    if like is None:
        return {}
    known = {name: info for name, info in DATASETS.items() if info.asymmetric_maps}
    if like not in known:
        raise UserError(unknown("data set with an asymmetric map", like, known))
    theirs = known[like].classes
    if len(classes) != len(theirs):
        raise UserError(f"{like} has {len(theirs)} classes, but these labels have {len(classes)}")
    if all(name.isdecimal() for name in classes):
        return known[like].asymmetric_maps
    if set(classes) != set(theirs):
        raise UserError(f"the class names differ from those of {like} ({', '.join(theirs)}); use --map")
    number = [classes.index(name) for name in theirs]
    return {
        name: [(number[true], number[wrong]) for true, wrong in published]
        for name, published in known[like].asymmetric_maps.items()
    }


def _features(path: Path | None, size: int) -> np.ndarray:
    """Read features `(N, …)` from a .npy."""
    if path is None:
        raise UserError("instance noise needs --features, a .npy with one row per sample")
    try:
        features = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path} is not a readable .npy ({error})") from None
    if not isinstance(features, np.ndarray):
        raise UserError(f"{path} is an .npz; save the feature array as a .npy")
    if features.ndim < 2 or len(features) != size or features.dtype.kind not in "uif":
        raise UserError(
            f"{path}: must be {size} rows of numbers, one per sample; got {features.dtype} {features.shape}"
        )
    if features.dtype.kind == "f" and not np.isfinite(features).all():
        raise UserError(f"{path}: all entries must be finite")
    return features
