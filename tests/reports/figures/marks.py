"""What a drawn line holds, as numbers."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from morbids.numerics.arrays import FloatArray


def xs(line: Line2D) -> FloatArray:
    """Horizontal coordinates of a line's points."""
    return np.ravel(np.asarray(line.get_xdata(), dtype=float))


def ys(line: Line2D) -> FloatArray:
    """Vertical coordinates of a line's points."""
    return np.ravel(np.asarray(line.get_ydata(), dtype=float))


def texts(axes: Axes) -> set[str]:
    """All texts within the axes."""
    return {text.get_text() for text in axes.texts}


def named_line(axes: Axes, name: str) -> Line2D:
    """The line with this label."""
    return next(line for line in axes.lines if line.get_label() == name)
