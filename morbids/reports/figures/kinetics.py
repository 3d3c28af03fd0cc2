"""Graphical analysis, regional estimates, and how they depend on k2'."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.reports.figures.labels import choose_evenly, label_line_ends
from morbids.reports.figures.style import FAINT, FULL_WIDTH_IN, GRID, INK, MUTED, PALETTE, new_figure, styled

# More regions than this need a second, a third column.
COLUMN_LIMITS: Final = (24, 60)
WINDOW_MARKS: Final = ("o", "s", "D", "^")


class LoganLines(NamedTuple):
    """Coordinates of a graphical analysis and the lines fitted to them.

    Attributes
    ----------
    x_min, y_min
        (n_frames, n_regions) minutes; for LoganRef (int C_R + C_R / k2') / C_T and int C_T / C_T.
    slopes, intercepts_min
        (n_windows, n_regions); NaN where no line was fitted.
    points
        (n_windows, n_frames) frames that each line was fitted to.
    """

    x_min: FloatArray
    y_min: FloatArray
    slopes: FloatArray
    intercepts_min: FloatArray
    points: BoolArray


@styled()
def draw_logan(
    lines: LoganLines, regions: Sequence[str], windows: Sequence[str], after_t_star: BoolArray
) -> Figure:
    """One panel per region (up to six): points before t* hollow, each window's points and line in its colour.

    Parameters
    ----------
    lines
        What to draw.
    regions, windows
        Names in the order of the arrays.
    after_t_star
        (n_frames,) frames whose mid-time is t* or later.
    """
    n_shown = min(len(regions), 6)
    columns = min(n_shown, 3)
    rows = -(-n_shown // columns)
    figure = new_figure(FULL_WIDTH_IN, 3.3 * rows)
    panels = figure.subplots(rows, columns, squeeze=False)
    for region, axes in enumerate(panels.flat):
        if region >= n_shown:
            axes.set_axis_off()
            continue
        _draw_logan_panel(axes, lines, region, windows, after_t_star)
        axes.set_title(regions[region])
    figure.supxlabel("∫ reference ÷ target (min), with the k₂′ term", fontsize=9.5)
    figure.supylabel("∫ target ÷ target (min)", fontsize=9.5)
    return figure


def _draw_logan_panel(
    axes: Axes, lines: LoganLines, region: int, windows: Sequence[str], after_t_star: BoolArray
) -> None:
    x, y = lines.x_min[:, region], lines.y_min[:, region]
    early = ~after_t_star
    axes.plot(x[early], y[early], "o", color=FAINT, mfc="white", markersize=5, label="before t*")
    unused = after_t_star & ~lines.points.any(axis=0)
    axes.plot(x[unused], y[unused], "o", color=FAINT, markersize=4.5)
    for window, name in enumerate(windows):
        colour, points = PALETTE[window % len(PALETTE)], lines.points[window]
        slope, intercept = lines.slopes[window, region], lines.intercepts_min[window, region]
        axes.plot(x[points], y[points], WINDOW_MARKS[window % 4], color=colour, markersize=5, mec="white")
        ends = np.array([np.nanmin(x[points], initial=np.inf), np.nanmax(x[points], initial=-np.inf)])
        if np.isfinite(slope) and np.isfinite(ends).all():
            reach = ends + np.array([-0.06, 0.06]) * np.ptp(ends)
            axes.plot(reach, slope * reach + intercept, color=colour, linewidth=1.6)
        text = f"{name}: DVR {slope:.2f}" if np.isfinite(slope) else f"{name}: not identifiable"
        axes.text(
            0.04, 0.95 - 0.09 * window, text, transform=axes.transAxes, color=colour, fontsize=8.5, va="top"
        )
    axes.grid(visible=True, axis="both")


@styled()
def draw_regional_estimates(
    values: FloatArray,
    standard_errors: FloatArray,
    regions: Sequence[str],
    windows: Sequence[str],
    *,
    label: str,
) -> Figure:
    """Estimates (n_regions, n_windows) with their standard errors, a row per region, a colour per window.

    Many regions stand in two or three columns with one scale. NaN estimates are named as not identifiable;
    estimates far beyond the others stand at the edge as numbers, so that one wild fit hides nothing.
    """
    n_regions, n_windows = values.shape
    n_columns = 1 + sum(n_regions > limit for limit in COLUMN_LIMITS)
    per_column = -(-n_regions // n_columns)
    row_in = (0.34, 0.26, 0.22)[n_columns - 1]
    figure = new_figure(FULL_WIDTH_IN, 1.3 + row_in * max(per_column, 3))
    panels = figure.subplots(1, n_columns, squeeze=False, sharex=True)[0]
    limits = _robust_limits(values)
    for column, axes in enumerate(panels):
        part = slice(column * per_column, (column + 1) * per_column)
        _draw_estimates(axes, values[part], standard_errors[part], windows, limits)
        axes.set_yticks(range(len(regions[part])), labels=list(regions[part]), fontsize=9 - n_columns)
        axes.set_ylim(per_column - 0.4, -0.6)
    figure.supxlabel(f"{label}, ± 1 standard error", fontsize=9.5)
    panels[0].legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=max(n_windows, 1))
    return figure


def _robust_limits(values: FloatArray) -> tuple[float, float]:
    """From 0 (or the lowest) to the highest estimate, or to 1.5 times the 95th percentile if that is far less."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    usual = 1.5 * float(np.percentile(np.abs(finite), 95))
    low, high = max(float(finite.min()), -usual), min(float(finite.max()), usual)
    return min(1.08 * low, 0.0), max(1.08 * high, 1e-6)


def _draw_estimates(
    axes: Axes,
    values: FloatArray,
    standard_errors: FloatArray,
    windows: Sequence[str],
    limits: tuple[float, float],
) -> None:
    n_windows = len(windows)
    axes.set_xlim(limits)
    for window, name in enumerate(windows):
        rows = np.arange(len(values)) + (window - (n_windows - 1) / 2) * min(0.26, 0.7 / n_windows)
        colour = PALETTE[window % len(PALETTE)]
        axes.errorbar(
            values[:, window],
            rows,
            xerr=np.nan_to_num(standard_errors[:, window]),
            fmt=WINDOW_MARKS[window % 4],
            color=colour,
            markersize=5.0,
            elinewidth=1.4,
            label=name,
        )
        for row, value in zip(rows, values[:, window], strict=True):
            if value > limits[1]:
                axes.text(
                    limits[1], row, f"{value:.3g} → ", color=colour, fontsize=7.5, va="center", ha="right"
                )
            elif value < limits[0]:
                axes.text(limits[0], row, f" ← {value:.3g}", color=colour, fontsize=7.5, va="center")
    for row in np.flatnonzero(~np.isfinite(values).any(axis=1)):
        axes.text(0, float(row), " not identifiable", color=MUTED, fontsize=8, va="center")
    axes.grid(visible=True, axis="both")
    axes.axvline(0, color=MUTED, linewidth=0.8)


@styled()
def draw_sensitivity(
    assumed: FloatArray,
    estimates: FloatArray,
    regions: Sequence[str],
    chosen: float,
    *,
    assumed_label: str,
    label: str = "$BP_{ND}$",
) -> Figure:
    """How estimates depend on a value that was assumed, such as k2' or t*.

    Parameters
    ----------
    assumed
        (n_values,) rising.
    estimates
        (n_values, n_regions); NaN where not identifiable. Eight regions from low to high are drawn.
    regions
        Their names.
    chosen
        The value that was used; a dashed line marks it.
    assumed_label, label
        Quantity and unit of the two axes.
    """
    figure = new_figure(FULL_WIDTH_IN, 3.6)
    axes = figure.add_subplot()
    ends = estimates[-1]
    shown = choose_evenly(ends, len(PALETTE))
    for index, colour in zip(shown, PALETTE, strict=False):
        axes.plot(assumed, estimates[:, index], color=colour)
    axes.axvline(chosen, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.set_xlim(float(assumed.min()), float(assumed.max()))
    axes.annotate(
        f"used: {chosen:.4g}",
        (chosen, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        fontsize=8.5,
        color=INK,
    )
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.grid(visible=True, axis="both", color=GRID)
    axes.set_xlabel(assumed_label)
    axes.set_ylabel(label)
    names = [regions[index] for index in shown]
    label_line_ends(axes, float(assumed.max()), ends[shown], names, PALETTE[: len(shown)], gap_share=0.08)
    return figure
