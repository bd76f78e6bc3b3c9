"""Names → losses and their parameters. Needs no torch.

`resolve` turns what the user wrote into the full set of parameters; `identity` selects those that identify a trial.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from labelnoise.losses.entries import ALIASES, LOSSES, PUBLISHED_SUMS
from labelnoise.losses.info import LossInfo, Need, Takes
from labelnoise.losses.parameters import ClassWeight, LossError, Parameter, Value

_WEIGHTS = (
    Parameter("alpha", 1.0, "weight of the first part"),
    Parameter("beta", 1.0, "weight of the second part"),
)
_ENTROPY = Parameter("lam", 1.0, "weight of ANL+'s entropy term")

# Of every loss that is a mean over samples, so not of one with a batch-level term.
WEIGHT = ClassWeight(
    "weight",
    None,
    "weights of the classes, as in torch's cross_entropy: Σ w_y L / Σ w_y; balanced: N / (K · N_k)",
    tuned=False,
    implicit_default=True,
)


def names() -> list[str]:
    """All named losses: single losses, frameworks, published sums.

    >>> names()[:3]
    ['CE', 'FL', 'MAE']
    """
    return [*LOSSES, *ALIASES, *PUBLISHED_SUMS]


def _did_you_mean(word: str, options: list[str]) -> str:
    folded = {option.casefold(): option for option in options}
    matches = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.5)
    return f" — did you mean {folded[matches[0]]}?" if matches else "."


def parts(name: str) -> list[LossInfo]:
    """The entry that a name stands for, or the two entries of a sum; raises `LossError` for an unknown name."""
    known = names()
    name = ALIASES[name].stands_for if name in ALIASES else name
    if name in LOSSES:
        return [LOSSES[name]]
    # A catalogue name may itself contain a plus, so try every place to split.
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
            raise LossError(f"{name}: {entry.name} is not a function of one prediction, so it cannot be part of a sum")


def is_entropy_regularised(name: str) -> bool:
    """Whether the name stands for a sum with ANL+'s entropy term."""
    return name in ALIASES and ALIASES[name].entropy


def needs(name: str) -> tuple[Need, ...]:
    """What a training loop must supply, see `labelnoise.losses.create`.

    >>> needs("NLNL")
    (<Need.CLASS_COUNTS: 'class_counts'>, <Need.DRAWS: 'draws'>)
    """
    return tuple(dict.fromkeys(need for entry in parts(name) for need in entry.needs))


def is_capturable(name: str) -> bool:
    """Whether every step performs the same operations, so that a CUDA graph can replay them."""
    return all(entry.capturable for entry in parts(name))


def not_linear(name: str) -> list[str]:
    """The parts that are not linear in the label, so that the loss takes no soft targets."""
    parts_of_it = [entry.name for entry in parts(name) if not entry.linear]
    return [*parts_of_it, *(["the entropy term"] if is_entropy_regularised(name) else [])]


def is_function_of_probabilities(name: str) -> bool:
    """Whether L(u, k) is defined for a probability vector u: no features, views, draws or batch-level terms."""
    entries = parts(name)
    return all(entry.takes == Takes.PROBABILITIES and not entry.needs for entry in entries) and not (
        is_entropy_regularised(name)
    )


def owners(name: str) -> dict[str, tuple[str, str]]:
    """Map each parameter's full name to the single loss that it belongs to and its name there."""
    entries = parts(name)
    prefix = "" if len(entries) == 1 else "{}."
    return {
        prefix.format(entry.name) + parameter.name: (entry.name, parameter.name)
        for entry in entries
        for parameter in entry.parameters
    }


def parameters(name: str) -> dict[str, Parameter]:
    """All parameters of a loss by full name: `q`, or `alpha`, `beta`, `NCE.scale`, `AGCE.q` for a sum.

    Raises `LossError` for an unknown name.

    >>> list(parameters("NCE+AGCE"))
    ['alpha', 'beta', 'NCE.scale', 'AGCE.a', 'AGCE.q', 'weight']
    >>> parameters("GCE")["q"].range
    'a number > 0 and ≤ 1'
    """
    entries = parts(name)
    weight = {} if is_entropy_regularised(name) else {WEIGHT.name: WEIGHT}
    if len(entries) == 1:
        return {parameter.name: parameter for parameter in entries[0].parameters} | weight
    full = {weight.name: weight for weight in (*_WEIGHTS, *([_ENTROPY] if is_entropy_regularised(name) else []))}
    for entry in entries:
        full |= {f"{entry.name}.{parameter.name}": parameter for parameter in entry.parameters}
    return full | weight


def full_names(name: str, key: str) -> list[str]:
    """The full names of a parameter as the user may write it: `q` is `AGCE.q` in NCE+AGCE.

    In a framework one name may set a parameter of both parts: `gamma` in ANL-FL. Raises `LossError` if the loss does
    not have the parameter, or if both parts of a sum have it.
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
    """The same values by full parameter name; raises `LossError` for a wrong name or a parameter given twice."""
    spelled: dict[str, Any] = {}
    for key, value in params.items():
        for full in full_names(name, key):
            if full in spelled:
                raise LossError(f"{name}: {key!r} is given twice")
            spelled[full] = value
    return spelled


def resolve(name: str, params: Mapping[str, Any]) -> dict[str, Value]:
    """All parameters of the loss by full name, with defaults filled in and ranges checked; `weight` only if given.

    Raises `LossError` for an unknown loss, an unknown or ambiguous parameter, a parameter given twice or a value out of
    range.

    >>> resolve("NCE+AGCE", {"beta": 4, "q": 1.5})
    {'alpha': 1.0, 'beta': 4.0, 'NCE.scale': 1.0, 'AGCE.a': 1.0, 'AGCE.q': 1.5}
    """
    given = spelled_out(name, params)
    defaults = ALIASES[name].defaults if name in ALIASES else {}
    return {
        full: parameter.check(given.get(full, defaults.get(full, parameter.default)), where=f"{name}: {full}")
        for full, parameter in parameters(name).items()
        if parameter is not WEIGHT or given.get(full) is not None
    }


def identity(name: str, params: Mapping[str, Any]) -> dict[str, Value]:
    """`resolve` without the parameters at their implicit default: the part that enters a trial's identity."""
    known = parameters(name)
    return {
        full: value
        for full, value in resolve(name, params).items()
        if not (known[full].implicit_default and value == known[full].default)
    }


def version(name: str) -> str:
    """The version of the values that a loss computes: "1", or "1+1" for a sum."""
    return "+".join(str(entry.version) for entry in parts(name))
