"""Maps of many scans as one matrix: smoothed, and cut down to the voxels that every map knows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.errors import MorbidsError
from morbids.group.comparison import Terms
from morbids.imaging.images import Image, read_image, write_image
from morbids.imaging.smoothing import smooth_volume
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray

# NIfTI code of template space.
MNI_CODE = 4


class Stack(NamedTuple):
    """All maps of a comparison.

    Attributes
    ----------
    maps
        (n_rows, n_voxels) float32, `.npy`, so that it can be mapped into memory; NaN where a map does not know a voxel.
    mask
        The voxels, in the order of `image[mask]`.
    n_voxels
        Their number.
    mask_rule
        How the mask came about, in words.
    n_missing, n_lost
        (n_rows,) voxels of the brain that bind enough and a row does not know; and those that no other row keeps out
        of the mask: without this row they would be tested.
    """

    maps: Path
    mask: Path
    n_voxels: int
    mask_rule: str
    n_missing: tuple[int, ...]
    n_lost: tuple[int, ...]


class StackRule(NamedTuple):
    """How maps are smoothed, and which voxels are kept.

    Attributes
    ----------
    fwhm_mm
        Of the smoothing; 0 for none.
    least_binding
        Smallest mean of maps of binding, as the original study had.
    coverage
        Share of the rows that must know a voxel.
    """

    fwhm_mm: float
    least_binding: float
    coverage: float


class ConditionMaps(NamedTuple):
    """Maps of every row under each condition: condition after condition, in the order of the labels."""

    conditions: tuple[str, ...]
    maps: tuple[Path, ...]
    labels: tuple[str, ...]


def stack_maps(
    terms: Terms,
    binding: Sequence[Path],
    n_rows: int,
    template_mask: Path,
    rule: StackRule,
    out_dir: Path,
) -> Stack:
    """Make each row's map, smooth it, and keep brain voxels that enough rows know and that bind enough.

    Parameters
    ----------
    terms
        Maps that each row is made of.
    binding
        Maps whose mean limits the mask; those that are not there (other software) do not.

    Raises
    ------
    MorbidsError
        No voxel remains.
    """
    first = read_image(terms.added[0])
    rows = _Rows(terms, n_rows, rule.fwhm_mm)
    inside, bound = _binds(binding, _brain(template_mask, first), rule.least_binding)
    n_unknown = sum(
        ((~rows.known(row)).astype(np.int16) for row in range(n_rows)), np.zeros(inside.shape, np.int16)
    )
    most_unknown = n_rows - math.ceil(rule.coverage * n_rows - 1e-9)
    tested = inside & (n_unknown <= most_unknown)
    known = f"known in all {n_rows} rows" if not most_unknown else (
        f"known in {n_rows - most_unknown} of {n_rows} rows at least"
    )  # fmt: skip
    mask_rule = f"brain, {known}{bound}"
    if not tested.any():
        raise MorbidsError(
            f"No voxel remains for {terms.added[0].name} and the other maps ({mask_rule}).",
            "Lower --mask-threshold or --coverage, or look at the participants' maps.",
        )
    n_voxels = int(tested.sum())
    n_missing, n_lost = [], []
    with (out_dir / "maps.npy").open("wb") as stacked:
        # Written, not mapped: the pages of a mapped file would count as memory of this step.
        header = {"descr": "<f4", "fortran_order": False, "shape": (n_rows, n_voxels)}
        np.lib.format.write_array_header_1_0(stacked, header)
        for row in range(n_rows):
            unknown = inside & ~rows.known(row)
            n_missing.append(int(unknown.sum()))
            n_lost.append(int((unknown & (n_unknown == most_unknown + 1)).sum()))
            stacked.write(rows.volume(row)[tested].astype("<f4").tobytes())
    mask = write_image(tested, first.affine, out_dir / "mask.nii.gz", code=MNI_CODE)
    return Stack(out_dir / "maps.npy", mask, n_voxels, mask_rule, tuple(n_missing), tuple(n_lost))


@dataclass(frozen=True)
class _Rows:
    """The map of each row, made of its terms."""

    terms: Terms
    n_rows: int
    fwhm_mm: float

    def known(self, row: int) -> BoolArray:
        """Voxels that every term knows; of a percentage, where the smoothed map that it is of is above 0."""
        if self.terms.percent_of:
            return np.isfinite(self.volume(row))
        return np.isfinite(self.terms.combine(*self._sides(row)))

    def volume(self, row: int) -> FloatArray:
        """Smoothed values of the terms, NaN where one is unknown.

        Percentages are of smoothed maps: those of single voxels near 0 have no bounds.
        """
        voxel_mm = read_image(self.terms.added[row]).voxel_mm
        added, removed = self._sides(row)
        if not self.terms.percent_of:
            return smooth_volume(self.terms.combine(added, removed), self.fwhm_mm, voxel_mm)
        unknown = np.isnan(added + removed)
        sides = [
            smooth_volume(np.where(unknown, np.nan, side), self.fwhm_mm, voxel_mm)
            for side in (added, removed)
        ]
        return self.terms.combine(*sides)

    def _sides(self, row: int) -> tuple[FloatArray, FloatArray]:
        """Sums of the added and of the removed terms."""
        added, removed = (
            sum((read_map(path) for path in files[row :: self.n_rows]), np.float32(0))
            for files in (self.terms.added, self.terms.removed)
        )
        return np.asarray(added), np.asarray(removed)


def _binds(binding: Sequence[Path], brain: BoolArray, least_binding: float) -> tuple[BoolArray, str]:
    """Voxels of the brain where the mean of the maps that know them is high enough, and the rule in words."""
    there = [path for path in binding if path.exists()]
    if not there:
        return brain, "; no baseline maps, so --mask-threshold was not applied"
    total, n_known = np.zeros(brain.shape), np.zeros(brain.shape)
    for path in there:
        values = read_map(path)
        total += np.nan_to_num(values)
        n_known += np.isfinite(values)
    enough = (n_known > 0) & (total >= least_binding * n_known)
    return brain & enough, f", mean of {len(there)} maps at least {least_binding:g}"


def read_map(path: Path) -> FloatArray:
    """Read a map; where no voxel is NaN, exact zeros are what other software writes for "unknown"."""
    values = read_image(path).values
    return values if np.isnan(values).any() else np.where(values == 0, np.nan, values).astype(np.float32)


def write_map(values: FloatArray | IntArray, mask: Image, path: Path) -> Path:
    """Write (n_voxels,) values of a mask as an image, NaN outside; labels stay whole numbers, 0 outside."""
    inside = mask.values > 0.5
    whole = np.issubdtype(values.dtype, np.integer)
    volume = np.zeros(inside.shape, np.int32) if whole else np.full(inside.shape, np.nan, np.float32)
    volume[inside] = values
    return write_image(volume, mask.affine, path, code=MNI_CODE)


def _brain(template_mask: Path, like: Image) -> BoolArray:
    """Read the template's brain on the grid of the maps, which other software may have chosen otherwise."""
    brain = read_image(template_mask)
    to_brain = np.linalg.inv(brain.affine) @ like.affine
    sampled = ndimage.affine_transform(
        brain.values, to_brain[:3, :3], to_brain[:3, 3], output_shape=like.values.shape, order=1
    )
    return np.asarray(sampled > 0.5)
