"""What the scanner mixes into every PET voxel: shares of grey matter, white matter and fluid at its resolution.

The person's own tissue is blurred with the point spread on a grid finer than PET voxels and averaged over each. Fluid
is nowhere alone: its curve is measured where it is purest, and freed of the others by their parts. White matter is
measured around every voxel (`numerics/white_matter.py`), because nobody knows whether it is alike everywhere.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.imaging.images import Image, crop_to_mask, read_image, space_code, write_image
from morbids.imaging.partial_volume import fine_grid, widths_along_axes
from morbids.imaging.resampling import index_transform, read_chain, resample_volume
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.kinetics.slow_tissue import tissues_alone
from morbids.numerics.partial_volume import REACH_SD, average_blocks, point_spread_sd
from morbids.numerics.white_matter import SD_MM, amounts_of_kinds, find_kinds, fit_white_matter

GREY, WHITE, FLUID = range(3)
UNTOLD = {
    WHITE: "The curve of white matter cannot be told at the scanner's resolution: it is left in the curves of regions.",
    FLUID: "The curve of fluid cannot be told at the scanner's resolution: it is left in the curves of regions.",
}
PUREST = 0.75
"""Voxels where a tissue prevails, and with more of it than this part of the others, are its purest."""
MARGIN_MM = 12.0
"""Shares are known this far outside the brain: smoothed frames bring what lies there into it."""
LEAST_VOXELS = 8
LEAST_PURITY = 0.5
"""Less of a tissue even where it is purest does not tell its curve."""


class SlowTissues(NamedTuple):
    """White matter and fluid of one scan.

    Attributes
    ----------
    shares
        (x, y, z, 3) image of their parts in each voxel, white matter of low and of high uptake and fluid; 0 for one
        whose curve nobody can tell.
    curves
        (n_frames, 3) of each alone.
    notes
        Sentences about a tissue that is left in the curves.
    """

    shares: Path
    curves: FloatArray
    notes: tuple[str, ...]


class _White(NamedTuple):
    """Curves (n_frames, 2) of two kinds of white matter, and how much of both (x, y, z, 2) it is made of anywhere."""

    kinds: FloatArray
    amounts: FloatArray


def find_slow_tissues(
    pet: Path,
    mask: Path,
    tissues: tuple[Path, Path, Path],
    to_pet: Sequence[Path],
    fwhm_mm: Sequence[float],
    out_dir: Path,
) -> SlowTissues:
    """Blur the tissue of a person as the scanner does, and measure white matter and fluid.

    Parameters
    ----------
    pet, mask
        Frames, and the brain on their grid.
    tissues
        Fractions of grey matter, white matter and fluid in any space, and `to_pet`, the chain that brings them to PET.
    fwhm_mm
        (3,) point spread along the scanner's axes.
    """
    image = read_image(pet)
    cut, inside = crop_to_mask(image, read_image(mask).values > 0.5, MARGIN_MM)
    frames = cut.values if cut.values.ndim == 4 else cut.values[..., None]
    shares = np.stack([_blur(path, to_pet, cut, fwhm_mm) for path in tissues], axis=-1)
    known = inside & np.isfinite(frames).all(axis=3)
    fluid = _measure_fluid(frames, shares, known)
    white = _measure_white(frames, shares, known, fluid, SD_MM / image.voxel_mm)
    notes = tuple(UNTOLD[k] for k, found in ((WHITE, white), (FLUID, fluid)) if found is None)
    if white is None:
        white = _White(np.zeros((frames.shape[3], 2)), np.zeros((*known.shape, 2)))
    if fluid is None:
        fluid, shares[..., FLUID] = np.zeros(frames.shape[3]), 0.0
    parts = np.concatenate([shares[..., [WHITE]] * white.amounts, shares[..., [FLUID]]], axis=-1)
    whole = np.zeros((*image.values.shape[:3], parts.shape[-1]), dtype=np.float32)
    corner = np.rint(np.linalg.solve(image.affine, cut.affine)[:3, 3]).astype(int)
    whole[tuple(slice(at, at + n) for at, n in zip(corner, known.shape, strict=True))] = parts
    out = write_image(whole, image.affine, out_dir / "shares.nii.gz", code=space_code(image.header))
    return SlowTissues(out, np.column_stack([white.kinds, fluid]), notes)


def _measure_fluid(frames: FloatArray, shares: FloatArray, known: BoolArray) -> FloatArray | None:
    """Curve (n_frames,) of fluid alone; None where fluid or grey matter is nowhere pure."""
    places = [_find_purest(shares, known, k) for k in (GREY, WHITE, FLUID)]
    told = [k for k, place in enumerate(places) if _tells(shares, place, k)]
    if GREY not in told or FLUID not in told:
        return None
    return _free(frames, shares[..., told], [places[k] for k in told])[:, -1]


def _measure_white(
    frames: FloatArray, shares: FloatArray, known: BoolArray, fluid: FloatArray | None, sd_voxels: FloatArray
) -> _White | None:
    """White matter around every voxel as a sum of two kinds; None where it is not pure enough anywhere."""
    if not _tells(shares, _find_purest(shares, known, WHITE), WHITE):
        return None
    own = frames if fluid is None else frames - shares[..., [FLUID]] * fluid
    curves = fit_white_matter(own, shares[..., GREY], shares[..., WHITE], known, sd_voxels)
    kinds = find_kinds(curves[shares[known].argmax(axis=-1) == WHITE])
    amounts = np.zeros((*known.shape, 2))
    amounts[known] = amounts_of_kinds(curves, kinds)
    return _White(kinds, amounts)


def _tells(shares: FloatArray, place: BoolArray, tissue: int) -> bool:
    """Whether enough voxels (x, y, z), pure enough, tell the curve of a tissue."""
    return bool(place.sum() >= LEAST_VOXELS and shares[place][:, tissue].mean() >= LEAST_PURITY)


def _free(frames: FloatArray, shares: FloatArray, places: Sequence[BoolArray]) -> FloatArray:
    """Curves (n_frames, n) of tissues alone, from as many places where each is purest."""
    measured = np.stack([frames[place].mean(axis=0, dtype=float) for place in places], axis=1)
    return tissues_alone(measured, np.stack([shares[place].mean(axis=0) for place in places]))


def _blur(tissue: Path, to_pet: Sequence[Path], pet: Image, fwhm_mm: Sequence[float]) -> FloatArray:
    """Share (x, y, z) of a tissue in every PET voxel at the scanner's resolution."""
    source = read_image(tissue)
    fine, split = fine_grid(pet)
    pull = index_transform(read_chain(to_pet), fine.affine, source.affine)
    drawn = resample_volume(np.nan_to_num(source.values), fine.values.shape, pull, "linear")
    sd = point_spread_sd(widths_along_axes(fwhm_mm, pet.affine), pet.voxel_mm, split)
    return average_blocks(ndimage.gaussian_filter(drawn, sd, mode="nearest", truncate=REACH_SD), split)


def _find_purest(shares: FloatArray, known: BoolArray, tissue: int) -> BoolArray:
    """Voxels (x, y, z) in which a tissue prevails and of which it is purest."""
    prevails: BoolArray = known & (shares.argmax(axis=-1) == tissue)
    if not prevails.any():
        return prevails
    purest: BoolArray = prevails & (shares[..., tissue] >= np.quantile(shares[..., tissue][prevails], PUREST))
    return purest
