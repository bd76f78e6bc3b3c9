"""Label files: of a trial, from its spec and its data set; or of anybody's labels. Where noise and data sets meet."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise import paths
from labelnoise.datasets import human, store
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.errors import UserError, unknown
from labelnoise.noise import formats, labels
from labelnoise.noise.catalogue import MAPS, NOISES
from labelnoise.noise.transitions import check_matrix, read_matrix


def of_trial(spec: Mapping[str, Any], source: Path | None, path: Path) -> dict[str, Any]:
    """Write the label file that a trial's spec asks for; its audit.

    `source` is where human labels or a label file of the user's are read from. Raises `UserError` when they do not fit
    the data set.
    """
    noise = spec["noise"]
    prepared = store.open_prepared(paths.dataset(spec), spec["dataset"])
    true = np.array(prepared.train.labels)
    if noise["kind"] == "human":
        published = spec["dataset"].get("like") or spec["dataset"]["name"]
        given = human.load(published, noise["variant"], source, true)
    elif noise["kind"] == "file":
        if hashlib.sha256(source.read_bytes()).hexdigest()[: len(noise["content"])] != noise["content"]:
            raise UserError(f"{source} changed after the run was planned; run snakemake again")
        given = given_labels(source, true, prepared.classes)
    else:
        features = prepared.train.images if noise["kind"] == "instance" else None
        given = labels.generate(true, num_classes=prepared.num_classes, noise=noise, features=features)
    return labels.write(path, true, given, classes=prepared.classes, noise=noise)


def given_labels(path: Path, true: np.ndarray, classes: list[str]) -> np.ndarray:
    """The int64 labels `(N,)` in a user's file; `UserError` unless they fit the true ones `(N,)` and the classes."""
    given, _ = formats.encode(formats.read(path, formats.GIVEN), path, classes)
    if len(given) != len(true):
        raise UserError(f"{path}: has {len(given)} labels, but there are {len(true)} training samples")
    return given


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
) -> dict[str, Any]:
    """Noisy labels for anybody's: `out`.npz and `out`.csv, and their audit `out`.json, which is returned.

    `source` holds the true labels (numbers or class names); `like` is the data set whose published map asymmetric noise
    takes. Raises `UserError` on every mistake in them.
    """
    info = NOISES.get(kind)
    if info is None or not info.has_seed:
        raise UserError(
            unknown("kind of noise to draw", kind, [name for name, entry in NOISES.items() if entry.has_seed])
        )
    true, classes = formats.encode(formats.read(source, formats.TRUE), source)
    if len(classes) < 2:
        raise UserError(f"{source}: noise needs at least two classes, and here is one")
    if (missing := np.flatnonzero(np.bincount(true, minlength=len(classes)) == 0)).size:
        raise UserError(
            f"{source}: no sample has the label {missing[0]}; classes are numbered from 0 without gaps, or named"
        )
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
    inputs = _features(features, len(true)) if kind == "instance" else None
    given = labels.generate(true, num_classes=len(classes), noise=noise, features=inputs)
    stem = out.with_suffix("") if out.suffix in (".npz", ".csv", ".json") else out
    if stem.with_suffix(source.suffix).resolve() == source.resolve():
        raise UserError(f"{source} would be overwritten; choose another --out")
    described = labels.write(stem.with_name(f"{stem.name}.npz"), true, given, classes=classes, noise=noise)
    formats.write_pairs(stem.with_name(f"{stem.name}.csv"), true, given, classes)
    return described


def _asymmetric(
    variant: str, classes: list[str], *, map: Mapping[str, str] | None, matrix: Path | None, like: str | None
) -> dict[str, Any]:
    if sum(option is not None for option in (map, matrix, like)) != 1:
        raise UserError("asymmetric noise needs one of --map cat=dog,dog=cat, --matrix T.csv and --like cifar10")
    if matrix is not None:
        return {"matrix": check_matrix(read_matrix(matrix), len(classes))}
    if map is not None:
        for name in (*map, *map.values()):
            if name not in classes:
                raise UserError(f"--map: {unknown('class', name, classes)}")
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
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no .npy that can be read ({error})") from None
    if features.ndim < 2 or len(features) != size or features.dtype.kind not in "uif":
        raise UserError(f"{path}: must be {size} rows of numbers, one a sample; got {features.dtype} {features.shape}")
    if features.dtype.kind == "f" and not np.isfinite(features).all():
        raise UserError(f"{path}: has entries that are not finite")
    return features
