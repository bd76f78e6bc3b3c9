"""Loss functions for learning with noisy labels. Imports nothing else from the package.

    >>> import torch
    >>> from labelnoise.losses import create
    >>> loss = create("NCE+AGCE", num_classes=10, alpha=1, beta=4, a=6, q=1.5)
    >>> logits, targets = torch.zeros(128, 10, requires_grad=True), torch.arange(128) % 10
    >>> value = loss(logits, targets)  # the mean over the batch
    >>> value.shape
    torch.Size([])
    >>> value.backward()

`catalogue` holds the names, parameters, ranges and properties of all losses and needs no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelnoise.losses import catalogue
from labelnoise.losses.catalogue import names
from labelnoise.losses.parameters import LossError, Value

if TYPE_CHECKING:
    from labelnoise.losses.base import Loss

__all__ = ["LossError", "create", "names"]


def create(name: str, *, num_classes: int, reduction: str = "mean", **params: Value) -> Loss:
    """Create a loss by its catalogue name.

    `name` is a catalogue loss, a framework (`ANL-CE`, `JAL-CE`, …) or a sum of two losses (`NCE+MAE`). A sum takes
    `alpha` (weight of the first part), `beta` (weight of the second) and the parameters of both parts. If both parts
    have a parameter of the same name, write `**{"AGCE.q": 2}`. Frameworks take the parameters of their papers:
    `gamma` of ANL-FL sets it in both parts.

    `loss(logits, targets)` takes float logits `(B, K)` and int64 targets `(B,)`. It returns the mean over the batch,
    or values `(B,)` with `reduction="none"`. `loss.needs` lists what else a loss requires:

    - `views`: pass a pair of logits, one per augmented view
    - `features`: pass features `(B, D)` instead of logits; `loss.logits(features)` turns them into logits
    - `epoch`: call `loss.set_epoch(epoch)` (1-based)
    - `class_counts`: optionally call `loss.set_class_counts(counts)`
    - `draws`: optionally set `loss.generator`
    - `index`: call `loss(logits, targets, index=index)` with each sample's position in the training set, int64 `(B,)`
    - `dataset_size`, `epochs`: call `loss.set_dataset_size(n)`, `loss.set_epochs(n)` once before training

    Every loss without a batch-level term takes `weight`: a positive number for each class, as in torch's cross_entropy,
    or `balanced`, which needs `class_counts`. Losses that are linear in the label also take soft targets `(B, K)`, rows
    that sum to 1: L(p, t) = Σ_k t_k L(p, k).

    Logits below −1e12 are raised to −1e12, so masked classes (−inf) leave value and gradient finite.

    Raises `LossError` (a `ValueError`) for an unknown name or parameter, or a value out of range.

    >>> import torch
    >>> logits, targets = torch.tensor([[2.0, 0.0], [0.0, 2.0]]), torch.tensor([0, 0])
    >>> create("MAE", num_classes=2, reduction="none")(logits, targets)
    tensor([0.1192, 0.8808])
    >>> create("CE", num_classes=2, weight=[1.0, 3.0])(logits, torch.tensor([0, 1]))
    tensor(0.1269)
    >>> create("GCE", num_classes=2)(logits, torch.tensor([[0.9, 0.1], [0.5, 0.5]]))  # soft targets
    tensor(0.4169)
    >>> create("ELR", num_classes=2).needs
    ('index', 'dataset_size')
    >>> create("GCE", num_classes=2, q=2)
    Traceback (most recent call last):
    labelnoise.losses.parameters.LossError: GCE: q must be a number > 0 and ≤ 1, got 2
    """
    from labelnoise.losses import base

    if num_classes < 2:
        raise LossError(f"num_classes must be at least 2, got {num_classes}")
    if reduction not in base.REDUCTIONS:
        raise LossError(f"unknown reduction {reduction!r}; allowed: {', '.join(base.REDUCTIONS)}")
    resolved = catalogue.resolve(name, params)
    weight: Any = resolved.pop(catalogue.WEIGHT.name, None)
    loss = _build(name, num_classes, reduction, resolved)
    loss.capturable = catalogue.is_capturable(name)
    loss.not_linear = tuple(catalogue.not_linear(name))
    if weight is not None:
        loss.weight_classes(weight)
    return loss


def _build(name: str, num_classes: int, reduction: str, resolved: dict[str, Any]) -> Loss:
    from labelnoise.losses import sums

    entries = catalogue.parts(name)
    if len(entries) == 1:
        return entries[0].load()(num_classes=num_classes, reduction=reduction, **resolved)
    owners = catalogue.owners(name)
    parts = []
    for entry in entries:
        own = {owners[full][1]: value for full, value in resolved.items() if owners.get(full, ("",))[0] == entry.name}
        parts.append(entry.load()(num_classes=num_classes, **own))
    weights: dict[str, Any] = {"alpha": resolved["alpha"], "beta": resolved["beta"], "reduction": reduction}
    if catalogue.is_entropy_regularised(name):
        min_prob = next(value for key, value in resolved.items() if key.endswith(".min_prob"))
        return sums.EntropyRegularisedSum(*parts, lam=resolved["lam"], min_prob=min_prob, **weights)
    return sums.Sum(*parts, **weights)
