"""The share of plasma radioactivity that is unchanged tracer, at every time, from a few measured samples."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol, get_args

import numpy as np
from scipy import optimize

from morbids.numerics.arrays import FloatArray

ParentRule = Literal["auto", "hill", "power", "linear", "none"]
PARENT_RULES: tuple[ParentRule, ...] = get_args(ParentRule)
# A curve of four numbers through fewer samples says what anyone likes.
LEAST_SAMPLES = 5
# Where the better curve misses samples by more than this (root mean square), lines between them are taken.
LARGEST_MISFIT = 0.03
# A share never measured above this start is no tracer's.
LEAST_START = 0.8


class MeasuredShare(Protocol):
    """Samples of the parent fraction, as `plasma.Samples`."""

    @property
    def arrays(self) -> tuple[FloatArray, FloatArray]: ...  # noqa: D102


class ParentFraction(NamedTuple):
    """The parent fraction as a curve.

    Attributes
    ----------
    at
        Share at any times (n_times,), minutes from injection.
    rule
        By which it was made: ``hill``, ``power``, ``linear`` or ``none``.
    misfit
        Root mean square distance from the samples; 0 for lines and where there are none.
    """

    at: Callable[[FloatArray], FloatArray]
    rule: ParentRule
    misfit: float = 0.0


def _hill(time_min: FloatArray, p: FloatArray) -> FloatArray:
    """f0 (1 - a t^b / (t50^b + t^b)) with p = f0, a, b, log t50 (Gunn 1998, NeuroImage 8:426, with a start below 1)."""
    with np.errstate(divide="ignore", over="ignore"):
        lost = 1.0 / (1.0 + np.exp(p[2] * (p[3] - np.log(np.maximum(time_min, 0.0)))))
    return np.asarray(p[0] * (1.0 - p[1] * lost))


def _power(time_min: FloatArray, p: FloatArray) -> FloatArray:
    """f0 (1 + (t / tau)^b)^-a with p = f0, a, b, log tau (Watabe 2000, J Cereb Blood Flow Metab 20:899)."""
    with np.errstate(divide="ignore", over="ignore"):
        grown = np.exp(p[2] * (np.log(np.maximum(time_min, 0.0)) - p[3]))
    return np.asarray(p[0] * (1.0 + grown) ** -p[1])


# Curve, then lowest, highest and first value of its four numbers; the last is tried at several times.
_CURVES: Mapping[
    str, tuple[Callable[[FloatArray, FloatArray], FloatArray], tuple[float, ...], tuple[float, ...]]
]
_CURVES = MappingProxyType(
    {
        "hill": (_hill, (LEAST_START, 0.0, 0.3, np.log(0.3)), (1.0, 1.0, 8.0, np.log(300.0))),
        "power": (_power, (LEAST_START, 0.0, 0.3, np.log(0.3)), (1.0, 5.0, 8.0, np.log(300.0))),
    }
)
_STARTS_MIN = (3.0, 10.0, 30.0)


def parent_fraction(samples: MeasuredShare | None, rule: ParentRule) -> ParentFraction:
    """Make a curve of samples, all of the same weight.

    Parameters
    ----------
    samples
        Measured shares, 0 to 1; None counts as a tracer without metabolites: 1 throughout.
    rule
        ``hill`` or ``power``: that curve, fitted; ``linear``: straight lines from 1 at injection through the samples,
        level after the last; ``none``: 1 throughout; ``auto``: the nearer of both curves where there are
        `LEAST_SAMPLES` and it misses them by no more than `LARGEST_MISFIT`, else ``linear``.
    """
    if samples is None or rule == "none":
        return ParentFraction(lambda time_min: np.ones(len(time_min)), "none")
    time, share = samples.arrays

    def lines(time_min: FloatArray) -> FloatArray:
        start = ([], []) if time[0] <= 0 else ([0.0], [1.0])
        return np.asarray(np.interp(time_min, np.append(start[0], time), np.append(start[1], share)))

    linear = ParentFraction(lines, "linear")
    if rule == "linear":
        return linear
    if rule != "auto":
        return _fit(time, share, rule)
    if len(time) < LEAST_SAMPLES:
        return linear
    nearer = min(_fit(time, share, "hill"), _fit(time, share, "power"), key=_misfit)
    return nearer if nearer.misfit <= LARGEST_MISFIT else linear


def _misfit(found: ParentFraction) -> float:
    return found.misfit


def _fit(time_min: FloatArray, share: FloatArray, rule: Literal["hill", "power"]) -> ParentFraction:
    curve, lowest, highest = _CURVES[rule]
    middle = (1.0 - 1e-3, 0.5, 2.0)

    def miss(p: FloatArray) -> FloatArray:
        return np.asarray(curve(time_min, p) - share)

    starts = [(*middle, np.log(start)) for start in _STARTS_MIN]
    fits = [optimize.least_squares(miss, start, bounds=(lowest, highest)) for start in starts]
    best = min(fits, key=lambda fit: float(fit.cost)).x
    misfit = float(np.sqrt(np.mean((curve(time_min, best) - share) ** 2)))
    return ParentFraction(lambda time: curve(time, best), rule, misfit)
