"""The audit beside every label file: the requested noise and the actual one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise.errors import UserError
from labelnoise.files import read_json
from labelnoise.noise import pairs, transitions
from labelnoise.noise.generate import parts_of


def audit(
    clean: np.ndarray | None,
    noisy: np.ndarray,
    *,
    classes: list[str],
    noise: Mapping[str, Any] | None,
    parts: Sequence[np.ndarray] = (),
) -> dict[str, Any]:
    """The requested noise (`noise` None: unknown) and the actual one; None for whatever needs unknown true labels.

    `parts` are the labels that each part of mixed noise leaves; each is audited against those before it.

    `clean_labels_dominate` is T_ii > max_j T_ij in every row that has samples (ALF Definition 1);
    `dominance_margin` is the least T_ii − max_{j≠i} T_ij.

    >>> audited = audit(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), classes=["cat", "dog"], noise=None)
    >>> audited["realised_transition"], audited["wrong_labels"], audited["clean_labels_dominate"]
    ([[0.5, 0.5], [0.0, 1.0]], 1, False)
    """
    requested = transitions.requested(noise, len(classes)) if noise else None
    described = {
        "generator": noise["kind"] if noise else "unknown",
        "variant": noise["variant"] if noise else None,
        "version": noise["version"] if noise else None,
        "seed": noise["seed"] if noise else None,
        "classes": classes,
        "size": len(noisy),
        "requested_rate": noise["rate"] if noise else None,
        "requested_transition": None if requested is None else requested.tolist(),
        "sha256": sha256(noisy),
        "clean_sha256": None if clean is None else sha256(clean),
        **_measure(clean, noisy, len(classes)),
    }
    if noise and "correction" in noise:
        described["requested_transition_correction"] = noise["correction"]
    if noise and "target" in noise:
        described["target"] = {key: noise[key] for key in ("target", "code", "params")}
    if noise and "parts" in noise and parts:
        befores = [clean, *parts[:-1]]
        described["parts"] = [
            audit(before, after, classes=classes, noise=part)
            for before, after, part in zip(befores, parts, parts_of(noise), strict=True)
        ]
    return described


def _measure(clean: np.ndarray | None, noisy: np.ndarray, num_classes: int) -> dict[str, Any]:
    """The actual noise, measured by the true labels."""
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
    """The hash of the label bytes as little-endian int64.

    >>> sha256(np.array([3, 8]))[:8]
    '6c46009b'
    """
    return hashlib.sha256(np.ascontiguousarray(labels, dtype="<i8").tobytes()).hexdigest()


def describe(path: Path) -> str:
    """The audit of a label file (.npz or .csv) as text; computed from the labels if no audit lies beside the file.

    Raises `UserError` if the labels do not match their audit.
    """
    clean, noisy, classes = pairs.read(path)
    beside = path.with_suffix(".json")
    if not beside.exists():
        return _describe(path, audit(clean, noisy, classes=classes, noise=None))
    audited = read_json(beside, "audit of a label file")
    if not isinstance(audited, dict) or not {"classes", "sha256", "clean_sha256", "generator"} <= set(audited):
        raise UserError(f"{beside} is not an audit of a label file; move it away, or make the labels again")
    if path.suffix == ".csv":
        clean, noisy, _ = pairs.read(path, audited["classes"])
    for labels, key in ((noisy, "sha256"), (clean, "clean_sha256")):
        if (None if labels is None else sha256(labels)) != audited[key]:
            raise UserError(f"{path}: the labels do not match its audit {beside}; make both again")
    return _describe(path, audited)


def _describe(path: Path, audited: Mapping[str, Any]) -> str:
    if audited["generator"] == "unknown":
        origin = "no audit beside it; the following is computed from the labels"
    else:
        seed = "" if audited["seed"] is None else f", seed {audited['seed']}"
        origin = f"{audited['generator']} ({audited['variant']}), version {audited['version']}{seed}"
    lines = [f"{path}: {origin}", *source_lines(audited.get("source", {}))]
    for i, part in enumerate(audited.get("parts", ()), start=1):
        rate = "" if part["requested_rate"] is None else f" {part['requested_rate']:g}"
        lines.append(
            f"part {i}: {part['generator']}{rate} ({part['variant']}), seed {part['seed']}, changed "
            f"{part['wrong_labels']} of {part['size']} labels"
        )
    if audited.get("requested_transition_correction"):
        lines.append(
            "the requested matrix was rounded: its rows missed 1 by up to "
            f"{audited['requested_transition_correction']:.2g} and were divided by their sums"
        )
    lines += audited.get("copies", [])
    return "\n".join(
        [*lines, *_describe_actual(audited), f"sha256 of the labels {audited['sha256']}", *_describe_matrix(audited)]
    )


def source_lines(source: Mapping[str, Any]) -> list[str]:
    """Lines of text that say how labels were read from a file."""
    if not source:
        return []
    column = "the only column" if source["column"] is None else f"column {source['column']!r}"
    joined = ""
    if "joined_by" in source:
        joined = ", joined by position" if source["joined_by"] is None else f", joined by {source['joined_by']!r}"
    return [f"labels read from {source['file']}: {column}{joined}", *source["notes"]]


def _describe_actual(audited: Mapping[str, Any]) -> list[str]:
    rate = audited["requested_rate"]
    nominal = "" if rate is None else f", nominal {rate:g}"
    if audited["wrong_labels"] is None:
        return [f"{audited['size']} labels; how many are wrong is unknown{nominal}: the true labels are unknown"]
    size, wrong, margin = audited["size"], audited["wrong_labels"], audited["dominance_margin"]
    verdict = "dominate" if audited["clean_labels_dominate"] else "do NOT dominate: no loss is robust there"
    return [
        f"{wrong} of {size} labels are wrong: actual rate {wrong / size:.4f}{nominal}",
        f"clean labels {verdict} (least T_ii − max T_ij: {margin:.3f})",
    ]


def _describe_matrix(audited: Mapping[str, Any]) -> list[str]:
    if audited["realised_transition"] is None or len(audited["classes"]) > 20:
        return []
    rows = [
        f"{name:>12.12}  " + " ".join(f"{share:5.2f}" if share else "    ." for share in row)
        for name, row in zip(audited["classes"], audited["realised_transition"], strict=True)
    ]
    return ["actual transition matrix, one row per true class:", *rows]
