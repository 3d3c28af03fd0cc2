"""Correction of many p values: false discovery rate and family-wise error; NaN are left out and stay NaN."""

import numpy as np

from morbids.numerics.arrays import FloatArray


def false_discovery_rate(p: FloatArray) -> FloatArray:
    """Adjusted p of Benjamini & Hochberg (1995, J R Stat Soc B 57:289); same shape as p."""
    adjusted, tested, ordered = _sort_tested(p)
    n_tests = len(ordered)
    steps = ordered * n_tests / np.arange(1, n_tests + 1)
    adjusted[tested] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1)
    return adjusted.reshape(np.shape(p))


def holm(p: FloatArray) -> FloatArray:
    """Adjusted p of Holm (1979, Scand J Stat 6:65), valid under any dependence; same shape as p."""
    adjusted, tested, ordered = _sort_tested(p)
    steps = ordered * np.arange(len(ordered), 0, -1)
    adjusted[tested] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted.reshape(np.shape(p))


def _sort_tested(p: FloatArray) -> tuple[FloatArray, np.ndarray, FloatArray]:
    """A flat result full of NaN, the places of the finite p from small to large, and those p."""
    flat = np.asarray(p, dtype=float).ravel()
    places = np.flatnonzero(np.isfinite(flat))
    places = places[np.argsort(flat[places], kind="stable")]
    return np.full(flat.shape, np.nan), places, flat[places]
