"""The losses' formulas in 50-digit arithmetic, written out naively from the papers; for one row of logits.

Focal factors are passed their own copy of the probabilities, so that a numeric gradient can hold them constant.
"""

from __future__ import annotations

from collections.abc import Callable

from mpmath import exp, log, mp, mpf

mp.dps = 50

Row = list[mpf]


def softmax(z: Row) -> Row:
    total = sum(exp(v) for v in z)
    return [exp(v) / total for v in z]


def _others(p: Row, y: int) -> Row:
    return [v for k, v in enumerate(p) if k != y]


def ce(p: Row, y: int, fixed: Row) -> mpf:
    return -log(p[y])


def fl(p: Row, y: int, fixed: Row, gamma: float) -> mpf:
    return -((1 - fixed[y]) ** mpf(gamma)) * log(p[y])


def mae(p: Row, y: int, fixed: Row, scale: float) -> mpf:
    return mpf(scale) * sum(_others(p, y))


def mse(p: Row, y: int, fixed: Row) -> mpf:
    return sum((v - (k == y)) ** 2 for k, v in enumerate(p)) / len(p)


def gce(p: Row, y: int, fixed: Row, q: float, eps: float) -> mpf:
    return (1 - max(p[y], mpf(eps)) ** mpf(q)) / mpf(q)


def rce(p: Row, y: int, fixed: Row, A: float, eps: float) -> mpf:
    return -mpf(A) * log(mpf(10)) * sum(max(v, mpf(eps)) for v in _others(p, y))


def nce(p: Row, y: int, fixed: Row, scale: float) -> mpf:
    return mpf(scale) * log(p[y]) / sum(log(v) for v in p)


def nfl(p: Row, y: int, fixed: Row, gamma: float, scale: float) -> mpf:
    values = [-((1 - f) ** mpf(gamma)) * log(v) for v, f in zip(p, fixed, strict=True)]
    return mpf(scale) * values[y] / sum(values)


def ngce(p: Row, y: int, fixed: Row, q: float, scale: float, eps: float) -> mpf:
    clamped = [max(v, mpf(eps)) ** mpf(q) for v in p]
    return mpf(scale) * (1 - clamped[y]) / (len(p) - sum(clamped))


def agce(p: Row, y: int, fixed: Row, a: float, q: float) -> mpf:
    return ((mpf(a) + 1) ** mpf(q) - (mpf(a) + p[y]) ** mpf(q)) / mpf(q)


def aul(p: Row, y: int, fixed: Row, a: float, p_: float) -> mpf:
    return ((mpf(a) - p[y]) ** mpf(p_) - (mpf(a) - 1) ** mpf(p_)) / mpf(p_)


def ael(p: Row, y: int, fixed: Row, a: float) -> mpf:
    return exp(-p[y] / mpf(a))


def amse(p: Row, y: int, fixed: Row, a: float, q: float) -> mpf:
    return sum(abs(mpf(a) * (k == y) - v) ** mpf(q) for k, v in enumerate(p)) / len(p)


def nnce(p: Row, y: int, fixed: Row, min_prob: float) -> mpf:
    top = -log(mpf(min_prob))
    flipped = [top + log(max(v, mpf(min_prob))) for v in p]
    return 1 - flipped[y] / sum(flipped)


def nnfl(p: Row, y: int, fixed: Row, gamma: float, min_prob: float) -> mpf:
    low = mpf(min_prob)
    top = -((1 - low) ** mpf(gamma)) * log(low)
    flipped = [top + (1 - max(f, low)) ** mpf(gamma) * log(max(v, low)) for v, f in zip(p, fixed, strict=True)]
    return 1 - flipped[y] / sum(flipped)


FORMULAS: dict[str, Callable[..., mpf]] = {
    "CE": ce, "FL": fl, "MAE": mae, "MSE": mse, "GCE": gce, "RCE": rce, "NCE": nce, "NFL": nfl, "NGCE": ngce,
    "AGCE": agce, "AUL": aul, "AEL": ael, "AMSE": amse,
    "NNCE": nnce, "NNFL": nnfl,
}  # fmt: skip


def value(name: str, z: Row, y: int, params: dict[str, float], fixed: Row | None = None) -> mpf:
    """The loss at logits `z` and label `y`; focal factors from the probabilities `fixed` where given."""
    p = softmax(z)
    renamed = {"p_" if key == "p" else key: v for key, v in params.items()}
    return FORMULAS[name](p, y, fixed or p, **renamed)


def gradient_entry(name: str, z: Row, y: int, params: dict[str, float], k: int) -> mpf:
    """Its derivative by z_k: central differences at a step of 1e-18, exact to about 1e-30; focal factors constant."""
    step, fixed = mpf(10) ** -18, softmax(z)
    up, down = list(z), list(z)
    up[k] += step
    down[k] -= step
    return (value(name, up, y, params, fixed) - value(name, down, y, params, fixed)) / (2 * step)
