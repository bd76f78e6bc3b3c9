"""Statistics over seeds: intervals, ties, ranks, win rates and the tests behind a critical-difference diagram.

Trials with the same seed share initialisation, order and noise draw, so losses are compared by paired differences.
Values are percentages.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

LEVEL = 0.95

_RESAMPLES = 2_000
# Differences below this are rounding errors of the arithmetic.
_EXACT = 1e-9

# Blocks (data set × kind of noise) from which on a critical-difference diagram is drawn (Demšar 2006 asks for
# more than 10 data sets).
LEAST_BLOCKS = 11

# Ties are marked from so many seeds on.
LEAST_SEEDS = 3


def t_quantile(n: int) -> float:
    """The factor of std / √n in the 95 % t interval over `n` values; NaN for fewer than two."""
    return float(special.stdtrit(n - 1, (1 + LEVEL) / 2)) if n > 1 else math.nan


def as_printed(mean: float) -> float:
    """The mean as tables print it, with two digits; pandas' `round` differs at x.xx5."""
    return float(f"{mean:.2f}")


def is_true(value: object) -> bool:
    """Whether a value that may be missing is known to be true."""
    return bool(pd.notna(value) and value)


def column_statistics(values: pd.DataFrame, requested: pd.Series, *, higher_is_better: bool = True) -> pd.DataFrame:
    """Statistics of one column of a table, one row per loss.

    `values` is seeds × losses, NaN for a trial that is not ok; `requested` is the number of seeds of each loss. A loss
    with a seed that is not ok has neither mean nor interval. `tied_with_best` is missing where the mean or a third
    seed is.
    """
    n = values.count()
    is_complete = (n == requested) & (n > 0)
    mean, std = values.mean().where(is_complete), values.std(ddof=1).where(is_complete)
    half = std * [t_quantile(count) for count in n] / np.sqrt(n.clip(lower=1))
    return pd.DataFrame(
        {
            "mean": mean,
            "std": std,
            "n": n,
            "seeds": requested,
            "ci_low": mean - half,
            "ci_high": mean + half,
            "rank": mean.map(as_printed, na_action="ignore").rank(ascending=not higher_is_better),
            "tied_with_best": tied_with_best(values, mean, higher_is_better=higher_is_better),
        }
    )


def tied_with_best(values: pd.DataFrame, mean: pd.Series, *, higher_is_better: bool = True) -> pd.Series:
    """Whether each loss cannot be separated from a loss with the best mean, as printed (which is tied with itself).

    It cannot if the 95 % t interval of the paired differences by seed includes 0. The losses are not corrected for
    their number. Missing for a loss without mean, and for all if there are fewer than three seeds: of two, nearly
    every loss would be tied.
    """
    tied = pd.Series(pd.NA, index=mean.index, dtype="boolean")
    printed = mean.dropna().map(as_printed)
    best_mean = printed.max() if higher_is_better else printed.min()
    for best in printed.index[printed == best_mean]:
        differences = values.sub(values[best], axis=0)
        n = differences.count()
        quantile = np.array([t_quantile(count) for count in n])
        half = quantile * differences.std(ddof=1) / np.sqrt(n.clip(lower=1))
        is_known = mean.notna() & (n >= LEAST_SEEDS)
        is_tied = differences.mean().abs() <= half + _EXACT
        tied[is_known] = tied.fillna(False)[is_known] | is_tied[is_known]
    return tied


def average_ranks(means: pd.DataFrame, *, higher_is_better: bool = True) -> pd.Series:
    """Each loss's rank, averaged over the complete columns of `means` (losses × noises); 1 is best.

    Means are compared as printed, so means that print alike share a rank.
    """
    complete = means.dropna(axis="columns").map(as_printed)
    return complete.rank(ascending=not higher_is_better, method="average").mean(axis="columns")


def rank_intervals(values: pd.DataFrame, *, higher_is_better: bool = True) -> pd.DataFrame:
    """95 % percentile intervals `low`, `high` of the average ranks, by resampling seeds and columns (bootstrap).

    `values` has a row per seed and a column per (noise, loss), all present. The same values give the same interval. NaN
    with fewer than two seeds or noises, where there is nothing to resample.
    """
    losses = list(dict.fromkeys(values.columns.get_level_values(1)))
    noises = list(dict.fromkeys(values.columns.get_level_values(0)))
    if len(values) < 2 or len(noises) < 2:
        return pd.DataFrame(math.nan, index=losses, columns=["low", "high"])
    cube = values.to_numpy().reshape(len(values), len(noises), len(losses))  # seeds × noises × losses
    generator = np.random.default_rng(0)
    drawn = generator.integers(len(values), size=(_RESAMPLES, len(values)))
    means = np.round(cube[drawn].mean(axis=1), 2)  # resamples × noises × losses
    rows = pd.DataFrame(means.reshape(-1, len(losses)))
    ranks = rows.rank(axis=1, ascending=not higher_is_better).to_numpy().reshape(means.shape)
    weights = generator.multinomial(len(noises), np.full(len(noises), 1 / len(noises)), size=_RESAMPLES)
    averages = np.einsum("rn,rnl->rl", weights / len(noises), ranks)
    low, high = np.quantile(averages, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return pd.DataFrame({"low": low, "high": high}, index=losses)


def win_rates(values: pd.DataFrame, *, higher_is_better: bool = True) -> pd.DataFrame:
    """The share of blocks, in percent, in which the loss of the row beats that of the column; ties count half.

    `values` has a row per block (data set, noise, seed) and a column per loss. A pair is compared on the blocks that
    have both; NaN without such a block, and on the diagonal.
    """
    losses = list(values.columns)
    rates = pd.DataFrame(math.nan, index=losses, columns=losses)
    for a, b in itertools.permutations(losses, 2):
        difference = (values[a] - values[b]).dropna() * (1 if higher_is_better else -1)
        if len(difference):
            rates.loc[a, b] = 100 * ((difference > 0).mean() + (difference == 0).mean() / 2)
    return rates


@dataclass(frozen=True)
class CriticalDifference:
    """Friedman's test over blocks, and Wilcoxon's for every pair, adjusted by Holm's method.

    `ranks` are average ranks over blocks, best first. `pairs` maps a pair of losses, in that order, to its adjusted p.
    """

    blocks: int
    ranks: pd.Series
    friedman_p: float
    pairs: dict[tuple[str, str], float]

    @property
    def cliques(self) -> list[tuple[str, str]]:
        """(first, last) of each largest run of neighbouring ranks with no pair separated at 5 %."""
        losses = list(self.ranks.index)
        runs: list[tuple[int, int]] = []
        for start in range(len(losses)):
            end = start
            while end + 1 < len(losses) and all(
                self._p(losses[i], losses[end + 1]) >= 1 - LEVEL for i in range(start, end + 1)
            ):
                end += 1
            if end > start and not any(first <= start and end <= last for first, last in runs):
                runs.append((start, end))
        return [(losses[first], losses[last]) for first, last in runs]

    def _p(self, a: str, b: str) -> float:
        # Without an overall difference no pair is separated.
        return 1.0 if self.friedman_p >= 1 - LEVEL else self.pairs[a, b]


def critical_difference(blocks: pd.DataFrame) -> CriticalDifference | None:
    """Compare losses (columns) over blocks (rows, means over rates and seeds; no value missing).

    None with fewer than 11 blocks or 3 losses, where the tests decide nothing.
    """
    if len(blocks) < LEAST_BLOCKS or blocks.shape[1] < 3:
        return None
    from scipy import stats  # takes long to import

    blocks = blocks.map(as_printed)
    ranks = blocks.rank(axis=1, ascending=False).mean().sort_values(kind="stable")
    pairs = list(itertools.combinations(ranks.index, 2))
    # Rounded, so that differences that are equal in print share a rank.
    p = [_wilcoxon_p((blocks[a] - blocks[b]).round(2)) for a, b in pairs]
    with np.errstate(invalid="ignore"):  # NaN if all losses are equal in every block
        friedman = stats.friedmanchisquare(*blocks.to_numpy().T).pvalue
    friedman_p = 1.0 if math.isnan(friedman) else float(friedman)
    return CriticalDifference(len(blocks), ranks, friedman_p, dict(zip(pairs, holm(p), strict=True)))


def _wilcoxon_p(differences: pd.Series) -> float:
    from scipy import stats

    return 1.0 if (differences == 0).all() else float(stats.wilcoxon(differences).pvalue)


def holm(p: list[float]) -> list[float]:
    """p values adjusted by Holm's step-down method (Holm 1979), in the order given."""
    adjusted, largest = [0.0] * len(p), 0.0
    for step, i in enumerate(np.argsort(p, kind="stable")):
        largest = max(largest, min(1.0, (len(p) - step) * p[i]))
        adjusted[i] = largest
    return adjusted
