"""Theory figures: ALF Figures 1, 2, 4 and 6, gradients against confidence, and AMSE's sensitivity to a."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import torch
from matplotlib.figure import Figure

from labelnoise import plot_style as style
from labelnoise.files import replacing_folder
from labelnoise.losses import create
from labelnoise.losses.parameters import Value
from labelnoise.theory.calibration import optimal_risks, psi
from labelnoise.theory.closed_forms import symmetric_noise_weights, threshold
from labelnoise.theory.risks import binary_loss

_COMPLETELY_ASYMMETRIC = (
    ("AGCE", {"a": 1.0, "q": 2.0}), ("AGCE", {"a": 3.0, "q": 1.5}),
    ("AUL", {"a": 2.0, "p": 0.5}), ("AUL", {"a": 3.0, "p": 0.9}),
)  # fmt: skip


def _title(name: str, params: Mapping[str, Value]) -> str:
    return f"{name}({', '.join(f'{key}={value:g}' for key, value in params.items())})"


def calibration() -> Figure:
    """ALF Figure 1: H⁻ lies above H for every η ≠ ½; and ψ above Theorem 2's line."""
    eta, theta = np.linspace(0.01, 0.99, 99), np.linspace(0, 0.98, 50)
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2))
    for i, (name, params) in enumerate(_COMPLETELY_ASYMMETRIC):
        best, wrong = optimal_risks(name, params, eta)
        colour = f"C{i}"
        left.plot(eta, best, color=colour, label=_title(name, params))
        left.plot(eta, wrong, color=colour, linestyle="--")
        ends = binary_loss(name, params, np.array([0.0, 1.0]))
        right.plot(theta, psi(name, params, theta), color=colour, label=_title(name, params))
        right.plot(theta, theta * (ends[0] - ends[1]) / 2, color=colour, linestyle=":")
    left.set(xlabel="η", ylabel="H (solid), H⁻ (dashed)")
    right.set(xlabel="θ", ylabel="ψ (solid), |θ|(ℓ(0) − ℓ(1))/2 (dotted)")
    left.legend(fontsize=7)
    return figure


def optimised(
    name: str, params: Mapping[str, Value], weights: np.ndarray, *, steps: int = 400, starts: int = 8
) -> float:
    """Mean largest probability after minimising Σ_k w_k L(u, k) over logits by gradient descent from random starts."""
    num_classes = len(weights)
    loss = create(name, num_classes=num_classes, reduction="none", **params)
    start = torch.randn(starts, num_classes, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    logits = start.clone().requires_grad_()
    # The class of the largest weight starts ahead; otherwise descent may end at another vertex, a local minimum.
    with torch.no_grad():
        logits[:, int(np.argmax(weights))] += 2
    momentum, square = torch.zeros_like(start), torch.zeros_like(start)
    targets, w = torch.arange(num_classes).repeat(starts), torch.tensor(weights)
    for step in range(1, steps + 1):
        risk = (loss(logits.repeat_interleave(num_classes, 0), targets).view(starts, num_classes) @ w).sum()
        (grad,) = torch.autograd.grad(risk, logits)
        momentum, square = 0.9 * momentum + 0.1 * grad, 0.99 * square + 0.01 * grad**2
        with torch.no_grad():
            logits -= 0.1 * (momentum / (1 - 0.9**step)) / ((square / (1 - 0.99**step)).sqrt() + 1e-12)
    return logits.softmax(dim=1)[:, int(np.argmax(weights))].mean().item()


def one_hot_or_not() -> Figure:
    """ALF Figure 2: the minimiser of the weighted risk becomes one-hot where the corollary says so (vertical lines)."""
    weights = symmetric_noise_weights(0.2, 10)  # symmetric 0.8: w_m/w_n = 2.25
    sweeps: list[tuple[str, str, dict[str, float], np.ndarray]] = [
        ("AGCE", "a", {"q": 0.5}, np.linspace(0.05, 1.2, 13)),
        ("AGCE", "q", {"a": 0.2}, np.linspace(0.1, 1.3, 13)),
        ("AUL", "a", {"p": 2.0}, np.linspace(1.1, 3.5, 13)),
        ("AUL", "p", {"a": 1.5}, np.linspace(0.5, 3.5, 13)),
        ("AEL", "a", {}, np.linspace(0.4, 3, 13)),
        ("AMSE", "a", {"q": 2.0}, np.linspace(1, 20, 13)),
    ]
    figure, panels = style.grid(len(sweeps), columns=3, width=2.25, height=1.9, sharey=True)
    for axes, (name, varied, fixed, values) in zip(panels, sweeps, strict=True):
        largest = [optimised(name, fixed | {varied: float(value)}, weights) for value in values]
        axes.plot(values, largest, marker="o", markersize=4)
        begins = threshold(name, varied, fixed, weights)
        if begins is not None:
            axes.axvline(begins.value, color="black", linestyle=":", linewidth=1)
        title = ", ".join([name, *(f"{key} = {value:g}" for key, value in fixed.items())])
        axes.set(title=title, ylabel="largest u_k at the minimum")
    style.label_edges(panels, columns=3)
    for axes, (_, varied, *_) in zip(panels, sweeps, strict=True):
        axes.tick_params(labelbottom=True)
        axes.set_xlabel(varied)
    return figure


def loss_shapes() -> Figure:
    """ALF Figure 4: AGCE, AUL and AEL over the labelled class's probability, scaled to ℓ(0) − ℓ(1) = 1."""
    u = np.linspace(0, 1, 201)
    families = {
        "AGCE": [{"a": a, "q": q} for a, q in ((0.5, 0.2), (1, 0.5), (1, 2), (2, 3))],
        "AUL": [{"a": a, "p": p} for a, p in ((1.5, 0.1), (2, 0.5), (2, 2), (3, 3))],
        "AEL": [{"a": a} for a in (0.5, 1, 2.5, 5)],
    }
    figure, panels = style.grid(3, columns=3, width=2.25, height=1.9, sharey=True)
    for axes, (name, settings) in zip(panels, families.items(), strict=True):
        for params in settings:
            values = binary_loss(name, params, u)
            axes.plot(u, (values - values[-1]) / (values[0] - values[-1]), label=_title(name, params))
        axes.set(title=name, xlabel="p_y", ylabel="scaled loss")
        axes.legend(fontsize=6)
    style.label_edges(panels, columns=3)
    return figure


def gradients() -> Figure:
    """Gradient on the labelled logit against confidence (ten classes; the other nine share the rest equally)."""
    p = np.linspace(0.005, 0.995, 199)
    names = ["CE", "FL", "GCE", "SCE", "NCE+RCE", "NCE+AGCE", "ANL-CE", "JAL-CE", "MAE", "AUL"]
    figure, axes = plt.subplots(figsize=(5.4, 3.4))
    points = np.concatenate([p[:, None], np.repeat((1 - p)[:, None] / 9, 9, axis=1)], axis=1)
    for name in names:
        logits = torch.tensor(np.log(points), requires_grad=True)
        values = create(name, num_classes=10, reduction="none")(logits, torch.zeros(len(p), dtype=torch.int64))
        (gradient,) = torch.autograd.grad(values.sum(), logits)
        pull = -gradient[:, 0].numpy()
        look = style.loss_look(name, names)
        axes.plot(p, pull / pull.max(), **look, markevery=0.12, markersize=4, linewidth=1.2)
    axes.set(xlabel="p_y", ylabel="−∂L/∂z_y, largest = 1")
    style.legend_below(figure, [axes])
    return figure


def amse_sensitivity() -> Figure:
    """JAL: the minimiser of AMSE's weighted risk as a grows, for several clean levels; vertical lines: Theorem 4.1."""
    a = np.linspace(1, 25, 97)
    figure, axes = plt.subplots(figsize=(4.6, 3))
    for i, clean in enumerate((0.15, 0.2, 0.3, 0.5)):
        weights = symmetric_noise_weights(clean, 10)
        gap = weights[0] - weights[1]
        # With Σw = 1 the risk is Σ p² − 2a w·p + const; its minimum has p = (t, (1−t)/9, …), so t has a closed form.
        t = np.clip((1 / 9 + a * gap) / (1 + 1 / 9), 0, 1)
        axes.plot(a, t, color=f"C{i}", label=f"clean level {clean:g}")
        axes.axvline(1 / gap, color=f"C{i}", linestyle=":", linewidth=1)
    axes.set(xlabel="a", ylabel="largest probability of the minimiser", xlim=(1, 25))
    axes.legend(fontsize=7)
    return figure


def transition_examples() -> Figure:
    """ALF Figure 6: cats are clean-labels-dominant on the left; on the right more of them are called owls than cats.

    The paper's text gives the first rates of cats, 20 % kept and 19 % to owls; the other entries are ours.
    """
    classes = ("cat", "owl", "dog", "bird", "horse", "frog")
    cases = {"clean labels dominate": (0.20, 0.19), "clean labels do not dominate": (0.19, 0.20)}
    figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.2))
    for axes, (title, (kept, to_owl)) in zip(panels, cases.items(), strict=True):
        matrix = np.full((6, 6), 0.08)
        np.fill_diagonal(matrix, 0.6)
        matrix[0] = [kept, to_owl, *([(1 - kept - to_owl) / 4] * 4)]
        sns.heatmap(
            matrix, ax=axes, annot=True, fmt=".2f", vmin=0, vmax=1, cmap="viridis", square=True, cbar=False,
            xticklabels=classes, yticklabels=classes, annot_kws={"fontsize": 7},
        )  # fmt: skip
        axes.set(title=title, xlabel="noisy label", ylabel="true class")
        axes.tick_params(length=0)
    return figure


FIGURES: dict[str, Callable[[], Figure]] = {
    "calibration": calibration,
    "one_hot_or_not": one_hot_or_not,
    "loss_shapes": loss_shapes,
    "gradients": gradients,
    "amse_sensitivity": amse_sensitivity,
    "transition_examples": transition_examples,
}


def draw_all(folder: Path) -> None:
    """Draw every figure as SVG, PDF and PNG into `folder`."""
    style.apply()
    with replacing_folder(folder) as temporary:
        for name, draw in FIGURES.items():
            style.save(draw(), temporary / name)
