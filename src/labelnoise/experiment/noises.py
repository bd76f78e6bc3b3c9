"""Expands an entry of `noise:`, and resolves each noise on a data set."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labelnoise import given, paths
from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.info import DatasetInfo, Images
from labelnoise.errors import UserError, unknown
from labelnoise.experiment.config import EntryError, NoiseEntry, check_label
from labelnoise.experiment.datasets import Dataset
from labelnoise.noise.catalogue import DEFAULT_VARIANTS, FROM_CLEAN, NOISES, OWN
from labelnoise.noise.resolve import (
    NoiseError,
    Rate,
    check_rate,
    check_variant,
    resolve_mixed,
    resolve_noise,
    resolve_own,
)
from labelnoise.readers.annotation_files import Samples

# Headings name the classes of so many rates.
_FEW_RATES = 3


@dataclass(frozen=True)
class NoiseCase:
    """A noise entry at one rate and variant (None: the data set's default), and one value per parameter of a target.

    `parts` are those of mixed noise.
    """

    entry: NoiseEntry
    rate: Rate
    variant: str | None
    params: dict[str, Any] = field(default_factory=dict)
    parts: tuple[NoiseCase, ...] = ()

    @property
    def kind(self) -> str:
        return OWN if self.entry.target is not None else self.entry.kind or ""


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
    if entry.seed is not None:
        raise EntryError("`seed` is for a part of mixed noise; `seeds:` and `noise_seed:` set those of noises", "seed")
    yield from _expand(entry)


def _expand(entry: NoiseEntry) -> Iterator[NoiseCase]:
    rates: list[Rate] = [*entry.rate] if entry.rate else [None]
    if entry.target is not None:
        yield from _expand_own(entry, rates)
        return
    _check_keys(entry)
    kind = entry.kind or ""
    variants: list[str | None] = [*entry.variant] if entry.variant else [None]
    try:
        for variant in variants:
            if variant is not None:
                _check_variant(kind, variant)
        for rate in rates:
            check_rate(kind, rate, has_matrix=entry.matrix is not None)
    except NoiseError as error:
        raise EntryError(str(error), error.key if entry.rate is not None or error.key != "rate" else None) from None
    parts = _expand_parts(entry)
    for variant, rate in itertools.product(variants, rates):
        yield NoiseCase(entry, rate, variant, parts=parts)


def _expand_own(entry: NoiseEntry, rates: list[Rate]) -> Iterator[NoiseCase]:
    """Yield the user's function at every rate and every combination of its parameters that are lists."""
    for key in ("kind", "variant", "map", "matrix", "path", "column", "parts"):
        if getattr(entry, key) is not None:
            raise EntryError(f"a noise with `target:` takes no `{key}`; leave it out", key)
    if any(isinstance(rate, Mapping) for rate in rates):
        raise EntryError("a noise with `target:` takes no rate per class; give it as a parameter of your own", "rate")
    lists = {key: value if isinstance(value, list) else [value] for key, value in entry.parameters.items()}
    for rate, point in itertools.product(rates, itertools.product(*lists.values())):
        yield NoiseCase(entry, rate, None, dict(zip(lists, point, strict=True)))


def _expand_parts(entry: NoiseEntry) -> tuple[NoiseCase, ...]:
    parts = []
    for i, part in enumerate(entry.parts or []):
        try:
            expanded = list(_expand(part))
        except EntryError as error:
            raise EntryError(f"part {i + 1}: {error}", "parts") from None
        kind = expanded[0].kind
        if not NOISES[kind].has_seed or kind == "mixed":
            drawn = [name for name, info in NOISES.items() if info.has_seed and name != "mixed"]
            raise EntryError(f"part {i + 1}: {unknown('kind of noise for a part', kind, drawn)}", "parts")
        if len(expanded) > 1:
            raise EntryError(
                f"part {i + 1}: a part takes one value per key; list several mixed noises instead", "parts"
            )
        if part.label is not None:
            raise EntryError(f"part {i + 1}: a part has no label; give the mixed noise one", "parts")
        parts += expanded
    return tuple(parts)


def _check_variant(kind: str, variant: str) -> None:
    if kind != "human":
        check_variant(kind, variant)
        return
    known = {name for dataset in DATASETS.values() for name in dataset.human}
    if variant not in known:
        raise EntryError(unknown("variant of human noise", variant, known), "variant")


def _check_keys(entry: NoiseEntry) -> None:
    """Raise `EntryError` for missing keys and for keys that do not apply to this noise."""
    if entry.kind is None:
        raise EntryError("name the noise with `kind:`, or a function of your own with `target:`")
    if entry.kind == OWN or entry.kind not in NOISES:
        raise EntryError(unknown("noise", entry.kind, [name for name in NOISES if name != OWN]))
    for key in entry.parameters:
        raise EntryError(unknown("key", key, list(NoiseEntry.model_fields)), key)
    belongs = {"map": "asymmetric", "matrix": "asymmetric", "path": "file", "column": "file", "parts": "mixed"}
    for key, kind in belongs.items():
        if getattr(entry, key) is not None and entry.kind != kind:
            raise EntryError(f"`{key}` belongs to {kind} noise; leave it out of {entry.kind} noise", key)
    if entry.kind == "file" and entry.path is None:
        raise EntryError("noise of kind file needs `path:`, a CSV, .npy, .npz or JSON with one label per sample")
    if entry.kind == "mixed" and entry.parts is None:
        raise EntryError("mixed noise needs `parts:`, a list of noises that are applied in this order")
    if entry.matrix is not None and (entry.map is not None or entry.variant is not None):
        raise EntryError("noise given by a matrix takes no map and no variant")


def resolve_noise_on(case: NoiseCase, dataset: Dataset) -> Noise:
    """Return the noise on this data set. Raises `EntryError` if the data set lacks what the noise needs."""
    entry, info = case.entry, dataset.info
    _check_possible(case, info)
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
    noise = Noise(spec, _heading(case, spec, info), source)
    check_label(" ".join(filter(None, noise.heading)))
    return noise


def _check_possible(case: NoiseCase, info: DatasetInfo) -> None:
    if info.labels == "given" and case.kind in FROM_CLEAN:
        what = "a noise of your own" if case.kind == OWN else f"{case.kind} noise"
        raise EntryError(
            f"{what} needs true labels, and those of {info.name} are unknown; use `given` (the labels as "
            "provided) or `file`"
        )
    if case.kind == "instance" and info.images != Images.ARRAYS:
        raise EntryError(f"instance noise needs images in memory, but {info.name} is read from image files")


def _read_spec(kind: str, variant: str) -> dict[str, Any]:
    """The noise spec for labels that are read, not drawn."""
    return {"kind": kind, "rate": None, "version": NOISES[kind].version, "variant": variant}


def _drawn_spec(case: NoiseCase, dataset: Dataset) -> dict[str, Any]:
    entry, info = case.entry, dataset.info
    if entry.target is not None:
        assert not isinstance(case.rate, Mapping)  # refused in `_expand_own`
        try:
            return resolve_own(entry.target, rate=case.rate, params=case.params)
        except UserError as error:
            raise EntryError(str(error)) from None
    if case.parts:
        return resolve_mixed([_part_spec(i, part, dataset) for i, part in enumerate(case.parts)])
    needs_map = entry.kind == "asymmetric" and entry.map is None and entry.matrix is None
    if needs_map and not info.asymmetric_maps:
        known = ", ".join(name for name, other in DATASETS.items() if other.asymmetric_maps)
        raise EntryError(
            f"the data set {info.name} has no asymmetric map; give one as `map: {{{info.classes[0]}: "
            f"{info.classes[1]}}}` or a `matrix`. Data sets that have one: {known}"
        )
    try:
        return resolve_noise(
            case.kind,
            rate=case.rate,
            variant=case.variant,
            classes=info.classes,
            maps=info.asymmetric_maps,
            map=entry.map,
            matrix=entry.matrix,
        )
    except NoiseError as error:
        raise EntryError(str(error).replace("this data set", info.name), error.key) from None


def _part_spec(i: int, part: NoiseCase, dataset: Dataset) -> dict[str, Any]:
    try:
        _check_possible(part, dataset.info)
        spec = _drawn_spec(part, dataset)
    except EntryError as error:
        raise EntryError(f"part {i + 1}: {error}", "parts") from None
    return spec if part.entry.seed is None else spec | {"seed": part.entry.seed}


def _heading(case: NoiseCase, spec: dict[str, Any], info: DatasetInfo) -> tuple[str, str]:
    """(group, rate) as printed in tables and figures."""
    entry = case.entry
    rate = "" if spec["rate"] is None or entry.kind == "clean" else f"{spec['rate']!r}"
    if "rates" in spec:
        rate = _text_of_rates(spec["rates"], info.classes)
    if case.params:
        swept = [key for key, value in entry.parameters.items() if isinstance(value, list)]
        shown = [f"{key}={case.params[key]}" for key in (swept if entry.label else case.params)]
    else:
        several = entry.variant is not None and len(entry.variant) > 1
        hidden = not several if entry.label else spec["variant"] in DEFAULT_VARIANTS
        shown = [] if hidden else [spec["variant"]]
    if entry.label:
        return " ".join([entry.label, *shown]), rate
    if case.parts:
        headings = [_heading(part, of_part, info) for part, of_part in zip(case.parts, spec["parts"], strict=True)]
        return " + ".join(" ".join(filter(None, heading)) for heading in headings), rate
    name = Path(entry.path).stem if entry.path else entry.kind or spec["name"]
    return " ".join([name, *shown, *(["own map"] if entry.map else [])]), rate


def _text_of_rates(rates: list[list[Any]], classes: Sequence[str]) -> str:
    """`cat 0.3, dog 0.1`; of many classes the range."""
    if len(rates) <= _FEW_RATES:
        return ", ".join(f"{classes[k]} {rate!r}" for k, rate in rates)
    values = [rate for _, rate in rates]
    return f"{min(values)!r}–{max(values)!r} in {len(rates)} classes"


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
