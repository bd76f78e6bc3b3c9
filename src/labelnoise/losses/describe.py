"""`labelnoise losses`: the catalogue in words."""

from __future__ import annotations

from labelnoise.losses import catalogue
from labelnoise.losses.catalogue import ALIASES, LOSSES, PUBLISHED_SUMS


def everything() -> str:
    """A table of all losses, then the named sums."""
    rows = [("loss", "kind", "symmetric", "parameters", "what it is")]
    for entry in LOSSES.values():
        given = ", ".join(f"{parameter.name}={parameter.default:g}" for parameter in entry.parameters)
        rows.append((entry.name, entry.kind, "yes" if entry.symmetric else "no", given, entry.title))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += [
        "",
        "Sums: any A+B of two of these, with alpha (weight of A) and beta (weight of B). Those with names:",
    ]
    lines += [f"  {name:<8}= {sum_name}" for name, sum_name in ALIASES.items()]
    lines += [f"  published: {', '.join(PUBLISHED_SUMS)}", "", "`labelnoise losses NAME` explains one."]
    return "\n".join(lines)


def one(name: str) -> str:
    """Everything the catalogue knows of a loss; `LossError` for an unknown name."""
    entries = catalogue.parts(name)
    lines = [name if len(entries) == 1 else f"{name} = alpha · {entries[0].name} + beta · {entries[1].name}"]
    for entry in entries:
        lines += [
            f"{entry.name}: {entry.title} ({entry.source})",
            f"  {entry.kind}; {'symmetric' if entry.symmetric else 'not symmetric'}; asymmetric: {entry.asymmetric}",
            f"  version {entry.version}",
        ]
    parameters = catalogue.parameters(name)
    lines.append("parameters:" if parameters else "no parameters")
    for full, parameter in parameters.items():
        lines.append(f"  {full} = {parameter.default:g}  ({parameter.range}) {parameter.about}")
    return "\n".join(lines)
