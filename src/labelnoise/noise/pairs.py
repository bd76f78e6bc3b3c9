"""Files with true and noisy labels, as `labelnoise noise` writes them: .npz or .csv, with sample identifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from labelnoise.errors import UserError
from labelnoise.files import write_csv
from labelnoise.readers import tables
from labelnoise.readers.values import encode

_NOISY = ("noisy_labels", "noisy_label")
_CLEAN = ("clean_labels", "clean_label", "true_labels", "true_label")


def read(path: Path, classes: Sequence[str] | None = None) -> tuple[np.ndarray | None, np.ndarray, list[str]]:
    """(true, noisy, classes) of a file with noisy labels; the true ones are None if the file does not have them."""
    if path.suffix not in (".csv", ".npz"):
        raise UserError(f"{path}: a label file must be a .npz or .csv with true and noisy labels")
    table = tables.read(path)
    clean, noisy = (next((name for name in names if name in table.columns), None) for names in (_CLEAN, _NOISY))
    if noisy is None or (clean is None and path.suffix == ".csv"):
        listed = ", ".join(name or "one without a name" for name in table.columns)
        raise UserError(f"{path}: a label file needs the columns {_CLEAN[0]} and {_NOISY[0]}; this one has {listed}")
    parts = [table.columns[name] for name in (clean, noisy) if name is not None]
    if len({len(part) for part in parts}) > 1:
        raise UserError(f"{path}: {len(parts[0])} true labels, but {len(parts[1])} noisy ones")
    where = table.where(noisy)
    if classes is None:
        size = len(parts[0])
        classes = encode(np.concatenate([np.asarray(part) for part in parts]), lambda row: where(row % size))[1]
    encoded = [encode(part, where, classes)[0] for part in parts]
    return (encoded[0] if clean is not None else None), encoded[-1], list(classes)


def write_csv_pairs(
    path: Path, true: np.ndarray, noisy: np.ndarray, classes: Sequence[str], names: Mapping[str, Sequence[str]]
) -> None:
    """Write a CSV with the identifier columns `names`, then clean_label and noisy_label as class names."""
    columns = dict(names) | {
        "clean_label": [classes[label] for label in true.tolist()],
        "noisy_label": [classes[label] for label in noisy.tolist()],
    }
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    write_csv(path, rows, list(columns))
