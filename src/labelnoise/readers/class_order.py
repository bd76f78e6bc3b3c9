"""Find class numbers that count the classes in another order than the data set does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labelnoise.errors import UserError

# How much better a renumbering must agree, as a share of the samples whose class it changes. Label noise comes near it
# only if it moves more than five eighths of a class to one other class.
FAR_BETTER = 0.25

# And by so many standard deviations of a count of these samples, as a renumbering may fit few samples by chance.
_DEVIATIONS = 1

# Messages show so many classes.
_SHOWN = 6


def check(labels: np.ndarray, known: np.ndarray, classes: Sequence[str], place: str) -> None:
    """Raise `UserError` if some renumbering of `labels` `(N,)` agrees far better with the `known` labels `(N,)`.

    So it is with the codes of `pandas.factorize`, which count the classes in their order of appearance. The message
    shows the renumbering.
    """
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(counts, (labels, known), 1)
    if (counts.argmax(axis=1) == np.arange(len(classes))).all():  # no renumbering agrees better
        return
    numbers, meant = _best(counts)
    moved = numbers != meant
    among = counts[numbers[moved]][:, meant[moved]]
    size, best, hits = int(among.sum()), int(np.trace(among)), int(counts[numbers[moved], numbers[moved]].sum())
    # Symmetric noise fits many renumberings equally well, another order only one.
    np.fill_diagonal(among, 0)
    second = int(among[_best(among)].sum())
    if best - max(hits, second) <= FAR_BETTER * size + _DEVIATIONS * size**0.5:
        return
    renumbered = [f"{number} → {classes[k]}" for number, k in zip(numbers[moved], meant[moved], strict=True)]
    hits, best = int(np.trace(counts)), int(counts[numbers, meant].sum())
    listed = ", ".join(renumbered[:_SHOWN]) + (" …" if len(renumbered) > _SHOWN else "")
    ours = ", ".join(f"{k} {name}" for k, name in enumerate(classes[:_SHOWN])) + (" …" if len(classes) > _SHOWN else "")
    raise UserError(
        f"{place}: the numbers agree with {hits} of {len(labels)} labels of the data set if they count its classes in "
        f"order ({ours}), but with {best} if they mean {listed}: write class names in place of numbers"
    )


def _best(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs (number, class), one for each number, with the most samples in total."""
    from scipy.optimize import linear_sum_assignment  # takes a moment to import

    numbers, meant = linear_sum_assignment(counts, maximize=True)
    return numbers, meant
