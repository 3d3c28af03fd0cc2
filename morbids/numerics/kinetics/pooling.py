"""k2' of a group from the estimates of its scans: a mean, and how much scans truly differ about it."""

from typing import NamedTuple

import numpy as np

from morbids.numerics.arrays import FloatArray


class PooledEfflux(NamedTuple):
    """k2' of a group per minute.

    Attributes
    ----------
    mean, se
        Of the group, and its standard error.
    spread
        Standard deviation between scans, beyond the errors of their estimates.
    """

    mean: float
    se: float
    spread: float

    @property
    def published(self) -> tuple[float, float]:
        """What the group says of one more scan: a value and its standard deviation."""
        return self.mean, float(np.hypot(self.se, self.spread))


def pool_k2_prime(estimates: FloatArray, errors: FloatArray) -> PooledEfflux:
    """Random-effects mean of the scans (DerSimonian & Laird 1986, Control Clin Trials 7:177).

    Parameters
    ----------
    estimates, errors
        (n_scans,) k2' of every scan alone and its standard error, per minute; at least two scans.
    """
    weight = 1.0 / errors**2
    common = float(weight @ estimates / weight.sum())
    excess = float(weight @ (estimates - common) ** 2) - (len(estimates) - 1)
    variance = max(excess / float(weight.sum() - (weight**2).sum() / weight.sum()), 0.0)
    both = 1.0 / (errors**2 + variance)
    return PooledEfflux(
        float(both @ estimates / both.sum()), float(both.sum() ** -0.5), float(np.sqrt(variance))
    )
