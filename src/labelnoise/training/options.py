"""How a trial is run, which is no part of what it is: no option here changes result.json. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

KEEPABLE = ("weights", "features", "checkpoint")


@dataclass(frozen=True)
class Options:
    """Run options of one trial.

    A checkpoint is saved after every `checkpoint_epochs` epochs, or where that is None after an epoch that ends
    `checkpoint_minutes` or more after the last one. `keep`: which of `KEEPABLE` stay when the trial is complete.
    `snapshots`: epochs (1-based) whose predictions are kept too, and what `keep` says of them. `deterministic`, `gpus`
    and `trials_per_gpu`: see `labelnoise.training.device`; `attempt`: `labelnoise.training.job`.
    """

    checkpoint_minutes: float = 1.0
    checkpoint_epochs: int | None = None
    keep: Sequence[str] = ()
    snapshots: Sequence[int] = ()
    deterministic: bool = False
    gpus: int | None = None
    trials_per_gpu: int = 1
    attempt: int = 1
