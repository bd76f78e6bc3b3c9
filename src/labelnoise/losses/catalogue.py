"""What every loss is called, takes, promises and comes from. Needs no torch.

A new loss is one class and one entry here. `resolve` turns what a user wrote into the full set of parameters: it is
what a trial's identity holds, so an entry's `version` is raised whenever the values the class computes change.
"""

from __future__ import annotations

import difflib
import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from labelnoise.losses.parameters import LossError, Parameter, Value


@dataclass(frozen=True)
class LossInfo:
    """A catalogue entry.

    `kind`: active (raises p_y only), passive (also lowers some other class; APL §3.2) or neither. `asymmetric` says for
    which class weights w_m > w_n = max_{i≠m} w_i (ALF Definition 2). `needs`: what a training loop has to supply.
    """

    name: str
    where: str
    title: str
    source: str
    kind: str
    symmetric: bool
    asymmetric: str
    parameters: tuple[Parameter, ...] = ()
    needs: tuple[str, ...] = ()
    version: int = 1

    @property
    def summable(self) -> bool:
        """Whether it is a formula on one prediction, so that it can be part of a sum."""
        return not self.where.startswith("wrappers:")

    def load(self) -> type:
        """The class itself (imports torch)."""
        module, cls = self.where.split(":")
        return getattr(importlib.import_module(f"labelnoise.losses.{module}"), cls)


@dataclass(frozen=True)
class Alias:
    """Another name for a sum: the frameworks. `entropy`: with ANL+'s batch-level entropy term, weighted by `lam`."""

    sum: str
    source: str
    entropy: bool = False
    defaults: Mapping[str, Value] = field(default_factory=dict)


def _eps(default: float = 1e-7) -> Parameter:
    about = "probabilities are clamped from below here; the gradient is zero under it"
    return Parameter("eps", default, about, open_low=True, high=0.1, tuned=False)


def _constant_factor() -> Parameter:
    about = "the focal factor is constant in the gradient, as in the published code; false: as in the formula"
    return Parameter("constant_factor", True, about, tuned=False)


_SCALE = Parameter("scale", 1.0, "factor on the loss", tuned=False)
_GAMMA = Parameter("gamma", 0.5, "focusing exponent")
_MIN_PROB = Parameter("min_prob", 1e-7, "smallest probability m; A = −log m", open_low=True, high=0.1, tuned=False)
_MAX_PROB = Parameter("max_prob", 1.0, "largest probability; ANL+ uses 1 − m", low=0.5, high=1.0, tuned=False)
_ALWAYS = "completely: for every clean-labels-dominant noise"
_NEVER = "no"
_NO_CLAIM = "no claim"

_ENTRIES = (
    LossInfo("CE", "active:CE", "cross entropy", "−log p_y", "active", False, _NEVER),
    LossInfo("FL", "active:FL", "focal loss", "Lin et al. 2017, eq. 4", "active", False, _NEVER,
             (_GAMMA, _constant_factor())),
    LossInfo("MAE", "passive:MAE", "mean absolute error", "Ghosh et al. 2017; APL eq. 6", "passive", True, _ALWAYS,
             (Parameter("scale", 1.0, "1 gives 1 − p_y, 2 gives Σ|p − e_y|", tuned=False),)),
    LossInfo("MSE", "passive:MSE", "mean square error over classes", "JAL eq. 7 at a = 1", "passive", False, _NEVER),
    LossInfo("GCE", "active:GCE", "generalised cross entropy", "Zhang & Sabuncu 2018, eq. 6", "active", False,
             "no for q < 1: its ratio is 0 (ALF §3.4)",
             (Parameter("q", 0.7, "0 approaches CE, 1 is MAE", open_low=True, high=1.0), _eps())),
    LossInfo("RCE", "passive:RCE", "reverse cross entropy", "Wang et al. 2019, eq. 5", "passive", True, _ALWAYS,
             (Parameter("A", -4.0, "log 0 is read as log 10^A; −4 weighs 9.2103", low=-math.inf, high=0.0,
                        tuned=False), _eps())),
    LossInfo("NCE", "active:NCE", "normalised cross entropy", "APL eq. 8", "active", True, _ALWAYS, (_SCALE,)),
    LossInfo("NFL", "active:NFL", "normalised focal loss", "APL eq. 9", "active", True, _ALWAYS,
             (_GAMMA, _SCALE, _constant_factor())),
    LossInfo("NGCE", "active:NGCE", "normalised generalised cross entropy", "APL §3.1", "active", True, _ALWAYS,
             (Parameter("q", 0.7, "as in GCE", open_low=True, high=1.0), _SCALE, _eps())),
    LossInfo("NLNL", "negative:NLNL", "negative learning", "Kim et al. 2019, eq. 2", "passive", False, _NEVER,
             (Parameter("num_negative", 1, "complementary labels drawn per sample", low=1, integer=True),
              _eps(1e-5)), needs=("class_counts", "draws")),
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
             (_MIN_PROB, _MAX_PROB)),
    LossInfo("NNFL", "passive:NNFL", "normalised negative focal loss", "ANL eq. 10", "passive", True, _ALWAYS,
             (_GAMMA, _MIN_PROB, _MAX_PROB, _constant_factor())),
    LossInfo("CE+LC", "clipped:CELC", "cross entropy on clipped logits", "Wei et al. 2023, eq. 4", "active", False,
             _NEVER, (Parameter("delta", 1.0, "norm after clipping; threshold 1/delta", open_low=True),
                      Parameter("paper", False, "clip as printed: threshold and norm are both delta", tuned=False),
                      _eps())),
    LossInfo("TaylorCE", "active:TaylorCE", "Taylor cross entropy", "Feng et al. 2020, eq. 6", "active", False,
             "w_m/w_n ≥ t: its ratio is 1/t (derived)", (Parameter("t", 2, "order", low=1, high=100, integer=True),)),
    LossInfo("PHuberCE", "active:PHuberCE", "partially Huberised cross entropy", "Menon et al. 2020, eq. 10",
             "active", False, "w_m/w_n ≥ tau: its ratio is 1/tau (derived)",
             (Parameter("tau", 10.0, "linear below p = 1/tau", low=1.0),)),
    LossInfo("PHuberGCE", "active:PHuberGCE", "partially Huberised GCE", "Menon et al. 2020, §4.3", "active", False,
             "w_m/w_n ≥ tau: its ratio is 1/tau (derived)",
             (Parameter("q", 0.7, "as in GCE", open_low=True, high=0.999),
              Parameter("tau", 10.0, "linear below p = tau^(1/(q−1))", low=1.0))),
    LossInfo("JS", "divergence:JS", "Jensen-Shannon divergence", "Englesson & Azizpour 2021, eq. 4", "neither", False,
             _NO_CLAIM, (Parameter("pi", 0.5, "weight of the label", open_low=True, high=0.999999),
                                Parameter("scaled", True, "divided by −(1−pi) log(1−pi)", tuned=False), _eps())),
    LossInfo("GJS", "wrappers:GJS", "generalised Jensen-Shannon divergence over two views",
             "Englesson & Azizpour 2021, eq. 6", "neither", False, _NO_CLAIM,
             (Parameter("pi", 0.5, "weight of the label", open_low=True, high=0.999999),
              Parameter("scaled", True, "divided by −(1−pi) log(1−pi)", tuned=False), _eps()), needs=("views",)),
    LossInfo("SR", "wrappers:SR", "sparse regularisation", "Zhou et al. 2021 (ICCV), eq. 10", "neither", False, _NEVER,
             (Parameter("base", "CE", "the loss made sparse", choices=("CE", "FL", "GCE"), tuned=False),
              Parameter("tau", 0.5, "temperature", open_low=True),
              Parameter("p", 0.1, "exponent of the sparsity norm", open_low=True, high=1.0),
              Parameter("lam", 1.2, "weight of the norm in the first epoch"),
              Parameter("normalize", True, "divide the logits by their L2 norm (not on MNIST)", tuned=False),
              Parameter("growth", 1.03, "the weight is multiplied by it …", open_low=True),
              Parameter("every", 1, "… every so many epochs", low=1, integer=True),
              Parameter("gamma", 0.5, "of FL", tuned=False),
              Parameter("q", 0.7, "of GCE", open_low=True, high=1.0, tuned=False), _eps()), needs=("epoch",)),
    LossInfo("ECE", "clipped:ECE", "cross entropy on the ε-softmax", "Wang et al. 2024, eq. 5", "active", False,
             _NO_CLAIM, (Parameter("m", 1e4, "added to the largest probability"), _eps(1e-8))),
    LossInfo("EFL", "clipped:EFL", "focal loss on the ε-softmax", "Wang et al. 2024, §3.2", "active", False,
             _NO_CLAIM, (Parameter("m", 1e4, "added to the largest probability"),
                            Parameter("gamma", 0.1, "focusing exponent", tuned=False), _constant_factor(),
                            _eps(1e-8))),
    LossInfo("NLS", "active:NLS", "negative label smoothing", "Wei et al. 2022, eq. 4", "neither", False, _NO_CLAIM,
             (Parameter("rate", -1.0, "smoothing rate; negative for noisy labels", low=-math.inf, high=1.0),)),
    LossInfo("LT", "wrappers:LT", "student loss: Student's t around learnable class means",
             "Zhang et al. 2024, eq. 9–12", "neither", False, "as its base",
             (Parameter("base", "NCE+RCE", "the loss on its logits", choices=("CE", "GCE", "SCE", "NCE+RCE"),
                        tuned=False),
              Parameter("margin", 0.1, "the labelled class's distance is multiplied by 1 + margin in training"),
              Parameter("lam", 0.05, "weight of the distance to the class mean"),
              Parameter("alpha", 1.0, "of SCE and NCE+RCE", tuned=False),
              Parameter("beta", 10.0, "of SCE and NCE+RCE", tuned=False),
              Parameter("q", 0.7, "of GCE", open_low=True, high=1.0, tuned=False),
              Parameter("log_dim", True, "log D where the paper has D, as in the published code", tuned=False)),
             needs=("features",)),
)  # fmt: skip

LOSSES: dict[str, LossInfo] = {entry.name: entry for entry in _ENTRIES}

ALIASES: dict[str, Alias] = {
    "SCE": Alias("CE+RCE", "Wang et al. 2019, eq. 7"),
    "ANL-CE": Alias("NCE+NNCE", "ANL eq. 12"),
    "ANL-FL": Alias("NFL+NNFL", "ANL eq. 12"),
    "ANL-CE-ER": Alias("NCE+NNCE", "ANL+ (Ye et al. 2025)", entropy=True, defaults={"NNCE.max_prob": 1 - 1e-7}),
    "ANL-FL-ER": Alias("NFL+NNFL", "ANL+ (Ye et al. 2025)", entropy=True, defaults={"NNFL.max_prob": 1 - 1e-7}),
    "JAL-CE": Alias("NCE+AMSE", "JAL eq. 8"),
    "JAL-FL": Alias("NFL+AMSE", "JAL eq. 9"),
}

# Another name for one entry with parameters set.
PRESET_NAMES: dict[str, str] = {"LT-APL": "LT"}

# Sums that the papers report; any other two summable losses make a sum as well.
PUBLISHED_SUMS = (
    "NCE+MAE", "NCE+RCE", "NFL+MAE", "NFL+RCE", "NGCE+MAE", "NGCE+RCE",
    "NCE+AGCE", "NCE+AUL", "NCE+AEL", "AGCE+MAE", "ECE+MAE", "EFL+MAE",
)  # fmt: skip

_WEIGHTS = (
    Parameter("alpha", 1.0, "weight of the first part"),
    Parameter("beta", 1.0, "weight of the second part"),
)
_ENTROPY = Parameter("lam", 1.0, "weight of ANL+'s entropy term")


def names() -> list[str]:
    """Every loss that has a name of its own: single losses, frameworks, published sums."""
    return [*LOSSES, *PRESET_NAMES, *ALIASES, *PUBLISHED_SUMS]


def _did_you_mean(word: str, options: list[str]) -> str:
    folded = {option.casefold(): option for option in options}
    found = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.5)
    return f" — did you mean {folded[found[0]]}?" if found else "."


def parts(name: str) -> list[LossInfo]:
    """The one entry a name stands for, or the two of a sum; `LossError` for an unknown name."""
    known = names()
    name = ALIASES[name].sum if name in ALIASES else PRESET_NAMES.get(name, name)
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


def needs(name: str) -> tuple[str, ...]:
    """What a training loop must supply: views, features, epoch, class_counts, draws."""
    return tuple(dict.fromkeys(need for entry in parts(name) for need in entry.needs))


def parameters(name: str) -> dict[str, Parameter]:
    """All parameters of a loss by their full names: `q`, or `alpha`, `beta`, `NCE.scale`, `AGCE.q` for a sum."""
    entries = parts(name)
    if len(entries) == 1:
        return {parameter.name: parameter for parameter in entries[0].parameters}
    full = {weight.name: weight for weight in (*_WEIGHTS, *([_ENTROPY] if is_entropy_regularised(name) else []))}
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


def resolve(name: str, params: Mapping[str, object]) -> dict[str, Value]:
    """Every parameter of the loss by its full name, with defaults filled in and ranges checked.

    Raises `LossError` for an unknown loss, an unknown or ambiguous parameter, one given twice, a value out of range.
    """
    known = parameters(name)
    given: dict[str, object] = {}
    for key, value in params.items():
        full = full_name(name, key)
        if full in given:
            raise LossError(f"{name}: {key!r} is given twice")
        given[full] = value
    defaults = ALIASES[name].defaults if name in ALIASES else {}
    return {
        full: parameter.check(given.get(full, defaults.get(full, parameter.default)), where=f"{name}: {full}")
        for full, parameter in known.items()
    }


def version(name: str) -> str:
    """The version of the values a loss computes: "1", or "1+1" for a sum."""
    return "+".join(str(entry.version) for entry in parts(name))
