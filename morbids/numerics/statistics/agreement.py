"""Two scans of the same people: how far they agree, how much changed, and what share of the receptor was occupied."""

from typing import NamedTuple

import numpy as np
from scipy import special, stats

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray

# A line through fewer regions, or through regions of nearly one binding, says nothing of occupancy.
FEWEST_REGIONS = 4
LEAST_RANGE = 2.0


class Interval(NamedTuple):
    """An estimate with its 95 % confidence interval; NaN where it cannot be had."""

    value: float
    low: float
    high: float


class Occupancy(NamedTuple):
    """Lassen plot of one participant: displaced against baseline over regions.

    Attributes
    ----------
    percent
        Slope of the line: share of the receptor that is occupied, the same in all regions.
    standard_error_percent
        Of it.
    nondisplaceable
        Where the line meets the axis: binding that nothing displaces; 0 is expected of BP_ND.
    r
        Correlation.
    """

    percent: float
    standard_error_percent: float
    nondisplaceable: float
    r: float


NO_INTERVAL = Interval(np.nan, np.nan, np.nan)


def intraclass(values: FloatArray, *, agreement: bool, confidence: float = 0.95) -> Interval:
    """Intraclass correlation of single measurements, two-way (McGraw & Wong 1996, Psychol Methods 1:30).

    Parameters
    ----------
    values
        (n_people, n_scans); rows that are not finite are left out.
    agreement
        ICC(A,1): differences between the scans' means count as disagreement; otherwise ICC(C,1): they do not.

    Raises
    ------
    MorbidsError
        There are fewer than two scans.
    """
    if values.ndim != 2 or values.shape[1] < 2:
        raise MorbidsError(
            f"Values of the shape {values.shape} are no repeated scans.", "Give two columns or more."
        )
    known = values[np.isfinite(values).all(axis=1)]
    n, k = known.shape
    if n < 3:
        return NO_INTERVAL
    rows, columns = known.mean(axis=1), known.mean(axis=0)
    of_rows = k * float(np.var(rows, ddof=1))
    of_columns = n * float(np.var(columns, ddof=1))
    rest = known - rows[:, None] - columns + known.mean()
    error = float(np.sum(rest**2)) / ((n - 1) * (k - 1))
    tail = (1 + confidence) / 2
    if not agreement:
        f, df = of_rows / error, ((n - 1), (n - 1) * (k - 1))
        low, high = f / special.fdtri(*df, tail), f * special.fdtri(*df[::-1], tail)
        return Interval(*((ratio - 1) / (ratio + k - 1) for ratio in (f, low, high)))
    value = (of_rows - error) / (of_rows + (k - 1) * error + k / n * (of_columns - error))
    a, b = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
    mixed = a * of_columns + b * error
    df_mixed = mixed**2 / ((a * of_columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1)))
    upper, lower = special.fdtri(n - 1, df_mixed, tail), special.fdtri(df_mixed, n - 1, tail)
    spread = k * of_columns + (k * n - k - n) * error
    return Interval(
        value,
        n * (of_rows - upper * error) / (upper * spread + n * of_rows),
        n * (lower * of_rows - error) / (spread + n * lower * of_rows),
    )


def variability(first: FloatArray, second: FloatArray) -> Interval:
    """Test-retest variability in percent: mean of |first - second| over the mean of the two (Innis 2007).

    Parameters
    ----------
    first, second
        (n_people,).
    """
    return mean_interval(200 * np.abs(first - second) / (first + second))


def percent_change(first: FloatArray, second: FloatArray) -> Interval:
    """Mean of the fall from the first to the second scan, in percent of the first; (n_people,) each."""
    return mean_interval(100 * (first - second) / first)


def mean_interval(values: FloatArray, confidence: float = 0.95) -> Interval:
    """Mean of the finite values with its t interval."""
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return NO_INTERVAL
    mean = float(known.mean())
    half = float(special.stdtrit(len(known) - 1, (1 + confidence) / 2) * stats.sem(known))
    return Interval(mean, mean - half, mean + half)


def lassen(baseline: FloatArray, blocked: FloatArray) -> Occupancy | None:
    """Occupancy of one participant from regions of different binding (Lassen 1995; Cunningham 2010, JCBFM 30:46).

    None where fewer than four regions are known or the largest binding is not twice the smallest: the line is then
    drawn through noise.

    Parameters
    ----------
    baseline, blocked
        (n_regions,) in one unit.
    """
    known = np.isfinite(baseline) & np.isfinite(blocked)
    x, y = baseline[known], (baseline - blocked)[known]
    if len(x) < FEWEST_REGIONS or x.min() <= 0 or x.max() < LEAST_RANGE * x.min():
        return None
    line = stats.linregress(x, y)
    meets = -line.intercept / line.slope if line.slope else np.nan
    return Occupancy(100 * float(line.slope), 100 * float(line.stderr), float(meets), float(line.rvalue))
