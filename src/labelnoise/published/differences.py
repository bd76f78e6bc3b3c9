"""Known differences between the papers and their published code (differences.yaml)."""

from __future__ import annotations

from pathlib import Path


def read() -> dict[str, list[dict[str, str]]]:
    """For each paper: what differs, what the paper says, what the code does, and what labelnoise does."""
    import yaml

    text = Path(__file__).with_name("differences.yaml").read_text(encoding="utf-8")
    loaded: dict[str, list[dict[str, str]]] = yaml.safe_load(text)
    return loaded
