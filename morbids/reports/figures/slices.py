"""Planes cut through images in world space (mm), laid out as one picture of rows of slices.

Every image of a picture is sampled at the same world points, whatever its grid, orientation or obliqueness,
so images are compared where they lie and never resampled to files just to be drawn. Left is left.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np
from scipy import ndimage

from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.images import read_image
from morbids.numerics.arrays import FloatArray

Orientation = Literal["axial", "coronal", "sagittal"]
Interpolation = Literal["nearest", "linear"]

# World axis that a plane holds fixed, the axis that runs right on paper, the axis that runs up.
_AXES: Final[dict[Orientation, tuple[int, int, int]]] = {
    "axial": (2, 0, 1),
    "coronal": (1, 0, 2),
    "sagittal": (0, 1, 2),
}
_SPLINE_ORDER: Final[dict[Interpolation, Literal[0, 1]]] = {"nearest": 0, "linear": 1}


NAME_ROOM_MM: Final = 13.0


class Volume(NamedTuple):
    """A three-dimensional image.

    Attributes
    ----------
    values
        (i, j, k).
    affine
        (4, 4) voxel indices to world mm.
    """

    values: FloatArray
    affine: FloatArray


class Bounds(NamedTuple):
    """A box in world space: (3,) lowest and (3,) highest coordinate, mm."""

    low_mm: FloatArray
    high_mm: FloatArray


class Counts(NamedTuple):
    """How many slices of each orientation a picture shows."""

    axial: int = 7
    coronal: int = 7
    sagittal: int = 6


DEFAULT_COUNTS: Final = Counts()


class Cut(NamedTuple):
    """A slice to show: its orientation, where it is (mm), and a name to write above it ("" for none)."""

    orientation: Orientation
    position_mm: float
    name: str = ""


class Tile(NamedTuple):
    """One slice on the paper: what it shows and where its upper left corner is, in pixels."""

    cut: Cut
    top: int
    left: int
    height: int
    width: int


class Mosaic(NamedTuple):
    """Tiles on a canvas of (rows, columns) pixels of `pixel_mm`, all within the same world box."""

    tiles: tuple[Tile, ...]
    shape: tuple[int, int]
    pixel_mm: float
    bounds: Bounds


def load_volume(path: Path) -> Volume:
    """Read a 3D image as float32 (a 4D image with a single volume counts as 3D).

    Raises
    ------
    MorbidsError
        The image cannot be read, or has more than three dimensions.
    """
    image = read_image(path)
    if image.values.ndim != 3:
        raise MorbidsError(
            f"{path} has the shape {image.values.shape} and cannot be drawn as slices.",
            "A picture needs a three-dimensional image.",
            ExitCode.FAILED,
        )
    return Volume(image.values, image.affine)


def mask_bounds(mask: Volume, margin_mm: float = 4.0, *, outer_percent: float = 0.0) -> Bounds:
    """Box in world space around the voxels above zero, widened by `margin_mm`.

    `outer_percent` of the voxels are left out at each side: slices cut at the edge of a brain show nothing.

    Raises
    ------
    MorbidsError
        When no voxel is above zero.
    """
    voxels = np.argwhere(mask.values > 0)
    if not len(voxels):
        raise MorbidsError("The mask of a picture is empty.", "", ExitCode.FAILED)
    # A hundred thousand voxels place the box to a fraction of a millimetre; all of them would take a second.
    voxels = voxels[:: max(1, len(voxels) // 100_000)].astype(np.float64)
    world = voxels @ mask.affine[:3, :3].T + mask.affine[:3, 3]
    low, high = np.percentile(world, (outer_percent, 100 - outer_percent), axis=0)
    return Bounds(low - margin_mm, high + margin_mm)


def lay_out(
    bounds: Bounds,
    rows: Sequence[Sequence[Cut]],
    *,
    pixel_mm: float = 0.8,
    gap_mm: float = 3.0,
    name_room_mm: float = NAME_ROOM_MM,
    justified: bool = True,
) -> Mosaic:
    """Rows of slices from left to right.

    Parameters
    ----------
    bounds
        What each slice shows.
    rows
        Slices from left to right; rows from top to bottom, none empty. Rows with names get room for them.
    pixel_mm
        Size of a pixel.
    gap_mm
        Smallest space between slices and between rows.
    name_room_mm
        Space for names above a row: more where a picture is wide, as letters keep their size on paper.
    justified
        Spread each row to the width of the widest; otherwise `gap_mm` lies between all slices.
    """
    size = np.ceil((bounds.high_mm - bounds.low_mm) / pixel_mm).astype(int)
    gap = round(gap_mm / pixel_mm)
    widths = [[int(size[_AXES[cut.orientation][1]]) for cut in row] for row in rows]
    total = max(sum(row) + (len(row) + 1) * gap for row in widths)
    tiles: list[Tile] = []
    top = gap
    for row, row_widths in zip(rows, widths, strict=True):
        top += round(name_room_mm / pixel_mm) if any(cut.name for cut in row) else 0
        spare = (total - sum(row_widths)) / (len(row) + 1) if justified else gap
        left = spare
        for cut, width in zip(row, row_widths, strict=True):
            tiles.append(Tile(cut, top, round(left), int(size[_AXES[cut.orientation][2]]), width))
            left += width + spare
        top += max(tile.height for tile in tiles[-len(row) :]) + gap
    return Mosaic(tuple(tiles), (top, total), pixel_mm, bounds)


def even_cuts(focus: Bounds, counts: Counts = DEFAULT_COUNTS) -> list[list[Cut]]:
    """A row of evenly spaced slices per orientation, from one end of `focus` to the other."""
    rows = []
    for orientation, count in zip(_AXES, counts, strict=True):
        low, high = (float(end[_AXES[orientation][0]]) for end in focus)
        places = np.linspace(low, high, count) if count > 1 else np.full(count, (low + high) / 2)
        rows.append([Cut(orientation, float(place)) for place in places])
    return [row for row in rows if row]


def brain_mosaic(mask: Volume, margin_mm: float = 4.0, counts: Counts = DEFAULT_COUNTS) -> Mosaic:
    """The planes of a brain: shared by every picture made with one mask, so that two can be flickered."""
    return lay_out(mask_bounds(mask, margin_mm), even_cuts(mask_bounds(mask, 0.0, outer_percent=3.0), counts))


def sample(mosaic: Mosaic, volume: Volume, interpolation: Interpolation = "linear") -> FloatArray:
    """Values of `volume` on the canvas, (rows, columns); NaN between tiles and outside the image."""
    canvas = np.full(mosaic.shape, np.nan, dtype=np.float32)
    to_voxel = np.linalg.inv(volume.affine)
    for tile in mosaic.tiles:
        voxels = np.einsum("ij,jrc->irc", to_voxel[:3, :3], _world_points(mosaic, tile))
        voxels += to_voxel[:3, 3, None, None]
        canvas[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] = (
            ndimage.map_coordinates(
                volume.values, voxels, order=_SPLINE_ORDER[interpolation], mode="constant", cval=np.nan
            )
        )
    return canvas


def _world_points(mosaic: Mosaic, tile: Tile) -> FloatArray:
    """World coordinates (3, height, width) of a tile's pixels; the first row is the highest."""
    fixed, across, up = _AXES[tile.cut.orientation]
    low = mosaic.bounds.low_mm
    points = np.empty((3, tile.height, tile.width))
    points[fixed] = tile.cut.position_mm
    points[across] = low[across] + (np.arange(tile.width) + 0.5) * mosaic.pixel_mm
    points[up] = (low[up] + (np.arange(tile.height)[::-1] + 0.5) * mosaic.pixel_mm)[:, None]
    return points
