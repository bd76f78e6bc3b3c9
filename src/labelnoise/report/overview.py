"""The top of the report, in words: what was run, what came out, and what is missing or doubtful."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from labelnoise.analysis.blocks import why_no_critical_difference
from labelnoise.analysis.metrics import HEADLINE
from labelnoise.analysis.results import Results, environment_mismatches
from labelnoise.analysis.statistics import is_true
from labelnoise.analysis.tables import text_of
from labelnoise.trial_folder import Status

# Longer lists of tied losses are cut; the table has them all.
_MOST_TIED = 5


@dataclass(frozen=True)
class Winner:
    """The best loss under a noise, with its accuracy and the losses that are not separable from it, in words."""

    noise: str
    label: str
    accuracy: str
    tied: str


@dataclass(frozen=True)
class Outcome:
    """What came out on one data set and test set."""

    title: str
    ranks: str
    winners: list[Winner]


def outcomes(results: Results) -> Iterator[Outcome]:
    """Yield the outcome on every data set and test set with a finished cell."""
    for dataset in results.datasets:
        for test_set in results.test_sets(dataset):
            winners = [
                winner
                for noise, column in results.cells(dataset, test_set).groupby(level="noise", sort=False)
                for winner in [_winner(results, str(noise), column.droplevel("noise"))]
                if winner is not None
            ]
            winners.sort(
                key=lambda winner: [results.noise_title(noise) for noise in results.noises].index(winner.noise)
            )
            if winners:
                yield Outcome(results.title(dataset, test_set), _ranks(results, dataset, test_set), winners)


def criterion(results: Results) -> list[str]:
    """What agreement with noisy labels says, and what it does not; empty if all test labels are clean."""
    named = [name for name in results.datasets if results.is_noisy(name)]
    if not named:
        return []
    return [
        f"{_listed(named)} has no clean test labels, so losses are compared by their agreement with noisy labels of "
        "samples that were not trained on. This is not the accuracy on true classes: even a perfect classifier agrees "
        "with the correct labels only.",
        "Why it is fair: while clean labels dominate (in every class the true label is more frequent than any wrong "
        "one) and mistakes depend on the class, predicting the true class agrees with noisy labels most often, and a "
        "network gains nothing from memorised wrong labels, as they are of other samples.",
        "When it is not: if a wrong label is as frequent as the true one in some class; if the mistakes can be seen in "
        "the images (annotators confuse what looks alike), as a network that learns the mistakes agrees more; and if "
        "the held-out samples are duplicates of training samples, as then memorising pays.",
    ]


def _winner(results: Results, noise: str, column: pd.DataFrame) -> Winner | None:
    means = column["mean"].dropna()
    if means.empty:
        return None
    best = str(means.idxmax())
    tied = [label for label in results.losses if label in column.index and is_true(column.tied_with_best[label])]
    others = [label for label in tied if label != best]
    if column.tied_with_best.isna().all():
        seeds = int(column.n.max())
        words = f"{seeds} seed{'s' if seeds > 1 else ''}: differences cannot be told from chance"
    elif others:
        words = f"tied with {_listed(others)}"
    elif len(means) < len(results.losses):
        words = f"compared with {len(means) - 1} of {len(results.losses) - 1} other losses, none of them tied with it"
    elif len(means) == 1:
        words = "the only loss"
    else:
        words = "no other loss is tied with it"
    return Winner(results.noise_title(noise), best, text_of(column.loc[best]), words)


def _ranks(results: Results, dataset: str, test_set: str) -> str:
    """The three losses with the best average rank."""
    ranks = results.ranks_of(dataset, test_set, HEADLINE)
    if ranks.empty:
        return "No average rank: no noise has a mean for every loss."
    best = ranks.sort_values("average_rank", kind="stable").head(3)
    named = [
        f"{row.Index} {row.average_rank:.1f}"
        + (f" [{row.ci_low:.1f}, {row.ci_high:.1f}]" if pd.notna(row.ci_low) else "")
        for row in best.itertuples()
    ]
    noises = len(best.noises.iloc[0].split(" "))
    return f"Best average rank over {noises} noise{'s' if noises > 1 else ''}: {', '.join(named)}."


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:_MOST_TIED])
    return ", ".join(shown) + (f" and {len(names) - len(shown)} more" if len(names) > len(shown) else "")


def doubts(results: Results) -> list[str]:
    """Sentences about what is missing or doubtful, the gravest first."""
    trials = results.trials.drop_duplicates("trial")
    sentences = []
    if results.unfinished:
        sentences.append(
            f"Partial: {results.unfinished} of {len(trials)} trials failed or are missing; cells without all their "
            "seeds show – and the number of seeds that are ok."
        )
    if diverged := int(trials.status.eq(Status.DIVERGED).sum()):
        count = f"{diverged} trial{'s' if diverged > 1 else ''}"
        sentences.append(f"{count} diverged: the loss or a parameter was not finite. Their cells have no mean.")
    sentences += environment_mismatches(results.trials)
    n = len(results.seeds)
    if n == 1:
        sentences.append("One seed: no difference can be told from chance.")
    elif n == 2:
        sentences.append("Two seeds: no ties are marked, as a difference must be 9 standard deviations to count.")
    elif n < 6:
        sentences.append(
            f"{n} seeds: no distribution-free paired test over seeds can be significant at 5 % (that "
            "takes 6), so ties rest on the t interval, which takes differences to be normal. So few cannot establish "
            "most of the order, and a tie is no evidence that two losses are equally good."
        )
    if (reason := why_no_critical_difference(results)) is not None:
        sentences.append(f"{reason[0].upper()}{reason[1:]}. Ranks are descriptive.")
    return sentences


def copies(audits: Iterable[Mapping[str, Any]]) -> list[str]:
    """Sentences on test images that are also training images, from the audits of the label files."""
    return list(dict.fromkeys(f"{audit['dataset']}: {line}." for audit in audits for line in audit.get("copies", [])))
