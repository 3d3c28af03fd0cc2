"""Grey matter, white matter and cerebrospinal fluid from a bias-corrected T1w image."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.errors import MorbidsError
from morbids.imaging.images import read_image, space_code, write_image
from morbids.imaging.tissue_priors import expect_tissues
from morbids.numerics.arrays import FloatArray
from morbids.numerics.tissue_mixture import fit_tissue_mixture, tissue_posteriors

LABELS = {"GM": 1, "WM": 2, "CSF": 3}
"""Labels of the discrete segmentation, as in BIDS."""
COUPLING = 0.25
"""Strength of the Markov prior between voxels 1 mm apart; falls with distance."""


class Tissue(NamedTuple):
    """Discrete segmentation (GM 1, WM 2, CSF 3) and the fraction of each tissue, on the grid of the T1w image."""

    dseg: Path
    gm: Path
    wm: Path
    csf: Path


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
    box = ndimage.find_objects(inside.astype(np.uint8))[0]
    prior = None
    if template_to_t1w is not None:
        prior = expect_tissues(image, inside, template_to_t1w)
    mixture = fit_tissue_mixture(image.values[inside], prior)
    coupling = COUPLING / np.maximum(image.voxel_mm, 1.0)
    fractions = tissue_posteriors(image.values[box], inside[box], mixture, coupling, prior)
    csf, gm, wm = (_paste(fractions[..., k], box, inside.shape) for k in range(3))
    dseg = np.where(inside, np.stack([gm, wm, csf]).argmax(axis=0) + 1, 0)
    code = space_code(image.header)

    def save(values: FloatArray, name: str) -> Path:
        return write_image(values, image.affine, out_dir / f"{name}.nii.gz", code=code)

    return Tissue(save(dseg, "dseg"), save(gm, "gm"), save(wm, "wm"), save(csf, "csf"))


def _paste(values: FloatArray, box: tuple[slice, ...], shape: tuple[int, ...]) -> FloatArray:
    """Put the values of a box back into the whole grid."""
    whole = np.zeros(shape, dtype=np.float32)
    whole[box] = values
    return whole
