"""Which losses torch.compile and torch.export take, and whether they compute the same as in eager mode.

    python benchmarks/compile.py            # 5 minutes of CPU time; writes compile.csv, prints a Markdown table
    python benchmarks/compile.py float32    # prints the table only; gradients differ by rounding as well

Each loss makes three training steps on float64 logits. Value, gradient (of logits and learnable parameters) and state
(of ELR and SOP) are compared with those of eager mode. `compile`: the backends of torch.compile(fullgraph=True) that
agree. `export`: what agrees in the program of torch.export on batches of another size; `value` is enough to evaluate
a loss, training needs the gradient. inductor needs a C++ compiler.
"""

from __future__ import annotations

import csv
import os
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from labelnoise.losses import names
from labelnoise.losses.base import Loss
from support.loss_cases import extra, inputs, made, rows

CSV = Path(__file__).with_suffix(".csv")
K, BATCH, STEPS = 10, 16, 3
DTYPE = torch.float32 if sys.argv[1:] == ["float32"] else torch.float64
TOLERANCE = 1e-4  # of the largest entry of a row

Results = dict[str, list[Tensor]]


class Wrapped(nn.Module):
    """Logits, targets → loss, with every argument by position, so that each can be dynamic in torch.export."""

    def __init__(self, loss: Loss):
        super().__init__()
        self.loss = loss

    def forward(self, logits: Any, targets: Tensor, index: Tensor | None = None) -> Tensor:
        return self.loss(logits, targets) if index is None else self.loss(logits, targets, index=index)


def fresh(name: str) -> Wrapped:
    """The loss in training mode. The state of every sample is drawn, as differences do not show at its start."""
    loss = made(name, K, DTYPE).train()
    if "dataset_size" in loss.needs:
        torch.manual_seed(1)
        for state in loss.buffers():
            state.uniform_(0, 1 / K)
    return Wrapped(loss)


def arguments(loss: Loss, step: int, batch: int) -> tuple[Tensor, tuple[Any, ...]]:
    """The logits of a step, and all arguments made of them."""
    logits = (3 * rows(batch, K, seed=step, dtype=DTYPE)).requires_grad_()
    targets = torch.arange(step, step + batch) % K
    return logits, (inputs(loss, logits), targets, *extra(loss, targets).values())


def train(run: Callable[..., Tensor], loss: Loss, module: nn.Module, batch: int = BATCH) -> Results:
    """What three steps of `run` give; `module` holds its parameters and state."""
    results: Results = {"value": [], "gradient": [], "state": []}
    for step in range(STEPS):
        torch.manual_seed(step)
        logits, args = arguments(loss, step, batch)
        value = run(*args)
        results["value"].append(value.detach())
        results["gradient"] += torch.autograd.grad(value, [logits, *module.parameters()])
    if "dataset_size" in loss.needs:
        results["state"] = [state.clone() for state in module.buffers()]
    return results


def differences(ours: Results, eager: Results) -> dict[str, str]:
    """What does not agree, with the largest difference relative to the largest entry of its row (one sample)."""
    found = {}
    for what, expected in eager.items():
        worst = max([_relative(a, b) for a, b in zip(ours[what], expected, strict=True)], default=0.0)
        if not worst <= TOLERANCE:
            found[what] = f"{what} differs by {100 * worst:.2g} %"
    return found


def _relative(ours: Tensor, eager: Tensor) -> float:
    ours, eager = torch.atleast_1d(ours), torch.atleast_1d(eager)
    return ((ours - eager).abs().amax(-1) / eager.abs().amax(-1).clamp(min=1e-12)).max().item()


def compiled(name: str, backend: str) -> str:
    """What is wrong with the compiled loss; empty if nothing is."""
    torch.compiler.reset()
    eager, ours = fresh(name), fresh(name)
    try:
        results = train(torch.compile(ours, fullgraph=True, backend=backend), ours.loss, ours)
    except Exception as error:  # any error is a result
        return _first_line(error)
    return ", ".join(differences(results, train(eager, eager.loss, eager)).values())


def exported(name: str) -> tuple[str, list[str]]:
    """What agrees in the exported program (`value and gradient`, `value` or `no`), and what does not."""
    eager, ours = fresh(name), fresh(name)
    _, args = arguments(ours.loss, 0, BATCH)
    reasons, batch = [], BATCH + 3
    try:
        try:
            program = torch.export.export(ours, args, dynamic_shapes=_any_batch(args))
        except torch._dynamo.exc.UserError as error:
            if "specialized" not in str(error):
                raise
            program, batch = torch.export.export(ours, args), BATCH
            reasons = ["batch size is fixed"]
        module = program.module()
        wrong = differences(train(module, ours.loss, module, batch), train(eager, eager.loss, eager, batch))
    except Exception as error:  # any error is a result
        return "no", [*reasons, _first_line(error)]
    agrees = "no" if {"value", "state"} & set(wrong) else "value" if wrong else "value and gradient"
    return agrees, [*reasons, *wrong.values()]


def _any_batch(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The first dimension of every argument as dynamic."""
    batch = {0: torch.export.Dim("batch", min=2)}
    return tuple((batch, batch) if isinstance(each, tuple) else batch for each in args)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else ''}"


def backends() -> list[str]:
    """The backends that can be tried here."""
    has_compiler = any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "clang++"))
    return ["eager", "aot_eager", *(["inductor"] if has_compiler else [])]


def row(name: str) -> dict[str, str]:
    """A loss's line of the CSV file."""
    wrong = {backend: compiled(name, backend) for backend in backends()}
    export, export_reasons = exported(name)
    reasons = [f"{backend}: {reason}" for backend, reason in wrong.items() if reason]
    reasons += [f"export: {reason}" for reason in export_reasons]
    agreeing = " ".join(backend for backend, reason in wrong.items() if not reason)
    return {"loss": name, "compile": agreeing or "no", "export": export, "reason": "; ".join(reasons)}


def markdown(table: list[dict[str, str]]) -> str:
    """The losses grouped by what works."""
    everywhere = {"compile": " ".join(backends()), "export": "value and gradient", "reason": ""}
    fine = [each["loss"] for each in table if all(each[key] == value for key, value in everywhere.items())]
    lines = ["| losses | torch.compile | torch.export | what differs |", "|---|---|---|---|"]
    lines.append(f"| {len(fine)} of {len(table)}: {', '.join(fine)} | {everywhere['compile']} | value and gradient | |")
    for each in table:
        if each["loss"] not in fine:
            lines.append(f"| {each['loss']} | {each['compile']} | {each['export']} | {each['reason']} |")
    return "\n".join(lines)


def main() -> None:
    warnings.simplefilter("ignore")
    if "inductor" not in backends():
        print("no C++ compiler: inductor is not tried", file=sys.stderr)
    table = []
    for name in names():
        table.append(row(name))
        print(*table[-1].values(), sep=" | ", file=sys.stderr, flush=True)
    if DTYPE is torch.float64:
        with CSV.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)
    print(markdown(table))


if __name__ == "__main__":
    main()
