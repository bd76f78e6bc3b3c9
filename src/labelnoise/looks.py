"""How each loss is drawn: the same colour, marker and dash in every figure and chart, safe for colour-blind readers."""

from __future__ import annotations

# Blue, vermilion, green, pink, ochre, sky blue, violet, brown: apart from each other also for colour-blind readers.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#e68ab8", "#c9a400", "#52c4f8", "#7a2fb5", "#7a4a1e")
MARKERS = ("o", "s", "D", "^", "v", "P", "h", "*")
# Lengths of strokes and gaps, in line widths; empty for a solid line.
DASHES = ((), (5.0, 1.5), (1.5, 1.2), (6.0, 1.5, 1.5, 1.5))


def look_of(i: int) -> tuple[str, str, tuple[float, ...]]:
    """Colour, marker and dash of the loss at position `i` of the config; distinct for the first 32.

    The first eight differ in colour and marker, and neighbours in dash, so that they can be told apart in grey.
    """
    turn = i // len(PALETTE)
    return PALETTE[i % len(PALETTE)], MARKERS[(i + 3 * turn) % len(MARKERS)], DASHES[(i + turn) % len(DASHES)]
