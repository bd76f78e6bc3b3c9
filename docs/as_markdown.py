"""Markdown from values: tables, code, escaped text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; a bar in a cell is escaped, a line break becomes a space."""
    cells = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in cells)


def _cell(value: object) -> str:
    return re.sub(r"(?<!\\)\|", r"\|", " ".join(str(value).split()))


def code(value: object) -> str:
    return f"`{value}`"


def codes(values: Iterable[object]) -> str:
    return ", ".join(map(code, values))


def paragraphs(*blocks: str) -> str:
    return "\n\n".join(filter(None, blocks)) + "\n"


def plain(text: str) -> str:
    """Text with Unicode formulas as Markdown: what it would read as emphasis or HTML is escaped, code is not."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(piece if piece.startswith("`") else re.sub(r"([\\*<>\[\]])", r"\\\1", piece) for piece in pieces)
