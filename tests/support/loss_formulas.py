"""The losses' formulas in 50-digit arithmetic, written directly from the papers, for one row of logits.

Focal factors get their own copy of the probabilities, so that a numeric gradient can hold them constant.
"""

from __future__ import annotations

from collections.abc import Callable

from mpmath import exp, log, mp, mpf, sqrt

from labelnoise.losses.entries import LOSSES
from labelnoise.losses.info import Takes

mp.dps = 50

Row = list[mpf]


def softmax(z: Row) -> Row:
    total = sum(exp(v) for v in z)
    return [exp(v) / total for v in z]


def _others(p: Row, y: int) -> Row:
    return [v for k, v in enumerate(p) if k != y]


def ce(p: Row, y: int, fixed: Row) -> mpf:
    return -log(p[y])


def fl(p: Row, y: int, fixed: Row, gamma: float, constant_factor: bool) -> mpf:
    return -((1 - _focal(p, fixed, constant_factor)[y]) ** mpf(gamma)) * log(p[y])


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


def nfl(p: Row, y: int, fixed: Row, gamma: float, scale: float, constant_factor: bool) -> mpf:
    factors = _focal(p, fixed, constant_factor)
    values = [-((1 - f) ** mpf(gamma)) * log(v) for v, f in zip(p, factors, strict=True)]
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


def _clamp(v: mpf, low: float, high: float = 1.0) -> mpf:
    return min(max(v, mpf(low)), mpf(high))


def _focal(p: Row, fixed: Row, constant_factor: bool) -> Row:
    return fixed if constant_factor else p


def nnce(p: Row, y: int, fixed: Row, min_prob: float, max_prob: float, scale: float) -> mpf:
    top = -log(mpf(min_prob))
    flipped = [top + log(_clamp(v, min_prob, max_prob)) for v in p]
    return mpf(scale) * (1 - flipped[y] / sum(flipped))


def nnfl(p: Row, y: int, fixed: Row, gamma: float, min_prob: float, max_prob: float, constant_factor: bool) -> mpf:
    low = mpf(min_prob)
    top = -((1 - low) ** mpf(gamma)) * log(low)
    factors = [(1 - _clamp(f, min_prob, max_prob)) ** mpf(gamma) for f in _focal(p, fixed, constant_factor)]
    flipped = [top + f * log(_clamp(v, min_prob, max_prob)) for v, f in zip(p, factors, strict=True)]
    return 1 - flipped[y] / sum(flipped)


def ce_lc(p: Row, y: int, fixed: Row, delta: float, paper: bool, eps: float, z: Row) -> mpf:
    norm = sqrt(sum(v**2 for v in z)) + (0 if paper else mpf("1e-8"))
    threshold = mpf(delta) if paper else 1 / mpf(delta)
    clipped = [mpf(delta) * v / norm for v in z] if norm > threshold else z
    return -log(max(softmax(clipped)[y], mpf(eps)))


def taylor_ce(p: Row, y: int, fixed: Row, t: float) -> mpf:
    return sum(sum(_others(p, y)) ** i / i for i in range(1, int(t) + 1))


def phuber_ce(p: Row, y: int, fixed: Row, tau: float) -> mpf:
    return -mpf(tau) * p[y] + log(mpf(tau)) + 1 if p[y] <= 1 / mpf(tau) else -log(p[y])


def phuber_gce(p: Row, y: int, fixed: Row, q: float, tau: float) -> mpf:
    q, tau = mpf(q), mpf(tau)
    edge = tau ** (1 / (q - 1))
    return -tau * p[y] + tau * edge + (1 - edge**q) / q if p[y] <= edge else (1 - p[y] ** q) / q


def js_of(views: list[Row], y: int, pi: float, scaled: bool, eps: float) -> mpf:
    label = [mpf(k == y) for k in range(len(views[0]))]
    weights = [mpf(pi)] + [(1 - mpf(pi)) / len(views)] * len(views)
    mean = [sum(w * d[k] for w, d in zip(weights, [label, *views], strict=True)) for k in range(len(label))]
    value = mpf(0)
    for w, d in zip(weights, [label, *views], strict=True):
        value += w * sum(
            v * (log(max(v, mpf(eps))) - log(_clamp(m, eps))) for v, m in zip(d, mean, strict=True) if v > 0
        )
    return value / (-(1 - mpf(pi)) * log(1 - mpf(pi))) if scaled else value


def js(p: Row, y: int, fixed: Row, pi: float, scaled: bool, eps: float) -> mpf:
    return js_of([p], y, pi, scaled, eps)


def sr(p: Row, y: int, fixed: Row, z: Row, base: str, tau: float, p_: float, lam: float, normalize: bool,
       growth: float, every: float, gamma: float, q: float, eps: float, epoch: int = 1) -> mpf:  # fmt: skip
    norm = max(sqrt(sum(v**2 for v in z)), mpf("1e-12")) if normalize else mpf(1)
    sharp = softmax([v / norm / mpf(tau) for v in z])
    value = {
        "CE": lambda: ce(sharp, y, sharp),
        "FL": lambda: fl(sharp, y, sharp, gamma, False),
        "GCE": lambda: gce(sharp, y, sharp, q, eps),
    }[base]()
    weight = mpf(lam) * mpf(growth) ** ((epoch - 1) // int(every))
    return value + weight * sum(max(v, mpf(eps)) ** mpf(p_) for v in sharp)


def _epsilon_softmax(p: Row, m: float, eps: float, y: int) -> mpf:
    top = max(range(len(p)), key=lambda k: p[k])
    return max((p[y] + mpf(m) * (y == top)) / (mpf(m) + 1), mpf(eps))


def ece(p: Row, y: int, fixed: Row, m: float, eps: float) -> mpf:
    return -log(_epsilon_softmax(p, m, eps, y))


def efl(p: Row, y: int, fixed: Row, m: float, gamma: float, constant_factor: bool, eps: float) -> mpf:
    factor = 1 - _epsilon_softmax(_focal(p, fixed, constant_factor), m, eps, y)
    return -(factor ** mpf(gamma)) * log(_epsilon_softmax(p, m, eps, y))


def nls(p: Row, y: int, fixed: Row, rate: float) -> mpf:
    r = mpf(rate)
    return -(1 - r) * log(p[y]) - r * sum(log(v) for v in p) / len(p)


def entropy_term(rows: list[Row], min_prob: float) -> mpf:
    """ANL+'s batch-level term for a batch of probability rows."""
    high, size = 1 - mpf(min_prob), len(rows[0])
    clamped = [[_clamp(v, min_prob, high) for v in row] for row in rows]
    total = sum(sum(row) for row in clamped)
    mean = [_clamp(sum(row[k] for row in clamped) / total, min_prob, high) for k in range(size)]
    return log(mpf(size)) + sum(v * log(v) for v in mean)


FORMULAS: dict[str, Callable[..., mpf]] = {
    "CE": ce, "FL": fl, "MAE": mae, "MSE": mse, "GCE": gce, "RCE": rce, "NCE": nce, "NFL": nfl, "NGCE": ngce,
    "AGCE": agce, "AUL": aul, "AEL": ael, "AMSE": amse,
    "NNCE": nnce, "NNFL": nnfl, "CE+LC": ce_lc, "TaylorCE": taylor_ce, "PHuberCE": phuber_ce,
    "PHuberGCE": phuber_gce, "JS": js, "SR": sr, "ECE": ece, "EFL": efl, "NLS": nls,
}  # fmt: skip


def value(name: str, z: Row, y: int, params: dict[str, float], fixed: Row | None = None) -> mpf:
    """The loss at logits `z` and label `y`; focal factors use the probabilities `fixed` if given."""
    p = softmax(z)
    renamed = {"p_" if key == "p" else key: v for key, v in params.items()}
    if LOSSES[name].takes == Takes.LOGITS:
        renamed["z"] = z
    return FORMULAS[name](p, y, fixed or p, **renamed)


def gradient_entry(name: str, z: Row, y: int, params: dict[str, float], k: int) -> mpf:
    """Derivative by z_k: central differences at a step of 1e-18, exact to about 1e-30; focal factors constant."""
    step, fixed = mpf(10) ** -18, softmax(z)
    up, down = list(z), list(z)
    up[k] += step
    down[k] -= step
    return (value(name, up, y, params, fixed) - value(name, down, y, params, fixed)) / (2 * step)
