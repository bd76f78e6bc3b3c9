"""What was asked for and what came out: the account that lies beside every label file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise.errors import UserError
from labelnoise.files import read_json
from labelnoise.noise import pairs, transitions


def audit(
    clean: np.ndarray | None, noisy: np.ndarray, *, classes: list[str], noise: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What was asked for (`noise` None: not known) and what came out; None for all that true labels would tell.

    `clean_labels_dominate` is T_ii > max_j T_ij in every row that has samples (ALF Definition 1);
    `dominance_margin` the least T_ii − max_{j≠i} T_ij.
    """
    asked = transitions.requested(noise, len(classes)) if noise else None
    described = {
        "generator": noise["kind"] if noise else "unknown",
        "variant": noise["variant"] if noise else None,
        "version": noise["version"] if noise else None,
        "seed": noise["seed"] if noise else None,
        "classes": classes,
        "size": len(noisy),
        "requested_rate": noise["rate"] if noise else None,
        "requested_transition": None if asked is None else asked.tolist(),
        "sha256": sha256(noisy),
        "clean_sha256": None if clean is None else sha256(clean),
        **_realised(clean, noisy, len(classes)),
    }
    if noise and "correction" in noise:
        described["requested_transition_correction"] = noise["correction"]
    return described


def _realised(clean: np.ndarray | None, noisy: np.ndarray, num_classes: int) -> dict[str, Any]:
    """What came out, by the true labels."""
    keys = (
        "wrong_labels", "realised_rate", "realised_transition", "transition_counts", "clean_labels_dominate",
        "dominance_margin",
    )  # fmt: skip
    if clean is None:
        return dict.fromkeys(keys)
    counts = np.bincount(clean * num_classes + noisy, minlength=num_classes**2).reshape(num_classes, num_classes)
    sizes = counts.sum(axis=1)
    realised = counts / np.maximum(sizes[:, None], 1)
    margin = transitions.margin(np.where(sizes[:, None] > 0, realised, np.eye(num_classes)))
    wrong = clean != noisy
    values = (int(wrong.sum()), float(wrong.mean()), realised.tolist(), counts.tolist(), margin > 0, margin)
    return dict(zip(keys, values, strict=True))


def sha256(labels: np.ndarray) -> str:
    """The hash of the label bytes as little-endian int64."""
    return hashlib.sha256(np.ascontiguousarray(labels, dtype="<i8").tobytes()).hexdigest()


def describe(path: Path) -> str:
    """The audit of a label file (.npz or .csv) in words; `UserError` where the labels are not those of their audit.

    Where no audit lies beside it, it is computed from the labels.
    """
    clean, noisy, classes = pairs.read(path)
    beside = path.with_suffix(".json")
    if not beside.exists():
        return _told(path, audit(clean, noisy, classes=classes, noise=None))
    found = read_json(beside, "audit of a label file")
    if not isinstance(found, dict) or not {"classes", "sha256", "clean_sha256", "generator"} <= set(found):
        raise UserError(f"{beside} is no audit of a label file; move it away, or make the labels again")
    if path.suffix == ".csv":
        clean, noisy, _ = pairs.read(path, found["classes"])
    for labels, key in ((noisy, "sha256"), (clean, "clean_sha256")):
        if (None if labels is None else sha256(labels)) != found[key]:
            raise UserError(f"{path}: the labels are not those of its audit {beside}; make both again")
    return _told(path, found)


def _told(path: Path, found: Mapping[str, Any]) -> str:
    if found["generator"] == "unknown":
        origin = "no audit beside it; what follows is computed from the labels"
    else:
        seed = "" if found["seed"] is None else f", seed {found['seed']}"
        origin = f"{found['generator']} ({found['variant']}), version {found['version']}{seed}"
    lines = [f"{path}: {origin}", *source_lines(found.get("source", {}))]
    if found.get("requested_transition_correction"):
        lines.append(
            f"the matrix asked for was rounded: its rows missed 1 by up to "
            f"{found['requested_transition_correction']:.2g} and were divided by their sums"
        )
    return "\n".join([*lines, *_told_realised(found), f"sha256 of the labels {found['sha256']}", *_told_matrix(found)])


def source_lines(source: Mapping[str, Any]) -> list[str]:
    """How labels were read from a file, in words."""
    if not source:
        return []
    column = "the only column" if source["column"] is None else f"column {source['column']!r}"
    joined = ""
    if "joined_by" in source:
        joined = ", joined by position" if source["joined_by"] is None else f", joined by {source['joined_by']!r}"
    return [f"labels read from {source['file']}: {column}{joined}", *source["notes"]]


def _told_realised(found: Mapping[str, Any]) -> list[str]:
    rate = found["requested_rate"]
    asked = "" if rate is None else f", {rate:g} requested"
    if found["wrong_labels"] is None:
        return [f"{found['size']} labels; how many are wrong is unknown{asked}: the true labels are not known"]
    size, wrong, margin = found["size"], found["wrong_labels"], found["dominance_margin"]
    verdict = "dominate" if found["clean_labels_dominate"] else "do NOT dominate: no loss is robust there"
    return [
        f"{wrong} of {size} labels are wrong: {wrong / size:.4f} realised{asked}",
        f"clean labels {verdict} (least T_ii − max T_ij: {margin:.3f})",
    ]


def _told_matrix(found: Mapping[str, Any]) -> list[str]:
    if found["realised_transition"] is None or len(found["classes"]) > 20:
        return []
    rows = [
        f"{name:>12.12}  " + " ".join(f"{share:5.2f}" if share else "    ." for share in row)
        for name, row in zip(found["classes"], found["realised_transition"], strict=True)
    ]
    return ["realised transition matrix, a row a true class:", *rows]
