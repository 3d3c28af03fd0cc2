"""Regional time-activity curves, and what models made of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.reports.figures.labels import choose_evenly, label_line_ends
from morbids.reports.figures.style import (
    FAINT,
    FULL_WIDTH_IN,
    INK,
    MUTED,
    PALETTE,
    Span,
    new_figure,
    shade_spans,
    styled,
)


@styled()
def draw_curves(
    frames: Frames,
    curves: FloatArray,
    names: Sequence[str],
    reference: FloatArray,
    *,
    spans: Sequence[Span] = (),
    highlighted: Sequence[str] = (),
    unit: str = "kBq/mL",
    reference_name: str = "reference",
) -> Figure:
    """Curves (n_frames, n_regions) with the reference curve (n_frames,) in black and windows shaded.

    With more than eight regions only `highlighted` ones (eight from low to high when empty) get a colour and
    a name; the others are drawn thin and grey, to show the spread.
    """
    figure = new_figure(FULL_WIDTH_IN, 4.6)
    axes = figure.add_subplot()
    curves_on(axes, frames, Curves(curves, names, reference, reference_name), highlighted)
    axes.set_ylabel(f"activity ({unit})")
    shade_spans(axes, spans)
    return figure


class Curves(NamedTuple):
    """Curves (n_frames, n_regions) of named regions, and that of the reference region (n_frames,)."""

    values: FloatArray
    names: Sequence[str]
    reference: FloatArray
    reference_name: str = "reference"


def curves_on(axes: Axes, frames: Frames, shown: Curves, highlighted: Sequence[str] = ()) -> None:
    """The same on axes of another figure, without unit and windows."""
    curves, names, reference, reference_name = shown
    middle = np.asarray(frames.mid_min)
    named = [names.index(name) for name in highlighted if name in names][: len(PALETTE)]
    named = named or choose_evenly(curves[-1], len(PALETTE))
    rest = [index for index in range(len(names)) if index not in named]
    axes.plot(middle, curves[:, rest], color=FAINT, linewidth=0.7, alpha=0.7)
    for index, colour in zip(named, PALETTE, strict=False):
        axes.plot(middle, curves[:, index], "o-", color=colour, markersize=3.2, label=names[index])
    axes.plot(middle, reference, "o-", color=INK, markersize=3.2, linewidth=2.4, label=reference_name)
    finite = [values[np.isfinite(values)] for values in (curves, reference)]
    top = max((float(values.max()) for values in finite if values.size), default=1.0)
    axes.set_ylim(0, 1.06 * top)
    axes.set_xlim(min(0.0, float(frames.start_min[0])), float(frames.end_min[-1]))
    axes.set_xlabel("minutes from injection")
    ends = np.array([*curves[-1, named], reference[-1]])
    labels = [*(names[index] for index in named), reference_name]
    label_line_ends(axes, middle[-1], ends, labels, [*PALETTE[: len(named)], INK])
    if rest:
        others = f"grey: {len(rest)} other regions"
        axes.text(
            0.995, 0.985, others, transform=axes.transAxes, ha="right", va="top", fontsize=8, color=MUTED
        )


@styled()
def draw_fits(
    frames: Frames,
    measured: FloatArray,
    fitted: FloatArray,
    names: Sequence[str],
    *,
    unit: str = "kBq/mL",
) -> Figure:
    """Measured points and fitted curves (n_frames, n_regions) above their residuals, for up to eight regions.

    `fitted` is NaN for frames that the fit did not use.
    """
    figure = new_figure(FULL_WIDTH_IN, 5.6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    middle = np.asarray(frames.mid_min)
    shown = min(len(names), len(PALETTE))
    for index in range(shown):
        colour = PALETTE[index]
        upper.plot(middle, measured[:, index], "o", color=colour, markersize=4, alpha=0.75)
        upper.plot(middle, fitted[:, index], color=colour, label=names[index])
        lower.plot(
            middle, measured[:, index] - fitted[:, index], "o-", color=colour, markersize=3, linewidth=0.9
        )
    upper.set_ylim(0, 1.06 * float(np.nanmax(measured[:, :shown])))
    upper.set_ylabel(f"activity ({unit})")
    lower.set_ylabel(f"residual\n({unit})")
    lower.axhline(0, color=MUTED, linewidth=0.8)
    lower.set_xlabel("minutes from injection")
    lower.set_xlim(min(0.0, float(frames.start_min[0])), float(frames.end_min[-1]))
    _balance(lower)
    label_line_ends(upper, middle[-1], measured[-1, :shown], names[:shown], PALETTE[:shown], gap_share=0.075)
    return figure


def _balance(axes: Axes) -> None:
    largest = max(abs(value) for value in axes.get_ylim())
    axes.set_ylim(-largest, largest)
