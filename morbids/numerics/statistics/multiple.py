"""Correction of many p values: false discovery rate and family-wise error; NaN are left out and stay NaN."""

import numpy as np
from scipy import stats

from morbids.numerics.arrays import FloatArray


def false_discovery_rate(p: FloatArray) -> FloatArray:
    """Adjusted p of Benjamini & Hochberg (1995, J R Stat Soc B 57:289); same shape as p."""
    tested = np.isfinite(p)
    adjusted = np.full(np.shape(p), np.nan)
    adjusted[tested] = stats.false_discovery_control(np.asarray(p, dtype=float)[tested])
    return adjusted


def holm(p: FloatArray) -> FloatArray:
    """Adjusted p of Holm (1979, Scand J Stat 6:65), valid under any dependence; same shape as p."""
    flat = np.asarray(p, dtype=float).ravel()
    tested = np.flatnonzero(np.isfinite(flat))
    tested = tested[np.argsort(flat[tested], kind="stable")]
    adjusted = np.full(flat.shape, np.nan)
    steps = flat[tested] * np.arange(len(tested), 0, -1)
    adjusted[tested] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted.reshape(np.shape(p))
