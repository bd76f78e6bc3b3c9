"""The measures of a trial that are averaged over seeds: columns of trials.csv, rows of summary.csv."""

from __future__ import annotations

from dataclasses import dataclass

# What tables call the accuracy on labels that may be wrong.
NOISY_ACCURACY = "agreement with noisy labels"


@dataclass(frozen=True)
class Metric:
    """A measure in percent. `title` opens captions, `menu` names it where there is little room."""

    name: str
    title: str
    menu: str
    higher_is_better: bool = True
    is_of_test_set: bool = True

    def title_on(self, *, noisy: bool) -> str:
        """`title` for test sets whose labels may be noisy."""
        return self.title.replace("test accuracy", NOISY_ACCURACY) if noisy else self.title

    @property
    def column(self) -> str:
        """Its column of trials.csv."""
        return f"{self.name}_accuracy" if self.is_of_test_set else self.name


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("last", "last-epoch test accuracy", "last epoch"),
        Metric("best", "best test accuracy over epochs (chosen on the test set)", "best epoch"),
        Metric(
            "validated",
            "test accuracy at the epoch with the best accuracy on held-out noisy labels",
            "epoch chosen on held-out noisy labels",
        ),
        Metric(
            "memorised",
            "share of the wrong training labels that the network reproduces after the last epoch",
            "wrong labels memorised (lower is better)",
            higher_is_better=False,
            is_of_test_set=False,
        ),
        Metric(
            "detection_auroc",
            "AUROC of the confidence in the given training label for telling wrong labels from correct ones",
            "wrong labels detected: AUROC",
            is_of_test_set=False,
        ),
        Metric(
            "detection_precision",
            "share of wrong labels among the least confident training samples, as many samples as labels are wrong",
            "wrong labels detected: precision",
            is_of_test_set=False,
        ),
    )
}

HEADLINE = METRICS["last"]
