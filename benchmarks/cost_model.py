"""What grows with the number of scans, as a straight line: fixed and per scan, and what that says of ten thousand."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

MANY = 10_000


class Line(NamedTuple):
    """Cost of n scans: `fixed + n * per_scan`.

    Attributes
    ----------
    worst_percent
        How far the measurement that fits least is from the line, in percent of what was measured.
    """

    fixed: float
    per_scan: float
    worst_percent: float

    def at(self, n_scans: int) -> float:
        """Cost of so many scans."""
        return self.fixed + n_scans * self.per_scan


def fit_line(numbers: Sequence[int], totals: Sequence[float]) -> Line:
    """Fit by least squares of relative residuals; neither part is negative.

    Absolute residuals would leave the fixed part to the noise of the largest number of scans.

    Parameters
    ----------
    numbers, totals
        Scans of each run, two different ones at least, and what the whole run took: above zero, or zero in all.
    """
    n, total = np.asarray(numbers, dtype=float), np.asarray(totals, dtype=float)
    if not total.any():
        return Line(0.0, 0.0, 0.0)
    (fixed, per_scan), _ = nnls(np.column_stack([1 / total, n / total]), np.ones(len(n)))
    residuals = (fixed + per_scan * n) / total - 1
    return Line(float(fixed), float(per_scan), float(100 * np.abs(residuals).max()))


def model_figures(name: str, numbers: Sequence[int], totals: Sequence[float]) -> dict[str, float]:
    """The line of one quantity as figures of a benchmark."""
    line = fit_line(numbers, totals)
    return {
        f"model_{name}_fixed": line.fixed,
        f"model_{name}_per_scan": line.per_scan,
        f"model_{name}_worst_percent": line.worst_percent,
        f"model_{name}_at_{MANY}": line.at(MANY),
    }
