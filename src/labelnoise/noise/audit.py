"""What was asked for and what came out: the account that lies beside every label file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise.errors import UserError
from labelnoise.files import read_json
from labelnoise.noise import formats, transitions


def audit(
    clean: np.ndarray, noisy: np.ndarray, *, classes: list[str], noise: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What was asked for (None: unknown) and what came out.

    `clean_labels_dominate` is T_ii > max_j T_ij in every row that has samples (ALF Definition 1);
    `dominance_margin` the least T_ii − max_{j≠i} T_ij.
    """
    num_classes = len(classes)
    counts = np.bincount(clean * num_classes + noisy, minlength=num_classes**2).reshape(num_classes, num_classes)
    sizes = counts.sum(axis=1)
    realised = counts / np.maximum(sizes[:, None], 1)
    margin = transitions.margin(np.where(sizes[:, None] > 0, realised, np.eye(num_classes)))
    asked = transitions.requested(noise, num_classes) if noise else None
    return {
        "generator": noise["kind"] if noise else "unknown",
        "variant": noise["variant"] if noise else None,
        "version": noise["version"] if noise else None,
        "seed": noise["seed"] if noise else None,
        "classes": classes,
        "size": len(clean),
        "wrong_labels": int((clean != noisy).sum()),
        "requested_rate": noise["rate"] if noise else None,
        "realised_rate": float((clean != noisy).mean()),
        "requested_transition": None if asked is None else asked.tolist(),
        "realised_transition": realised.tolist(),
        "transition_counts": counts.tolist(),
        "clean_labels_dominate": margin > 0,
        "dominance_margin": margin,
        "sha256": sha256(noisy),
        "clean_sha256": sha256(clean),
    }


def sha256(labels: np.ndarray) -> str:
    """The hash of the label bytes as little-endian int64."""
    return hashlib.sha256(np.ascontiguousarray(labels, dtype="<i8").tobytes()).hexdigest()


def describe(path: Path) -> str:
    """The audit of a label file (.npz or .csv) in words; `UserError` where the labels are not those of their audit.

    Where no audit lies beside it, it is computed from the labels.
    """
    clean, noisy, classes = formats.read_pairs(path)
    beside = path.with_suffix(".json")
    if not beside.exists():
        return _told(path, audit(clean, noisy, classes=classes, noise=None))
    found = read_json(beside, "audit of a label file")
    if not isinstance(found, dict) or not {"classes", "sha256", "clean_sha256", "generator"} <= set(found):
        raise UserError(f"{beside} is no audit of a label file; move it away, or make the labels again")
    if path.suffix == ".csv":
        clean, noisy, _ = formats.read_pairs(path, found["classes"])
    for labels, key in ((noisy, "sha256"), (clean, "clean_sha256")):
        if sha256(labels) != found[key]:
            raise UserError(f"{path}: the labels are not those of its audit {beside}; make both again")
    return _told(path, found)


def _told(path: Path, found: Mapping[str, Any]) -> str:
    size, wrong, margin = found["size"], found["wrong_labels"], found["dominance_margin"]
    verdict = "dominate" if found["clean_labels_dominate"] else "do NOT dominate: no loss is robust there"
    rate = found["requested_rate"]
    asked = "" if rate is None else f", {rate:g} requested"
    if found["generator"] == "unknown":
        origin = "no audit beside it; what follows is computed from the labels"
    else:
        seed = "" if found["seed"] is None else f", seed {found['seed']}"
        origin = f"{found['generator']} ({found['variant']}), version {found['version']}{seed}"
    few = len(found["classes"]) <= 20
    rows = [
        f"{name:>12.12}  " + " ".join(f"{share:5.2f}" if share else "    ." for share in row)
        for name, row in zip(found["classes"], found["realised_transition"], strict=True)
        if few
    ]
    return "\n".join(
        [
            f"{path}: {origin}",
            f"{wrong} of {size} labels are wrong: {wrong / size:.4f} realised{asked}",
            f"clean labels {verdict} (least T_ii − max T_ij: {margin:.3f})",
            f"sha256 of the labels {found['sha256']}",
            *(["realised transition matrix, a row a true class:", *rows] if few else []),
        ]
    )
