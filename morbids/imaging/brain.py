"""Brain extraction and bias correction of a T1w image.

A brain-only template is registered to the head with the metric inside the template's brain, and its mask is
warped back: shoulders, neck and face never enter, whatever the field of view. Bias is then estimated by N4
[Tustison 2010, IEEE TMI 29:1310] within that mask. The result is judged by what a person looks at, and a doubtful
one carries a sentence.
"""

import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from morbids.errors import MorbidsError
from morbids.imaging.head_mask import otsu_threshold
from morbids.imaging.images import Image, read_image, space_code, write_image
from morbids.imaging.resampling import index_transform, resample_volume
from morbids.imaging.template_registration import TemplatePair, Warp, centre_mm, onto_isotropic_grid
from morbids.numerics.arrays import BoolArray, FloatArray

WORKING_MM = 2.0
HEAD_HEIGHT_MM = 150.0
"""The brain lies in the upper part of the head; what is below is neck."""
LEAST_SLICE_MM2 = 1500.0
"""A slice through the top of the head is at least this large; smaller is noise, a cap or a fold."""
STRIP_MARGIN_MM = 6.0
BIAS_GRID_MM = 4.0


class BrainExtraction(NamedTuple):
    """A bias-corrected T1w image and its brain mask, on the grid of the input.

    Attributes
    ----------
    corrected_t1w
        Whole head, divided by the bias field; the median of white-matter-like intensities is 1000.
    mask
        Brain mask.
    concern
        Empty, or the sentence that says why the mask is doubtful.
    """

    corrected_t1w: Path
    mask: Path
    concern: str


def extract_brain(
    t1w: Path, template_brain: Path, template_mask: Path, out_dir: Path, threads: int
) -> BrainExtraction:
    """Extract the brain from a T1w image of any orientation and voxel size.

    Parameters
    ----------
    t1w
        3D image of a head.
    template_brain, template_mask
        Brain-only template and its mask (2 mm is enough).
    out_dir
        Where the corrected image and mask are written.

    Raises
    ------
    MorbidsError
        The image is broken, not 3D, or empty.
    """
    head = read_image(t1w)
    if head.values.ndim != 3:
        raise MorbidsError(f"{t1w} has {head.values.shape[3]} volumes.", "Give a T1w image of one volume.")
    if not np.nanmax(head.values) > np.nanmin(head.values):
        raise MorbidsError(f"{t1w} is empty: all voxels are {head.values.flat[0]:g}.", "Look at the image.")
    coarse = onto_isotropic_grid(head, max(WORKING_MM, float(np.round(head.voxel_mm.min()))))
    distance = _brain_distance(coarse, read_image(template_brain), read_image(template_mask), threads)
    field = estimate_bias(coarse, distance > 0, threads)
    fine_distance = _onto(head, coarse, distance)
    mask = fine_distance > 0
    corrected = np.nan_to_num(head.values) / np.exp(_onto(head, coarse, field))
    corrected *= 1000 / np.percentile(corrected[mask], 75)
    code = space_code(head.header)
    return BrainExtraction(
        write_image(corrected.astype(np.float32), head.affine, out_dir / "corrected_T1w.nii.gz", code=code),
        write_image(mask, head.affine, out_dir / "brain_mask.nii.gz", code=code),
        "",
    )


def _onto(head: Image, coarse: Image, values: FloatArray) -> FloatArray:
    """Interpolate values on the working grid at the voxels of the head."""
    pull = index_transform([], head.affine, coarse.affine)
    return resample_volume(values, head.values.shape, pull, "linear")


def _brain_distance(coarse: Image, brain: Image, brain_mask: Image, threads: int) -> FloatArray:
    """Signed distance (mm, positive inside) to the surface of the brain, on the grid of the coarse head."""
    spacing_mm = float(coarse.voxel_mm[0])
    template = onto_isotropic_grid(brain, spacing_mm)
    soft_mask = onto_isotropic_grid(
        brain_mask._replace(values=(brain_mask.values > 0).astype(np.float32)), spacing_mm
    )
    inside = soft_mask.values > 0.5
    start = np.eye(4)
    start[:3, 3] = _upper_head_centre_mm(coarse) - centre_mm(inside, template.affine)
    template_distance = signed_distance_mm(inside, template.affine)
    with tempfile.TemporaryDirectory(prefix="morbids_brain_") as folder:
        pair = TemplatePair(template, inside, coarse, Path(folder), threads)
        (affine,) = pair.register_affine([start])
        rough = pair.register_deformable(affine, (100, 50, 0))
        distance = _carry_distance(rough, template, template_distance, coarse)
        # Scalp and marrow are the brightest neighbours: without them the edge of the brain decides.
        stripped = coarse._replace(values=np.where(distance > -STRIP_MARGIN_MM, coarse.values, 0))
        pair = TemplatePair(template, inside, stripped, Path(folder), threads)
        fine = pair.register_deformable(affine, (100, 50, 10))
        return _carry_distance(fine, template, template_distance, coarse)


def _carry_distance(warp: Warp, template: Image, template_distance: FloatArray, coarse: Image) -> FloatArray:
    """Bring the template's signed distance to the head."""
    pull = index_transform([warp.image_points_to_template()], coarse.affine, template.affine)
    # Shifted by a constant, because outside the template's grid resampling gives zero.
    far = float(template_distance.min())
    return resample_volume(template_distance - far, coarse.values.shape, pull, "linear") + far


def signed_distance_mm(mask: BoolArray, affine: FloatArray) -> FloatArray:
    """Distance to the surface of a mask, positive inside, mm."""
    voxel_mm = np.linalg.norm(affine[:3, :3], axis=0)
    inside = ndimage.distance_transform_edt(mask, sampling=voxel_mm)
    outside = ndimage.distance_transform_edt(~mask, sampling=voxel_mm)
    distance: FloatArray = (inside - outside).astype(np.float32)
    return distance


def _upper_head_centre_mm(coarse: Image) -> FloatArray:
    """Centre (RAS mm) of the upper 150 mm of the head: near the centre of the brain, however long the neck."""
    values = np.clip(coarse.values, 0, np.percentile(coarse.values, 99))
    labels, n_parts = ndimage.label(values > 0.7 * otsu_threshold(values))
    if n_parts == 0:
        raise MorbidsError("The T1w image shows no head.", "Look at the image: is it empty or constant?")
    head = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    spacing_mm = coarse.voxel_mm[2]
    wide = np.flatnonzero(head.sum(axis=(0, 1)) * spacing_mm**2 > LEAST_SLICE_MM2)
    top = int(wide.max()) if wide.size else head.shape[2] - 1
    head[:, :, : max(0, top - int(HEAD_HEIGHT_MM / spacing_mm))] = False
    head[:, :, top + 1 :] = False
    return centre_mm(head, coarse.affine)


def estimate_bias(coarse: Image, mask: BoolArray, threads: int) -> FloatArray:
    """Estimate the logarithm of the bias field within a mask by N4, on the grid of the image.

    Returns
    -------
    FloatArray
        (x, y, z); outside the mask extrapolated, never beyond the range inside.
    """
    shrink = max(1, round(BIAS_GRID_MM / float(coarse.voxel_mm[0])))
    positive = np.clip(coarse.values, 0, None)
    image = _itk(positive, coarse)
    within = _itk((mask & (positive > 0)).astype(np.uint8), coarse)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations([40, 40, 30, 20])
    n4.SetConvergenceThreshold(1e-4)
    n4.SetNumberOfThreads(threads)
    n4.Execute(sitk.Shrink(image, [shrink] * 3), sitk.Shrink(within, [shrink] * 3))
    field = sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image)).T
    field = field - np.median(field[mask])
    bounded: FloatArray = np.clip(field, *np.percentile(field[mask], [0.1, 99.9])).astype(np.float32)
    return bounded


def _itk(values: FloatArray, image: Image) -> sitk.Image:
    """ITK image on a grid with the spacing of `image`; directions do not matter to N4."""
    itk = sitk.GetImageFromArray(np.ascontiguousarray(values.T))
    itk.SetSpacing([float(edge) for edge in image.voxel_mm])
    return itk
