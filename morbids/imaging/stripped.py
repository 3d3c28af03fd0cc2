"""T1w images whose skull another program took off: what they show is the brain, and no scalp leads to it."""

from itertools import product
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
OUTLINE = 0.15
"""Part of the brightest from which the surface is sought: noise in air is darker, scalp and cortex are brighter."""
DEEPEST_MM, STEP_MM = 16.0, 2.0
MOST_DIP = 0.03
"""Part of white matter's brightness by which bone is darker than scalp and brain. Of ten real brains, stripped 2 mm too
tight or 4 mm too wide, nine have 0.005 at most, and one 0.09, whose wide margin holds bone; ten heads with the size and
the skull of a child, defaced, of 2 and 3 mm, 0.07 and more. With face and neck, where muscle lies without bone, two
of such heads have 0.02, but 2600 mL and more."""
_SIDES = np.array([side for side in product((-1, 0, 1), repeat=3) if any(side)])
"""The 26 directions in which brightness is followed from the surface inwards."""


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
    return LoneBrain(image, inside) if _dip_below_surface(image, spacing_mm) < MOST_DIP else None


def _in_one_piece(shown: BoolArray, voxel_mm: FloatArray) -> BoolArray:
    """Largest part of what is shown, with gaps and holes filled."""
    parts, n_parts = ndimage.label(shown)
    if n_parts == 0:
        return shown
    largest = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    whole: BoolArray = ndimage.binary_fill_holes(close_mm(largest, GAP_MM, voxel_mm))
    return whole


def _dip_below_surface(image: Image, spacing_mm: float) -> float:
    """How far brightness dips on the way from the surface inwards, as part of white matter's: bone below scalp.

    In a brain it grows from fluid to cortex to white matter. Half of the directions, over some area each, dip less, so
    that neither sulci nor what was cut off decide.
    """
    outline = OUTLINE * np.percentile(image.values[image.values > 0], 98)
    bright = image._replace(values=(image.values > outline).astype(np.float32))
    share, cubes = (onto_isotropic_grid(part, spacing_mm) for part in (bright, image))
    inside = _in_one_piece(share.values > 0.5, cubes.voxel_mm)
    if not inside.any():
        return np.inf
    # What the field of view cuts is no surface.
    padded = np.pad(inside, 1, mode="edge")
    depth = ndimage.distance_transform_edt(padded, cubes.voxel_mm)[1:-1, 1:-1, 1:-1]
    near = (depth > 0) & (depth < DEEPEST_MM)
    outwards = np.argwhere(near) - np.argwhere(inside).mean(axis=0)
    side = (outwards @ (_SIDES / np.linalg.norm(_SIDES, axis=1, keepdims=True)).T).argmax(axis=1)
    layer = (depth[near] / STEP_MM).astype(int)
    shape = len(_SIDES), int(DEEPEST_MM / STEP_MM)
    place = np.ravel_multi_index((side, layer), shape)
    total, count = (
        np.bincount(place, weights, np.prod(shape)).reshape(shape) for weights in (cubes.values[near], None)
    )
    white = np.percentile(cubes.values[inside], 75)
    return float(np.median(_dips(total / np.maximum(count, 1))) / white)


def _dips(profiles: FloatArray) -> FloatArray:
    """How far each profile (sides, layers) lies below what it reaches on both sides of a layer, at most."""
    before = np.maximum.accumulate(profiles, axis=1)
    behind = np.maximum.accumulate(profiles[:, ::-1], axis=1)[:, ::-1]
    deepest: FloatArray = (np.minimum(before, behind) - profiles).max(axis=1)
    return deepest
