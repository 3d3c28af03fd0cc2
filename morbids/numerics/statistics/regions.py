"""Tests on the mean values of regions: one sample, paired, and two groups, corrected over the regions."""

from typing import NamedTuple

import numpy as np
from scipy import special

from morbids.errors import MorbidsError
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.numerics.statistics.designs import Design, fit_design
from morbids.numerics.statistics.linear_model import (
    LinearFit,
    dependent_columns,
    fit_linear_model,
    fit_unequal_variances,
)
from morbids.numerics.statistics.multiple import false_discovery_rate, holm

# Effect, standard error, t, df, p, g.
_N_COLUMNS = 6


class RegionTests(NamedTuple):
    """A two-tailed t test in each region; NaN where fewer than 2 rows are complete or all are the same.

    Attributes
    ----------
    n
        (n_regions,) rows used.
    effect, standard_error, ci_low, ci_high
        (n_regions,) mean (or difference of means), its standard error and confidence interval, in the unit
        of the values.
    t, df, p
        (n_regions,) statistic, degrees of freedom, uncorrected p.
    hedges_g
        (n_regions,) effect in standard deviations, corrected for small samples.
    p_holm, p_fdr
        (n_regions,) p corrected over the regions.
    """

    n: IntArray
    effect: FloatArray
    standard_error: FloatArray
    ci_low: FloatArray
    ci_high: FloatArray
    t: FloatArray
    df: FloatArray
    p: FloatArray
    hedges_g: FloatArray
    p_holm: FloatArray
    p_fdr: FloatArray


def compare_with_zero(values: FloatArray, *, confidence: float = 0.95) -> RegionTests:
    """Test the mean of each region against 0.

    Parameters
    ----------
    values
        (n_rows, n_regions), e.g. differences; rows that are not finite are left out region by region.

    Raises
    ------
    MorbidsError
        Fewer than two rows.
    """
    return _compare_each(np.asarray(values, dtype=float), None, confidence)


def compare_pairs(baseline: FloatArray, challenge: FloatArray, *, confidence: float = 0.95) -> RegionTests:
    """Test baseline minus challenge in each region: activation, a fall of BP_ND, is positive.

    Parameters
    ----------
    baseline, challenge
        (n_rows, n_regions) of the same participants in the same order.

    Raises
    ------
    MorbidsError
        The two differ in shape, or there are fewer than two rows.
    """
    if baseline.shape != challenge.shape:
        raise MorbidsError(
            f"Paired values have the shapes {baseline.shape} and {challenge.shape}.",
            "Give one row for each participant in both.",
        )
    return compare_with_zero(np.asarray(baseline, dtype=float) - challenge, confidence=confidence)


def compare_groups(values: FloatArray, second_group: BoolArray, *, confidence: float = 0.95) -> RegionTests:
    """Test the mean of the second group minus that of the first in each region, variances unequal (Welch).

    Parameters
    ----------
    values
        (n_rows, n_regions).
    second_group
        (n_rows,) true for the second group.

    Raises
    ------
    MorbidsError
        Fewer than two rows.
    """
    return _compare_each(np.asarray(values, dtype=float), np.asarray(second_group, dtype=bool), confidence)


def compare_design(values: FloatArray, design: Design, *, confidence: float = 0.95) -> RegionTests:
    """Test the contrast of any design in each region, on the rows that have a value there.

    Parameters
    ----------
    values
        (n_rows, n_regions).
    design
        With n_rows; a region whose rows cannot estimate it is NaN.

    Raises
    ------
    MorbidsError
        The numbers of rows differ.
    """
    values = np.asarray(values, dtype=float)
    if len(values) != len(design.matrix):
        raise MorbidsError(
            f"There are {len(values)} rows of region values but {len(design.matrix)} in the design.",
            "Give one row for each map.",
        )
    complete = np.isfinite(values)
    columns = np.full((_N_COLUMNS, values.shape[1]), np.nan)
    for region in range(values.shape[1]):
        rows = complete[:, region]
        if _can_estimate(design, rows):
            second = None if design.second_group is None else design.second_group[rows]
            fitted = design._replace(matrix=design.matrix[rows], second_group=second)
            columns[:, region] = _in_columns(fit_design(values[rows, region][:, None], fitted))
    return _summarise(complete.sum(axis=0), columns, confidence)


def _can_estimate(design: Design, rows: BoolArray) -> bool:
    """Whether some of the rows still estimate the contrast and a residual variance."""
    if design.second_group is not None:
        second = design.second_group[rows]
        return bool(min(second.sum(), (~second).sum()) >= 2)
    matrix = design.matrix[rows]
    return len(matrix) > matrix.shape[1] and not dependent_columns(matrix)


def _compare_each(values: FloatArray, second_group: BoolArray | None, confidence: float) -> RegionTests:
    if values.shape[0] < 2:
        raise MorbidsError(
            f"{values.shape[0]} row of region values cannot be tested.", "Use at least two participants."
        )
    n_regions = values.shape[1]
    n = np.isfinite(values).sum(axis=0)
    columns = np.full((_N_COLUMNS, n_regions), np.nan)
    for region in range(n_regions):
        complete = np.isfinite(values[:, region])
        sample = values[complete, region][:, None]
        if second_group is None:
            if n[region] < 2:
                continue
            fit = fit_linear_model(sample, np.ones((len(sample), 1)), np.ones(1))
        else:
            second = second_group[complete]
            if min(second.sum(), (~second).sum()) < 2:
                continue
            fit = fit_unequal_variances(sample, second)
        columns[:, region] = _in_columns(fit)
    return _summarise(n, columns, confidence)


def _in_columns(fit: LinearFit) -> FloatArray:
    """Effect, standard error, t, df, p, g of one region."""
    return np.concatenate([fit.effect, fit.standard_error, fit.t, fit.df, fit.p, fit.hedges_g])


def _summarise(n: IntArray, columns: FloatArray, confidence: float) -> RegionTests:
    effect, standard_error, t, df, p, hedges_g = columns
    half_width = -special.stdtrit(df, (1 - confidence) / 2) * standard_error
    return RegionTests(
        n, effect, standard_error, effect - half_width, effect + half_width, t, df, p, hedges_g, holm(p),
        false_discovery_rate(p),
    )  # fmt: skip
