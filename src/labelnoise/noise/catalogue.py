"""The kinds of noise with their variants. Needs only the standard library.

A new noise is a generator in generators.py and one entry here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Default variants: a noise's name shows all others.
DEFAULT_VARIANTS = ("exact", "parallel", "superclass", "pdn", "given", "sequence")


@dataclass(frozen=True, kw_only=True)
class NoiseInfo:
    """A kind of noise. `variants` maps each variant to its description; the first is the default.

    `has_rate` says whether the noise takes a rate, `has_seed` whether labels are drawn. Raise `version` when the labels
    change.
    """

    kind: str
    title: str
    variants: Mapping[str, str] = field(default_factory=dict)
    has_rate: bool = True
    has_seed: bool = True
    version: int = 1


_ENTRIES = (
    NoiseInfo(
        kind="clean",
        title="the labels of the data set",
        variants={"exact": "unchanged"},
        has_rate=False,
        has_seed=False,
    ),
    NoiseInfo(
        kind="symmetric",
        title="each wrong label is drawn uniformly from the other classes",
        variants={
            "exact": "the rate holds exactly in each class (largest remainder); on balanced classes APL's labels, bit "
            "for bit",
            "equal": "the same number of flips in every class, whatever its size (code of APL, and of ALF on CIFAR)",
            "truncated": "every wrong label gets ⌊n · rate / (K − 1)⌋ of its class (code of ANL, and of JAL)",
            "bernoulli": "each label flips independently with probability `rate` (code of ALF on MNIST, which always "
            "takes seed 0)",
            "inclusive": "a share `rate` of all labels is drawn from all classes, the true one included (code of GJS)",
        },
        version=2,
    ),
    NoiseInfo(
        kind="asymmetric",
        title="classes flip to similar ones, by a map or a transition matrix",
        variants={
            "parallel": "the rate holds exactly in each mapped class; all flips start from the true labels",
            "superclass": "CIFAR-100: as parallel; each class flips to the next in its true superclass",
            "truncated": "⌊rate · n⌋ flips in each mapped class (code of ANL, and of JAL)",
            "bernoulli": "each label of a mapped class flips independently (code of APL on MNIST)",
            "sequential": "one class after another, on labels already changed, so that some flip twice (code of APL "
            "and ALF on CIFAR-10)",
            "blocks": "CIFAR-100: as truncated, in blocks of five consecutive classes, which are not its superclasses "
            "(code of ANL, and of JAL)",
            "blocks-bernoulli": "CIFAR-100: as bernoulli, in the same blocks (code of APL and ALF)",
            "permuted": "CIFAR-100: the first ⌈rate · N⌉ of all samples in random order flip to the next in their "
            "superclass (code of GJS)",
        },
        version=2,
    ),
    NoiseInfo(
        kind="pair",
        title="each class flips to the next one, the last to the first (Han et al., NeurIPS 2018)",
        variants={
            "exact": "the rate holds exactly in each class (largest remainder)",
            "bernoulli": "each label flips independently (code of Co-teaching)",
        },
    ),
    NoiseInfo(
        kind="instance",
        title="the probability of each wrong label depends on the sample's features",
        variants={"pdn": "part-dependent noise (Xia et al., NeurIPS 2020), as published"},
    ),
    NoiseInfo(
        kind="human",
        title="labels from human annotators (CIFAR-10N, CIFAR-100N)",
        has_rate=False,
        has_seed=False,
    ),
    NoiseInfo(
        kind="given",
        title="the labels as provided, with unknown noise",
        variants={
            "given": "the data set's own labels; the number of wrong ones is known only if it states the true ones"
        },
        has_rate=False,
        has_seed=False,
    ),
    NoiseInfo(
        kind="file",
        title="labels from your own file",
        variants={"given": "as provided"},
        has_rate=False,
        has_seed=False,
    ),
    NoiseInfo(
        kind="mixed",
        title="several noises in order, each on the labels that the one before leaves",
        variants={"sequence": "each part has its own seed, drawn from the noise seed unless given"},
        has_rate=False,
    ),
    NoiseInfo(
        kind="target",
        title="a function of your own",
        variants={"given": "whatever labels the function returns"},
        has_rate=False,
    ),
)

# A user's own function.
OWN = "target"

# The kinds that start from true labels.
FROM_CLEAN = ("clean", "symmetric", "asymmetric", "pair", "instance", "human", "mixed", OWN)

# The kinds that take a rate per class.
BY_CLASS = ("symmetric", "asymmetric", "pair")

NOISES: dict[str, NoiseInfo] = {entry.kind: entry for entry in _ENTRIES}

# The map of an asymmetric variant is the published one, except for the CIFAR-100 variants in MAPS.
PUBLISHED_MAP = "published"
MAPS: dict[str, str] = {
    "superclass": "superclass",
    "permuted": "superclass",
    "blocks": "blocks",
    "blocks-bernoulli": "blocks",
}
