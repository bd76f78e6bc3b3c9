"""The label file of a trial: an `.npz` with noisy_labels and clean_labels, and its audit beside it.

If the true labels are unknown, clean_labels is absent.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise.errors import UserError
from labelnoise.files import read_json, replacing, write_json
from labelnoise.noise.audit import audit, sha256


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
    parts: Sequence[np.ndarray] = (),
    copies: Sequence[str] = (),
) -> dict[str, Any]:
    """Write the label file and its audit, which is returned.

    `clean` is None if the true labels are unknown. `own` are the data set's labels; their hash ties the file to the
    data set. `source` records how labels were read from a user's file, `names` are columns that identify the samples;
    `parts` as for `audit`. `copies` are sentences on test images that are also training images.
    """
    described = audit(clean, noisy, classes=classes, noise=noise, parts=parts) | {"dataset_sha256": sha256(own)}
    if source is not None:
        described["source"] = dict(source)
    if copies:
        described["copies"] = list(copies)
    arrays = {"noisy_labels": noisy} | ({} if clean is None else {"clean_labels": clean})
    # numpy's writer accepts no array called `file`.
    arrays |= {"files" if name == "file" else name: np.array(values) for name, values in (names or {}).items()}
    # The audit is written first, so that a label file under its final name always has one.
    write_json(path.with_suffix(".json"), described)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    return described


def read(path: Path, own: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray | None]:
    """Read the (noisy, clean) int64 labels of a label file; clean is None if the true labels are unknown.

    Raises `UserError` if the labels do not match the audit, or the file was made for other labels than `own`.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            noisy, clean = file["noisy_labels"], file["clean_labels"] if "clean_labels" in file.files else None
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such label file; run snakemake to make it") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: this label file is damaged ({error}); delete it and run again") from None
    described = read_json(path.with_suffix(".json"), "audit of a label file")
    hashes = (sha256(noisy), None if clean is None else sha256(clean))
    if hashes != (described["sha256"], described["clean_sha256"]):
        raise UserError(f"{path}: the labels do not match its audit; delete both and run again")
    # Older audits have no `dataset_sha256`; their clean labels are the data set's.
    dataset_sha256 = described.get("dataset_sha256", described["clean_sha256"])
    if own is not None and sha256(own) != dataset_sha256:
        raise UserError(f"{path}: the label file was made for other data; delete it and run again")
    return noisy, clean


def sha256_of_file(path: Path) -> str | None:
    """The hash of the noisy labels in the file; None if it cannot be read."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return sha256(file["noisy_labels"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
