"""Label files: of a trial, from its spec and its data set; or of anybody's labels. Where noise and data sets meet."""

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
from labelnoise.noise import labels, pairs
from labelnoise.noise.catalogue import MAPS, NOISES
from labelnoise.readers import annotations, matrices
from labelnoise.readers.values import encode


def of_trial(spec: Mapping[str, Any], source: Path | None, path: Path) -> dict[str, Any]:
    """Write the label file that a trial's spec asks for; its audit.

    `source` is where human labels or a label file of the user's are read from. Raises `UserError` when they do not fit
    the data set.
    """
    if not {"dataset", "noise"} <= set(spec):
        raise UserError("this is no trial's spec: it has no data set or no noise")
    noise = spec["noise"]
    if noise["kind"] in ("human", "file") and (source is None or not source.exists()):
        raise UserError(f"--source has to name where the labels of kind {noise['kind']} lie, got {source}")
    prepared = store.open_prepared(paths.dataset(spec), spec["dataset"])
    own = np.array(prepared.train.labels)
    clean: np.ndarray | None = own
    told = None
    if noise["kind"] == "given":
        noisy = own if prepared.train.given is None else np.array(prepared.train.given)
        clean = None if prepared.train.given is None else own
    elif noise["kind"] == "human":
        published = spec["dataset"].get("like") or spec["dataset"]["name"]
        noisy = human.load(published, noise["variant"], source, own)
    elif noise["kind"] == "file":
        clean = None if noise.get("truth") == "unknown" else own
        found = _given(source, noise, prepared, own_are_true=clean is not None)
        noisy, told = found.labels, found.source
    else:
        features = prepared.train.images if noise["kind"] == "instance" else None
        noisy = labels.generate(own, num_classes=prepared.num_classes, noise=noise, features=features)
    return labels.write(path, clean, noisy, classes=prepared.classes, noise=noise, own=own, source=told)


def _given(path: Path, noise: Mapping[str, Any], prepared: Prepared, *, own_are_true: bool) -> GivenLabels:
    """The labels in a user's file; `UserError` unless they fit the data set and are still those planned for."""
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


def of_labels(
    source: Path,
    out: Path,
    *,
    kind: str,
    rate: float | None,
    variant: str | None,
    seed: int,
    features: Path | None,
    map: Mapping[str, str] | None,
    matrix: Path | None,
    like: str | None,
    column: str | None,
) -> dict[str, Any]:
    """Noisy labels for anybody's: `out`.npz and `out`.csv, and their audit `out`.json, which is returned.

    `source` holds the true labels (numbers or class names), in `column` where several could hold them; columns that
    identify samples are written beside the labels. `like` is the data set whose published map asymmetric noise takes.
    Raises `UserError` on every mistake in them.
    """
    info = NOISES.get(kind)
    if info is None or not info.has_seed:
        raise UserError(
            unknown("kind of noise to draw", kind, [name for name, entry in NOISES.items() if entry.has_seed])
        )
    found = annotations.read(source, column=column, want_true=True)
    true, classes = encode(found.values, found.where)
    if len(classes) < 2:
        raise UserError(f"{source}: noise needs at least two classes, and here is one")
    _check_options(kind, rate=rate, variant=variant, features=features, map=map, matrix=matrix, like=like)
    noise: dict[str, Any] = {"kind": kind, "version": info.version, "seed": seed, "rate": rate}
    noise["variant"] = variant or next(iter(info.variants))
    if noise["variant"] not in info.variants:
        raise UserError(unknown(f"variant of {kind} noise", variant, info.variants))
    if kind == "asymmetric":
        noise |= _asymmetric(noise["variant"], classes, map=map, matrix=matrix, like=like)
    if "matrix" in noise:
        noise |= {"rate": None, "variant": "matrix"}
    elif rate is None or not 0 <= rate < 1 or (kind == "instance" and rate == 0):
        raise UserError(f"{kind} noise needs a --rate in {'(' if kind == 'instance' else '['}0, 1), got {rate}")
    stem = out.with_suffix("") if out.suffix in (".npz", ".csv", ".json") else out
    written = {ending: stem.with_name(f"{stem.name}.{ending}") for ending in ("npz", "csv", "json")}
    for given_file in filter(None, (source, features, matrix)):
        if given_file.resolve() in {path.resolve() for path in written.values()}:
            raise UserError(f"{given_file} would be overwritten; choose another --out")
    inputs = _features(features, len(true)) if kind == "instance" else None
    noisy = labels.generate(true, num_classes=len(classes), noise=noise, features=inputs)
    told = {"file": source.name, "column": found.column, "notes": found.table.notes}
    names = {name or "index": values for name, values in found.identifiers.items()}  # pandas' index has no name
    described = labels.write(
        written["npz"], true, noisy, classes=classes, noise=noise, own=true, source=told, names=names
    )
    pairs.write_csv_pairs(written["csv"], true, noisy, classes, names)
    return described


def _check_options(kind: str, **options: Any) -> None:
    """`UserError` on an option that the kind of noise has no use for."""
    useless = {
        "asymmetric": ("features",),
        "instance": ("map", "matrix", "like"),
        "symmetric": ("features", "map", "matrix", "like"),
    }
    for name in useless[kind]:
        if options[name] is not None:
            raise UserError(f"--{name} is not for {kind} noise; leave it out")
    if options["matrix"] is not None:
        for name in ("rate", "variant"):
            if options[name] is not None:
                raise UserError(f"a noise given by a matrix takes no --{name}; leave it out")


def _asymmetric(
    variant: str, classes: list[str], *, map: Mapping[str, str] | None, matrix: Path | None, like: str | None
) -> dict[str, Any]:
    if sum(option is not None for option in (map, matrix, like)) != 1:
        raise UserError("asymmetric noise needs one of --map cat=dog,dog=cat, --matrix T.csv and --like cifar10")
    if matrix is not None:
        return matrices.read(matrix, classes).spec
    if map is not None:
        for name in (*map, *map.values()):
            if name not in classes:
                raise UserError(f"--map: {unknown('class', name, classes)}")
        if same := [true for true, wrong in map.items() if true == wrong]:
            raise UserError(f"--map: {same[0]} turns into itself; leave it out")
        if variant in MAPS:
            raise UserError(f"the variant {variant} has a map of its own; leave --map or --variant out")
        return {"map": [[classes.index(true), classes.index(wrong)] for true, wrong in map.items()]}
    having = {name: info for name, info in DATASETS.items() if info.asymmetric_maps}
    if like not in having:
        raise UserError(unknown("data set with an asymmetric map", like, having))
    maps = having[like].asymmetric_maps
    name = MAPS.get(variant, next(iter(maps)))
    if name not in maps:
        raise UserError(f"the variant {variant} is not for {like}")
    theirs = having[like].classes
    if len(classes) != len(theirs):
        raise UserError(f"{like} has {len(theirs)} classes, these labels have {len(classes)}")
    if all(called.isdecimal() for called in classes):
        return {"map": [list(pair) for pair in maps[name]]}
    if set(classes) != set(theirs):
        raise UserError(f"these classes are called otherwise than those of {like} ({', '.join(theirs)}); use --map")
    return {"map": [[classes.index(theirs[true]), classes.index(theirs[wrong])] for true, wrong in maps[name]]}


def _features(path: Path | None, size: int) -> np.ndarray:
    """Numbers `(N, …)` from a .npy."""
    if path is None:
        raise UserError("instance noise needs --features, a .npy with one row a sample")
    try:
        features = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path} is no .npy that can be read ({error})") from None
    if not isinstance(features, np.ndarray):
        raise UserError(f"{path} is an .npz; give the one array of features as a .npy")
    if features.ndim < 2 or len(features) != size or features.dtype.kind not in "uif":
        raise UserError(f"{path}: must be {size} rows of numbers, one a sample; got {features.dtype} {features.shape}")
    if features.dtype.kind == "f" and not np.isfinite(features).all():
        raise UserError(f"{path}: has entries that are not finite")
    return features
