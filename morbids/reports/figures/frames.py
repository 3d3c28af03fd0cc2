"""Frames of a scan before and after they were realigned: as slices, and as a carpet of all voxels."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames
from morbids.reports.figures.mosaics import Outline, Overlay, Picture, draw_mosaic
from morbids.reports.figures.pet import UPTAKE_COLOURS
from morbids.reports.figures.slices import Cut, Mosaic, Volume, lay_out, mask_bounds, sample
from morbids.reports.figures.style import (
    FULL_WIDTH_IN,
    Span,
    name_spans,
    new_figure,
    styled,
)

CHANGE_COLOURS: Final = colormaps["RdBu_r"]
OUTLINE_COLOUR: Final = "#56F0E4"
MARGIN_MM: Final = 18.0
PIXEL_MM: Final = 1.6
NAME_ROOM_MM: Final = 24.0
MOST_ROWS: Final = 1200
MOST_CHANGE_PERCENT: Final = 30.0
BEFORE_AND_AFTER: Final = ("as acquired", "realigned")


def draw_frames(
    before: Sequence[Volume], after: Sequence[Volume], mask: Volume, names: Sequence[str]
) -> Figure:
    """One plane of several frames: a row as they were acquired, a row realigned, with the brain of the reference.

    Each frame has its own range of colours. Frames with a name share a column.
    """
    bounds = mask_bounds(mask, MARGIN_MM)
    middle_mm = float(bounds.low_mm[0] + bounds.high_mm[0]) / 2
    rows = [[Cut("sagittal", middle_mm, name) for name in names] for _ in (before, after)]
    mosaic = lay_out(bounds, rows, pixel_mm=PIXEL_MM, name_room_mm=NAME_ROOM_MM)
    canvas = _each_frame(mosaic, (*before, *after))
    overlay = Overlay(
        canvas, UPTAKE_COLOURS, 0.0, 1.0, "activity over that of the brightest voxels of the frame"
    )
    outline = Outline(sample(mosaic, mask), OUTLINE_COLOUR, "brain in the PET reference", width_pt=0.9)
    title = f"above {BEFORE_AND_AFTER[0]}, below {BEFORE_AND_AFTER[1]}"
    return draw_mosaic(Picture(mosaic, None, overlay, (outline,), title=title))


def _each_frame(mosaic: Mosaic, volumes: Sequence[Volume]) -> FloatArray:
    """Canvas whose tiles show one volume each, by its own brightest voxels."""
    canvas = np.full(mosaic.shape, np.nan, dtype=np.float32)
    for tile, volume in zip(mosaic.tiles, volumes, strict=True):
        shown = sample(mosaic._replace(tiles=(tile,)), volume)
        bright = float(np.nanpercentile(shown, 99.5)) if np.isfinite(shown).any() else 1.0
        inside = np.s_[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width]
        canvas[inside] = shown[inside] / max(bright, 1e-12)
    return canvas


def carpet_of(voxels: FloatArray, weights: FloatArray) -> FloatArray:
    """Turn activity into a carpet: what each voxel has beyond its usual part of the brain's activity.

    Parameters
    ----------
    voxels
        (n_voxels, n_frames) activity.
    weights
        (n_frames,) of the frames in a voxel's usual part, such as their durations.

    Returns
    -------
    FloatArray
        (n_voxels, n_frames) percent; voxels from the least to the most late uptake.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        part = voxels / voxels.mean(axis=0)
        usual = np.average(part, axis=1, weights=weights)
        change = 100 * (part / usual[:, None] - 1)
    order = np.argsort(voxels[:, -max(1, voxels.shape[1] // 4) :].mean(axis=1))
    return np.asarray(change[order])


@styled()
def draw_carpets(
    before: FloatArray, after: FloatArray, frames: Frames, spans: Sequence[Span], shown: BoolArray
) -> Figure:
    """Carpets (n_voxels, n_frames) of `carpet_of` before and after realignment, over minutes from injection.

    Frames that are not `shown` (n_frames,) stay blank: too short to be anything but noise.
    """
    figure = new_figure(FULL_WIDTH_IN, 4.6)
    panels = figure.subplots(2, 1, sharex=True)
    for index, (axes, carpet, name) in enumerate(zip(panels, (before, after), BEFORE_AND_AFTER, strict=True)):
        _lay_carpet(axes, np.where(shown, carpet, np.nan), frames)
        axes.set_ylabel(f"{name}\nlow to high uptake")
        name_spans(axes, spans if index == 0 else ())
    panels[1].set_xlabel("minutes from injection")
    mappable = ScalarMappable(Normalize(-MOST_CHANGE_PERCENT, MOST_CHANGE_PERCENT), CHANGE_COLOURS)
    figure.colorbar(mappable, ax=panels, label="beyond the voxel's usual part (%)", aspect=30, extend="both")
    return figure


def _lay_carpet(axes: Axes, carpet: FloatArray, frames: Frames) -> None:
    step = max(1, -(-len(carpet) // MOST_ROWS))
    rows = np.array([part.mean(axis=0) for part in np.array_split(carpet, max(1, len(carpet) // step))])
    edges = np.append(frames.start_min, frames.end_min[-1])
    axes.pcolormesh(
        edges,
        np.linspace(0, 1, len(rows) + 1),
        rows,
        cmap=CHANGE_COLOURS,
        vmin=-MOST_CHANGE_PERCENT,
        vmax=MOST_CHANGE_PERCENT,
        rasterized=True,
    )
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set_xlim(edges[0], edges[-1])
