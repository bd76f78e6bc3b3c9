"""`labelnoise losses`: the catalogue in words."""

from __future__ import annotations

from labelnoise.losses import catalogue
from labelnoise.losses.entries import ALIASES, LOSSES, PUBLISHED_SUMS


def describe_all() -> str:
    """A table of all losses, then the named sums."""
    rows = [("loss", "kind", "symmetric", "what it is", "parameters and defaults")]
    for entry in LOSSES.values():
        defaults = ", ".join(f"{parameter.name}={parameter.shown}" for parameter in entry.parameters)
        rows.append((entry.name, entry.kind, "yes" if entry.symmetric else "no", entry.title, defaults))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += [
        "",
        "Sums: any A+B of two of these, with alpha (weight of A) and beta (weight of B). Named sums:",
    ]
    for name, alias in ALIASES.items():
        lines.append(f"  {name:<10}= {alias.stands_for}{' with the entropy term of ANL+' if alias.entropy else ''}")
    lines += [f"  published: {', '.join(PUBLISHED_SUMS)}", "", "`labelnoise losses NAME` explains one."]
    return "\n".join(lines)


def describe_loss(name: str) -> str:
    """Everything the catalogue knows about a loss; raises `LossError` for an unknown name."""
    entries = catalogue.parts(name)
    entropy = " + lam · (log K − entropy of the mean prediction)" if catalogue.is_entropy_regularised(name) else ""
    lines = [name]
    if len(entries) == 2:
        lines = [f"{name} = alpha · {entries[0].name} + beta · {entries[1].name}{entropy}"]
    if name in ALIASES:
        lines.append(f"  {ALIASES[name].source}")
    for entry in entries:
        needs = f"; needs {', '.join(entry.needs)}" if entry.needs else ""
        lines += [
            f"{entry.name}: {entry.title} ({entry.source})",
            f"  {entry.kind}; {'symmetric' if entry.symmetric else 'not symmetric'}; asymmetric: {entry.asymmetric}",
            f"  version {entry.version}; takes {entry.takes}{needs}",
        ]
    parameters = catalogue.parameters(name)
    lines.append("parameters:" if parameters else "no parameters")
    for key in ALIASES[name].shared if name in ALIASES else ():
        lines.append(f"  {key} sets {' and '.join(catalogue.full_names(name, key))}")
    for full, parameter in parameters.items():
        lines.append(f"  {full} = {parameter.shown}  ({parameter.range}) {parameter.about}")
    return "\n".join(lines)
