"""What every loss is called, takes, promises and comes from. Needs no torch.

A new loss is one class (in active.py or passive.py) and one entry here. `resolve` turns what a user wrote into
the full set of parameters: it is what a trial's identity holds, so an entry's `version` is raised whenever the
values the class computes change.
"""

from __future__ import annotations

import difflib
import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass


class LossError(ValueError):
    """A loss name, parameter or input that cannot be right; the message names the remedy."""


@dataclass(frozen=True)
class Parameter:
    """One hyper-parameter: its default, its range, and whether papers tune it per data set."""

    name: str
    default: float
    about: str
    low: float = 0.0
    high: float = math.inf
    open_low: bool = False
    tuned: bool = True

    def check(self, value: object, *, where: str) -> float:
        """The value as a float in range, else `LossError`."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise LossError(f"{where} must be a number, got {value!r}")
        value = float(value)
        inside = (self.low < value if self.open_low else self.low <= value) and value <= self.high
        if not (math.isfinite(value) and inside):
            raise LossError(f"{where} must be {self.range}, got {value:g}")
        return value

    @property
    def range(self) -> str:
        """The range in words: "a number > 0 and ≤ 1"."""
        bounds = []
        if self.low > -math.inf:
            bounds.append(f"{'>' if self.open_low else '≥'} {self.low:g}")
        if self.high < math.inf:
            bounds.append(f"≤ {self.high:g}")
        return "a number " + " and ".join(bounds) if bounds else "a finite number"


@dataclass(frozen=True)
class LossInfo:
    """A catalogue entry. `kind` is active (raises p_y only) or passive (also lowers the others), after APL §3.2."""

    name: str
    where: str
    title: str
    source: str
    kind: str
    symmetric: bool
    asymmetric: str
    parameters: tuple[Parameter, ...] = ()
    version: int = 1

    def load(self) -> type:
        """The class itself (imports torch)."""
        module, cls = self.where.split(":")
        return getattr(importlib.import_module(f"labelnoise.losses.{module}"), cls)


def _eps(
    about: str = "probabilities are clamped from below here; the gradient is zero under it",
) -> Parameter:
    return Parameter("eps", 1e-7, about, open_low=True, high=0.1, tuned=False)


def _scale(about: str = "factor on the loss") -> Parameter:
    return Parameter("scale", 1.0, about, tuned=False)


_GAMMA = Parameter("gamma", 0.5, "focusing exponent")
_MIN_PROB = Parameter("min_prob", 1e-7, "smallest probability m; A = −log m", open_low=True, high=0.1, tuned=False)
_ALWAYS = "completely: for every clean-labels-dominant noise"
_NEVER = "no"

_ENTRIES = (
    LossInfo("CE", "active:CE", "cross entropy", "−log p_y", "active", False, _NEVER),
    LossInfo("FL", "active:FL", "focal loss", "Lin et al. 2017, eq. 4", "active", False, _NEVER, (_GAMMA,)),
    LossInfo("MAE", "passive:MAE", "mean absolute error", "Ghosh et al. 2017; APL eq. 6", "passive", True, _ALWAYS,
             (_scale("2 gives Σ|p − e_y|, 1 gives 1 − p_y"),)),
    LossInfo("MSE", "passive:MSE", "mean square error over classes", "JAL eq. 7 at a = 1", "passive", False, _NEVER),
    LossInfo("GCE", "active:GCE", "generalised cross entropy", "Zhang & Sabuncu 2018, eq. 6", "active", False,
             "only as q → 1",
             (Parameter("q", 0.7, "0 approaches CE, 1 is MAE", open_low=True, high=1.0), _eps())),
    LossInfo("RCE", "passive:RCE", "reverse cross entropy", "Wang et al. 2019, eq. 5", "passive", True, _ALWAYS,
             (Parameter("A", -4.0, "log 0 is read as log 10^A; −4 weighs 9.2103", low=-math.inf, high=0.0,
                        tuned=False), _eps())),
    LossInfo("NCE", "active:NCE", "normalised cross entropy", "APL eq. 8", "active", True, _ALWAYS, (_scale(),)),
    LossInfo("NFL", "active:NFL", "normalised focal loss", "APL eq. 9", "active", True, _ALWAYS,
             (_GAMMA, _scale())),
    LossInfo("NGCE", "active:NGCE", "normalised generalised cross entropy", "APL §3.1", "active", True, _ALWAYS,
             (Parameter("q", 0.7, "as in GCE", open_low=True, high=1.0), _scale(), _eps())),
    LossInfo("AGCE", "active:AGCE", "asymmetric generalised cross entropy", "ALF §4.2", "active", False,
             "w_m/w_n ≥ ((a+1)/a)^(1−q) for q ≤ 1, always for q > 1 (ALF Corollary 1)",
             (Parameter("a", 1.0, "offset", open_low=True), Parameter("q", 2.0, "exponent", open_low=True))),
    LossInfo("AUL", "active:AUL", "asymmetric unhinged loss", "ALF §4.2", "active", False,
             "w_m/w_n ≥ (a/(a−1))^(p−1) for p > 1, always for p ≤ 1 (ALF Corollary 2)",
             (Parameter("a", 1.5, "offset", low=1.0), Parameter("p", 0.9, "exponent", open_low=True))),
    LossInfo("AEL", "active:AEL", "asymmetric exponential loss", "ALF §4.2", "active", False,
             "w_m/w_n ≥ e^(1/a) (ALF Corollary 3)", (Parameter("a", 2.5, "temperature", open_low=True),)),
    LossInfo("AMSE", "passive:AMSE", "asymmetric mean square error", "JAL eq. 7", "passive", False,
             "at q = 2: a ≥ Σw/(w_m − w_n) (JAL Theorem 4.1)",
             (Parameter("a", 30.0, "target of the labelled class", low=1.0),
              Parameter("q", 2.0, "exponent", open_low=True, tuned=False))),
    LossInfo("NNCE", "passive:NNCE", "normalised negative cross entropy", "ANL eq. 9", "passive", True, _ALWAYS,
             (_MIN_PROB,)),
    LossInfo("NNFL", "passive:NNFL", "normalised negative focal loss", "ANL eq. 10", "passive", True, _ALWAYS,
             (_GAMMA, _MIN_PROB)),
)  # fmt: skip

LOSSES: dict[str, LossInfo] = {entry.name: entry for entry in _ENTRIES}

# Frameworks and named sums: another name for a sum, with the same parameters.
ALIASES: dict[str, str] = {
    "SCE": "CE+RCE",
    "ANL-CE": "NCE+NNCE",
    "ANL-FL": "NFL+NNFL",
    "JAL-CE": "NCE+AMSE",
    "JAL-FL": "NFL+AMSE",
}

# Sums that the papers report; any other two catalogue losses make a sum as well.
PUBLISHED_SUMS = (
    "NCE+MAE", "NCE+RCE", "NFL+MAE", "NFL+RCE", "NGCE+MAE", "NGCE+RCE",
    "NCE+AGCE", "NCE+AUL", "NCE+AEL", "AGCE+MAE",
)  # fmt: skip

_WEIGHTS = (
    Parameter("alpha", 1.0, "weight of the first part"),
    Parameter("beta", 1.0, "weight of the second part"),
)


def names() -> list[str]:
    """Every loss that has a name of its own: single losses, frameworks, published sums."""
    return [*LOSSES, *ALIASES, *PUBLISHED_SUMS]


def _did_you_mean(word: str, options: list[str]) -> str:
    folded = {option.casefold(): option for option in options}
    found = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.5)
    return f" — did you mean {folded[found[0]]}?" if found else "."


def parts(name: str) -> list[LossInfo]:
    """The one entry a name stands for, or the two of a sum; `LossError` for an unknown name."""
    name = ALIASES.get(name, name)
    if name in LOSSES:
        return [LOSSES[name]]
    # A catalogue name may hold a plus itself, so every place to cut is tried.
    for cut in (i for i, char in enumerate(name) if char == "+"):
        first, second = name[:cut], name[cut + 1 :]
        if first in LOSSES and second in LOSSES:
            if first == second:
                raise LossError(f"{name}: a sum needs two different losses; use one with a scale")
            return [LOSSES[first], LOSSES[second]]
    known = names()
    raise LossError(
        f"unknown loss {name!r}{_did_you_mean(name, known)} Known: {', '.join(known)}, "
        "and any sum A+B of two single losses"
    )


def parameters(name: str) -> dict[str, Parameter]:
    """All parameters of a loss by their full names: `q`, or `alpha`, `beta`, `NCE.scale`, `AGCE.q` for a sum."""
    entries = parts(name)
    if len(entries) == 1:
        return {parameter.name: parameter for parameter in entries[0].parameters}
    full = {weight.name: weight for weight in _WEIGHTS}
    for entry in entries:
        full |= {f"{entry.name}.{parameter.name}": parameter for parameter in entry.parameters}
    return full


def full_name(name: str, key: str) -> str:
    """The full name of a parameter as a user may write it (`q` for `AGCE.q` in NCE+AGCE), else `LossError`."""
    known = parameters(name)
    if key in known:
        return key
    ends = [full for full in known if full.endswith(f".{key}")]
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise LossError(f"{name}: {key!r} is in both parts; write {' or '.join(ends)}")
    flat = list(dict.fromkeys([*known, *(full.split(".")[-1] for full in known)]))
    allowed = ", ".join(flat) if flat else "none (it has no parameters)"
    raise LossError(f"{name} has no parameter {key!r}{_did_you_mean(key, flat)} Allowed: {allowed}")


def resolve(name: str, params: Mapping[str, object]) -> dict[str, float]:
    """Every parameter of the loss by its full name, with defaults filled in and ranges checked.

    Raises `LossError` for an unknown loss, an unknown or ambiguous parameter, one given twice, a value out of range.
    """
    given: dict[str, object] = {}
    for key, value in params.items():
        full = full_name(name, key)
        if full in given:
            raise LossError(f"{name}: {key!r} is given twice")
        given[full] = value
    return {
        full: parameter.check(given.get(full, parameter.default), where=f"{name}: {full}")
        for full, parameter in parameters(name).items()
    }


def version(name: str) -> str:
    """The version of the values a loss computes: "1", or "1+1" for a sum."""
    return "+".join(str(entry.version) for entry in parts(name))
