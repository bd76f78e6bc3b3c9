"""The entry of each loss: parameters, properties, source. Needs no torch.

To add a loss, add a class and an entry here. Parameters and `version` are part of a trial's identity: raise `version`
whenever the class computes different values.
"""

from __future__ import annotations

import math

from labelnoise.losses.info import Alias, LossInfo, Need, Takes
from labelnoise.losses.parameters import Parameter


def _eps(default: float = 1e-7) -> Parameter:
    about = "probabilities are clamped from below at this value; the gradient is zero below it"
    return Parameter("eps", default, about, open_low=True, high=0.1, tuned=False)


def _constant_factor() -> Parameter:
    about = "hold the focal factor constant in the gradient, as the published code does; false: as in the formula"
    return Parameter("constant_factor", True, about, tuned=False)


_SCALE = Parameter("scale", 1.0, "factor on the loss", tuned=False)
_GAMMA = Parameter("gamma", 0.5, "focusing exponent")
_MIN_PROB = Parameter("min_prob", 1e-7, "smallest probability m; A = −log m", open_low=True, high=0.1, tuned=False)
_MAX_PROB = Parameter("max_prob", 1.0, "largest probability; ANL+ uses 1 − m", low=0.5, high=1.0, tuned=False)
_JENSEN_SHANNON = (
    Parameter("pi", 0.5, "weight of the label", high=0.999999, open_low=True),
    Parameter("scaled", True, "divide by −(1−pi) log(1−pi)", tuned=False),
    _eps(),
)
_ALWAYS = "completely: for every clean-labels-dominant noise"
_NEVER = "no"
_NO_CLAIM = "no claim"
_PARTIALLY_HUBERISED = "w_m/w_n ≥ tau: its ratio is 1/tau (derived)"

_ENTRIES = (
    LossInfo(
        name="CE",
        where="active:CE",
        title="cross entropy",
        source="−log p_y",
        kind="active",
        symmetric=False,
        linear=True,
        asymmetric=_NEVER,
    ),
    LossInfo(
        name="FL",
        where="active:FL",
        title="focal loss",
        source="Lin et al. 2017, eq. 4",
        kind="active",
        symmetric=False,
        linear=True,
        asymmetric=_NEVER,
        parameters=(_GAMMA, _constant_factor()),
    ),
    LossInfo(
        name="MAE",
        where="passive:MAE",
        title="mean absolute error",
        source="Ghosh et al. 2017; APL eq. 6",
        kind="passive",
        symmetric=True,
        linear=True,
        asymmetric=_ALWAYS,
        parameters=(Parameter("scale", 1.0, "1 gives 1 − p_y, 2 gives Σ|p − e_y|", tuned=False),),
    ),
    LossInfo(
        name="MSE",
        where="passive:MSE",
        title="mean square error over classes",
        source="JAL eq. 7 at a = 1",
        kind="passive",
        symmetric=False,
        asymmetric=_NEVER,
    ),
    LossInfo(
        name="GCE",
        where="active:GCE",
        title="generalised cross entropy",
        source="Zhang & Sabuncu 2018, eq. 6",
        kind="active",
        symmetric=False,
        linear=True,
        asymmetric="no for q < 1: its ratio is 0 (ALF §3.4)",
        parameters=(Parameter("q", 0.7, "0 approaches CE, 1 is MAE", high=1.0, open_low=True), _eps()),
    ),
    LossInfo(
        name="RCE",
        where="passive:RCE",
        title="reverse cross entropy",
        source="Wang et al. 2019, eq. 5",
        kind="passive",
        symmetric=True,
        asymmetric=_ALWAYS,
        parameters=(
            Parameter(
                "A", -4.0, "log 0 is replaced by log 10^A; −4 weighs 9.2103", low=-math.inf, high=0.0, tuned=False
            ),
            _eps(),
        ),
    ),
    LossInfo(
        name="NCE",
        where="active:NCE",
        title="normalised cross entropy",
        source="APL eq. 8",
        kind="active",
        symmetric=True,
        linear=True,
        asymmetric=_ALWAYS,
        parameters=(_SCALE,),
    ),
    LossInfo(
        name="NFL",
        where="active:NFL",
        title="normalised focal loss",
        source="APL eq. 9",
        kind="active",
        symmetric=True,
        linear=True,
        asymmetric=_ALWAYS,
        parameters=(_GAMMA, _SCALE, _constant_factor()),
    ),
    LossInfo(
        name="NGCE",
        where="active:NGCE",
        title="normalised generalised cross entropy",
        source="APL §3.1",
        kind="active",
        symmetric=True,
        linear=True,
        asymmetric=_ALWAYS,
        parameters=(Parameter("q", 0.7, "as in GCE", high=1.0, open_low=True), _SCALE, _eps()),
    ),
    LossInfo(
        name="NLNL",
        where="negative:NLNL",
        title="negative learning",
        source="Kim et al. 2019, eq. 2",
        kind="passive",
        symmetric=False,
        asymmetric=_NEVER,
        parameters=(
            Parameter("num_negative", 1, "complementary labels drawn per sample", low=1, integer=True),
            _eps(1e-5),
        ),
        needs=(Need.CLASS_COUNTS, Need.DRAWS),
    ),
    LossInfo(
        name="AGCE",
        where="active:AGCE",
        title="asymmetric generalised cross entropy",
        source="ALF §4.2",
        kind="active",
        symmetric=False,
        linear=True,
        asymmetric="w_m/w_n ≥ ((a+1)/a)^(1−q) for q ≤ 1, always for q > 1 (ALF Corollary 1)",
        parameters=(Parameter("a", 1.0, "offset", open_low=True), Parameter("q", 2.0, "exponent", open_low=True)),
    ),
    LossInfo(
        name="AUL",
        where="active:AUL",
        title="asymmetric unhinged loss",
        source="ALF §4.2",
        kind="active",
        symmetric=False,
        linear=True,
        asymmetric="w_m/w_n ≥ (a/(a−1))^(p−1) for p > 1, always for p ≤ 1 (ALF Corollary 2)",
        parameters=(Parameter("a", 1.5, "offset", low=1.0), Parameter("p", 0.9, "exponent", open_low=True)),
    ),
    LossInfo(
        name="AEL",
        where="active:AEL",
        title="asymmetric exponential loss",
        source="ALF §4.2",
        kind="active",
        symmetric=False,
        linear=True,
        asymmetric="w_m/w_n ≥ e^(1/a) (ALF Corollary 3)",
        parameters=(Parameter("a", 2.5, "temperature", open_low=True),),
    ),
    LossInfo(
        name="AMSE",
        where="passive:AMSE",
        title="asymmetric mean square error",
        source="JAL eq. 7",
        kind="passive",
        symmetric=False,
        asymmetric="at q = 2: a ≥ Σw/(w_m − w_n) (JAL Theorem 4.1)",
        parameters=(
            Parameter("a", 30.0, "target of the labelled class", low=1.0),
            Parameter("q", 2.0, "exponent", open_low=True, tuned=False),
        ),
    ),
    LossInfo(
        name="NNCE",
        where="passive:NNCE",
        title="normalised negative cross entropy",
        source="ANL eq. 9",
        kind="passive",
        symmetric=True,
        linear=True,
        asymmetric=_ALWAYS,
        parameters=(
            _MIN_PROB,
            _MAX_PROB,
            # Only JAL sets it, for NNCE alone; a sum weights its parts by alpha and beta.
            Parameter("scale", 1.0, "factor on the loss", tuned=False, implicit_default=True),
        ),
    ),
    LossInfo(
        name="NNFL",
        where="passive:NNFL",
        title="normalised negative focal loss",
        source="ANL eq. 10",
        kind="passive",
        symmetric=True,
        linear=True,
        asymmetric=_ALWAYS,
        parameters=(_GAMMA, _MIN_PROB, _MAX_PROB, _constant_factor()),
    ),
    LossInfo(
        name="CE+LC",
        where="clipped:CELC",
        title="cross entropy on clipped logits",
        source="Wei et al. 2023, eq. 4",
        kind="active",
        takes=Takes.LOGITS,
        symmetric=False,
        linear=True,
        asymmetric=_NEVER,
        parameters=(
            Parameter("delta", 1.0, "norm after clipping; threshold 1/delta", open_low=True),
            Parameter("paper", False, "clip as printed: threshold and norm are both delta", tuned=False),
            _eps(),
        ),
    ),
    LossInfo(
        name="TaylorCE",
        where="active:TaylorCE",
        title="Taylor cross entropy",
        source="Feng et al. 2020, eq. 6",
        kind="active",
        symmetric=False,
        linear=True,
        asymmetric="w_m/w_n ≥ t: its ratio is 1/t (derived)",
        parameters=(Parameter("t", 2, "order", low=1, high=100, integer=True),),
    ),
    LossInfo(
        name="PHuberCE",
        where="active:PHuberCE",
        title="partially Huberised cross entropy",
        source="Menon et al. 2020, eq. 10",
        kind="active",
        symmetric=False,
        linear=True,
        asymmetric=_PARTIALLY_HUBERISED,
        parameters=(Parameter("tau", 10.0, "linear below p = 1/tau", low=1.0),),
    ),
    LossInfo(
        name="PHuberGCE",
        where="active:PHuberGCE",
        title="partially Huberised GCE",
        source="Menon et al. 2020, §4.3",
        kind="active",
        symmetric=False,
        linear=True,
        asymmetric=_PARTIALLY_HUBERISED,
        parameters=(
            Parameter("q", 0.7, "as in GCE", high=0.999, open_low=True),
            Parameter("tau", 10.0, "linear below p = tau^(1/(q−1))", low=1.0),
        ),
    ),
    LossInfo(
        name="JS",
        where="divergence:JS",
        title="Jensen-Shannon divergence",
        source="Englesson & Azizpour 2021, eq. 4",
        kind="neither",
        symmetric=False,
        asymmetric=_NO_CLAIM,
        parameters=_JENSEN_SHANNON,
    ),
    LossInfo(
        name="GJS",
        where="wrappers:GJS",
        title="generalised Jensen-Shannon divergence over two views",
        source="Englesson & Azizpour 2021, eq. 6",
        kind="neither",
        takes=Takes.VIEWS,
        symmetric=False,
        asymmetric=_NO_CLAIM,
        parameters=_JENSEN_SHANNON,
        needs=(Need.VIEWS,),
        version=2,
    ),
    LossInfo(
        name="SR",
        where="wrappers:SR",
        title="sparse regularisation",
        source="Zhou et al. 2021 (ICCV), eq. 10",
        kind="neither",
        takes=Takes.LOGITS,
        symmetric=False,
        linear=True,
        asymmetric=_NEVER,
        parameters=(
            Parameter("base", "CE", "the loss to regularise", choices=("CE", "FL", "GCE"), tuned=False),
            Parameter("tau", 0.5, "temperature", open_low=True),
            Parameter("p", 0.1, "exponent of the sparsity norm", high=1.0, open_low=True),
            Parameter("lam", 1.2, "weight of the norm in the first epoch"),
            Parameter("normalize", True, "divide the logits by their L2 norm (not on MNIST)", tuned=False),
            Parameter("growth", 1.03, "factor on the weight every `every` epochs", open_low=True),
            Parameter("every", 1, "epochs between changes of the weight", low=1, integer=True),
            Parameter("gamma", 0.5, "gamma of base FL", tuned=False),
            Parameter("q", 0.7, "q of base GCE", high=1.0, open_low=True, tuned=False),
            _eps(),
        ),
        needs=(Need.EPOCH,),
    ),
    LossInfo(
        name="ECE",
        where="clipped:ECE",
        title="cross entropy on the ε-softmax",
        source="Wang et al. 2024, eq. 5",
        kind="active",
        symmetric=False,
        linear=True,
        asymmetric=_NO_CLAIM,
        parameters=(Parameter("m", 10000.0, "added to the largest probability"), _eps(1e-8)),
    ),
    LossInfo(
        name="EFL",
        where="clipped:EFL",
        title="focal loss on the ε-softmax",
        source="Wang et al. 2024, §3.2",
        kind="active",
        symmetric=False,
        linear=True,
        asymmetric=_NO_CLAIM,
        parameters=(
            Parameter("m", 10000.0, "added to the largest probability"),
            Parameter("gamma", 0.1, "focusing exponent", tuned=False),
            _constant_factor(),
            _eps(1e-8),
        ),
    ),
    LossInfo(
        name="NLS",
        where="active:NLS",
        title="negative label smoothing",
        source="Wei et al. 2022, eq. 4",
        kind="neither",
        symmetric=False,
        linear=True,
        asymmetric=_NO_CLAIM,
        parameters=(Parameter("rate", -1.0, "smoothing rate; negative for noisy labels", low=-math.inf, high=1.0),),
    ),
    LossInfo(
        name="LT",
        where="wrappers:LT",
        title="student loss: Student's t around learnable class means",
        source="Zhang et al. 2024, eq. 9–12",
        kind="neither",
        takes=Takes.FEATURES,
        symmetric=False,
        asymmetric="as its base",
        parameters=(
            Parameter(
                "base", "NCE+RCE", "the loss on its logits", choices=("CE", "GCE", "SCE", "NCE+RCE"), tuned=False
            ),
            Parameter("margin", 0.1, "the labelled class's distance is multiplied by 1 + margin in training"),
            Parameter("lam", 0.05, "weight of the distance to the class mean"),
            Parameter("alpha", 1.0, "alpha of bases SCE and NCE+RCE", tuned=False),
            Parameter("beta", 10.0, "beta of bases SCE and NCE+RCE", tuned=False),
            Parameter("q", 0.7, "q of base GCE", high=1.0, open_low=True, tuned=False),
            Parameter("log_dim", True, "log D where the paper has D, as in the published code", tuned=False),
        ),
        needs=(Need.FEATURES,),
    ),
    LossInfo(
        name="ELR",
        where="per_sample:ELR",
        title="early-learning regularisation: CE and a running mean of each sample's predictions",
        source="Liu et al. 2020 (ELR), as published in code",
        kind="neither",
        symmetric=False,
        asymmetric=_NO_CLAIM,
        parameters=(
            Parameter("lam", 3.0, "weight of the regulariser"),
            Parameter("beta", 0.7, "share of the old running mean", high=0.9999),
            _eps(1e-4),
        ),
        needs=(Need.INDEX, Need.DATASET_SIZE),
        capturable=False,  # not tried on a GPU yet
    ),
    LossInfo(
        name="SOP",
        where="per_sample:SOP",
        title="sparse over-parameterisation: CE and MSE with each sample's learnable label noise",
        source="Liu et al. 2022 (SOP), as published in code",
        kind="neither",
        symmetric=False,
        asymmetric=_NO_CLAIM,
        parameters=(
            Parameter("lr_u", 10.0, "learning rate of the noise at the label"),
            Parameter("lr_v", 10.0, "learning rate of the noise at the other classes"),
            Parameter("std", 1e-8, "standard deviation of the initial noise", open_low=True, tuned=False),
            _eps(1e-4),
        ),
        needs=(Need.INDEX, Need.DATASET_SIZE),
        capturable=False,  # not tried on a GPU yet
    ),
)

LOSSES: dict[str, LossInfo] = {entry.name: entry for entry in _ENTRIES}

_ANL_PLUS = "ANL+ (Ye et al. 2025)"

ALIASES: dict[str, Alias] = {
    "LT-APL": Alias(stands_for="LT", source="Zhang et al. 2024; LT on NCE+RCE"),
    "SCE": Alias(stands_for="CE+RCE", source="Wang et al. 2019, eq. 7"),
    "ANL-CE": Alias(stands_for="NCE+NNCE", source="ANL eq. 12"),
    "ANL-FL": Alias(stands_for="NFL+NNFL", source="ANL eq. 12", shared=("gamma",)),
    "ANL-CE-ER": Alias(stands_for="NCE+NNCE", source=_ANL_PLUS, entropy=True, defaults={"NNCE.max_prob": 1 - 1e-7}),
    "ANL-FL-ER": Alias(
        stands_for="NFL+NNFL", source=_ANL_PLUS, entropy=True, defaults={"NNFL.max_prob": 1 - 1e-7}, shared=("gamma",)
    ),
    "JAL-CE": Alias(stands_for="NCE+AMSE", source="JAL eq. 8"),
    "JAL-FL": Alias(stands_for="NFL+AMSE", source="JAL eq. 9"),
}

# Sums that the papers report; any two other summable losses can be summed as well.
PUBLISHED_SUMS = (
    "NCE+MAE", "NCE+RCE", "NFL+MAE", "NFL+RCE", "NGCE+MAE", "NGCE+RCE",
    "NCE+AGCE", "NCE+AUL", "NCE+AEL", "AGCE+MAE", "ECE+MAE", "EFL+MAE",
)  # fmt: skip
