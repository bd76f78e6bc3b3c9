"""Which losses share a panel, and which of them stand out there."""

from __future__ import annotations

from dataclasses import dataclass

from labelnoise.analysis.results import Results
from labelnoise.manifest import MOST_LOSSES


@dataclass(frozen=True)
class Facet:
    """Losses of one panel, and those that stand out, both in the config's order; the others are drawn grey."""

    title: str
    losses: list[str]
    prominent: list[str]

    @property
    def rest(self) -> list[str]:
        return [label for label in self.losses if label not in self.prominent]

    def heading(self, title: str) -> str:
        """The title of one of its panels."""
        return f"{self.title}: {title}" if self.title else title


def facets(results: Results, dataset: str, test_set: str) -> list[Facet]:
    """A facet for the losses that are not swept, and one for each loss whose parameters are.

    With the losses that the config chooses (`figures: {losses: …}`) there is one facet, in which they stand out.
    Otherwise the eight with the best average rank do.
    """
    if chosen := results.manifest["figure_losses"]:
        return [Facet("", results.losses, [label for label in results.losses if label in chosen])]
    swept = {entry["label"]: entry["sweep"]["of"] for entry in results.manifest["trials"] if entry["sweep"]}
    groups: dict[str, list[str]] = {}
    for label in results.losses:
        groups.setdefault(swept.get(label, ""), []).append(label)
    ranks = results.ranks_of(dataset, test_set)
    order = ranks.average_rank.to_dict() if len(ranks) else {}

    def prominent(losses: list[str]) -> list[str]:
        best = sorted(losses, key=lambda label: order.get(label, float("inf")))[:MOST_LOSSES]
        return [label for label in losses if label in best]

    return [Facet(of, losses, prominent(losses)) for of, losses in sorted(groups.items(), key=lambda group: group[0])]


def look_order(results: Results) -> list[str]:
    """The losses in the order of their looks: those that stand out somewhere first, so that these differ the most."""
    shown = {
        label
        for dataset in results.datasets
        for facet in facets(results, dataset, results.test_sets(dataset)[0])
        for label in facet.prominent
    }
    return sorted(results.losses, key=lambda label: label not in shown)


def noises_by_group(results: Results, noises: list[str]) -> list[list[str]]:
    """The noises, a list for each group (kind and variant)."""
    groups: dict[str, list[str]] = {}
    for noise in noises:
        groups.setdefault(results.noise_heading(noise)[0], []).append(noise)
    return list(groups.values())
