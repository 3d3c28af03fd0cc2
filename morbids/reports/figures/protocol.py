"""What a protocol can see: tables of simulated answers as coloured grids."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from morbids.numerics.arrays import FloatArray
from morbids.reports.figures.style import FULL_WIDTH_IN, GRID, INK, MUTED, PALETTE, new_figure, styled


class Grid(NamedTuple):
    """A coloured table.

    Attributes
    ----------
    title
        The quantity with its unit.
    values
        (n_rows, n_columns); NaN is left white.
    rows, columns
        Names of the grid's lines.
    row_label, column_label
        What they vary.
    right
        The value that means "nothing wrong" and is drawn white: 0 for a bias, 100 for a share recovered (%).
    reach
        Distance from `right` at which the colours end.
    """

    title: str
    values: FloatArray
    rows: Sequence[str]
    columns: Sequence[str]
    row_label: str
    column_label: str
    right: float
    reach: float


class Reading(NamedTuple):
    """What one region reads, in percent of its baseline.

    Attributes
    ----------
    name
        The region.
    null_low, null_high
        Range of what can be read without a release.
    change, standard_error
        What was read.
    """

    name: str
    null_low: float
    null_high: float
    change: float
    standard_error: float


@styled()
def draw_readings(readings: Sequence[Reading]) -> Figure:
    """A row per region: the range of readings that need no release as a bar, the measured change with its error."""
    figure = new_figure(FULL_WIDTH_IN, 1.2 + 0.26 * max(len(readings), 3))
    readings_on(figure.subplots(), readings)
    return figure


def readings_on(axes: Axes, readings: Sequence[Reading]) -> None:
    """The same on axes of another figure."""
    rows = np.arange(len(readings))
    low, high, change, error = np.array([reading[1:] for reading in readings], dtype=float).T
    axes.barh(rows, high - low, left=low, height=0.6, color=GRID, label="can occur without any release")
    axes.errorbar(change, rows, xerr=error, fmt="o", color=PALETTE[0], label="measured, ± 1 standard error")
    axes.axvline(0.0, color=MUTED, linewidth=0.8)
    axes.set_yticks(rows, labels=[reading.name for reading in readings])
    axes.set_ylim(len(readings) - 0.4, -0.6)
    axes.set_xlabel("baseline minus challenge (% of baseline)")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)


@styled()
def draw_protocol(grids: Sequence[Grid]) -> Figure:
    """Grids side by side with their numbers written in; the farther from right, the stronger the colour."""
    tallest = max(len(grid.rows) for grid in grids)
    figure = new_figure(FULL_WIDTH_IN, 1.5 + 0.4 * tallest)
    widths = [len(grid.columns) + 2 for grid in grids]
    panels = figure.subplots(1, len(grids), squeeze=False, width_ratios=widths)
    for axes, grid in zip(panels[0], grids, strict=True):
        _draw_grid(axes, grid)
    return figure


def _draw_grid(axes: Axes, grid: Grid) -> None:
    norm = Normalize(grid.right - grid.reach, grid.right + grid.reach, clip=True)
    colours = colormaps["PuOr_r"].with_extremes(bad="white")
    axes.imshow(
        np.ma.masked_invalid(grid.values), cmap=colours, norm=norm, aspect="auto", interpolation="nearest"
    )
    for (row, column), value in np.ndenumerate(grid.values):
        if not np.isfinite(value):
            continue
        strength = abs(value - grid.right) / grid.reach
        axes.text(
            column,
            row,
            f"{value:.0f}" if abs(value) >= 10 else f"{value:.1f}".replace("-", "−"),
            ha="center",
            va="center",
            fontsize=8.5,
            color="white" if strength > 0.75 else INK,
        )
    axes.set_xticks(range(len(grid.columns)), labels=list(grid.columns))
    axes.set_yticks(range(len(grid.rows)), labels=list(grid.rows))
    axes.set_xlabel(grid.column_label)
    axes.set_ylabel(grid.row_label)
    axes.set_title(grid.title)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0)
