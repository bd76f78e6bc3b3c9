"""Turn a user's noise settings into the noise of a spec, for config.yaml and the command line alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labelnoise import targets
from labelnoise.errors import UserError, unknown
from labelnoise.files import canonical_hash
from labelnoise.noise import own, transitions
from labelnoise.noise.catalogue import BY_CLASS, DEFAULT_VARIANTS, MAPS, NOISES, OWN, PUBLISHED_MAP
from labelnoise.readers import matrices

# Map name → (true, wrong) class numbers.
Maps = Mapping[str, Sequence[tuple[int, int]]]


class NoiseError(UserError):
    """A mistake in a noise; `key` is the wrong setting, None if the whole noise is wrong."""

    def __init__(self, message: str, key: str | None = None):
        super().__init__(message)
        self.key = key


# One rate, or a rate per class, by class name or number.
Rate = float | Mapping[Any, float] | None


def check_rate(kind: str, rate: Rate, *, has_matrix: bool = False) -> None:
    """Raise `NoiseError` unless the kind of noise can have this rate (None: no rate is set)."""
    if isinstance(rate, Mapping):
        if has_matrix or kind not in BY_CLASS:
            raise NoiseError(f"only {', '.join(BY_CLASS)} noise (without a matrix) takes a rate per class", "rate")
        if not any(rate.values()):
            raise NoiseError("a rate per class needs at least one class with a rate above 0", "rate")
        for value in rate.values():
            check_rate(kind, value)
        return
    if has_matrix or not NOISES[kind].has_rate:
        if rate not in (None, 0):
            what = "noise given by a matrix has" if has_matrix else f"{kind} labels have"
            raise NoiseError(f"{what} no noise rate; remove it", "rate")
        return
    if rate is None:
        raise NoiseError(f"{kind} noise needs a noise rate in [0, 1), such as 0.4", "rate")
    if not 0 <= rate < 1:
        raise NoiseError(f"a noise rate must lie in [0, 1), got {rate!r}", "rate")
    if kind == "instance" and rate == 0:
        raise NoiseError("instance noise at rate 0 is not clean, as flip rates vary around 0; use `clean`", "rate")


def check_variant(kind: str, variant: str) -> None:
    """Raise `NoiseError` unless the kind of noise has this variant on some data set."""
    if variant not in NOISES[kind].variants:
        raise NoiseError(unknown(f"variant of {kind} noise", variant, NOISES[kind].variants), "variant")


def resolve_noise(
    kind: str,
    *,
    rate: Rate,
    variant: str | None = None,
    classes: Sequence[str],
    maps: Maps,
    map: Mapping[Any, Any] | None = None,
    matrix: Any = None,
) -> dict[str, Any]:
    """The noise of a spec, without its seed, for generated noise: clean, symmetric, asymmetric, pair or instance.

    In a `rate` per class, classes that are not named keep their labels. `maps` are the data set's own, for asymmetric
    noise. A `map` (class → class, by name or number) or a `matrix` (rows, or a file) replaces them. If `variant` is
    None, the data set's default is used. Raises `NoiseError`.
    """
    check_rate(kind, rate, has_matrix=matrix is not None)
    if variant is not None:
        check_variant(kind, variant)
    if kind != "asymmetric" and (map is not None or matrix is not None):
        raise NoiseError(f"{kind} noise takes no map and no matrix", "map" if map is not None else "matrix")
    spec: dict[str, Any] = {"kind": kind, "version": NOISES[kind].version, "rate": 0.0 if kind == "clean" else rate}
    if matrix is not None:
        return spec | {"rate": None} | _by_matrix(matrix, variant, map, classes)
    if kind != "asymmetric":
        spec |= {"variant": variant or next(iter(NOISES[kind].variants))}
    elif map is not None:
        spec |= _by_own_map(map, variant, classes)
    else:
        spec |= _by_published_map(maps, variant)
    return spec | _by_class(spec, rate, classes) if isinstance(rate, Mapping) else spec


def resolve_mixed(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The noise of a spec, without its seed, whose parts are applied in order; a part may have its own `seed`."""
    listed = [dict(part) for part in parts]
    spec = {"kind": "mixed", "version": NOISES["mixed"].version, "rate": None, "variant": "sequence", "parts": listed}
    return spec | {"content": canonical_hash(listed, digits=6)}


def resolve_own(target: str, *, rate: float | None, params: Mapping[str, Any]) -> dict[str, Any]:
    """The noise of a spec, without its seed, from a user's own function; a `rate` is one of its parameters."""
    if rate is not None:
        params = {"rate": rate, **params}
    function = targets.resolve(target, params, positional=own.POSITIONAL)
    spec = {"kind": OWN, "version": NOISES[OWN].version, "rate": rate, "variant": "given", **function}
    return spec | {"content": canonical_hash(function, digits=6)}


def dominance_margin(noise: Mapping[str, Any], num_classes: int) -> float | None:
    """The least T_ii − max_{j≠i} T_ij of the requested matrix (ALF, Definition 1); None without one."""
    requested = transitions.requested(noise, num_classes)
    return None if requested is None else transitions.margin(requested)


def _by_class(spec: Mapping[str, Any], rate: Mapping[Any, float], classes: Sequence[str]) -> dict[str, Any]:
    if spec["variant"] not in DEFAULT_VARIANTS:
        raise NoiseError(f"the variant {spec['variant']} takes no rate per class; leave the variant out", "variant")
    names = list(classes)
    rates = sorted((_number(name, names, "rate"), float(value)) for name, value in rate.items())
    if len({k for k, _ in rates}) < len(rates):
        raise NoiseError("a class is named twice, by its name and its number", "rate")
    mapped = [true for true, _ in spec.get("map", [])]
    for k, value in rates:
        if "map" in spec and value > 0 and k not in mapped:
            raise NoiseError(f"{names[k]} has a rate, but the map of asymmetric noise does not flip it", "rate")
    listed = [list(pair) for pair in rates]
    return {"rate": None, "rates": listed, "content": canonical_hash([listed, spec.get("map")], digits=6)}


def _by_matrix(matrix: Any, variant: str | None, map: object, classes: Sequence[str]) -> dict[str, Any]:
    if map is not None or variant is not None:
        raise NoiseError("noise given by a matrix takes no map and no variant", "map" if map is not None else "variant")
    try:
        read = matrices.read(Path(matrix) if isinstance(matrix, str) else matrix, classes)
    except UserError as error:
        raise NoiseError(str(error), "matrix") from None
    return {"variant": "matrix", "content": canonical_hash(read.rows, digits=6)} | read.spec


def _by_own_map(map: Mapping[Any, Any], variant: str | None, classes: Sequence[str]) -> dict[str, Any]:
    if variant in MAPS:
        raise NoiseError(f"the variant {variant} has its own map; remove the map or the variant", "variant")
    pairs = _numbered(map, list(classes))
    if variant != "sequential":
        pairs.sort()  # only the sequential variant depends on their order
    return {"variant": variant or "parallel", "map": pairs, "content": canonical_hash(pairs, digits=6)}


def _by_published_map(maps: Maps, variant: str | None) -> dict[str, Any]:
    fitting = [name for name in NOISES["asymmetric"].variants if MAPS.get(name, PUBLISHED_MAP) in maps]
    if not fitting:
        raise NoiseError("this data set has no asymmetric map; give a map or a matrix", "map")
    chosen = variant or fitting[0]
    if chosen not in fitting:
        raise NoiseError(unknown("variant of asymmetric noise on this data set", chosen, fitting), "variant")
    return {"variant": chosen, "map": [list(pair) for pair in maps[MAPS.get(chosen, PUBLISHED_MAP)]]}


def _numbered(map: Mapping[Any, Any], classes: list[str]) -> list[list[int]]:
    """A user's map as (true, wrong) class numbers, from class names or numbers."""
    if not map:
        raise NoiseError("the map is empty; map at least one class to another", "map")
    pairs = [[_number(name, classes, "map") for name in pair] for pair in map.items()]
    for true, wrong in pairs:
        if true == wrong:
            raise NoiseError(f"{classes[true]} is mapped to itself; remove it", "map")
    if len({true for true, _ in pairs}) < len(pairs):
        raise NoiseError("a class is named twice, by its name and its number", "map")
    return pairs


def _number(value: Any, classes: list[str], key: str) -> int:
    """The number of a class that the setting `key` names by its name or number."""
    if isinstance(value, bool):
        raise NoiseError(f"YAML reads {str(value).lower()} as a truth value; quote it if it is a class", key)
    if str(value) in classes:
        return classes.index(str(value))
    may_be_numbered = not any(name.isdecimal() for name in classes)
    if isinstance(value, int) and 0 <= value < len(classes) and may_be_numbered:
        return value
    hint = f" (or their numbers 0..{len(classes) - 1})" if may_be_numbered else ""
    raise NoiseError(f"{unknown('class', value, classes)}{hint}", key)
