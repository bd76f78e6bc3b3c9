"""The experiment run without faults, with which a run with faults is compared."""

from __future__ import annotations

from collections import Counter

from support.project import Project

# Summed over all tests and printed at the end (conftest.py).
TALLY: Counter[str] = Counter()


class ReferenceRun:
    """The same experiment run without faults."""

    def __init__(self, project: Project):
        self.project = project

    def assert_equal_to(self, project: Project) -> None:
        """Check that results and tables are the same, nothing is lost, and no trial was completed twice."""
        ours, theirs = self.project, project
        lost = ours.finished() - theirs.finished()
        histories = [(theirs.folder / folder / "history.log").read_text() for folder in theirs.finished()]
        twice = sum(history.count(" ok, ") > 1 for history in histories)
        TALLY.update({"trials lost": len(lost), "trials trained twice": twice})
        assert not lost
        assert not twice
        for folder in ours.finished():
            for name in ("result.json", "metrics.csv", "predictions.npz"):
                assert (ours.folder / folder / name).read_bytes() == (theirs.folder / folder / name).read_bytes(), name
        for table in (ours.results / "tables").glob("[!.]*"):  # the stamp depends on trials.csv, which contains times
            assert (theirs.results / "tables" / table.name).read_bytes() == table.read_bytes(), table.name
