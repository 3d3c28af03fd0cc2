"""Nonlinear registration of a T1w image to a brain template."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from morbids.errors import MorbidsError
from morbids.imaging.composites import write_composite
from morbids.imaging.concerns import all_doubts, too_high, too_low
from morbids.imaging.head_mask import dilate_mm
from morbids.imaging.images import Image, read_image, write_image
from morbids.imaging.resampling import index_transform, resample_volume
from morbids.imaging.template_registration import SOFT, TemplatePair, Warp, centre_mm, onto_isotropic_grid
from morbids.imaging.transforms import read_itk
from morbids.imaging.workplace import Workplace
from morbids.numerics.arrays import BoolArray, FloatArray

STRIP_MARGIN_MM = 1.0
"""The mask reaches the skull, so that little outside it is left: with 6 mm, muscle beside an atrophied brain was taken
for brain (correlation 0.38 and 0.47 on two real heads, without it 0.70 on one of them)."""
COARSEST_MM = 2.0
"""A grid as coarse as images of 3 or 4 mm loses what their voxels still show."""
TEMPLATE_CODE = 4
FLUID_DEPTH_MM = 16.0
"""Fluid nearer to the surface lies in sulci, which differ from person to person; deeper are ventricles."""
FLUID, TISSUE = 0.4, 0.65
"""Brightness as part of white matter's: what is darker is fluid, what is brighter is none."""
WIDE_TIMES = 3.5
"""Deep fluid as times that of the template at the brain's size: from here it leads a softer registration. Heads with
3.6 to 5.8 times gain 0.1 to 1.0 mm in deep regions, with up to 3.2 at most 0.1; a simulated one with 0.7 loses 0.7."""
LEAST_CORRELATION = 0.5
"""Ten real heads, most of them atrophied, reach 0.70 to 0.77 (`benchmarks heads`), before their brains' edges were
mended 0.58; two whose muscle was taken for brain 0.38 and 0.47, one whose brain was missed 0.23. Simulated heads have
0.88 at 4 mm voxels and 0.96 at 1 mm."""
MOST_FOLDED_PERCENT = 0.1


class Normalization(NamedTuple):
    """A T1w image brought to a template.

    Attributes
    ----------
    t1w_to_template, template_to_t1w
        ITK composite transforms (.h5) that bring images from the first space to the second.
    t1w_in_template
        The T1w image on the template's grid.
    correlation
        Pearson correlation of template and T1w image within the template's brain and the image's field of
        view.
    concern
        Empty, or the sentence that says why the result is doubtful.
    folded_percent
        Share of the template's brain where the deformation folds (its Jacobian changes sign).
    """

    t1w_to_template: Path
    template_to_t1w: Path
    t1w_in_template: Path
    correlation: float
    concern: str
    folded_percent: float


def register_to_template(
    t1w: Path,
    mask: Path,
    template_brain: Path,
    template_mask: Path,
    out_dir: Path,
    threads: int,
    start: Path | None = None,
) -> Normalization:
    """Register a T1w image to a template: affine, then diffeomorphic on the template's grid.

    Parameters
    ----------
    t1w
        Bias-corrected T1w image (whole head).
    mask
        Its brain mask, on the same grid.
    template_brain, template_mask
        Brain-only template and its mask; at 2 mm fast, at 1 mm finer and four times slower.
    start
        ITK text file with an affine that brings the T1w image near the template, as brain extraction finds one; None
        searches from the centres of the brains.

    Raises
    ------
    MorbidsError
        The mask is empty, or an image is broken.
    """
    head, head_mask, brain, brain_mask = (
        read_image(path) for path in (t1w, mask, template_brain, template_mask)
    )
    if not (head_mask.values > 0).any():
        raise MorbidsError(
            f"The brain mask {mask} is empty.", "Look at the brain extraction of this T1w image."
        )
    known = None if start is None else read_itk(start)[0]
    inside = head_mask.values > 0
    warp = _register(head, inside, (brain, brain_mask), known, Workplace(out_dir, threads))
    ways = warp.template_points_to_image(), warp.image_points_to_template()
    return judge_normalization(head, ways, brain, brain_mask, out_dir, threads)


def judge_normalization(
    head: Image,
    ways: tuple[sitk.Transform, sitk.Transform],
    brain: Image,
    brain_mask: Image,
    out_dir: Path,
    threads: int,
) -> Normalization:
    """Bring a T1w image to a template, judge how well it fits there, and write image and transforms.

    Parameters
    ----------
    head
        Bias-corrected T1w image.
    ways
        Points of the template to points of the T1w image (which brings the image to the template), and back.
    brain, brain_mask
        The template.
    """
    to_template, to_t1w = ways
    pull = index_transform([to_template], brain.affine, head.affine)
    moved = resample_volume(np.nan_to_num(head.values), brain.values.shape, pull, "linear", threads)
    # Where the field of view cuts the brain, there is nothing to compare.
    seen = resample_volume(np.ones_like(head.values), brain.values.shape, pull, "nearest", threads) > 0
    inside = (brain_mask.values > 0) & seen
    correlation = float(np.corrcoef(moved[inside], brain.values[inside])[0, 1]) if inside.any() else 0.0
    folded_percent = _folded_percent(pull, brain_mask.values > 0)
    out_dir.mkdir(parents=True, exist_ok=True)
    return Normalization(
        write_composite(to_template, out_dir / "from-T1w_to-template_xfm.h5"),
        write_composite(to_t1w, out_dir / "from-template_to-T1w_xfm.h5"),
        write_image(moved, brain.affine, out_dir / "T1w_in_template.nii.gz", code=TEMPLATE_CODE),
        correlation,
        _concern(correlation, folded_percent),
        folded_percent,
    )


def _register(
    head: Image,
    inside: BoolArray,
    template: tuple[Image, Image],
    known: FloatArray | None,
    workplace: Workplace,
) -> Warp:
    """Affine and deformable registration on the template's grid, or 2 mm where that is finer than a coarse image."""
    brain, brain_mask = template
    spacing_mm = max(float(brain.voxel_mm.mean()), min(float(np.round(head.voxel_mm.min())), COARSEST_MM))
    near = dilate_mm(inside, STRIP_MARGIN_MM, head.voxel_mm)
    moving = onto_isotropic_grid(head._replace(values=np.where(near, head.values, 0)), spacing_mm)
    fixed = onto_isotropic_grid(brain, spacing_mm)
    soft_mask = brain_mask._replace(values=(brain_mask.values > 0).astype(np.float32))
    fixed_inside = onto_isotropic_grid(soft_mask, spacing_mm).values > 0.5
    soft_inside = onto_isotropic_grid(head._replace(values=inside.astype(np.float32)), spacing_mm)
    with workplace.scratch() as folder:
        pair = TemplatePair(fixed, fixed_inside, moving, folder, workplace.threads)
        if known is None:
            start = np.eye(4)
            start[:3, 3] = centre_mm(inside, head.affine) - centre_mm(fixed_inside, fixed.affine)
            (affine,) = pair.register_affine([start])
        else:
            affine = pair.refine_affine(known)
        # (100, 50, 10) iterations: 0.63 mm instead of 0.68 on three simulated heads, in 1.25 times the time.
        iterations = (60, 40, 5)
        fluid = deep_fluid(fixed, fixed_inside), deep_fluid(moving, soft_inside.values > 0.5)
        of_template, of_image = (float(image.values.sum()) for image in fluid)
        if not _is_wide(of_template, of_image, affine):
            return pair.register_deformable(affine, iterations)
        pair.add_fluid(*fluid)
        return pair.register_deformable(affine, iterations, SOFT)


def _is_wide(of_template: float, of_image: float, affine: FloatArray) -> bool:
    """Whether a brain has far more deep fluid than a template of its size, which the affine (4, 4) brings to it."""
    return 0 < WIDE_TIMES * of_template * float(np.linalg.det(affine[:3, :3])) < of_image


def deep_fluid(image: Image, inside: BoolArray) -> Image:
    """Share of fluid, 0 to 1, in voxels deep inside a brain (x, y, z): what says most about where its deep regions lie.

    By brightness alone, local correlation sees the edge of a wide ventricle only where the template's lies near it.
    """
    share = (TISSUE - image.values / np.percentile(image.values[inside], 75)) / (TISSUE - FLUID)
    deep = ndimage.distance_transform_edt(inside, image.voxel_mm) > FLUID_DEPTH_MM
    return image._replace(values=np.where(deep, np.clip(share, 0, 1), 0).astype(np.float32))


def _concern(correlation: float, folded_percent: float) -> str:
    """Sentences that flag a doubtful normalization, with the thresholds that it missed; empty when none is."""
    doubts = []
    if not correlation >= LEAST_CORRELATION:
        doubts.append(f"the correlation is {too_low(correlation, LEAST_CORRELATION)}")
    if folded_percent > MOST_FOLDED_PERCENT:
        share = too_high(folded_percent, MOST_FOLDED_PERCENT, "percent")
        doubts.append(f"of the brain the deformation folds {share}")
    return all_doubts("Registration to the template", doubts)


def _folded_percent(pull: sitk.Transform, inside: BoolArray) -> float:
    """Share of the template's brain where the deformation is not invertible.

    In voxel indices the determinant is negative all over when one grid is a mirror image of the other.
    """
    displacement = sitk.TransformToDisplacementField(pull, sitk.sitkVectorFloat64, list(inside.shape))
    determinant = sitk.GetArrayFromImage(sitk.DisplacementFieldJacobianDeterminant(displacement)).T[inside]
    return float(100 * (determinant * np.sign(np.median(determinant)) <= 0).mean())
