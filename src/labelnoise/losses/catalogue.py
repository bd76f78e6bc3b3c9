"""Names → losses and their parameters. Needs no torch.

`resolve` turns what a user wrote into the full set of parameters, which a trial's identity holds.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from labelnoise.losses.entries import ALIASES, LOSSES, PUBLISHED_SUMS
from labelnoise.losses.info import LossInfo, Need, Takes
from labelnoise.losses.parameters import LossError, Parameter, Value

_WEIGHTS = (
    Parameter("alpha", 1.0, "weight of the first part"),
    Parameter("beta", 1.0, "weight of the second part"),
)
_ENTROPY = Parameter("lam", 1.0, "weight of ANL+'s entropy term")


def names() -> list[str]:
    """Every loss that has a name of its own: single losses, frameworks, published sums."""
    return [*LOSSES, *ALIASES, *PUBLISHED_SUMS]


def _did_you_mean(word: str, options: list[str]) -> str:
    folded = {option.casefold(): option for option in options}
    found = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.5)
    return f" — did you mean {folded[found[0]]}?" if found else "."


def parts(name: str) -> list[LossInfo]:
    """The one entry a name stands for, or the two of a sum; `LossError` for an unknown name."""
    known = names()
    name = ALIASES[name].stands_for if name in ALIASES else name
    if name in LOSSES:
        return [LOSSES[name]]
    # A catalogue name may hold a plus itself, so every place to cut is tried.
    for cut in (i for i, char in enumerate(name) if char == "+"):
        first, second = name[:cut], name[cut + 1 :]
        if first in LOSSES and second in LOSSES:
            _check_sum(name, LOSSES[first], LOSSES[second])
            return [LOSSES[first], LOSSES[second]]
    raise LossError(
        f"unknown loss {name!r}{_did_you_mean(name, known)} Known: {', '.join(known)}, "
        "and any sum A+B of two single losses"
    )


def _check_sum(name: str, first: LossInfo, second: LossInfo) -> None:
    if first == second:
        raise LossError(f"{name}: a sum needs two different losses; use one with a scale")
    for entry in (first, second):
        if not entry.summable:
            raise LossError(f"{name}: {entry.name} is not a function of one prediction, so it has no sums")


def is_entropy_regularised(name: str) -> bool:
    """Whether the name stands for a sum with ANL+'s entropy term."""
    return name in ALIASES and ALIASES[name].entropy


def needs(name: str) -> tuple[Need, ...]:
    """What a training loop must supply, see `Need`."""
    return tuple(dict.fromkeys(need for entry in parts(name) for need in entry.needs))


def is_capturable(name: str) -> bool:
    """Whether every step does the same operations, so that a CUDA graph can replay them."""
    return all(entry.capturable for entry in parts(name))


def is_function_of_probabilities(name: str) -> bool:
    """Whether L(u, k) is defined for a probability vector u: no features, views, draws or batch-level terms."""
    entries = parts(name)
    return all(entry.takes == Takes.PROBABILITIES and not entry.needs for entry in entries) and not (
        is_entropy_regularised(name)
    )


def owners(name: str) -> dict[str, tuple[str, str]]:
    """For every parameter's full name, the single loss that it belongs to and its name there."""
    entries = parts(name)
    prefix = "" if len(entries) == 1 else "{}."
    return {
        prefix.format(entry.name) + parameter.name: (entry.name, parameter.name)
        for entry in entries
        for parameter in entry.parameters
    }


def parameters(name: str) -> dict[str, Parameter]:
    """All parameters of a loss by their full names: `q`, or `alpha`, `beta`, `NCE.scale`, `AGCE.q` for a sum."""
    entries = parts(name)
    if len(entries) == 1:
        return {parameter.name: parameter for parameter in entries[0].parameters}
    full = {weight.name: weight for weight in (*_WEIGHTS, *([_ENTROPY] if is_entropy_regularised(name) else []))}
    for entry in entries:
        full |= {f"{entry.name}.{parameter.name}": parameter for parameter in entry.parameters}
    return full


def full_names(name: str, key: str) -> list[str]:
    """The full names of a parameter as a user may write it: `q` is `AGCE.q` in NCE+AGCE.

    In a framework one name may set a parameter of both parts: `gamma` in ANL-FL. Raises `LossError` for a parameter
    that the loss does not have, or that both parts of a sum have.
    """
    known = parameters(name)
    if key in known:
        return [key]
    ends = [full for full in known if full.endswith(f".{key}")]
    if len(ends) == 1 or (ends and name in ALIASES and key in ALIASES[name].shared):
        return ends
    if ends:
        raise LossError(f"{name}: {key!r} is in both parts; write {' or '.join(ends)}")
    flat = list(dict.fromkeys([*known, *(full.split(".")[-1] for full in known)]))
    allowed = ", ".join(flat) if flat else "none (it has no parameters)"
    raise LossError(f"{name} has no parameter {key!r}{_did_you_mean(key, flat)} Allowed: {allowed}")


def spelled_out(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The same values by the parameters' full names; `LossError` for a wrong name, or a parameter given twice."""
    found: dict[str, Any] = {}
    for key, value in params.items():
        for full in full_names(name, key):
            if full in found:
                raise LossError(f"{name}: {key!r} is given twice")
            found[full] = value
    return found


def resolve(name: str, params: Mapping[str, Any]) -> dict[str, Value]:
    """Every parameter of the loss by its full name, with defaults filled in and ranges checked.

    Raises `LossError` for an unknown loss, an unknown or ambiguous parameter, one given twice, a value out of range.
    """
    given = spelled_out(name, params)
    defaults = ALIASES[name].defaults if name in ALIASES else {}
    return {
        full: parameter.check(given.get(full, defaults.get(full, parameter.default)), where=f"{name}: {full}")
        for full, parameter in parameters(name).items()
    }


def identity(name: str, params: Mapping[str, Any]) -> dict[str, Value]:
    """`resolve`, without parameters that are at their implicit default: what a trial's identity holds."""
    known = parameters(name)
    return {
        full: value
        for full, value in resolve(name, params).items()
        if not (known[full].implicit_default and value == known[full].default)
    }


def version(name: str) -> str:
    """The version of the values that a loss computes: "1", or "1+1" for a sum."""
    return "+".join(str(entry.version) for entry in parts(name))
