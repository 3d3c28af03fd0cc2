"""A picture of slices: an underlay, colours over it, outlines, and a key with names and units."""

from typing import Final, Literal, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from morbids.numerics.arrays import FloatArray
from morbids.reports.figures.slices import Mosaic
from morbids.reports.figures.style import (
    FILM,
    FILM_INK,
    FULL_WIDTH_IN,
    INK,
    MUTED,
    PAPER,
    bare,
    new_figure,
    styled,
)

Backdrop = Literal["film", "paper"]

_KEY_IN: Final = 0.52
# What fits under a colour bar with five-digit numbers.
_MOST_TICKS: Final = 4


class Outline(NamedTuple):
    """A line drawn where a canvas crosses `level`.

    Attributes
    ----------
    canvas
        (rows, columns), from `slices.sample`.
    colour, name
        How it is drawn, and what the key calls it ("" leaves it out of the key).
    level
        0.5 for masks.
    """

    canvas: FloatArray
    colour: str
    name: str
    level: float = 0.5
    width_pt: float = 0.8


class Overlay(NamedTuple):
    """Colours over the underlay.

    Attributes
    ----------
    canvas
        (rows, columns); NaN is transparent.
    colours
        A colour map.
    low, high
        Values at the ends of the colour bar.
    label
        Quantity and unit, beside the colour bar.
    opacity
        (rows, columns) in 0-1, or one number.
    marks
        Values marked on the colour bar, such as thresholds.
    """

    canvas: FloatArray
    colours: Colormap
    low: float
    high: float
    label: str
    opacity: FloatArray | float = 1.0
    low_name: str = ""
    high_name: str = ""
    marks: tuple[float, ...] = ()


class Picture(NamedTuple):
    """Everything that a mosaic shows.

    Attributes
    ----------
    mosaic
        Where the slices are.
    underlay
        (rows, columns) grey values, or None.
    overlay, outlines
        Drawn above it in this order.
    backdrop
        "film" is black, for whole heads; "paper" white, for brains alone.
    """

    mosaic: Mosaic
    underlay: FloatArray | None
    overlay: Overlay | None = None
    outlines: tuple[Outline, ...] = ()
    backdrop: Backdrop = "film"
    title: str = ""


def grey_levels(canvas: FloatArray, within: FloatArray | None = None) -> FloatArray:
    """Scale a canvas to 0-1 between its 1st and 99.5th percentile (of the pixels where `within` > 0)."""
    inside = np.isfinite(canvas) if within is None else np.isfinite(canvas) & (within > 0)
    if not inside.any():
        return np.zeros_like(canvas)
    low, high = np.percentile(canvas[inside], (1, 99.5))
    floor = min(float(low), 0.0)
    return np.asarray(np.clip((canvas - floor) / max(float(high) - floor, 1e-12), 0, 1))


@styled()
def draw_mosaic(picture: Picture) -> Figure:
    """Draw the picture with its key underneath."""
    rows, columns = picture.mosaic.shape
    picture_in = FULL_WIDTH_IN * rows / columns
    keyed = bool(picture.overlay or picture.title or any(outline.name for outline in picture.outlines))
    key_in = _KEY_IN if keyed else 0.0
    figure = new_figure(FULL_WIDTH_IN, picture_in + key_in, constrained=False)
    figure.set_facecolor(FILM if picture.backdrop == "film" else PAPER)
    share = picture_in / (picture_in + key_in)
    axes = figure.add_axes((0.0, 1 - share, 1.0, share))
    mosaic_on(axes, picture)
    if keyed:
        _draw_key(figure, picture, 1 - share)
    return figure


def mosaic_on(axes: Axes, picture: Picture) -> None:
    """Draw the slices without their key."""
    rows, columns = picture.mosaic.shape
    bare(axes)
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    _draw_layers(axes, picture)
    _name_slices(axes, picture)


def _draw_layers(axes: Axes, picture: Picture) -> None:
    rows, columns = picture.mosaic.shape
    extent = (0.0, float(columns), float(rows), 0.0)
    if picture.underlay is not None:
        greys = _rgba(picture.underlay, Normalize(0, 1), colormaps["gray"])
        axes.imshow(greys, extent=extent, interpolation="bilinear")
    if picture.overlay is not None:
        overlay = picture.overlay
        tints = _rgba(overlay.canvas, Normalize(overlay.low, overlay.high, clip=True), overlay.colours)
        tints[..., 3] *= overlay.opacity
        axes.imshow(tints, extent=extent, interpolation="nearest")
    for outline in picture.outlines:
        values = np.nan_to_num(outline.canvas)
        if values.min() < outline.level < values.max():
            axes.contour(
                np.arange(columns) + 0.5,
                np.arange(rows) + 0.5,
                values,
                levels=[outline.level],
                colors=[outline.colour],
                linewidths=outline.width_pt,
            )


def _rgba(canvas: FloatArray, norm: Normalize, colours: Colormap) -> FloatArray:
    """Colours (rows, columns, 4) of a canvas; NaN is transparent."""
    tints = np.asarray(colours(norm(np.nan_to_num(canvas))), dtype=float)
    tints[..., 3] = np.isfinite(canvas)
    return tints


def _name_slices(axes: Axes, picture: Picture) -> None:
    """Write each slice's position (mm) in its lower left corner, names above, L and R once per orientation."""
    on_film = picture.backdrop == "film"
    colour, halo, ink = (FILM_INK, FILM, FILM_INK) if on_film else (MUTED, PAPER, INK)
    letters = {"axial": "z", "coronal": "y", "sagittal": "x"}
    sided: set[str] = {"sagittal"}
    for tile in picture.mosaic.tiles:
        orientation, position_mm, name = tile.cut
        place = f"{letters[orientation]} {round(position_mm):d}".replace("-", "−")
        bottom = tile.top + tile.height
        text = axes.text(tile.left + 1, bottom, place, color=colour, fontsize=7, va="bottom", ha="left")
        text.set_path_effects([withStroke(linewidth=2, foreground=halo)])
        if name:
            axes.text(tile.left, tile.top - 3, name, color=ink, fontsize=9, weight="bold", va="bottom")
        if orientation in sided:
            continue
        sided.add(orientation)
        for letter, column, side in (
            ("L", tile.left + 1, "left"),
            ("R", tile.left + tile.width - 1, "right"),
        ):
            text = axes.text(
                column, tile.top, letter, color=colour, fontsize=8, weight="bold", va="top", ha=side
            )
            text.set_path_effects([withStroke(linewidth=2, foreground=halo)])


def _draw_key(figure: Figure, picture: Picture, height: float) -> None:
    """Names of the outlines at the left, the colour bar with its unit at the right."""
    ink = FILM_INK if picture.backdrop == "film" else INK
    axes = figure.add_axes((0.015, 0.0, 0.5, height))
    bare(axes)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    handles = []
    for outline in picture.outlines:
        if outline.name:
            (line,) = axes.plot([], [], color=outline.colour, linewidth=2.4, label=outline.name)
            handles.append(line)
    if handles:
        axes.legend(
            handles=handles,
            loc="center left",
            bbox_to_anchor=(0, 0.5),
            ncols=len(handles),
            title=picture.title or None,
            alignment="left",
            labelcolor=ink,
            borderaxespad=0,
            handlelength=1.4,
            columnspacing=1.4,
        ).get_title().set_color(ink)
    elif picture.title:
        axes.text(0, 0.5, picture.title, color=ink, va="center", fontsize=9.5, weight="bold")
    if picture.overlay is not None:
        _draw_colour_bar(figure, picture.overlay, ink, height)


def _draw_colour_bar(figure: Figure, overlay: Overlay, ink: str, height: float) -> None:
    bar_axes = figure.add_axes((0.72, 0.52 * height, 0.2, 0.2 * height))
    mappable = ScalarMappable(Normalize(overlay.low, overlay.high), overlay.colours)
    bar = figure.colorbar(mappable, cax=bar_axes, orientation="horizontal")
    bar.outline.set_visible(False)
    bar.locator = MaxNLocator(_MOST_TICKS, steps=[1, 2, 2.5, 5, 10])
    bar.update_ticks()
    bar_axes.tick_params(colors=ink, labelsize=8, length=2)
    bar_axes.grid(visible=False)
    bar_axes.text(-0.03, 0.5, overlay.label, transform=bar_axes.transAxes, ha="right", va="center", color=ink)
    for mark in overlay.marks:
        bar_axes.axvline(mark, color=INK, linewidth=1.4)
    for text, column, side in ((overlay.low_name, 0.0, "left"), (overlay.high_name, 1.0, "right")):
        bar_axes.text(
            column, 1.15, text, transform=bar_axes.transAxes, ha=side, va="bottom", color=ink, fontsize=8
        )
