"""Planes cut through images in world space (mm), laid out as one picture of rows of slices.

Every image of a picture is sampled at the same world points, whatever its grid, orientation or obliqueness,
so images are compared where they lie and never resampled to files just to be drawn. Left is left.
"""

from pathlib import Path
from typing import Final, Literal, NamedTuple, cast

import nibabel as nib
import numpy as np
from nibabel.spatialimages import SpatialImage
from scipy.ndimage import map_coordinates

from morbids.errors import ExitCode, MorbidsError
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


class Tile(NamedTuple):
    """One slice on the paper: what it shows and where its upper left corner is, in pixels."""

    orientation: Orientation
    position_mm: float
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
        When the image has more than three dimensions.
    """
    image = cast(SpatialImage, nib.load(path))
    if len(image.shape) < 3 or any(size != 1 for size in image.shape[3:]):
        raise MorbidsError(
            f"{path} has the shape {image.shape} and cannot be drawn as slices.",
            "A picture needs a three-dimensional image.",
            ExitCode.FAILED,
        )
    values = np.asarray(image.dataobj, dtype=np.float32).reshape(image.shape[:3])
    return Volume(values, np.asarray(image.affine, dtype=np.float64))


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
    world = voxels @ mask.affine[:3, :3].T + mask.affine[:3, 3]
    low, high = np.percentile(world, (outer_percent, 100 - outer_percent), axis=0)
    return Bounds(low - margin_mm, high + margin_mm)


def lay_out(
    bounds: Bounds,
    focus: Bounds,
    counts: Counts = DEFAULT_COUNTS,
    *,
    pixel_mm: float = 0.8,
    gap_mm: float = 3.0,
) -> Mosaic:
    """Rows of evenly spaced axial, coronal and sagittal slices, justified to the widest row.

    Parameters
    ----------
    bounds
        What each slice shows.
    focus
        Where the slices are cut, from its one end to the other.
    counts
        Slices of each orientation; 0 leaves a row out.
    pixel_mm
        Size of a pixel.
    gap_mm
        Smallest space between slices and between rows.
    """
    size = np.ceil((bounds.high_mm - bounds.low_mm) / pixel_mm).astype(int)
    gap = round(gap_mm / pixel_mm)
    rows: list[tuple[Orientation, int]] = [
        (orientation, count) for orientation, count in zip(_AXES, counts, strict=True) if count > 0
    ]
    width = max(count * size[_AXES[orientation][1]] + (count + 1) * gap for orientation, count in rows)
    tiles: list[Tile] = []
    top = gap
    for orientation, count in rows:
        fixed, across, up = _AXES[orientation]
        spare = (width - count * size[across]) / (count + 1)
        for index, position in enumerate(_positions(focus, fixed, count)):
            left = round(spare + index * (size[across] + spare))
            tiles.append(Tile(orientation, position, top, left, int(size[up]), int(size[across])))
        top += int(size[up]) + gap
    return Mosaic(tuple(tiles), (top, int(width)), pixel_mm, bounds)


def brain_mosaic(mask: Volume, margin_mm: float = 4.0, counts: Counts = DEFAULT_COUNTS) -> Mosaic:
    """The planes of a brain: shared by every picture made with one mask, so that two can be flickered."""
    return lay_out(mask_bounds(mask, margin_mm), mask_bounds(mask, 0.0, outer_percent=3.0), counts)


def _positions(focus: Bounds, axis: int, count: int) -> list[float]:
    low, high = focus.low_mm[axis], focus.high_mm[axis]
    if count == 1:
        return [float(low + high) / 2]
    return [float(value) for value in np.linspace(low, high, count)]


def sample(mosaic: Mosaic, volume: Volume, interpolation: Interpolation = "linear") -> FloatArray:
    """Values of `volume` on the canvas, (rows, columns); NaN between tiles and outside the image."""
    canvas = np.full(mosaic.shape, np.nan, dtype=np.float32)
    to_voxel = np.linalg.inv(volume.affine)
    for tile in mosaic.tiles:
        voxels = np.einsum("ij,jrc->irc", to_voxel[:3, :3], _world_points(mosaic, tile))
        voxels += to_voxel[:3, 3, None, None]
        canvas[tile.top : tile.top + tile.height, tile.left : tile.left + tile.width] = map_coordinates(
            volume.values, voxels, order=_SPLINE_ORDER[interpolation], mode="constant", cval=np.nan
        )
    return canvas


def _world_points(mosaic: Mosaic, tile: Tile) -> FloatArray:
    """World coordinates (3, height, width) of a tile's pixels; the first row is the highest."""
    fixed, across, up = _AXES[tile.orientation]
    low = mosaic.bounds.low_mm
    points = np.empty((3, tile.height, tile.width))
    points[fixed] = tile.position_mm
    points[across] = low[across] + (np.arange(tile.width) + 0.5) * mosaic.pixel_mm
    points[up] = (low[up] + (np.arange(tile.height)[::-1] + 0.5) * mosaic.pixel_mm)[:, None]
    return points
