"""Head motion over a scan."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames
from morbids.reports.figures.style import (
    FLAGGED,
    FULL_WIDTH_IN,
    INK,
    MUTED,
    PALETTE,
    Span,
    new_figure,
    shade_spans,
    styled,
)


class MotionTrace(NamedTuple):
    """The head's position in each frame, relative to the PET reference.

    Attributes
    ----------
    translations_mm
        (n_frames, 3) right, front, up; NaN where no estimate exists.
    rotations_deg
        (n_frames, 3) about the same axes.
    framewise_displacement_mm
        (n_frames,) from the frame before; NaN for the first.
    borrowed
        (n_frames,) frames too short or too faint, which took the estimate of another.
    flagged
        (n_frames,) frames whose estimate is implausible.
    """

    translations_mm: FloatArray
    rotations_deg: FloatArray
    framewise_displacement_mm: FloatArray
    borrowed: BoolArray
    flagged: BoolArray


@styled()
def draw_motion(frames: Frames, trace: MotionTrace, spans: Sequence[Span] = ()) -> Figure:
    """Translations, rotations and framewise displacement over minutes from injection.

    Hollow marks are frames that borrowed their estimate, crosses those that were flagged; spans are windows.
    """
    figure = new_figure(FULL_WIDTH_IN, 6.2)
    axes = figure.subplots(3, 1, sharex=True)
    middle = np.asarray(frames.mid_min)
    _draw_parameters(axes[0], middle, trace.translations_mm, trace, ("left–right", "back–front", "down–up"))
    axes[0].set_ylabel("translation (mm)")
    _draw_parameters(axes[1], middle, trace.rotations_deg, trace, ("nod (x)", "tilt (y)", "turn (z)"))
    axes[1].set_ylabel("rotation (°)")
    displacement_on(axes[2], frames, trace)
    axes[2].set_xlabel("minutes from injection")
    axes[2].set_xlim(min(0.0, float(frames.start_min[0])), float(frames.end_min[-1]))
    for index, panel in enumerate(axes):
        shade_spans(panel, spans, label=index == 0)
    return figure


def _draw_parameters(
    axes: Axes, middle: FloatArray, values: FloatArray, trace: MotionTrace, names: Sequence[str]
) -> None:
    largest = float(np.nanmax(np.abs(values), initial=0.5))
    axes.set_ylim(-1.15 * largest, 1.15 * largest)
    axes.axhline(0, color=MUTED, linewidth=0.8)
    for values_of_axis, colour, name in zip(values.T, PALETTE, names, strict=False):
        axes.plot(middle, values_of_axis, color=colour, label=name, linewidth=1.5)
        own = ~trace.borrowed & ~trace.flagged
        axes.plot(middle[own], values_of_axis[own], "o", color=colour, markersize=3.5)
        axes.plot(
            middle[trace.borrowed],
            values_of_axis[trace.borrowed],
            "o",
            color=colour,
            markersize=4,
            mfc="white",
        )
        axes.plot(
            middle[trace.flagged],
            values_of_axis[trace.flagged],
            "X",
            color=FLAGGED,
            markersize=7,
            mec="white",
        )
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def displacement_on(axes: Axes, frames: Frames, trace: MotionTrace, *, legend: bool = True) -> None:
    """Framewise displacement as bars, those of flagged frames in their colour."""
    displacement = trace.framewise_displacement_mm
    axes.bar(
        frames.start_min,
        np.nan_to_num(displacement),
        width=np.asarray(frames.duration_min) * 0.94,
        align="edge",
        color=[FLAGGED if flagged else PALETTE[5] for flagged in trace.flagged],
    )
    axes.set_ylabel("framewise\ndisplacement (mm)")
    axes.set_ylim(0, 1.2 * float(np.nanmax(displacement, initial=0.5)))
    if not legend:
        return
    handles = [
        axes.plot([], [], "o", color=INK, markersize=4, label="estimated")[0],
        axes.plot([], [], "o", color=INK, mfc="white", markersize=4.5, label="borrowed")[0],
        axes.plot([], [], "X", color=FLAGGED, markersize=7, mec="white", label="flagged")[0],
    ]
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1.0, 0.5))
