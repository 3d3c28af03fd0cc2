"""k2' of one scan from its curves: one rule for scans and for tables of curves."""

from typing import NamedTuple

from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.k2prime import estimate_k2_prime
from morbids.numerics.kinetics.shared_efflux import combine_k2_prime, estimate_shared_k2_prime
from morbids.numerics.kinetics.slow_tissue import SlowTissue, without_slow


class ChosenEfflux(NamedTuple):
    """k2' per minute, and what it is made of.

    Attributes
    ----------
    value, se
        What models are told, and its standard error; the error is None where k2' is a median of regional fits.
    of_scan, of_scan_se
        The scan's own estimate; None where k2' was given.
    distance
        Of that from what others tell, in standard errors of the difference; None where they are not combined.
    n_regions
        Regions that tell it; 0 where k2' was given.
    """

    value: float
    se: float | None = None
    of_scan: float | None = None
    of_scan_se: float | None = None
    distance: float | None = None
    n_regions: int = 0


def choose_k2_prime(
    target: FloatArray,
    reference: FloatArray,
    frames: Frames,
    *,
    published: tuple[float, float] | None = None,
    onset_min: float | None = None,
    points: BoolArray | None = None,
    inverse_variance: FloatArray | None = None,
    slow: SlowTissue | None = None,
) -> ChosenEfflux:
    """Estimate k2' from all regions of a scan.

    Of all regions at once, with the step of binding in the equation, where a challenge could be taken for another k2'
    or an error is needed to weigh it against what others tell; else the median of regional fits, over all frames.

    Parameters
    ----------
    target, reference
        (n_frames, n_regions) and (n_frames,).
    frames
        Minutes from injection.
    published
        k2' as others tell it and its standard deviation, per minute.
    onset_min
        When binding may change; None where nothing happens.
    points, inverse_variance
        (n_frames,) frames of the estimate from all regions (those from t* on), and weights.
    slow
        White matter and fluid in the curves, which are taken out of them first.

    Raises
    ------
    MorbidsError
        Too few regions tell it.
    """
    target, reference = without_slow(target, reference, slow)
    if onset_min is None and published is None:
        found = estimate_k2_prime(target, reference, frames, inverse_variance=inverse_variance)
        return ChosenEfflux(found.k2_prime, of_scan=found.k2_prime, n_regions=int(found.used.sum()))
    own = estimate_shared_k2_prime(
        target,
        reference,
        frames,
        onset_min=onset_min,
        points=points,
        inverse_variance=inverse_variance,
    )
    if published is None:
        return ChosenEfflux(own.k2_prime, own.se, own.k2_prime, own.se, n_regions=own.n_regions)
    both = combine_k2_prime(own, *published)
    return ChosenEfflux(
        both.k2_prime, both.se, own.k2_prime, own.se, both.disagreement, n_regions=own.n_regions
    )
