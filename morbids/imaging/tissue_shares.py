"""What the scanner mixes into every PET voxel: shares of grey matter, white matter and fluid at its resolution.

The person's own tissue is blurred with the point spread on a grid finer than PET voxels and averaged over each. Where a
tissue is purest its curve is measured, and the three are freed of each other; fluid in particular is nowhere alone.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.imaging.images import read_image, space_code, write_image
from morbids.imaging.partial_volume import fine_grid, widths_along_axes
from morbids.imaging.resampling import index_transform, read_chain, resample_volume
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.kinetics.slow_tissue import tissues_alone
from morbids.numerics.partial_volume import REACH_SD, average_blocks, point_spread_sd

GREY, SLOW = 0, ("white matter", "fluid")
PUREST = 0.75
"""Voxels where a tissue prevails, and with more of it than this part of the others, are its purest."""
LEAST_VOXELS = 8
LEAST_PURITY = 0.5
"""Less of a tissue even where it is purest does not tell its curve."""


class SlowTissues(NamedTuple):
    """White matter and fluid of one scan.

    Attributes
    ----------
    shares
        (x, y, z, 2) image of their parts in each voxel; 0 for one whose curve nobody can tell.
    curves
        (n_frames, 2) of each alone.
    notes
        Sentences about a tissue that is left in the curves.
    """

    shares: Path
    curves: FloatArray
    notes: tuple[str, ...]


def find_slow_tissues(
    pet: Path,
    mask: Path,
    tissues: tuple[Path, Path, Path],
    to_pet: Sequence[Path],
    fwhm_mm: Sequence[float],
    out_dir: Path,
) -> SlowTissues:
    """Blur the tissue of a person as the scanner does, and measure white matter and fluid where they are purest.

    Parameters
    ----------
    pet, mask
        Frames, and the brain on their grid.
    tissues
        Fractions of grey matter, white matter and fluid in any space, and `to_pet`, the chain that brings them to PET.
    fwhm_mm
        (3,) point spread along the scanner's axes.
    """
    image, inside = read_image(pet), read_image(mask).values > 0.5
    frames = image.values if image.values.ndim == 4 else image.values[..., None]
    shares = np.stack([_blur(path, to_pet, pet, fwhm_mm) for path in tissues], axis=-1)
    known = inside & np.isfinite(frames).all(axis=3)
    places = [_find_purest(shares, known, k) for k in range(len(tissues))]
    told = [
        k
        for k, place in enumerate(places)
        if place.sum() >= LEAST_VOXELS and shares[place][:, k].mean() >= LEAST_PURITY
    ]
    curves = np.zeros((frames.shape[3], len(tissues)))
    if GREY in told:
        measured = np.stack([frames[places[k]].mean(axis=0) for k in told], axis=1)
        mixing = np.stack([shares[places[k]].mean(axis=0)[told] for k in told])
        curves[:, told] = tissues_alone(measured.astype(float), mixing)
    absent = [k for k in (1, 2) if k not in told or GREY not in told]
    shares[..., absent] = 0.0
    notes = tuple(
        f"The curve of {SLOW[k - 1]} cannot be told at the scanner's resolution: it is left in the curves of regions."
        for k in absent
    )
    out = out_dir / "shares.nii.gz"
    write_image(shares[..., 1:].astype(np.float32), image.affine, out, code=space_code(image.header))
    return SlowTissues(out, curves[:, 1:], notes)


def _blur(tissue: Path, to_pet: Sequence[Path], pet: Path, fwhm_mm: Sequence[float]) -> FloatArray:
    """Share (x, y, z) of a tissue in every PET voxel at the scanner's resolution."""
    source, target = read_image(tissue), read_image(pet)
    fine, split = fine_grid(target)
    pull = index_transform(read_chain(to_pet), fine.affine, source.affine)
    drawn = resample_volume(np.nan_to_num(source.values), fine.values.shape, pull, "linear")
    sd = point_spread_sd(widths_along_axes(fwhm_mm, target.affine), target.voxel_mm, split)
    return average_blocks(ndimage.gaussian_filter(drawn, sd, mode="nearest", truncate=REACH_SD), split)


def _find_purest(shares: FloatArray, known: BoolArray, tissue: int) -> BoolArray:
    """Voxels (x, y, z) in which a tissue prevails and of which it is purest."""
    prevails: BoolArray = known & (shares.argmax(axis=-1) == tissue)
    if not prevails.any():
        return prevails
    purest: BoolArray = prevails & (shares[..., tissue] >= np.quantile(shares[..., tissue][prevails], PUREST))
    return purest
