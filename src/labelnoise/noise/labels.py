"""Noisy labels from true ones, and the label file: `.npz` with noisy_labels and clean_labels, its audit beside it.

Where the true labels are not known, there are no clean_labels in it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise.errors import UserError
from labelnoise.files import read_json, replacing, write_json
from labelnoise.noise import generators
from labelnoise.noise.audit import audit, sha256
from labelnoise.noise.instance import instance


def generate(
    labels: np.ndarray, *, num_classes: int, noise: Mapping[str, Any], features: np.ndarray | None = None
) -> np.ndarray:
    """The noise that a spec's `noise` asks for: noisy int64 labels `(N,)` for true int64 labels `(N,)`.

    `features` `(N, …)` are what instance noise goes by. Raises `UserError` on labels out of range or missing classes.
    """
    if labels.ndim != 1 or labels.dtype != np.int64 or not len(labels) or not 0 <= labels.min() <= labels.max():
        raise UserError("true labels must be int64 (N,), none of them negative")
    if labels.max() >= num_classes:
        raise UserError(f"true labels must have values 0..{num_classes - 1}, found {labels.max()}")
    settings = {key: value for key, value in noise.items() if key not in ("kind", "version")}
    return _GENERATORS[noise["kind"]](labels, num_classes=num_classes, features=features, **settings)


_GENERATORS = {
    "clean": generators.clean,
    "symmetric": generators.symmetric,
    "asymmetric": generators.asymmetric,
    "instance": instance,
}


def write(
    path: Path,
    clean: np.ndarray | None,
    noisy: np.ndarray,
    *,
    classes: list[str],
    noise: Mapping[str, Any],
    own: np.ndarray,
    source: Mapping[str, Any] | None = None,
    names: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, Any]:
    """Write the label file and its audit, which is returned.

    `clean` is None where the true labels are not known; `own` are the data set's labels, which tell whose file it is.
    `source` says how labels were read from a file of the user's, `names` are columns that identify the samples.
    """
    described = audit(clean, noisy, classes=classes, noise=noise) | {"dataset_sha256": sha256(own)}
    if source is not None:
        described["source"] = dict(source)
    arrays = {"noisy_labels": noisy} | ({} if clean is None else {"clean_labels": clean})
    # numpy's writer takes no array called `file`.
    arrays |= {"files" if name == "file" else name: np.array(values) for name, values in (names or {}).items()}
    # The audit goes first: a label file under its final name always has one.
    write_json(path.with_suffix(".json"), described)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)
    return described


def read(path: Path, own: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray | None]:
    """(noisy, clean) int64 labels of a label file; clean is None where the true labels are not known.

    `UserError` when they are not those of the audit, or the file was made for a data set with other labels than `own`.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            noisy, clean = file["noisy_labels"], file["clean_labels"] if "clean_labels" in file.files else None
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such label file; `snakemake` makes it") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: this label file is damaged ({error}); delete it and run again") from None
    described = read_json(path.with_suffix(".json"), "audit of a label file")
    found = (sha256(noisy), None if clean is None else sha256(clean))
    if found != (described["sha256"], described["clean_sha256"]):
        raise UserError(f"{path}: the labels are not those of its audit; delete both and run again")
    # Audits from before `dataset_sha256` have the true labels, which are the data set's.
    whose = described.get("dataset_sha256", described["clean_sha256"])
    if own is not None and sha256(own) != whose:
        raise UserError(f"{path}: the label file was made for other data; delete it and run again")
    return noisy, clean
