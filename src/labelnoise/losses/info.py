"""What a catalogue entry says about a loss. Needs no torch."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from labelnoise.losses.parameters import Parameter, Value

if TYPE_CHECKING:
    from labelnoise.losses.base import Loss


class Takes(StrEnum):
    """What a loss is a function of, besides the labels."""

    PROBABILITIES = "probabilities"  # unchanged by a constant added to all logits
    LOGITS = "logits"
    FEATURES = "features"
    VIEWS = "views"


class Need(StrEnum):
    """What the training loop must supply besides logits and labels; see `labelnoise.losses.create`."""

    VIEWS = "views"
    FEATURES = "features"
    EPOCH = "epoch"
    CLASS_COUNTS = "class_counts"
    DRAWS = "draws"
    INDEX = "index"
    EPOCHS = "epochs"
    DATASET_SIZE = "dataset_size"


@dataclass(frozen=True, kw_only=True)
class LossInfo:
    """A catalogue entry.

    `where` is `module:class`. `kind` is active (raises p_y only), passive (also lowers some other class; APL §3.2) or
    neither. `asymmetric` says for which class weights w_m > w_n = max_{i≠m} w_i the loss is asymmetric (ALF Definition
    2). `capturable` losses perform the same operations in every step, so that a CUDA graph can replay them. Losses that
    are `linear` in the one-hot label take soft targets: L(p, t) = Σ_k t_k L(p, e_k).
    """

    name: str
    where: str
    title: str
    source: str
    kind: str
    symmetric: bool
    asymmetric: str
    takes: Takes = Takes.PROBABILITIES
    parameters: tuple[Parameter, ...] = ()
    needs: tuple[Need, ...] = ()
    capturable: bool = True
    linear: bool = False
    version: int = 1

    @property
    def summable(self) -> bool:
        """Whether it can be part of a sum: a formula on one prediction that does not change during training."""
        return self.takes in (Takes.PROBABILITIES, Takes.LOGITS) and not {Need.EPOCH, Need.INDEX} & set(self.needs)

    def load(self) -> Callable[..., Loss]:
        """The class itself (imports torch)."""
        module, name = self.where.split(":")
        cls: type[Loss] = getattr(importlib.import_module(f"labelnoise.losses.{module}"), name)
        return cls


@dataclass(frozen=True, kw_only=True)
class Alias:
    """Another name for a loss or a sum.

    `entropy` adds ANL+'s batch-level entropy term, weighted by `lam`. `shared` parameters are set in every part, as
    in the papers.
    """

    stands_for: str
    source: str
    entropy: bool = False
    defaults: Mapping[str, Value] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
