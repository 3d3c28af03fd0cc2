"""One picture of a scan: where it lies, how the head moved, its curves, and what its regions read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from morbids.numerics.frames import Frames
from morbids.reports.figures.curves import Curves, curves_on
from morbids.reports.figures.mosaics import Outline, Overlay, Picture, mosaic_on
from morbids.reports.figures.motion import MotionTrace, displacement_on
from morbids.reports.figures.pet import UPTAKE_COLOURS, bright_of
from morbids.reports.figures.protocol import Reading, readings_on
from morbids.reports.figures.slices import Cut, lay_out, load_volume, mask_bounds, sample
from morbids.reports.figures.style import (
    FILM,
    FULL_WIDTH_IN,
    MUTED,
    Span,
    bare,
    new_figure,
    shade_spans,
    styled,
)

MARGIN_MM: Final = 6.0
BRAIN_COLOUR: Final = "#FFFFFF"


class Overview(NamedTuple):
    """What the picture is made of.

    Attributes
    ----------
    pet, brain_mask
        PET reference in the T1w's world space, and the T1w's brain.
    motion
        None where it is not known.
    readings
        Change of each region beside what needs no release; empty for scans without a challenge.
    """

    pet: Path
    brain_mask: Path
    frames: Frames
    spans: Sequence[Span]
    motion: MotionTrace | None
    curves: Curves
    highlighted: Sequence[str]
    unit: str
    readings: Sequence[Reading] = ()


@styled()
def draw_overview(overview: Overview) -> Figure:
    """Four panels; the last is left out for a scan without a challenge."""
    figure = new_figure(FULL_WIDTH_IN, 6.4)
    grid = figure.add_gridspec(2, 2, width_ratios=(1.5, 1), height_ratios=(1, 1.35))
    _draw_pet(figure.add_subplot(grid[0, 0]), overview)
    _draw_motion(figure.add_subplot(grid[0, 1]), overview)
    curves = figure.add_subplot(grid[1, 0] if overview.readings else grid[1, :])
    curves_on(curves, overview.frames, overview.curves, overview.highlighted)
    curves.set_ylabel(f"activity ({overview.unit})")
    shade_spans(curves, overview.spans)
    if overview.readings:
        changes = figure.add_subplot(grid[1, 1])
        readings_on(changes, overview.readings)
        # Half a figure has no room for it; the caption says what is grey.
        changes.legend_ = None
    return figure


def _draw_pet(axes: Axes, overview: Overview) -> None:
    """Three planes through the middle of the brain."""
    mask = load_volume(overview.brain_mask)
    bounds = mask_bounds(mask, MARGIN_MM)
    x, y, z = (bounds.low_mm + bounds.high_mm) / 2
    cuts = [Cut("axial", float(z)), Cut("coronal", float(y)), Cut("sagittal", float(x))]
    mosaic = lay_out(bounds, [cuts], justified=False)
    uptake = sample(mosaic, load_volume(overview.pet))
    overlay = Overlay(uptake, UPTAKE_COLOURS, 0.0, bright_of(uptake), "")
    outline = Outline(sample(mosaic, mask), BRAIN_COLOUR, "", width_pt=1.0)
    mosaic_on(axes, Picture(mosaic, None, overlay, (outline,)))
    axes.set_aspect("equal")
    axes.add_patch(_film(axes))
    axes.set_title("PET with the T1w's brain", color=MUTED)


def _film(axes: Axes) -> Rectangle:
    """Black behind the slices."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    return Rectangle((left, top), right - left, bottom - top, color=FILM, zorder=-1)


def _draw_motion(axes: Axes, overview: Overview) -> None:
    if overview.motion is None:
        bare(axes)
        axes.text(0.5, 0.5, "head motion is not known", ha="center", color=MUTED, transform=axes.transAxes)
        return
    displacement_on(axes, overview.frames, overview.motion, legend=False)
    axes.set_xlim(0, float(overview.frames.end_min[-1]))
    axes.set_xlabel("minutes from injection")
    shade_spans(axes, overview.spans)
