"""What a picture of slices shows."""

import numpy as np
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure


def contours(figure: Figure) -> list[QuadContourSet]:
    return [item for item in figure.axes[0].collections if isinstance(item, QuadContourSet)]


def key_names(figure: Figure) -> list[str]:
    legend = figure.axes[1].get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def slice_names(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def overlay(figure: Figure) -> np.ndarray:
    return np.asarray(figure.axes[0].images[-1].get_array())


def bar_limits(figure: Figure) -> tuple[float, float]:
    low, high = figure.axes[2].get_xlim()
    return low, high
