"""Part-dependent label noise (Xia et al., NeurIPS 2020, Algorithm 2; Part-dependent-label-noise, tools.py)."""

from __future__ import annotations

import numpy as np

# Published standard deviation of the flip rates around the nominal rate.
SPREAD = 0.1

# Samples per matrix product, to bound the memory.
_CHUNK = 4096


def flip_rates(uniforms: np.ndarray, rate: float) -> np.ndarray:
    """One flip rate per sample: a normal (rate, 0.1²) truncated to [0, 1], by inversion of `uniforms` `(N,)`."""
    from scipy.stats import truncnorm

    return truncnorm.ppf(uniforms, -rate / SPREAD, (1 - rate) / SPREAD, loc=rate, scale=SPREAD)


def instance(
    labels: np.ndarray, *, num_classes: int, rate: float, seed: int, features: np.ndarray, **_: object
) -> np.ndarray:
    """Part-dependent noise: each sample has its own flip rate, and its features decide the wrong label.

    Flip rates follow N(rate, 0.1²), truncated to [0, 1]. The wrong label is drawn from softmax(x · W_y) without the
    true class y; each class has its own standard normal W_y `(S, K)`. `features` `(N, …)` are raw pixels 0–255 as
    stored (or any numbers). Draws in the published order from RandomState(seed): flip rates, W, one uniform per sample.
    Projections are float64 of W rounded to float32 as published; as pixel values are large, one wrong label takes
    nearly all the probability.
    """
    random = np.random.RandomState(seed)
    flat = features.reshape(len(features), -1)
    flips = flip_rates(random.random_sample(len(labels)), rate)
    probabilities = np.zeros((len(labels), num_classes))
    for true in range(num_classes):
        members = np.flatnonzero(labels == true)
        weights = _weights(random, (flat.shape[1], num_classes))
        for start in range(0, len(members), _CHUNK):
            chunk = members[start : start + _CHUNK]
            scores = flat[chunk].astype(np.float64) @ weights
            scores[:, true] = -np.inf
            scores = np.exp(scores - scores.max(axis=1, keepdims=True))
            probabilities[chunk] = flips[chunk, None] * (scores / scores.sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    probabilities[rows, labels] = 1 - flips
    cumulated = probabilities.cumsum(axis=1)
    cumulated /= cumulated[:, -1:]
    return (cumulated <= random.random_sample(len(labels))[:, None]).sum(axis=1)


def _weights(random: np.random.RandomState, shape: tuple[int, int]) -> np.ndarray:
    """Standard normals, rounded to float32 and to a grid of 2⁻²⁸.

    The grid changes only weights below 1/16, by less than 2⁻²⁹. With it a projection of bytes is a sum without
    rounding, so labels depend neither on the number of threads nor on the matrix library.
    """
    grid = 2.0**28
    return np.rint(random.standard_normal(shape).astype(np.float32).astype(np.float64) * grid) / grid
