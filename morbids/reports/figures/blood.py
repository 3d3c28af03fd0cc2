"""The input function: samples of blood and the curves that models are driven by."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.input_function import InputFunction
from morbids.numerics.kinetics.plasma import Samples
from morbids.reports.figures.style import FULL_WIDTH_IN, PALETTE, new_figure, styled

# The bolus has an axis of its own, minutes.
EARLY_MIN = 5.0
PARENT_COLOUR, BLOOD_COLOUR, PLASMA_COLOUR = PALETTE[0], PALETTE[1], PALETTE[2]


@styled()
def draw_input(shown: InputFunction, end_min: float, *, unit: str = "kBq/mL") -> Figure:
    """Samples (points) and curves (lines): the first minutes, all of the scan on a log scale, and the parent fraction.

    Parameters
    ----------
    shown
        On the clock of the tissue: samples are moved with the curves.
    end_min
        End of the scan, minutes from injection.
    unit
        Of the radioactivity.
    """
    figure = new_figure(FULL_WIDTH_IN, 3.6)
    early, whole, fraction = figure.subplots(1, 3)
    later_min = shown.delay.seconds / 60
    for axes, until_min in ((early, min(EARLY_MIN, end_min)), (whole, end_min)):
        _draw_activity(axes, shown, until_min, later_min)
        axes.set_xlabel("minutes from injection")
    early.set_ylabel(f"activity ({unit})")
    early.set_ylim(bottom=0)
    whole.set_yscale("log")
    largest = float(max(shown.plasma.whole_blood.max(), shown.plasma.parent.max()))
    whole.set_ylim(largest / 1e3, 1.5 * largest)
    whole.legend(fontsize=8, loc="upper right")
    time = np.linspace(0.0, end_min, 200)
    fraction.plot(time, shown.parent.at(time - later_min), color=PARENT_COLOUR)
    if shown.blood.parent is not None and shown.parent.rule != "none":
        _dots(fraction, shown.blood.parent, later_min, PARENT_COLOUR)
    fraction.set_ylim(0, 1.04)
    fraction.set_xlim(0, end_min)
    fraction.set_ylabel(f"parent fraction ({shown.parent.rule})")
    fraction.set_xlabel("minutes from injection")
    return figure


def _draw_activity(axes: Axes, shown: InputFunction, until_min: float, later_min: float) -> None:
    curves: Sequence[tuple[str, FloatArray, str]] = (
        ("whole blood", shown.plasma.whole_blood, BLOOD_COLOUR),
        ("parent in plasma", shown.plasma.parent, PARENT_COLOUR),
    )
    for name, curve, colour in curves:
        axes.plot(shown.plasma.time_min, curve, color=colour, label=name, linewidth=1.6)
    _dots(axes, shown.blood.plasma, later_min, PLASMA_COLOUR, "samples of plasma")
    if shown.blood.whole_blood is not None:
        _dots(axes, shown.blood.whole_blood, later_min, BLOOD_COLOUR, "samples of whole blood")
    axes.set_xlim(min(0.0, later_min), until_min)


def _dots(axes: Axes, samples: Samples, later_min: float, colour: str, name: str = "") -> None:
    time, value = samples.arrays
    axes.plot(time + later_min, value, "o", color=colour, markersize=3.2, alpha=0.8, label=name or None)
