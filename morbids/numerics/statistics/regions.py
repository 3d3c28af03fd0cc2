"""Tests of a question on the mean values of regions, corrected over the regions."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy import special

from morbids.errors import MorbidsError
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.numerics.statistics.claims import tail_of_t
from morbids.numerics.statistics.designs import Design, fit_design, keep_rows, whole_participants
from morbids.numerics.statistics.f_test import tail_of_f
from morbids.numerics.statistics.linear_model import LinearFit, dependent_columns
from morbids.numerics.statistics.multiple import false_discovery_rate, holm
from morbids.numerics.statistics.plan import People, PermutationPlan
from morbids.numerics.statistics.rearranged import make_t_maps, prepare_model
from morbids.numerics.statistics.unequal import FEWEST_IN_GROUP, can_estimate_both, smaller_group

# Effect, standard error, t, df, p, g, F.
_N_COLUMNS = 7


class RegionTests(NamedTuple):
    """A two-tailed t test, or an F test, in each region; NaN where fewer than 2 rows are complete or all are the same.

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
    f
        (n_regions,) F of a question about several contrasts, which has no effect, interval, t and g.
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
    f: FloatArray


def compare_design(values: FloatArray, design: Design, *, confidence: float = 0.95) -> RegionTests:
    """Test the contrast of any design in each region, on the rows that have a value there.

    Parameters
    ----------
    values
        (n_rows, n_regions), e.g. differences; rows that are not finite are left out region by region.
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
        rows = complete[:, region] = whole_participants(design, complete[:, region])
        if _can_estimate(design, rows):
            fitted = fit_design(values[rows, region][:, None], keep_rows(design, rows))
            columns[:, region] = _in_columns(fitted)
    return _summarise(complete.sum(axis=0), columns, confidence)


def rearrange_regions(values: FloatArray, design: Design, plan: PermutationPlan) -> FloatArray:
    """(1 + n_rearrangements, n_regions) p of the contrast in each region: as observed, and rearranged.

    Of the upper tail where the plan looks at one. Regions that lack rows are tested on those that they have; a region
    whose rows cannot estimate the design is NaN. Welch's statistic is judged as a normal deviate, which orders
    rearrangements and is no p of its own.
    """
    complete = np.isfinite(values)
    p = np.full((1 + plan.n_rearrangements, values.shape[1]), np.nan)
    patterns, of_region = np.unique(complete.T, axis=0, return_inverse=True)
    for number, rows in enumerate(patterns):
        regions = np.flatnonzero(np.ravel(of_region) == number)
        rows = whole_participants(design, rows)
        if _can_estimate(design, rows):
            p[:, regions] = _rearrange_rows(values[np.ix_(rows, regions)], design, plan, rows)
    return p


def _rearrange_rows(values: FloatArray, design: Design, plan: PermutationPlan, rows: BoolArray) -> FloatArray:
    """The same of regions that have these rows."""
    own, kept = keep_rows(design, rows), np.flatnonzero(rows)
    people = plan.movers
    places = tuple(people.places[int(row)] for row in kept)
    model = prepare_model(values, own)
    moved = replace(plan, n_maps=len(kept), people=People(places, people.n_all), blocks=own.blocks)
    t = make_t_maps(model, np.concatenate([model.rows[None], moved.rearrange(model.rows, plan.pieces(1)[0])]))
    df = np.inf if own.second_group is not None else float(np.subtract(*own.matrix.shape))
    if own.n_tested:
        return tail_of_f(t, own.n_tested, df)
    return tail_of_t(t, df, two_tailed=plan.two_tailed)


def _can_estimate(design: Design, rows: BoolArray) -> bool:
    """Whether some of the rows still estimate the contrast and a residual variance, well enough for claims."""
    matrix = keep_rows(design, rows).matrix
    if len(matrix) <= matrix.shape[1] or dependent_columns(matrix):
        return False
    if design.second_group is None:
        return True
    second = design.second_group[rows]
    return can_estimate_both(matrix, second) and smaller_group(second) >= FEWEST_IN_GROUP


def _in_columns(fit: LinearFit) -> FloatArray:
    """Effect, standard error, t, df, p, g, F of one region."""
    f = fit.f if np.isnan(fit.t).all() else np.full(fit.f.shape, np.nan)
    return np.concatenate([fit.effect, fit.standard_error, fit.t, fit.df, fit.p, fit.hedges_g, f])


def _summarise(n: IntArray, columns: FloatArray, confidence: float) -> RegionTests:
    effect, standard_error, t, df, p, hedges_g, f = columns
    half_width = -special.stdtrit(df, (1 - confidence) / 2) * standard_error
    return RegionTests(
        n, effect, standard_error, effect - half_width, effect + half_width, t, df, p, hedges_g, holm(p),
        false_discovery_rate(p), f,
    )  # fmt: skip
