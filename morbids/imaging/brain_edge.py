"""Where a brain ends: distances to its surface (mm, positive inside) that the registered template gives, mended.

Between brain and skull lies fluid, which belongs to the mask and is as dark as bone.
"""

import numpy as np
from scipy import ndimage

from morbids.imaging.head_mask import close_mm, signed_distance_mm
from morbids.imaging.images import Image
from morbids.numerics.arrays import BoolArray, FloatArray

EDGE_SIGMA_MM, FLUID_MM = 3.0, 0.5
"""The skull is smoother than a brain; between the two lies fluid."""
LEAST_DEPTH_MM, USUAL_DEPTH = 12.0, 0.93
"""No adult's brain lies nearer to the surface of the head than this; no child's nearer than this part of the usual."""
DEPTH_MARGIN_MM = 4.0
TISSUE = 0.55
"""Part of white matter's intensity that tissue has: half way between a thin skull, which marrow and dura brighten to
0.45 in older people, and the outermost voxels of cortex (0.65). Fluid has 0.3."""
SULCUS_MM = 20.0
"""Half the width of gaps between tissue that belong to the brain: the widest fissures of atrophied brains."""
HULL_MARGIN_MM = 1.5
"""Fluid and meninges on the brain's hull."""
MOST_TRIMMED_MM = 6.0
"""A lesion may be as dark as fluid and reach the surface: more than this is not taken off."""
HULL_SIGMA_MM = 1.5


def settle_edge(fine: FloatArray, rough: FloatArray, depth: FloatArray, voxel_mm: FloatArray) -> FloatArray:
    """Smooth the brain's surface out to the fluid, and keep it out of the scalp.

    Where a face was cut off the surface of the head is no skin, so that depth counts near the rough brain's edge only.

    Parameters
    ----------
    fine, rough
        (x, y, z) distances after and before the template is deformed.
    depth
        (x, y, z) mm below the surface of the head.
    """
    smooth = ndimage.gaussian_filter(fine, EDGE_SIGMA_MM / voxel_mm) + FLUID_MM
    inside = rough > 0
    edge = inside & ~ndimage.binary_erosion(inside)
    if not edge.any():
        return smooth
    least = min(LEAST_DEPTH_MM, USUAL_DEPTH * float(np.percentile(depth[edge], 25)))
    settled: FloatArray = np.minimum(smooth, np.maximum(depth - least, rough - DEPTH_MARGIN_MM))
    return settled


def trim_to_tissue(distance: FloatArray, even: Image) -> FloatArray:
    """Take off what lies further out than the hull of the brain's tissue and a margin of fluid: skull and dura.

    Parameters
    ----------
    distance
        (x, y, z) distance to the surface of the brain.
    even
        T1w image without bias, on cubes.
    """
    hull = _tissue_hull(distance > 0, even)
    if not hull.any():
        return distance
    smooth = ndimage.gaussian_filter(signed_distance_mm(hull, even.affine), HULL_SIGMA_MM / even.voxel_mm)
    trimmed: FloatArray = np.minimum(
        distance, np.maximum(smooth + HULL_MARGIN_MM, distance - MOST_TRIMMED_MM)
    )
    return trimmed


def _tissue_hull(inside: BoolArray, even: Image) -> BoolArray:
    """Tissue of a mask in one piece, with all sulci; bridges of a voxel, to dura or marrow, are cut."""
    tissue = inside & (even.values > TISSUE * np.percentile(even.values[inside], 75))
    parts, n_parts = ndimage.label(ndimage.binary_erosion(tissue))
    if n_parts == 0:
        return np.zeros_like(inside)
    core = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    grown = tissue & ndimage.binary_dilation(core, iterations=2)
    hull: BoolArray = ndimage.binary_fill_holes(close_mm(grown, SULCUS_MM, even.voxel_mm))
    return hull
