"""Tissue with plasma input, integrated by scipy's ODE solver: shares no code with the fits or their integrals."""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.integrate import solve_ivp

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames

# A scan that is dense where a bolus passes: 90 min.
DURATION = np.array([10 / 60] * 6 + [0.5] * 4 + [1.0] * 3 + [2.0] * 4 + [5.0] * 15)
SCAN = Frames(np.cumsum(DURATION) - DURATION, DURATION)
# When a laboratory takes blood, minutes (as in OpenNeuro ds004868): by hand.
BY_HAND = np.array([0.1, 0.4, 0.65, 0.9, 1.15, 1.4, 1.65, 1.9, 2.2, 2.5, 3, 5, 10, 15, 30, 45, 60, 75, 90.5])
Curve = Callable[[float], float]


def plasma(time_min: float) -> float:
    """Feng's input with its peak near 1.2 min (1993, Int J Biomed Comput 32:95), kBq/mL."""
    t = time_min - 0.5
    if t <= 0:
        return 0.0
    fast = (450.0 * t - 14.0 - 9.0) * np.exp(-4.1 * t)
    return float(fast + 14.0 * np.exp(-0.12 * t) + 9.0 * np.exp(-0.0104 * t))


def parent_share(time_min: float) -> float:
    """A Hill curve from 0.98 to 0.29."""
    t = max(time_min, 0.0)
    return float(0.98 * (1.0 - 0.7 * t**1.5 / (20.0**1.5 + t**1.5)))


def whole_blood(time_min: float) -> float:
    """Red cells take up a little less than plasma, and more later."""
    return float(plasma(time_min) * (0.7 + 0.2 * (1.0 - np.exp(-time_min / 30.0))))


def tissue(
    rates: Mapping[str, float],
    frames: Frames = SCAN,
    *,
    blood_volume: float = 0.0,
    later_min: float = 0.0,
    parent: Curve = lambda t: plasma(t) * parent_share(t),
    blood: Curve = whole_blood,
) -> FloatArray:
    """Frame means (n_frames,) of tissue that blood reaches `later_min` after it reaches the artery."""
    k1, k2, k3, k4 = (rates.get(name, 0.0) for name in ("K1", "k2", "k3", "k4"))

    def slope(t: float, state: FloatArray) -> list[float]:
        free, bound = state[:2]
        binding = k3 * free - k4 * bound
        arrived = parent(t - later_min)
        mixed = (1 - blood_volume) * (free + bound) + blood_volume * blood(t - later_min)
        return [k1 * arrived - k2 * free - binding, binding, mixed]

    edges = np.append(frames.start_min, frames.end_min[-1])
    solved = solve_ivp(
        slope, (0.0, edges[-1]), np.zeros(3), t_eval=edges[edges >= 0], rtol=1e-8, atol=1e-10, max_step=0.1
    )
    return np.asarray(np.diff(solved.y[2]) / frames.duration_min)
