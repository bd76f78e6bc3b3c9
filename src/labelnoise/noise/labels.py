"""Label files: `.npz` with noisy_labels and clean_labels, and the audit beside it."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labelnoise.errors import UserError
from labelnoise.files import read_json, replacing, write_json
from labelnoise.noise.generators import generate


def make(labels: np.ndarray, *, classes: list[str], noise: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Draw the noise that a trial's spec asks for and write the label file and its audit, which is returned."""
    settings = {key: value for key, value in noise.items() if key not in ("kind", "version", "variant")}
    if settings.get("map"):
        settings["map"] = {int(source): target for source, target in settings["map"].items()}
    clean = np.asarray(labels, dtype=np.int64)
    noisy = generate(noise["kind"], clean, num_classes=len(classes), **settings)
    described = audit(clean, noisy, classes=classes, noise=noise)
    # The audit goes first: a label file under its final name always has one.
    write_json(path.with_suffix(".json"), described)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, noisy_labels=noisy, clean_labels=clean)
    return described


def audit(clean: np.ndarray, noisy: np.ndarray, *, classes: list[str], noise: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked for and what came out.

    `clean_labels_dominate` is T_ii > max_j T_ij in every row (ALF Definition 1); `dominance_margin` the least
    T_ii − max_{j≠i} T_ij.
    """
    num_classes = len(classes)
    counts = np.zeros((num_classes, num_classes), dtype=np.int64)
    np.add.at(counts, (clean, noisy), 1)
    realised = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rivals = np.where(np.eye(num_classes, dtype=bool), -np.inf, realised).max(axis=1)
    margin = float((realised.diagonal() - rivals).min())
    return {
        "generator": noise["kind"],
        "variant": noise["variant"],
        "version": noise["version"],
        "seed": noise["seed"],
        "classes": classes,
        "size": len(clean),
        "wrong_labels": int((clean != noisy).sum()),
        "requested_rate": noise["rate"],
        "realised_rate": float((clean != noisy).mean()),
        "requested_transition": requested_transition(noise, num_classes).tolist(),
        "realised_transition": realised.tolist(),
        "transition_counts": counts.tolist(),
        "clean_labels_dominate": margin > 0,
        "dominance_margin": margin,
        "sha256": sha256(noisy),
    }


def requested_transition(noise: Mapping[str, Any], num_classes: int) -> np.ndarray:
    """The transition matrix asked for, `(K, K)`: T_ij = P(given label j | true label i)."""
    matrix = np.eye(num_classes)
    if noise["kind"] == "symmetric":
        matrix = np.full((num_classes, num_classes), noise["rate"] / (num_classes - 1))
        np.fill_diagonal(matrix, 1 - noise["rate"])
    elif noise["kind"] == "asymmetric":
        for source, target in noise["map"].items():
            matrix[int(source), int(source)] = 1 - noise["rate"]
            matrix[int(source), target] = noise["rate"]
    return matrix


def sha256(labels: np.ndarray) -> str:
    """The hash of the label bytes as little-endian int64."""
    return hashlib.sha256(np.ascontiguousarray(labels, dtype="<i8").tobytes()).hexdigest()


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """(noisy, clean) int64 labels of a label file, checked against its audit; `UserError` when they do not fit."""
    try:
        with np.load(path, allow_pickle=False) as file:
            noisy, clean = file["noisy_labels"], file["clean_labels"]
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such label file; `snakemake` makes it") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: this label file is damaged ({error}); delete it and run again") from None
    described = read_json(path.with_suffix(".json"), "audit of a label file")
    if sha256(noisy) != described["sha256"]:
        raise UserError(f"{path}: the labels are not those of its audit; delete both and run again")
    return noisy, clean


def describe(path: Path) -> str:
    """A label file's audit in words, after checking the labels against it."""
    read(path)
    found = read_json(path.with_suffix(".json"), "audit of a label file")
    size, wrong, margin = found["size"], found["wrong_labels"], found["dominance_margin"]
    verdict = "dominate" if found["clean_labels_dominate"] else "do NOT dominate: no loss is robust there"
    rows = [
        f"{name:>12}  " + " ".join(f"{share:5.2f}" if share else "    ." for share in row)
        for name, row in zip(found["classes"], found["realised_transition"], strict=True)
    ]
    return "\n".join(
        [
            f"{path}: {found['generator']} ({found['variant']}), version {found['version']}, seed {found['seed']}",
            f"{wrong} of {size} labels are wrong: {wrong / size:.4f} realised, {found['requested_rate']:g} requested",
            f"clean labels {verdict} (least T_ii − max T_ij: {margin:.3f})",
            f"sha256 of the labels {found['sha256']}",
            "realised transition matrix, a row a true class:",
            *rows,
        ]
    )
