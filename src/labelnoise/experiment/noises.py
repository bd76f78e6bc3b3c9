"""Expands an entry of `noise:`, and resolves each noise on a data set."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelnoise import given, paths
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.info import Images
from labelnoise.errors import UserError, unknown
from labelnoise.experiment.config import EntryError, NoiseEntry, check_label
from labelnoise.experiment.datasets import Dataset
from labelnoise.noise.catalogue import DEFAULT_VARIANTS, FROM_CLEAN, NOISES
from labelnoise.noise.resolve import NoiseError, check_rate, check_variant, resolve_noise
from labelnoise.readers.annotation_files import Samples


@dataclass(frozen=True)
class NoiseCase:
    """A noise entry at one rate and variant (None: the data set's default)."""

    entry: NoiseEntry
    rate: float | None
    variant: str | None


@dataclass(frozen=True)
class Noise:
    """A noise on a data set: its spec without the seed, its table heading, and the file or folder it is read from."""

    spec: dict[str, Any]
    heading: tuple[str, str]
    source: Path | None = None

    @property
    def name(self) -> str:
        return paths.noise_name(self.spec)


def expand_noise(entry: NoiseEntry) -> Iterator[NoiseCase]:
    """Yield the entry at every rate and variant. Raises `EntryError` for a wrong entry."""
    if entry.kind not in NOISES:
        raise EntryError(unknown("noise", entry.kind, NOISES))
    _check_keys(entry)
    variants: list[str | None] = [*entry.variant] if entry.variant else [None]
    rates: list[float | None] = [*entry.rate] if entry.rate else [None]
    try:
        for variant in variants:
            if variant is not None:
                _check_variant(entry.kind, variant)
        for rate in rates:
            check_rate(entry.kind, rate, has_matrix=entry.matrix is not None)
    except NoiseError as error:
        raise EntryError(str(error), error.key if entry.rate is not None or error.key != "rate" else None) from None
    for variant, rate in itertools.product(variants, rates):
        yield NoiseCase(entry, rate, variant)


def _check_variant(kind: str, variant: str) -> None:
    if kind != "human":
        check_variant(kind, variant)
        return
    known = {name for dataset in DATASETS.values() for name in dataset.human}
    if variant not in known:
        raise EntryError(unknown("variant of human noise", variant, known), "variant")


def _check_keys(entry: NoiseEntry) -> None:
    """Raise `EntryError` for missing keys and for keys that do not apply to this noise."""
    for key, kind in (("map", "asymmetric"), ("matrix", "asymmetric"), ("path", "file"), ("column", "file")):
        if getattr(entry, key) is not None and entry.kind != kind:
            raise EntryError(f"`{key}` belongs to {kind} noise; leave it out of {entry.kind} noise", key)
    if entry.kind == "file" and entry.path is None:
        raise EntryError("noise of kind file needs `path:`, a CSV, .npy, .npz or JSON with one label per sample")
    if entry.matrix is not None and (entry.map is not None or entry.variant is not None):
        raise EntryError("noise given by a matrix takes no map and no variant")


def resolve_noise_on(case: NoiseCase, dataset: Dataset) -> Noise:
    """Return the noise on this data set. Raises `EntryError` if the data set lacks what the noise needs."""
    entry, info = case.entry, dataset.info
    if info.labels == "given" and entry.kind in FROM_CLEAN:
        raise EntryError(
            f"{entry.kind} noise needs true labels, and those of {info.name} are unknown; use `given` (the labels as "
            "provided) or `file`"
        )
    if entry.kind == "instance" and info.images != Images.ARRAYS:
        raise EntryError(f"instance noise needs images in memory, but {info.name} is read from image files")
    source = None
    if entry.kind == "human":
        spec, source = _read_spec("human", _human_variant(case, dataset)), _human_folder(dataset)
    elif entry.kind == "file":
        source = Path(entry.path or "")
        spec = _read_spec("file", "given") | _file_content(entry, source, dataset)
    elif entry.kind == "given":
        spec = _read_spec("given", "given")
    else:
        spec = _drawn_spec(case, dataset)
    noise = Noise(spec, _heading(entry, spec), source)
    check_label(" ".join(filter(None, noise.heading)))
    return noise


def _read_spec(kind: str, variant: str) -> dict[str, Any]:
    """The noise spec for labels that are read, not drawn."""
    return {"kind": kind, "rate": None, "version": NOISES[kind].version, "variant": variant}


def _drawn_spec(case: NoiseCase, dataset: Dataset) -> dict[str, Any]:
    entry, info = case.entry, dataset.info
    needs_map = entry.kind == "asymmetric" and entry.map is None and entry.matrix is None
    if needs_map and not info.asymmetric_maps:
        known = ", ".join(name for name, other in DATASETS.items() if other.asymmetric_maps)
        raise EntryError(
            f"the data set {info.name} has no asymmetric map; give one as `map: {{{info.classes[0]}: "
            f"{info.classes[1]}}}` or a `matrix`. Data sets that have one: {known}"
        )
    try:
        return resolve_noise(
            entry.kind,
            rate=case.rate,
            variant=case.variant,
            classes=info.classes,
            maps=info.asymmetric_maps,
            map=entry.map,
            matrix=entry.matrix,
        )
    except NoiseError as error:
        raise EntryError(str(error).replace("this data set", info.name), error.key) from None


def _heading(entry: NoiseEntry, spec: dict[str, Any]) -> tuple[str, str]:
    """(group, rate) as printed in tables and figures."""
    rate = "" if spec["rate"] is None or entry.kind == "clean" else f"{spec['rate']!r}"
    if entry.label:
        several = entry.variant is not None and len(entry.variant) > 1
        return f"{entry.label} {spec['variant']}" if several else entry.label, rate
    shown = [] if spec["variant"] in DEFAULT_VARIANTS else [spec["variant"]]
    name = Path(entry.path).stem if entry.path else entry.kind
    return " ".join([name, *shown, *(["own map"] if entry.map else [])]), rate


def _human_variant(case: NoiseCase, dataset: Dataset) -> str:
    known = dataset.info.human
    if not known:
        others = ", ".join(name for name, other in DATASETS.items() if other.human)
        raise EntryError(f"there are no human labels for {dataset.info.name}; data sets that have them: {others}")
    if case.variant is None and len(known) > 1:
        raise EntryError(f"choose the human labels with `variant:`, one of {', '.join(known)}")
    variant = case.variant or next(iter(known))
    if variant not in known:
        raise EntryError(unknown(f"set of human labels for {dataset.info.name}", variant, known), "variant")
    return variant


def _human_folder(dataset: Dataset) -> Path:
    """The folder of human labels: the data set's own, or for a user's data set the downloads of its `like:`."""
    return dataset.source if dataset.info.like is None else paths.DOWNLOADS / dataset.info.like


def _file_content(entry: NoiseEntry, path: Path, dataset: Dataset) -> dict[str, Any]:
    """The label file's part of the spec: content hash, column, and the key to join by if not row order."""
    own = dataset.own
    try:
        content = hashlib.sha256(path.read_bytes()).hexdigest()[:10]
        read = given.read(
            path,
            dataset.info.classes,
            _samples(dataset),
            column=entry.column,
            own=None if own is None else own.description.labels,
            own_are_true=dataset.info.labels == "clean",
        )
    except OSError as error:
        raise EntryError(f"{path} cannot be read ({error.strerror})", "path") from None
    except UserError as error:
        raise EntryError(str(error), "path") from None
    spec: dict[str, Any] = {"content": content}
    if entry.column is not None:
        spec["column"] = entry.column
    if read.joined_by is not None:
        spec["joined_by"] = read.joined_by
    if dataset.info.labels == "given":
        spec["truth"] = "unknown"
    return spec


def _samples(dataset: Dataset) -> Samples | None:
    """The training samples; None if they are unknown until the data set is prepared."""
    if dataset.own is not None:
        return dataset.own.samples
    return None if dataset.info.train_size is None else Samples(dataset.info.train_size)
