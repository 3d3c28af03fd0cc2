"""Grey matter, white matter and cerebrospinal fluid from a bias-corrected T1w image."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.errors import MorbidsError
from morbids.imaging.concerns import all_doubts, too_low
from morbids.imaging.images import box_around, crop_to_mask, read_image, space_code, write_image
from morbids.imaging.tissue_priors import expect_tissues
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.numerics.tissue_mixture import (
    TissueMixture,
    TissuePrior,
    fit_tissue_mixture,
    tissue_contrast,
    tissue_posteriors,
)

Slices = tuple[slice, ...]
LABELS = {"GM": 1, "WM": 2, "CSF": 3}
"""Labels of the discrete segmentation, as in BIDS."""
COUPLING = 0.25
"""Strength of the Markov prior between voxels 1 mm apart; falls with distance."""
SHADING_PASSES = 3
SHADING_SIGMA_MM, SHADING_GRID_MM = 15.0, 4.0
MOST_SHADING = 0.25
SURE = 0.9
"""Voxels with more white matter than this tell of shading."""
LEAST_CONTRAST = 0.15
"""White matter above grey, as part of its height above CSF: 0.24 to 0.41 in adult T1w images with any noise or bias,
0.05 in a T1w image with the contrast of an infant."""
LEAST_AGREEMENT = 0.5
"""Correlation of white matter with where the population has it: 0.77 to 0.84 in adults, 0.28 in a T2w image."""


class Tissue(NamedTuple):
    """Three tissues on the grid of the T1w image.

    Attributes
    ----------
    dseg
        Discrete segmentation (GM 1, WM 2, CSF 3).
    gm, wm, csf
        Fraction of each tissue.
    concern
        Empty, or the sentence that says why the tissues are doubtful.
    """

    dseg: Path
    gm: Path
    wm: Path
    csf: Path
    concern: str = ""


def segment_tissue(t1w: Path, mask: Path, out_dir: Path, template_to_t1w: Path | None = None) -> Tissue:
    """Segment the brain into three tissues.

    Parameters
    ----------
    t1w
        Bias-corrected T1w image.
    mask
        Brain mask on the same grid.
    template_to_t1w
        Transform that brings images from an MNI152 template to the T1w image. With it tissues have spatial
        priors, without which the bright deep grey matter (thalamus, pallidum) is taken for white matter.

    Raises
    ------
    MorbidsError
        The mask is empty, lies on another grid, or the image does not vary in it.
    """
    image, brain = read_image(t1w), read_image(mask)
    inside = brain.values > 0
    if inside.shape != image.values.shape:
        raise MorbidsError(
            f"{mask} has the shape {inside.shape}, {t1w} {image.values.shape}.", "Give one grid."
        )
    if not inside.any() or not np.ptp(image.values[inside]) > 0:
        raise MorbidsError(f"{t1w} has no contrast within {mask}.", "Look at the brain mask.")
    box = box_around(inside, 0.0, image.voxel_mm)
    near, within = crop_to_mask(image, inside)
    prior = None if template_to_t1w is None else expect_tissues(near, within, template_to_t1w)
    mixture, fractions = _classify(near.values, within, prior, image.voxel_mm)
    code = space_code(image.header)

    # Within the box and one after the other: the whole grid of a 1 mm image several times over takes half a gigabyte.
    def save(values: FloatArray | IntArray, name: str) -> Path:
        whole = np.zeros(inside.shape, dtype=values.dtype)
        whole[box] = values
        return write_image(whole, image.affine, out_dir / f"{name}.nii.gz", code=code)

    csf, gm, wm = np.moveaxis(fractions, -1, 0)
    likeliest = np.where(within, np.stack([gm, wm, csf]).argmax(axis=0) + 1, 0).astype(np.uint8)
    contrast = tissue_contrast(mixture)
    concern = _concern(contrast, 1.0 if prior is None else _agreement(wm[within], prior))
    return Tissue(save(likeliest, "dseg"), save(gm, "gm"), save(wm, "wm"), save(csf, "csf"), concern)


def _classify(
    values: FloatArray, inside: BoolArray, prior: TissuePrior | None, voxel_mm: FloatArray
) -> tuple[TissueMixture, FloatArray]:
    """Fit tissues, take out the shading that they show, and fit anew [Wells 1996, IEEE TMI 15:429].

    Bias correction without tissues leaves some: white matter varied by 10 % over real heads, which is a third of what
    sets it off from grey.
    """
    coupling = COUPLING / np.maximum(voxel_mm, 1.0)
    mixture = None
    for _ in range(SHADING_PASSES):
        mixture = fit_tissue_mixture(values[inside], prior, start=mixture)
        white = _sure_white(values, inside, mixture, prior, _every_few_mm(voxel_mm))
        values = values / np.exp(_shading(values, inside, white, float(mixture.mean[2]), voxel_mm))
    mixture = fit_tissue_mixture(values[inside], prior, start=mixture)
    return mixture, tissue_posteriors(values, inside, mixture, coupling, prior)


def _sure_white(
    values: FloatArray, inside: BoolArray, mixture: TissueMixture, prior: TissuePrior | None, some: Slices
) -> BoolArray:
    """Which of some voxels are white matter: without sweeps neighbours do not count, so that others need no look."""
    expected = None if prior is None else _some_of(prior, inside, some)
    return (
        tissue_posteriors(values[some], inside[some], mixture, np.zeros(3), expected, n_sweeps=0)[..., 2]
        > SURE
    )


def _every_few_mm(voxel_mm: FloatArray) -> Slices:
    """Voxels that tell of shading: what is smooth over 15 mm needs no finer grid."""
    return tuple(slice(None, None, max(round(SHADING_GRID_MM / edge), 1)) for edge in voxel_mm.tolist())


def _shading(
    values: FloatArray, inside: BoolArray, white: BoolArray, white_mean: float, voxel_mm: FloatArray
) -> FloatArray:
    """Logarithm (x, y, z) of how much brighter than its mean white matter is around a voxel.

    Parameters
    ----------
    white
        Which of every few voxels (see `_every_few_mm`) are white matter.
    """
    some = _every_few_mm(voxel_mm)
    step = np.array([part.step for part in some])
    level = np.log(np.maximum(values[some], 1e-3 * white_mean) / white_mean)
    total, weight = (
        ndimage.gaussian_filter(part.astype(np.float32), SHADING_SIGMA_MM / (voxel_mm * step))
        for part in (np.where(white, level, 0), white)
    )
    coarse = total / np.maximum(weight, 1e-3)
    field = ndimage.affine_transform(coarse, 1 / step, output_shape=values.shape, order=1, mode="nearest")
    bounded: FloatArray = np.clip(field - np.median(field[inside]), -MOST_SHADING, MOST_SHADING)
    return bounded


def _some_of(prior: TissuePrior, inside: BoolArray, some: Slices) -> TissuePrior:
    """Prior of those voxels inside that slices keep."""
    kept = np.zeros_like(inside)
    kept[some] = True
    rows = kept[inside]
    return TissuePrior(prior.tissues[rows], prior.deep_grey[rows])


def _agreement(white: FloatArray, prior: TissuePrior) -> float:
    """Correlation of white matter with its prior over voxels (n,); 0 when there is none of it."""
    expected = prior.tissues[:, 2]
    return float(np.corrcoef(white, expected)[0, 1]) if np.ptp(white) > 0 and np.ptp(expected) > 0 else 0.0


def _concern(contrast: float, agreement: float) -> str:
    """Sentences that flag doubtful tissues, with the thresholds that were missed; empty when none is."""
    doubts = []
    if contrast < LEAST_CONTRAST:
        doubts.append(
            f"white matter is brighter than grey, of its distance to CSF, by {too_low(contrast, LEAST_CONTRAST, '%')}, "
            "as in an infant or in an image that is not T1w"
        )
    if agreement < LEAST_AGREEMENT:
        doubts.append(
            f"white matter correlates with where people have it by {too_low(agreement, LEAST_AGREEMENT)}"
        )
    return all_doubts("Tissue segmentation", doubts)
