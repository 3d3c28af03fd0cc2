"""T1w images whose skull another program took off: what they show is the brain, and no scalp leads to it."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.imaging.head_mask import close_mm
from morbids.imaging.images import Image
from morbids.imaging.template_registration import onto_isotropic_grid
from morbids.numerics.arrays import BoolArray, FloatArray

FRINGE = 0.02
"""Part of the brightest: resampling leaves fringes as dark as this."""
GAP_MM = 6.0
"""Half the width of dark gaps that belong to the brain: fluid that was taken off too."""
MOST_ML = 2300
"""A brain and a margin of 2 mm has less; a head has 2600 mL and more, one of a child's size 1350."""
RIM_MM, BELOW_MM = (0.0, 4.0), (8.0, 12.0)
LEAST_RISE = 1.05
"""Brightness at the second depth as times that at the first: tissue below fluid. Ten real brains reach 1.2 to 2.4,
whether stripped 2 mm too tight or 4 mm too wide; ten heads, also of a child's size and skull, at most 0.9: bone below
scalp."""


class LoneBrain(NamedTuple):
    """A T1w image of a brain without a skull.

    Attributes
    ----------
    image
        The image, 0 where it is empty and not negative elsewhere.
    inside
        What it shows (x, y, z), on cubes (see `onto_isotropic_grid`).
    """

    image: Image
    inside: BoolArray


def find_lone_brain(head: Image, spacing_mm: float) -> LoneBrain | None:
    """Find the brain that an image shows alone; None for a head with its skull.

    Around a brain that another program cut out, all voxels have one value, be it 0 or another.

    Parameters
    ----------
    head
        T1w image (x, y, z); NaN counts as 0.
    spacing_mm
        Edge of the cubes on which it is looked for.
    """
    values = np.nan_to_num(head.values)
    corners = values[np.ix_([0, -1], [0, -1], [0, -1])]
    contrast = np.abs(values - corners.flat[0])
    if np.ptp(corners) > 0 or not contrast.any():
        return None
    shown = contrast > FRINGE * np.percentile(contrast[contrast > 0], 98)
    share = onto_isotropic_grid(head._replace(values=shown.astype(np.float32)), spacing_mm)
    inside = _in_one_piece(share.values > 0.5, share.voxel_mm)
    if not 0 < inside.sum() * share.voxel_ml < MOST_ML:
        return None
    darkest = min(corners.flat[0], np.percentile(values[shown], 0.5))
    image = head._replace(values=np.where(contrast > 0, np.maximum(values - darkest, 0), 0))
    rise = _rise(onto_isotropic_grid(image, spacing_mm), inside)
    return LoneBrain(image, inside) if rise > LEAST_RISE else None


def _in_one_piece(shown: BoolArray, voxel_mm: FloatArray) -> BoolArray:
    """Largest part of what is shown, with gaps and holes filled."""
    parts, n_parts = ndimage.label(shown)
    if n_parts == 0:
        return shown
    largest = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    whole: BoolArray = ndimage.binary_fill_holes(close_mm(largest, GAP_MM, voxel_mm))
    return whole


def _rise(image: Image, inside: BoolArray) -> float:
    """How much brighter it is some way below the surface than at it."""
    # What the field of view cuts is surface too.
    depth = ndimage.distance_transform_edt(np.pad(inside, 1), image.voxel_mm)[1:-1, 1:-1, 1:-1]
    rim, below = (image.values[(depth > low) & (depth <= high)] for low, high in (RIM_MM, BELOW_MM))
    return float(np.median(below) / np.median(rim)) if below.size and np.median(rim) > 0 else np.inf
