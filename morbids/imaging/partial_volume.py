"""Correction for partial volume of one scan: its parts in PET space, and corrected curves and images.

The parts are drawn on a grid finer than PET voxels straight from the atlas and from T1w, because a voxel of PET
mixes what is to be told apart: regions, the rest of grey matter, white matter, cerebrospinal fluid, and a
shell of other tissue around the brain. A part must be even inside. Grey matter just beside a region is the same
cortex and belongs to it; white matter follows the cortex above it, so that it is divided like the regions [Greve
2014, NeuroImage 92:225]; what is far from every region is cut into cubes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import ndimage

from morbids.imaging.images import Image, read_image, space_code, write_image
from morbids.imaging.regions import LEAST_GM_SHARE, USABLE_COVERAGE, rows_of
from morbids.imaging.resampling import index_transform, read_chain, resample_volume
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.numerics.partial_volume import (
    Geometry,
    Transfer,
    correct_means,
    correct_voxels,
    majority_parts,
    measure_parts,
    point_spread_sd,
    transfer_matrix,
)

FINE_VOXEL_MM = 1.5
"""Parts are drawn about this fine: the cortex is two to three voxels thick."""
SHELL_MM = 10.0
"""Tissue farther outside the brain than two point spreads lends nothing to it."""
BESIDE_MM = 15.0
"""Grey and white matter this near to a region is divided by the region that is nearest."""
CUBE_MM = 40.0
"""About the size of a lobe: smaller cubes change regions by 1 % more, larger ones mix lobes."""
LEAST_PIECE_ML = 3.0
"""Smaller pieces of a tissue are one part, all together."""
LEAST_REFERENCE_SHARE = 0.1
"""A region of which the reference region holds less was not what it was cut from."""
TISSUES = ("rest of grey matter", "white matter", "cerebrospinal fluid", "around the brain")
GREY, WHITE, FLUID, AROUND = 1, 2, 3, len(TISSUES)
"""Grey and white matter in the tissue segmentation, and what follows its classes."""


class Parts(NamedTuple):
    """Parts of one atlas.

    Attributes
    ----------
    parts
        Label image on the fine grid: 1 + row of `table`, 0 outside everything.
    table
        TSV with name and kind (`region` or a tissue) of each part; the regions of the atlas come first.
    """

    parts: Path
    table: Path


class CorrectedMeans(NamedTuple):
    """Curves of the regions of an atlas, corrected by the geometric transfer matrix.

    Attributes
    ----------
    names, curves
        Regions, and (n_frames, n_regions); NaN for regions that are absent or mostly out of the field of view.
    condition
        Condition number of the transfer matrix.
    recovery
        (n_regions,) share of a region's own activity that its uncorrected mean holds.
    """

    names: tuple[str, ...]
    curves: FloatArray
    condition: float
    recovery: FloatArray


def draw_parts(
    atlas_dseg: Path,
    table: Path,
    transforms: Sequence[Path],
    petref: Path,
    tissue: Path,
    tissue_to_pet: Sequence[Path],
    out_dir: Path,
) -> Parts:
    """Draw the parts of an atlas on a fine grid over PET.

    Parameters
    ----------
    atlas_dseg, transforms
        Label image in atlas space, and the chain that brings it to PET.
    table
        Regions of the atlas in PET space (from `regions_in_pet`): `gm_share` says which were cut to grey matter.
    tissue, tissue_to_pet
        Segmentation (1 grey, 2 white, 3 fluid), and its chain to PET.
    """
    fine, _ = fine_grid(read_image(petref))
    classes = _nearest(tissue, tissue_to_pet, fine)
    regions = pd.read_csv(table, sep="\t", dtype={"name": str})
    labels = _nearest(atlas_dseg, transforms, fine)
    rows = rows_of(labels, regions["index"].to_numpy())
    whole, deep = (np.append(kind, False) for kind in (_taken_whole(regions), _is_deep(regions)))
    beside = _nearest_region(np.where(whole[rows], len(regions), rows), len(regions), fine)
    rows = np.where((rows == len(regions)) & (classes == GREY), beside, rows)
    drawn = (rows < len(regions)) & (whole[rows] | (classes == GREY) | (deep[rows] & (classes != FLUID)))
    rest = np.where(drawn, 0, _with_surroundings(classes, fine))
    cells = np.where((rest == WHITE) & (beside < len(regions)), beside, len(regions) + _cubes(fine))
    pieces, names = _tissue_pieces(rest, cells, fine.voxel_ml)
    parts: IntArray = np.where(drawn, rows + 1, np.where(pieces > 0, pieces + len(regions), 0))
    out_dir.mkdir(parents=True, exist_ok=True)
    out_table = out_dir / "parts.tsv"
    kinds = ["region"] * len(regions) + names
    pd.DataFrame({"name": [*regions["name"], *names], "kind": kinds}).to_csv(out_table, sep="\t", index=False)
    return Parts(write_image(parts, fine.affine, out_dir / "parts.nii.gz"), out_table)


def correct_regions(
    pet: Path, dseg: Path, table: Path, parts: Parts, fwhm_mm: Sequence[float]
) -> CorrectedMeans:
    """Correct the curves of an atlas with the geometric transfer matrix of its parts."""
    image, regions = _four_dimensional(pet), pd.read_csv(table, sep="\t", dtype={"name": str})
    geometry = _read_geometry(image, dseg, regions, parts, fwhm_mm)
    transfer = transfer_matrix(geometry)
    activity = correct_means(transfer, measure_parts(image.values, geometry))[: len(regions)]
    if "coverage" in regions:
        activity[~(regions["coverage"].to_numpy(dtype=float) >= USABLE_COVERAGE)] = np.nan
    return CorrectedMeans(
        tuple(regions["name"]), activity.T, transfer.condition, _recovery(transfer)[: len(regions)]
    )


def correct_image(
    pet: Path,
    dseg: Path,
    table: Path,
    parts: Parts,
    fwhm_mm: Sequence[float],
    out: Path,
    reference: Path | None = None,
) -> Path:
    """Correct every voxel of the brain by the synthetic image of its parts.

    Parameters
    ----------
    reference
        Mask of the reference region in PET space. Its tissue is even by definition: the regions that it was cut
        from are one part, which is measured in the mask alone, far from what the neighbours lend.
    """
    image, regions = _four_dimensional(pet), pd.read_csv(table, sep="\t", dtype={"name": str})
    geometry = _read_geometry(image, dseg, regions, parts, fwhm_mm)
    kinds = pd.read_csv(parts.table, sep="\t")["kind"]
    corrected = _correct_even(image.values, geometry, (kinds != TISSUES[-1]).to_numpy())
    if reference is not None:
        mask = read_image(reference).values > 0
        joined, part = _join_reference(geometry, mask, len(regions))
        if part >= 0:
            corrected[mask] = _correct_even(image.values, joined, np.arange(len(kinds)) == part)[mask]
    return write_image(corrected, image.affine, out, like=image.header, code=space_code(image.header))


def _correct_even(frames: FloatArray, geometry: Geometry, inside: BoolArray) -> FloatArray:
    """Solve for the activity of the parts, and correct the voxels of some of them."""
    activity = correct_means(transfer_matrix(geometry), measure_parts(frames, geometry))
    return correct_voxels(frames, geometry, activity, inside)


def _join_reference(geometry: Geometry, mask: BoolArray, n_regions: int) -> tuple[Geometry, int]:
    """Make one part of the regions that a reference region was cut from; -1 where most of it is in no such."""
    seen = geometry.measured >= 0
    held = np.bincount(geometry.measured[mask & seen], minlength=geometry.n_parts)[:n_regions]
    sizes = np.bincount(geometry.measured[seen], minlength=geometry.n_parts)[:n_regions]
    joined = np.flatnonzero((held > 0) & (held >= LEAST_REFERENCE_SHARE * sizes))
    if held[joined].sum() <= mask.sum() / 2:
        return geometry, -1
    part = int(joined[0])
    parts = np.where(np.isin(geometry.parts, joined), part, geometry.parts)
    measured = np.where(np.isin(geometry.measured, joined), -1, geometry.measured)
    measured[mask] = part
    return geometry._replace(parts=parts, measured=measured), part


def _recovery(transfer: Transfer) -> FloatArray:
    recovery: FloatArray = np.where(transfer.solvable, np.diag(transfer.matrix), np.nan)
    return recovery


def _four_dimensional(pet: Path) -> Image:
    image = read_image(pet)
    return image if image.values.ndim == 4 else image._replace(values=image.values[..., None])


def fine_grid(pet: Image) -> tuple[Image, tuple[int, int, int]]:
    """Grid whose voxels divide those of PET, without values, and into how many along each axis."""
    split = np.maximum(np.rint(pet.voxel_mm / FINE_VOXEL_MM), 1).astype(int)
    scale = np.column_stack([np.diag(1 / split), (1 / split - 1) / 2])
    shape = tuple((np.array(pet.values.shape[:3]) * split).tolist())
    values = np.broadcast_to(np.float32(0), shape)
    x, y, z = split.tolist()
    return Image(values, pet.affine @ np.vstack([scale, [0, 0, 0, 1]]), pet.header), (x, y, z)


def widths_along_axes(fwhm_mm: Sequence[float], affine: FloatArray) -> FloatArray:
    """Widths (3,) of the scanner's axes along those of an image, which may be stored in another order."""
    return np.asarray(np.asarray(fwhm_mm)[np.abs(affine[:3, :3]).argmax(axis=0)])


def _nearest(labels: Path, transforms: Sequence[Path], grid: Image) -> IntArray:
    """Label of every voxel of a grid."""
    image = read_image(labels)
    pull = index_transform(read_chain(transforms), grid.affine, image.affine)
    return np.rint(resample_volume(np.nan_to_num(image.values), grid.values.shape, pull, "nearest")).astype(
        np.int32
    )


def _with_surroundings(classes: IntArray, grid: Image) -> IntArray:
    """Tissue classes, and the shell around the brain as the last one."""
    far = ndimage.distance_transform_edt(classes == 0, sampling=grid.voxel_mm) > SHELL_MM
    parts: IntArray = np.where(classes > 0, classes, np.where(far, 0, AROUND))
    return parts


def _nearest_region(rows: IntArray, n_regions: int, grid: Image) -> IntArray:
    """Nearest of the regions around every voxel, `n_regions` where none is within `BESIDE_MM`."""
    absent = rows == n_regions
    if absent.all():
        return rows
    far_mm, place = ndimage.distance_transform_edt(absent, sampling=grid.voxel_mm, return_indices=True)
    nearest: IntArray = np.where(far_mm <= BESIDE_MM, rows[tuple(place)], n_regions)
    return nearest


def _cubes(grid: Image) -> IntArray:
    """Number of the cube that holds each voxel of a grid, from 0 on."""
    cubes = np.zeros(grid.values.shape, dtype=np.int32)
    for axis, (length, edge_mm) in enumerate(zip(grid.values.shape, grid.voxel_mm, strict=True)):
        place = np.floor((np.arange(length) - length / 2) * edge_mm / CUBE_MM).astype(np.int32)
        shape = [1, 1, 1]
        shape[axis] = length
        cubes = cubes * (np.ptp(place) + 1) + (place - place.min()).reshape(shape)
    return cubes


def _tissue_pieces(tissue: IntArray, cells: IntArray, voxel_ml: float) -> tuple[IntArray, list[str]]:
    """Cut tissue classes (0 for none) by cells (from 0 on); returns pieces from 1 on, and the tissue of each."""
    # Pieces are numbered tissue by tissue; number 0 of each tissue gathers its small ones.
    step = int(cells.max()) + 2
    keys = tissue * step + np.where(tissue > 0, cells + 1, 0)
    found, place_of, counts = np.unique(keys, return_inverse=True, return_counts=True)
    owner = found // step
    small = (counts * voxel_ml < LEAST_PIECE_ML) | (owner == 0)
    gathered = np.where(small, owner * step, found)
    kept, renumbered = np.unique(gathered, return_inverse=True)
    first = 0 if (kept == 0).any() else 1
    pieces: IntArray = (renumbered[place_of].reshape(tissue.shape) + first).astype(np.int32)
    return pieces, [TISSUES[int(key) // step - 1] for key in kept if key > 0]


def _taken_whole(regions: pd.DataFrame) -> BoolArray:
    """(n_regions,) regions that were not cut to grey matter."""
    share = regions["gm_share"].to_numpy(dtype=float)
    whole: BoolArray = np.isnan(share) | (share < LEAST_GM_SHARE)
    if "tissue" in regions:
        whole |= (regions["tissue"] == "any").to_numpy()
    return whole


def _is_deep(regions: pd.DataFrame) -> BoolArray:
    """(n_regions,) regions that were cut to what is not fluid."""
    if "tissue" not in regions:
        return np.zeros(len(regions), dtype=bool)
    return (regions["tissue"] == "deep").to_numpy()


def _read_geometry(
    image: Image, dseg: Path, regions: pd.DataFrame, parts: Parts, fwhm_mm: Sequence[float]
) -> Geometry:
    """Parts on the fine grid; regions are measured where they are averaged, the rest where it prevails."""
    fine, labels = read_image(parts.parts), read_image(dseg).values
    n_parts = len(pd.read_csv(parts.table, sep="\t"))
    shape = image.values.shape[:3]
    split = (
        fine.values.shape[0] // shape[0],
        fine.values.shape[1] // shape[1],
        fine.values.shape[2] // shape[2],
    )
    drawn = fine.values.astype(np.int32) - 1
    prevailing = majority_parts(drawn, split, n_parts)
    rows = rows_of(labels.astype(np.int32), regions["index"].to_numpy())
    outside = rows == len(regions)
    measured: IntArray = np.where(outside, np.where(prevailing >= len(regions), prevailing, -1), rows)
    sd = point_spread_sd(widths_along_axes(fwhm_mm, image.affine), image.voxel_mm, split)
    return Geometry(drawn, measured, split, sd, n_parts)
