"""Figures of two scans of the same people."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.agreement import Occupancy
from morbids.reports.figures.style import HALF_WIDTH_IN, MUTED, PALETTE, new_figure, styled


@styled()
def draw_lassen(
    reference: FloatArray, displaced: FloatArray, lines: Sequence[Occupancy | None], names: tuple[str, str]
) -> Figure:
    """Lassen plot: what is displaced over what there was, (n_participants, n_regions), and each participant's line.

    The slope of a line is the occupancy; participants without one have points only.
    """
    figure = new_figure(HALF_WIDTH_IN, 3.9)
    axes = figure.add_subplot()
    for person, (x, y, line) in enumerate(zip(reference, displaced, lines, strict=True)):
        colour = PALETTE[person % len(PALETTE)]
        axes.plot(x, y, "o", color=colour, markersize=4.5, alpha=0.7, mew=0)
        known = x[np.isfinite(x)]
        if line is not None and len(known):
            ends = np.array([min(line.nondisplaceable, known.min()), known.max()])
            axes.plot(ends, line.percent / 100 * (ends - line.nondisplaceable), color=colour, linewidth=1.0)
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.grid(visible=True, axis="both")
    axes.set_xlabel(names[0])
    axes.set_ylabel(f"{names[0]} − {names[1]}")
    return figure
