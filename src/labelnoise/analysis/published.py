"""Measured cells beside the papers' printed ones, each with a verdict."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pandas as pd
from scipy import special

from labelnoise.analysis.results import Results
from labelnoise.analysis.statistics import t_quantile
from labelnoise.published.numbers import TRIALS
from labelnoise.trial_folder import Status

COLUMNS = (
    "paper", "table", "dataset", "test_set", "noise", "rate", "loss", "printed_mean", "printed_std", "mean", "std", "n",
    "difference", "low", "high", "verdict", "note",
)  # fmt: skip


# A difference of 1.00 in print is within 1 point.
_ROUNDING = 1e-9


class Verdict(StrEnum):
    """What a measured cell says about a printed one."""

    REPRODUCED = "reproduced"
    CLOSE = "close"
    ABOVE = "above"
    BELOW = "below"
    INCONCLUSIVE = "inconclusive"
    NOT_RUN = "not run"
    NO_VERDICT = "no verdict"

    @property
    def is_judged(self) -> bool:
        """Whether a measured and a printed number were compared."""
        return self not in (Verdict.NOT_RUN, Verdict.NO_VERDICT)


def verdict(
    printed_mean: float | None,
    printed_std: float | None,
    mean: float | None,
    n: int,
    *,
    printed_n: int = TRIALS,
    tolerance: float = 1.0,
) -> str:
    """Compare a mean over `n` seeds with a printed mean and sample standard deviation over `printed_n` trials.

    All numbers are percentages; None or NaN is a number that does not exist. `reproduced`: the mean lies inside the
    prediction interval, and they differ by at most `tolerance` points. `close`: they differ by no more than that, but
    the mean lies outside the interval, or no deviation was printed and so there is none. `above`, `below`: they differ
    by more, and it lies outside. `inconclusive`: they differ by more, inside it. `not run`: there is no mean. `no
    verdict`: no mean was printed, or they differ by more and no deviation was printed.
    """
    printed_mean, printed_std, mean = map(_known, (printed_mean, printed_std, mean))
    if printed_mean is None:
        return Verdict.NO_VERDICT
    if mean is None or n < 1:
        return Verdict.NOT_RUN
    difference = mean - printed_mean
    half = prediction_half_width(printed_std, n, printed_n=printed_n)
    is_inside = half is not None and abs(difference) <= half + _ROUNDING
    if abs(difference) <= tolerance + _ROUNDING:
        return Verdict.REPRODUCED if is_inside else Verdict.CLOSE
    if half is None:
        return Verdict.NO_VERDICT
    if is_inside:
        return Verdict.INCONCLUSIVE
    return Verdict.ABOVE if difference > 0 else Verdict.BELOW


def prediction_half_width(printed_std: float | None, n: int, *, printed_n: int = TRIALS) -> float | None:
    """Half the 95 % prediction interval for a mean over `n` seeds: t(printed_n − 1) · std · √(1/printed_n + 1/n).

    None without a deviation or a seed.
    """
    printed_std = _known(printed_std)
    if printed_std is None or n < 1 or printed_n < 2:
        return None
    return float(t_quantile(printed_n) * printed_std * math.sqrt(1 / printed_n + 1 / n))


def false_alarm_rate(printed_std: float | None, n: int, *, printed_n: int = TRIALS, tolerance: float = 1.0) -> float:
    """The probability of `above` or `below` if the measured experiment is the printed one (normal, equal variance)."""
    half = prediction_half_width(printed_std, n, printed_n=printed_n)
    if half is None or half == 0:
        return 0.0
    needed = max(tolerance, half) / half * t_quantile(printed_n)
    return float(2 * special.stdtr(printed_n - 1, -needed))


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


@dataclass(frozen=True)
class Comparison:
    """The comparison on one data set: a row with `COLUMNS` per cell."""

    dataset: str
    rows: pd.DataFrame

    @property
    def name(self) -> str:
        return f"{self.dataset}-published"


def comparisons(results: Results) -> Iterator[Comparison]:
    """Yield the comparison on every data set; nothing if the experiment names no paper."""
    if results.manifest["published"] is not None:
        for dataset in results.datasets:
            yield compare(results, dataset)


def compare(results: Results, dataset: str) -> Comparison:
    """Every printed cell of the experiment's tables on the data set, and every measured cell that has none."""
    published = results.manifest["published"]
    if published is None:
        raise ValueError("the experiment names no paper")
    measured = _measured(results, dataset, [cell["test_set"] for cell in published["cells"]])
    rows, in_tables = [], set()
    for table in [*published["tables"], ""]:
        cells = [cell for cell in published["cells"] if cell["table"] == table and cell["dataset"] == dataset]
        printed = {(cell["test_set"], cell["noise"], cell["rate"], cell["loss"]): cell for cell in cells}
        columns = {key[:3] for key in printed}
        # The user's own losses are rows of every table that has their column; what has no table comes last.
        own = (key[:3] in columns if table else key[:3] not in in_tables for key in measured)
        extra = [key for key, is_own in zip(measured, own, strict=True) if is_own and key not in printed]
        for key in [*printed, *extra]:
            rows.append(_row(published, dataset, table, key, printed.get(key, {}), measured.get(key, {})))
        in_tables |= columns
    return Comparison(dataset, pd.DataFrame(rows, columns=list(COLUMNS)))


def _measured(results: Results, dataset: str, printed_test_sets: list[str]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """What was measured (`_over_seeds`), and what the config sets otherwise than the preset, by test set, noise, rate
    and label.

    Before a trial is finished its test sets are not known; then the printed ones are assumed.
    """
    entries = [entry for entry in results.manifest["trials"] if entry["dataset"] == dataset]
    noises = {entry["noise"]: tuple(entry["printed_as"]) for entry in entries}
    # Variants of a noise that the paper does not print keep their own names, as they would be one row otherwise.
    twice = {printed for printed, count in Counter(noises.values()).items() if count > 1}
    noises = {noise: (noise, None) if printed in twice else printed for noise, printed in noises.items()}
    unlike = {(entry["label"], entry["noise"]): entry["unlike_preset"] for entry in entries}
    found = {}
    rows = results.trials[results.trials.dataset == dataset]
    is_known = rows["test_set"].notna().any()
    known = results.test_sets(dataset)
    for test_set in known if is_known or not printed_test_sets else dict.fromkeys(printed_test_sets):
        cells = results.rows_of(dataset, test_set if is_known else known[0]).groupby(["label", "noise"], sort=False)
        for (label, noise), cell in cells:
            measured = _over_seeds(cell)
            incomplete = f"{measured['n']} of {measured['seeds']} seeds are ok" if measured["n"] < len(cell) else ""
            differing = f"measured with {unlike[label, noise]}" if unlike[label, noise] else ""
            note = "; ".join(filter(None, (incomplete, differing)))
            found[(test_set, *noises[noise], label)] = measured | {"note": note}
    return found


def _over_seeds(cell: pd.DataFrame) -> dict[str, Any]:
    """Mean and std over the n seeds run so far; there is none over the survivors if one diverged or failed."""
    accuracies = cell.last_accuracy[cell.status == Status.OK].astype(float)
    has_mean = len(accuracies) and not cell.status.isin((Status.DIVERGED, Status.FAILED)).any()
    return {
        "mean": float(accuracies.mean()) if has_mean else None,
        "std": float(accuracies.std()) if has_mean and len(accuracies) > 1 else None,
        "n": len(accuracies),
        "seeds": len(cell),
    }


def _row(
    published: Any, dataset: str, table: str, key: tuple[Any, ...], printed: dict[str, Any], measured: dict[str, Any]
) -> dict[str, Any]:
    test_set, noise, rate, loss = key
    mean, n = _known(measured.get("mean")), int(measured.get("n", 0))
    printed_mean, printed_std = printed.get("mean"), printed.get("std")
    difference = low = high = None
    if mean is not None and printed_mean is not None:
        difference = mean - printed_mean
        if (half := prediction_half_width(printed_std, n, printed_n=published["trials"])) is not None:
            low, high = printed_mean - half, printed_mean + half
    return {
        "paper": published["paper"],
        "table": table,
        "dataset": dataset,
        "test_set": test_set,
        "noise": noise,
        "rate": rate,
        "loss": loss,
        "printed_mean": printed_mean,
        "printed_std": printed_std,
        "mean": mean,
        "std": measured.get("std"),
        "n": n,
        "difference": difference,
        "low": low,
        "high": high,
        "verdict": str(
            verdict(
                printed_mean,
                printed_std,
                mean,
                n,
                printed_n=published["trials"],
                tolerance=published["tolerance"],
            )
        ),
        "note": "; ".join(filter(None, (printed.get("note"), measured.get("note")))),
    }


def counts(rows: pd.DataFrame) -> str:
    """`12 reproduced, 1 below, 3 not run`."""
    found = Counter(rows.verdict)
    return ", ".join(f"{found[value]} {value}" for value in Verdict if found[value]) or "no cells"


def expected_false_alarms(rows: pd.DataFrame, *, printed_n: int = TRIALS, tolerance: float = 1.0) -> float:
    """How many verdicts `above` or `below` to expect if every judged cell were an exact repetition."""
    judged = rows[[Verdict(value).is_judged for value in rows.verdict]]
    return sum(
        false_alarm_rate(std, n, printed_n=printed_n, tolerance=tolerance)
        for std, n in zip(judged.printed_std, judged.n, strict=True)
    )
