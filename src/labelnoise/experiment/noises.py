"""An entry of `noise:` → every noise that it asks for, and what each is on a data set."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelnoise import paths
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.errors import UserError, unknown
from labelnoise.experiment.config import EntryError, NoiseEntry, check_label
from labelnoise.experiment.datasets import Dataset
from labelnoise.files import canonical_hash
from labelnoise.noise.catalogue import DEFAULT_VARIANTS, FROM_CLEAN, MAPS, NOISES


@dataclass(frozen=True)
class NoiseCase:
    """A noise entry at one rate and variant (None: the data set's default)."""

    entry: NoiseEntry
    rate: float | None
    variant: str | None


@dataclass(frozen=True)
class Noise:
    """A noise on a data set: the spec's part without its seed, how tables head it, and the file it is read from."""

    spec: dict[str, Any]
    heading: tuple[str, str]
    source: Path | None = None

    @property
    def name(self) -> str:
        return paths.noise_name(self.spec)


def cases(entry: NoiseEntry) -> Iterator[NoiseCase]:
    """The entry at every rate and variant; `EntryError` on what is wrong whatever the data set."""
    if entry.kind not in NOISES:
        raise EntryError(unknown("noise", entry.kind, NOISES))
    info = NOISES[entry.kind]
    _check_keys(entry)
    variants: list[str | None] = list(entry.variant or [None])
    known = (
        {name for dataset in DATASETS.values() for name in dataset.human} if entry.kind == "human" else info.variants
    )
    for variant in variants:
        if variant is not None and variant not in known:
            raise EntryError(unknown(f"variant of {entry.kind} noise", variant, known), "variant")
    rates: list[float | None] = list(entry.rate or [None])
    if not info.has_rate or entry.matrix is not None:
        if entry.rate is not None and entry.rate != [0]:
            told = "a noise given by a matrix has" if entry.matrix is not None else f"labels of kind {entry.kind} have"
            raise EntryError(f"{told} no noise rate to choose; leave it out", "rate")
        rates = [0.0 if entry.kind == "clean" else None]
    elif entry.rate is None:
        raise EntryError(f"{entry.kind} noise needs a rate, such as {{kind: {entry.kind}, rate: [0.2, 0.4]}}")
    if entry.kind == "instance" and 0 in rates:
        raise EntryError("instance noise at rate 0 is not clean: its flip rates spread around it; use `clean`", "rate")
    for variant, rate in itertools.product(variants, rates):
        yield NoiseCase(entry, rate, variant)


def _check_keys(entry: NoiseEntry) -> None:
    """Keys that belong to one kind only."""
    for key, kind in (("map", "asymmetric"), ("matrix", "asymmetric"), ("path", "file"), ("column", "file")):
        if getattr(entry, key) is not None and entry.kind != kind:
            raise EntryError(f"`{key}` belongs to {kind} noise; {entry.kind} noise has none", key)
    if entry.kind == "file" and entry.path is None:
        raise EntryError("noise of kind file needs `path:`, a CSV, .npy, .npz or JSON with one label a sample")
    if entry.matrix is not None and (entry.map is not None or entry.variant is not None):
        raise EntryError("a noise given by a matrix takes no map and no variant")


def on(case: NoiseCase, dataset: Dataset) -> Noise:
    """The case on this data set; `EntryError` when the data set lacks what it needs."""
    entry, info = case.entry, NOISES[case.entry.kind]
    if dataset.info.labels == "given" and entry.kind in FROM_CLEAN:
        raise EntryError(
            f"the labels of {dataset.info.name} are noisy as they come and the true ones are not known, so "
            f"{entry.kind} noise has nothing to start from; use `given` (as they come), or `file`"
        )
    spec: dict[str, Any] = {"kind": entry.kind, "rate": case.rate, "version": info.version}
    source = None
    if entry.kind == "asymmetric":
        spec |= _asymmetric(case, dataset)
    elif entry.kind == "human":
        spec["variant"] = _human(case, dataset)
        source = _human_folder(dataset)
    elif entry.kind == "file":
        source = Path(entry.path)
        spec |= _file(entry, source, dataset)
    else:
        spec["variant"] = case.variant or next(iter(info.variants))
    if entry.kind == "instance" and not dataset.info.in_memory:
        raise EntryError(f"instance noise needs images in memory, which {dataset.info.name} has not")
    noise = Noise(spec, _heading(entry, spec), source)
    check_label(" ".join(filter(None, noise.heading)))
    return noise


def _heading(entry: NoiseEntry, spec: dict[str, Any]) -> tuple[str, str]:
    """(group, rate) as tables and figures print them."""
    rate = "" if spec["rate"] is None or entry.kind == "clean" else f"{spec['rate']!r}"
    if entry.label:
        several = entry.variant is not None and len(entry.variant) > 1
        return f"{entry.label} {spec['variant']}" if several else entry.label, rate
    shown = [] if spec["variant"] in DEFAULT_VARIANTS else [spec["variant"]]
    name = Path(entry.path).stem if entry.path else entry.kind
    return " ".join([name, *shown, *(["own map"] if entry.map else [])]), rate


def _asymmetric(case: NoiseCase, dataset: Dataset) -> dict[str, Any]:
    entry, info = case.entry, dataset.info
    if entry.matrix is not None:
        from labelnoise.readers import matrices

        try:
            matrix = matrices.read(entry.matrix, info.classes)
        except UserError as error:
            raise EntryError(str(error), "matrix") from None
        return {"variant": "matrix", "content": canonical_hash(matrix.rows, digits=6)} | matrix.spec
    if entry.map is not None:
        if case.variant in MAPS:
            raise EntryError(
                f"the variant {case.variant} has a map of its own; leave `map` or `variant` out", "variant"
            )
        pairs = _pairs(entry.map, info.classes)
        if case.variant != "sequential":
            pairs.sort()  # the order says something there only
        return {"variant": case.variant or "parallel", "map": pairs, "content": canonical_hash(pairs, digits=6)}
    if not info.asymmetric_maps:
        having = ", ".join(name for name, other in DATASETS.items() if other.asymmetric_maps)
        raise EntryError(
            f"the data set {info.name} has no asymmetric map; give one, as `map: {{{info.classes[0]}: "
            f"{info.classes[1]}}}` or a `matrix`. Data sets that have one: {having}"
        )
    fitting = [name for name in NOISES["asymmetric"].variants if _map_of(name, dataset)]
    variant = case.variant or fitting[0]
    if variant not in fitting:
        raise EntryError(unknown(f"variant of asymmetric noise on {info.name}", variant, fitting), "variant")
    return {"variant": variant, "map": [list(pair) for pair in info.asymmetric_maps[_map_of(variant, dataset)]]}


def _map_of(variant: str, dataset: Dataset) -> str | None:
    """The name of the data set's map that the variant uses; None when the variant is not for this data set."""
    maps = dataset.info.asymmetric_maps
    name = MAPS.get(variant, "published")
    return name if name in maps else None


def _pairs(given: dict[Any, Any], classes: tuple[str, ...]) -> list[list[int]]:
    """A user's map as (true, wrong) numbers, from numbers or class names."""

    may_be_numbered = not any(name.isdecimal() for name in classes)

    def number(value: Any) -> int:
        if isinstance(value, bool):
            raise EntryError(f"YAML reads a class called yes, no, on or off as {value}; quote it", "map")
        if str(value) in classes:
            return classes.index(str(value))
        if isinstance(value, int) and 0 <= value < len(classes) and may_be_numbered:
            return value
        hint = f" (or their numbers 0..{len(classes) - 1})" if may_be_numbered else ""
        raise EntryError(f"{unknown('class', value, classes)}{hint}", "map")

    if not given:
        raise EntryError("it is empty; name at least one class and what it turns into", "map")
    pairs = [[number(true), number(wrong)] for true, wrong in given.items()]
    for true, wrong in pairs:
        if true == wrong:
            raise EntryError(f"{classes[true]} turns into itself; leave it out", "map")
    if len({true for true, _ in pairs}) < len(pairs):
        raise EntryError("a class is named twice, by its name and its number", "map")
    return pairs


def _human(case: NoiseCase, dataset: Dataset) -> str:
    known = dataset.info.human
    if not known:
        having = ", ".join(name for name, other in DATASETS.items() if other.human)
        raise EntryError(f"there are no human labels for {dataset.info.name}; data sets that have them: {having}")
    if case.variant is None and len(known) > 1:
        raise EntryError(f"say which human labels: `variant:` one of {', '.join(known)}")
    variant = case.variant or next(iter(known))
    if variant not in known:
        raise EntryError(unknown(f"set of human labels for {dataset.info.name}", variant, known), "variant")
    return variant


def _human_folder(dataset: Dataset) -> Path:
    """Beside the images of a catalogue data set, else among the downloads of the one it is like."""
    return dataset.source if dataset.info.like is None else paths.DOWNLOADS / dataset.info.like


def _file(entry: NoiseEntry, path: Path, dataset: Dataset) -> dict[str, Any]:
    """The spec's part of a label file: its content, and how it is read where that is not by the rows' order."""
    from labelnoise import given

    try:
        content = hashlib.sha256(path.read_bytes()).hexdigest()[:10]
        found = given.read(
            path,
            dataset.info.classes,
            dataset.samples,
            column=entry.column,
            own=dataset.labels,
            own_are_true=dataset.info.labels == "clean",
        )
    except OSError as error:
        raise EntryError(f"{path} cannot be read ({error.strerror})", "path") from None
    except UserError as error:
        raise EntryError(str(error), "path") from None
    spec: dict[str, Any] = {"variant": "given", "content": content}
    if entry.column is not None:
        spec["column"] = entry.column
    if found.joined_by is not None:
        spec["joined_by"] = found.joined_by
    if dataset.info.labels == "given":
        spec["truth"] = "unknown"
    return spec
