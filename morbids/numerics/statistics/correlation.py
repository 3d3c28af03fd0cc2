"""Correlation of a trait with the values of many regions."""

import math
from typing import Literal, NamedTuple

import numpy as np
from scipy import special, stats

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.statistics.exchange import exhaustive_permutations, permutation_p, random_permutations
from morbids.numerics.statistics.linear_model import two_tailed_p
from morbids.numerics.statistics.multiple import false_discovery_rate, holm

Method = Literal["pearson", "spearman"]

FEWEST_ROWS = 4  # Fisher's interval divides by n - 3
# Orders held at once while permuting.
_BATCH = 4096
_TIE = 1e-9


class Correlations(NamedTuple):
    """Correlation of one trait with each region; NaN with fewer than 4 complete rows or a constant region.

    Attributes
    ----------
    n
        (n_regions,) rows where both are finite.
    r, ci_low, ci_high
        (n_regions,) coefficient and its confidence interval.
    p, p_permutation
        (n_regions,) two-tailed: from t with n - 2 degrees of freedom, and from rearranged traits.
    p_holm, p_fdr
        (n_regions,) p of the permutations corrected over the regions.
    """

    n: IntArray
    r: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    p: FloatArray
    p_permutation: FloatArray
    p_holm: FloatArray
    p_fdr: FloatArray


def correlate(
    trait: FloatArray,
    values: FloatArray,
    method: Method = "pearson",
    *,
    covariates: FloatArray | None = None,
    confidence: float = 0.95,
    n_permutations: int = 10_000,
    seed: int = 0,
) -> Correlations:
    """Correlate a trait with each region, dropping the rows of a region that are not finite.

    Pearson's interval is Fisher's; Spearman's is that of Bonett & Wright (2000, Psychometrika 65:23). All
    orders are enumerated when they are not more than asked. Beside covariates the correlation is partial: of what
    these (their ranks, for Spearman's) leave of both, with as many fewer rows in intervals and p.

    Parameters
    ----------
    trait
        (n_rows,).
    values
        (n_rows, n_regions).
    covariates
        (n_rows, n_covariates), all finite.

    Raises
    ------
    MorbidsError
        The trait is constant or hardly ever finite.
    """
    trait, values = np.asarray(trait, dtype=float), np.asarray(values, dtype=float)
    known = trait[np.isfinite(trait)]
    if len(known) < FEWEST_ROWS:
        raise MorbidsError(
            f"The trait has {len(known)} finite values; a correlation needs {FEWEST_ROWS}.",
            "Fill in the column.",
        )
    if np.ptp(known) == 0:
        raise MorbidsError(
            f"The trait has the value {known[0]:g} in every row, so nothing can correlate with it.",
            "Drop this trait.",
        )
    n_regions = values.shape[1]
    n = np.zeros(n_regions, dtype=int)
    r, p_permutation = np.full((2, n_regions), np.nan)
    for region in range(n_regions):
        complete = np.isfinite(trait) & np.isfinite(values[:, region])
        n[region] = int(complete.sum())
        beside = np.empty((n[region], 0)) if covariates is None else covariates[complete]
        x, y = (_standard_scores(column[complete], method, beside) for column in (trait, values[:, region]))
        if n[region] - beside.shape[1] >= FEWEST_ROWS and np.all(np.isfinite(x)) and np.all(np.isfinite(y)):
            r[region] = np.clip(x @ y, -1, 1)
            p_permutation[region] = _permutation_p(x, y, n_permutations, seed)
    free = n - (0 if covariates is None else covariates.shape[1])
    low, high = confidence_interval(r, free, method, confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = two_tailed_p(r * np.sqrt((free - 2) / (1 - r**2)), free - 2.0)
    p_holm, p_fdr = holm(p_permutation), false_discovery_rate(p_permutation)
    return Correlations(n, r, low, high, p, p_permutation, p_holm, p_fdr)


def confidence_interval(
    r: FloatArray, n: IntArray, method: Method, confidence: float
) -> tuple[FloatArray, FloatArray]:
    """Lower and upper limit of a correlation by the normal distribution of arctanh r."""
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt((1 + r**2 / 2 if method == "spearman" else 1) / (np.asarray(n) - 3.0))
        half_width = special.ndtri((1 + confidence) / 2) * spread
        return np.tanh(np.arctanh(r) - half_width), np.tanh(np.arctanh(r) + half_width)


def _standard_scores(values: FloatArray, method: Method, covariates: FloatArray) -> FloatArray:
    """Values, or their ranks, without covariates, mean 0 and length 1; NaN when nothing is left."""
    scores = stats.rankdata(values) if method == "spearman" else values
    others = stats.rankdata(covariates, axis=0) if method == "spearman" and covariates.size else covariates
    centred = remove_covariates(scores, others) if len(scores) else scores
    length = np.sqrt(centred @ centred)
    smallest = 1e-12 * np.abs(scores).max(initial=0.0) * math.sqrt(max(len(scores), 1))
    return centred / length if length > smallest else np.full(len(scores), np.nan)


def remove_covariates(values: FloatArray, covariates: FloatArray) -> FloatArray:
    """(n,) residuals of a least-squares fit of the mean and (n, n_covariates) covariates."""
    basis = np.linalg.qr(np.column_stack([np.ones(len(values)), covariates]))[0]
    return np.asarray(values - basis @ (basis.T @ values))


def _permutation_p(x: FloatArray, y: FloatArray, n_permutations: int, seed: int) -> float:
    n_maps, observed = len(x), abs(x @ y) - _TIE
    exhaustive = math.factorial(n_maps) <= n_permutations
    first, last = (1, math.factorial(n_maps)) if exhaustive else (0, n_permutations)
    at_least = 0
    for start in range(first, last, _BATCH):
        stop = min(start + _BATCH, last)
        orders = (
            exhaustive_permutations(start, stop, n_maps)
            if exhaustive
            else random_permutations(seed, start, stop, n_maps)
        )
        at_least += int(np.sum(np.abs(x[orders] @ y) >= observed))
    return float(permutation_p(at_least, last - first))
