"""One family of claims: regions and whole maps of all questions of a page, judged together.

Each test has a score that is small when it is striking: a p of its own divided by the share of the error that it was
given beforehand. When no effect exists the smallest score of all tests behaves as the smallest score of the same
tests on rearranged data, if every rearrangement moves the same people in all questions. Its distribution therefore
corrects for all tests and for how they depend on each other (Westfall & Young 1993, step-down of the smallest p).
Scores only order the tests: a p that is not exact costs power, never level.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special

from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.statistics.methods import STATISTICS, MaximumOf

# Scores this close (relative) are ties: they come from maps in single precision.
_TIE = 1e-3
# Quantiles that give the tail of the maxima its place and width, whatever single large values do.
_MIDDLE, _HIGH = 0.5, 0.95


@dataclass(frozen=True)
class Tail:
    """Upper tail of a map's maximum, by a Gumbel distribution of a power of it.

    Attributes
    ----------
    place, width
        Of the distribution.
    power
        What the maximum is raised to.
    """

    place: float
    width: float
    power: float

    def p(self, maxima: FloatArray) -> FloatArray:
        """Share of the distribution beyond each maximum."""
        height = np.sign(maxima) * np.abs(maxima) ** self.power
        return np.asarray(-np.expm1(-np.exp(-(height - self.place) / self.width)))

    def height(self, p: float) -> float:
        """Find the maximum beyond which p lies; infinite for p = 0."""
        if p <= 0:
            return float("inf")
        powered = self.place - self.width * np.log(-np.log1p(-min(p, 1 - 1e-12)))
        return float(np.sign(powered) * np.abs(powered) ** (1 / self.power))


def describe_tail(maxima: FloatArray, statistic: MaximumOf, *, of_squares: bool = False) -> Tail:
    """Describe the maxima of all rearrangements, the data as observed among them.

    `of_squares` says that the map holds F, whose root is as skewed as t.
    """
    power = STATISTICS[statistic].power * (0.5 if of_squares else 1.0)
    heights = np.sign(maxima) * np.abs(maxima) ** power
    middle, high = np.quantile(heights, [_MIDDLE, _HIGH])
    spread = np.log(-np.log(_MIDDLE)) - np.log(-np.log(_HIGH))
    width = float((high - middle) / spread) or float(heights.std()) or 1.0
    return Tail(float(middle + width * np.log(-np.log(_MIDDLE))), width, power)


def share_error(parts: Sequence[tuple[str, int]], shares: Sequence[float]) -> FloatArray:
    """(n_tests,) share of the page's error for each test: that of its part, divided equally.

    Parameters
    ----------
    parts
        Name of the part and number of tests that each question has in it; parts with one name are one.
    shares
        Of each entry's part; they are scaled so that the parts that have tests share all of the error.
    """
    totals: dict[str, int] = {}
    for name, count in parts:
        totals[name] = totals.get(name, 0) + count
    of_part = {name: share for (name, _), share in zip(parts, shares, strict=True) if totals[name]}
    whole = sum(of_part.values())
    each = [np.full(count, of_part[name] / whole / totals[name]) for name, count in parts if count]
    return np.concatenate(each) if each else np.zeros(0)


class Family(NamedTuple):
    """All tests of a page, judged.

    Attributes
    ----------
    p
        (n_tests,) corrected for all tests; NaN where there is no test.
    critical
        Scores of at most this pass, once all that was claimed has left the family; 0 when none can.
    """

    p: FloatArray
    critical: float


def judge_jointly(scores: FloatArray, stays: BoolArray, alpha: float) -> Family:
    """Correct for the smallest score of the tests that are still in the family, the most striking first.

    Parameters
    ----------
    scores
        (1 + n_rearrangements, n_tests), the data as observed first; NaN where there is no test.
    stays
        (n_tests,) whether a test stays in the family when it is claimed: a map has other places left.
    alpha
        Of the critical score.
    """
    tested = np.isfinite(scores[0])
    filled = np.where(np.isfinite(scores), scores, np.inf)
    observed, null = filled[0], filled[1:]
    order = np.argsort(observed, kind="stable")
    always = null[:, stays].min(axis=1, initial=np.inf)
    left = np.where(stays[order], np.inf, null[:, order])
    smallest = np.minimum(np.minimum.accumulate(left[:, ::-1], axis=1)[:, ::-1], always[:, None])
    reached = (smallest <= observed[order] * (1 + _TIE)).sum(axis=0)
    p = np.full(len(observed), np.nan)
    p[order] = np.maximum.accumulate((1 + reached) / (1 + len(null)))
    remaining = null[:, ~((p <= alpha) & ~stays)].min(axis=1, initial=np.inf)
    return Family(np.where(tested, p, np.nan), _critical(remaining, alpha))


def judge_by_holm(p: FloatArray, shares: FloatArray, alpha: float) -> Family:
    """Holm's correction with unequal shares of the error; valid under any dependence, without rearrangements."""
    scores = np.where(np.isfinite(p), p, np.inf) / shares
    order = np.argsort(scores, kind="stable")
    left = np.cumsum(shares[order][::-1])[::-1]
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(scores[order] * left), 1)
    remaining = shares[~(adjusted <= alpha)].sum()
    return Family(np.where(np.isfinite(p), adjusted, np.nan), alpha / remaining if remaining else np.inf)


def count_smaller(scores: FloatArray) -> FloatArray:
    """(n_tests,) p of each test by rearrangement: how often its score is at least as small as observed.

    Parameters
    ----------
    scores
        (1 + n_rearrangements, n_tests), the data as observed first; NaN where there is no test.
    """
    reached = (scores <= scores[0] * (1 + _TIE)).mean(axis=0)
    return np.where(np.isfinite(scores[0]), reached, np.nan)


def tail_of_t(t: FloatArray, df: float, *, two_tailed: bool) -> FloatArray:
    """P of t, or of a normal deviate where df is infinite; of the upper tail alone if not two-tailed."""
    values = np.abs(t) if two_tailed else np.asarray(t, dtype=float)
    upper = special.ndtr(-values) if np.isinf(df) else special.stdtr(df, -values)
    return np.asarray(2 * upper if two_tailed else upper)


def height_of_p(p: float, df: float, *, two_tailed: bool) -> float:
    """Height of t that has this p, the other way round than `tail_of_t`; 0 for a p of 1, infinite for 0."""
    upper = min(p, 1.0) / 2 if two_tailed else min(p, 0.5)
    return float(np.abs(special.ndtri(upper) if np.isinf(df) else special.stdtrit(df, upper)))


def _critical(smallest: FloatArray, alpha: float) -> float:
    """Largest score that at most alpha of the rearrangements reach, the observed one counted."""
    allowed = int(np.floor(alpha * (1 + len(smallest)) + 1e-9)) - 1
    if allowed < 0:
        return 0.0
    if allowed >= len(smallest):
        return float("inf")
    return float(np.sort(smallest)[allowed] / (1 + _TIE) ** 2)
