"""What each data set is called, holds and comes from. Needs nothing but the standard library.

A new data set is a module with `load() -> dict of arrays` and one entry here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DatasetInfo:
    """A catalogue entry. `asymmetric_map` is {true class: wrong class}; `version` rises when the arrays change."""

    name: str
    module: str
    title: str
    source: str
    license: str
    classes: tuple[str, ...]
    train_size: int
    channels: int
    recipe: str
    asymmetric_map: Mapping[int, int] = field(default_factory=dict)
    test_sets: tuple[str, ...] = ("test",)
    version: int = 1


_ENTRIES = (
    DatasetInfo(
        name="digits",
        module="digits",
        title="handwritten digits, 8 × 8",
        source="UCI Optical Recognition of Handwritten Digits (Alpaydin & Kaynak 1998), embedded in scikit-learn",
        license="CC BY 4.0",
        classes=tuple("0123456789"),
        train_size=1442,
        channels=1,
        recipe="digits",
        # The pairs that MNIST's published map confuses: 7→1, 2→7, 5↔6, 3→8.
        asymmetric_map={7: 1, 2: 7, 5: 6, 6: 5, 3: 8},
    ),
)

DATASETS: dict[str, DatasetInfo] = {entry.name: entry for entry in _ENTRIES}
