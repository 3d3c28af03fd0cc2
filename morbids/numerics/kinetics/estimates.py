"""What models estimate: parameters by their BIDS names, standard errors, intervals, and what is believable."""

from collections.abc import Mapping
from typing import NamedTuple

from scipy import special

from morbids.numerics.arrays import FloatArray

# Smallest and largest believable value, by BIDS name of the parameter.
FitBounds = Mapping[str, tuple[float, float]]

# BIDS names of the parameters, by the field that holds them.
PARAMETER_NAMES: Mapping[str, str] = {
    "bp_nd": "BPND",
    "dvr": "DVR",
    "r1": "R1",
    "k2": "k2",
    "k2_prime": "k2prime",
    "ki": "Ki",
    "suvr": "SUVR",
    "intercept": "intercept",
    "bp_nd_after": "BPNDafter",
    "change_percent": "BPNDchange",
    "amplitude": "gamma",
    "onset_min": "onset",
    "peak_min": "peak",
    "f_statistic": "F",
    "p_value": "p",
    "r_squared": "R2",
    "vt": "VT",
    "k1": "K1",
    "k3": "k3",
    "k4": "k4",
    "blood_volume": "vB",
}
# Beyond these a fit has run away. BP_ND may fall below zero: noise about zero has two sides, and a map that
# kept only one of them would be biased wherever there is no binding.
DEFAULT_BOUNDS: FitBounds = {"BPND": (-0.8, 8.0), "R1": (0.0, 3.0), "k2": (0.0, 1.0)}
# With plasma input: beyond any tracer's distribution volume and any tissue's perfusion, mL per mL (and minute).
PLASMA_BOUNDS: FitBounds = {"VT": (0.0, 200.0), "K1": (0.0, 5.0), "Ki": (-1.0, 5.0)}
# Part of the distribution that intervals hold.
INTERVAL = 0.95


class Estimates(NamedTuple):
    """Results of a model by BIDS parameter name.

    Attributes
    ----------
    parameters, standard_errors
        (n_targets,) per name; NaN where the fit failed. R2 has no standard error.
    n_failed
        Targets whose main parameter is NaN.
    degrees
        (n_targets,) degrees of freedom of the standard errors.
    """

    parameters: dict[str, FloatArray]
    standard_errors: dict[str, FloatArray]
    n_failed: int
    degrees: FloatArray

    def columns(self) -> dict[str, FloatArray]:
        """Columns of a kinpar table: each parameter, its standard error, and the ends of its 95 % interval.

        They are named `<parameter>-se`, `<parameter>-low` and `<parameter>-high`; `df` comes last.
        """
        columns = {}
        for name, values in self.parameters.items():
            columns[name] = values
            if name in self.standard_errors:
                error = self.standard_errors[name]
                reach = error * special.stdtrit(self.degrees, 0.5 + INTERVAL / 2)
                columns |= {
                    f"{name}-se": error,
                    f"{name}-low": values - reach,
                    f"{name}-high": values + reach,
                }
        return columns | {"df": self.degrees}
