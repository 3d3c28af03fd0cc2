"""Regions of an atlas in PET space, and the mean curve of each."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import SimpleITK as sitk
from scipy import ndimage

from morbids.errors import MorbidsError
from morbids.imaging.images import Image, read_image, space_code, write_image
from morbids.imaging.resampling import index_transform, read_chain, resample_volume
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.words import listed

LEAST_GM_SHARE = 0.25
"""A region with less grey matter than this keeps its whole volume: its tissue was not classified as grey."""
LEAST_COVERAGE = 0.9
"""Below this a region is named as cut by the field of view."""
USABLE_COVERAGE = 0.5
"""Below this the mean of what is seen does not stand for the region: it has no curve."""
HEAD_EXTENT_MM = 250.0
"""Regions are looked for this far, so that what lies outside a short field of view is known to be missing."""
MOST_FLUID = 0.5
"""Voxels with more fluid are no tissue: in atrophied brains half of an atlas's caudate lies in the ventricle."""
SUBVOXEL_OFFSETS = (-0.25, 0.25)
SMALL_REGION_VOXELS = 200
BLOCK_VOXELS = 8
"""Where no label lies in a cube of so many voxels of the atlas, nor in those around it, points need not vote."""
NAMED_AT_MOST = 8


class Regions(NamedTuple):
    """Atlas regions on the PET grid.

    Attributes
    ----------
    dseg
        Label image in PET space.
    table
        TSV: index, name, tissue, volume_ml (in the image), coverage (share of the region inside the PET
        field of view; n/a for a region that the atlas image does not hold), gm_share (share that is grey
        matter).
    notes
        Sentences for the report.
    """

    dseg: Path
    table: Path
    notes: tuple[str, ...]


class PersonTissue(NamedTuple):
    """Probabilities of a person's tissue, in any space, and the chain that brings them to PET.

    Attributes
    ----------
    gm, csf
        Grey matter and cerebrospinal fluid; without fluid, deep regions keep what lies on it.
    to_pet
        Transforms in the order in which the images pass them.
    """

    gm: Path
    csf: Path | None = None
    to_pet: tuple[Path, ...] = ()


class RegionCurves(NamedTuple):
    """Mean time course of every region.

    Attributes
    ----------
    names
        Region names in the order of the table.
    curves
        (n_frames, n_regions) mean activity in the unit of the image; NaN for a region without voxels, or
        of which less than half lies in the field of view.
    volume_ml
        (n_regions,) volume that was averaged.
    coverage
        (n_regions,) share of the region inside the PET field of view; NaN when not known.
    """

    names: tuple[str, ...]
    curves: FloatArray
    volume_ml: FloatArray
    coverage: FloatArray


def regions_in_pet(
    atlas_dseg: Path,
    table: Path,
    petref: Path,
    transforms: Sequence[Path],
    out_dir: Path,
    tissue: PersonTissue | None = None,
    gm_threshold: float = 0.5,
) -> Regions:
    """Bring an atlas to the PET grid, once, by majority over nine points per voxel.

    Parameters
    ----------
    atlas_dseg, table
        Label image in atlas space and its names (index, name and, optionally, tissue).
    transforms
        Chain that brings atlas images to PET: from-MNI_to-T1w, then from-T1w_to-petref.
    tissue, gm_threshold
        The person's tissue. Regions whose `tissue` in the table is `any` stay whole; `deep` ones, which grey matter
        and white matter share, lose voxels that are mostly fluid; all others keep voxels of at least
        `gm_threshold` grey matter. A region of which less than a quarter would remain is used whole.

    Raises
    ------
    MorbidsError
        No label of the table lies in the PET field of view.
    """
    pet, labels = read_image(petref), pd.read_csv(table, sep="\t")
    index = labels["index"].to_numpy()
    wide, inner = _warp_labels(atlas_dseg, transforms, pet)
    seen: IntArray = np.where(np.isfinite(pet.values), wide[inner], 0)
    total, inside = _counts(wide, index), _counts(seen, index)
    if not inside.any():
        raise MorbidsError(
            f"No region of {atlas_dseg.name} lies in the field of view of {petref}.",
            "Look at the registration of PET to T1w and of T1w to the template.",
        )
    notes: tuple[str, ...] = ()
    labels["gm_share"] = np.nan
    if tissue is not None:
        grey = tissue_in_pet(tissue.gm, tissue.to_pet, petref) >= gm_threshold
        dry = np.ones_like(grey)
        if tissue.csf is not None:
            dry = tissue_in_pet(tissue.csf, tissue.to_pet, petref) < MOST_FLUID
        seen, labels["gm_share"], notes = _within_tissue(seen, grey, dry, labels)
    labels["volume_ml"] = _counts(seen, index) * pet.voxel_ml
    labels["coverage"] = np.divide(inside, total, out=np.full(len(index), np.nan), where=total > 0)
    out_dir.mkdir(parents=True, exist_ok=True)
    out_table = out_dir / "regions.tsv"
    labels.to_csv(out_table, sep="\t", index=False, na_rep="n/a", float_format="%.6g")
    dseg = write_image(seen, pet.affine, out_dir / "regions_dseg.nii.gz", code=space_code(pet.header))
    return Regions(dseg, out_table, (*notes, *_missing(labels)))


def mean_curves(pet: Path, dseg: Path, table: Path) -> RegionCurves:
    """Mean of every region in every frame; voxels that any frame does not know (NaN) count nowhere.

    Raises
    ------
    MorbidsError
        The images have different grids.
    """
    image, labels = read_image(pet), read_image(dseg)
    names = pd.read_csv(table, sep="\t", dtype={"name": str})
    frames = image.values if image.values.ndim == 4 else image.values[..., None]
    if frames.shape[:3] != labels.values.shape or not np.allclose(image.affine, labels.affine, atol=1e-3):
        raise MorbidsError(
            f"{dseg} is not on the grid of {pet}.", "Resample the label image to the PET grid first."
        )
    index = names["index"].to_numpy()
    where = np.flatnonzero(labels.values)
    voxels = frames.reshape(-1, frames.shape[3])[where]
    known = np.isfinite(voxels).all(axis=1)
    rows = rows_of(labels.values.ravel()[where[known]].astype(np.int32), index)
    counts = np.bincount(rows, minlength=len(index) + 1)[:-1]
    sums = [np.bincount(rows, weights=frame, minlength=len(index) + 1)[:-1] for frame in voxels[known].T]
    curves = np.divide(sums, counts, out=np.full((len(sums), len(index)), np.nan), where=counts > 0)
    coverage = names["coverage"].to_numpy(float) if "coverage" in names else np.full(len(index), np.nan)
    curves[:, coverage < USABLE_COVERAGE] = np.nan
    return RegionCurves(tuple(names["name"]), curves, counts * image.voxel_ml, coverage)


def tissue_in_pet(probability: Path, transforms: Sequence[Path], petref: Path) -> FloatArray:
    """Share of a tissue in each PET voxel, from its probability map in another space."""
    tissue, pet = read_image(probability), read_image(petref)
    pull = index_transform(read_chain(transforms, frame=0), pet.affine, tissue.affine)
    return resample_volume(np.nan_to_num(tissue.values), pet.values.shape, pull, "linear")


def _warp_labels(
    atlas_dseg: Path, transforms: Sequence[Path], pet: Image
) -> tuple[IntArray, tuple[slice, ...]]:
    """Labels on the PET grid grown to the extent of a head, and the place of the PET grid in it."""
    atlas = read_image(atlas_dseg)
    shape = np.array(pet.values.shape)
    pad = np.ceil(np.maximum(HEAD_EXTENT_MM - shape * pet.voxel_mm, 0) / 2 / pet.voxel_mm).astype(int)
    affine = pet.affine.copy()
    affine[:3, 3] -= pet.affine[:3, :3] @ pad
    pull = index_transform(read_chain(transforms, frame=0), affine, atlas.affine)
    wide = _majority_labels(atlas.values.astype(np.int32), pull, tuple((shape + 2 * pad).tolist()))
    inner = tuple(slice(margin, margin + length) for margin, length in zip(pad, shape, strict=True))
    return wide, inner


def _majority_labels(labels: IntArray, pull: sitk.Transform, shape: tuple[int, ...]) -> IntArray:
    """Label that most of nine points in a voxel have (its centre and eight around it: no even split in two).

    The transform is evaluated at voxel centres and taken as linear within a voxel: it is smooth at that
    scale.
    """
    field = sitk.TransformToDisplacementField(pull, sitk.sitkVectorFloat64, [int(n) for n in shape])
    # The field counts in indices (x, y, z), but its array has z first.
    points = sitk.GetArrayFromImage(field).transpose(2, 1, 0, 3)
    points = points + np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    near = _near_labels(labels, points)
    steps = [np.gradient(points, axis=axis)[near] for axis in range(3)]
    points = points[near]
    votes = [
        _label_at(labels, points + dx * steps[0] + dy * steps[1] + dz * steps[2])
        for dx in SUBVOXEL_OFFSETS
        for dy in SUBVOXEL_OFFSETS
        for dz in SUBVOXEL_OFFSETS
    ]
    result = np.zeros(shape, dtype=np.int32)
    stacked = np.stack([*votes, _label_at(labels, points)], axis=1)
    result[near] = _keep_volumes(_most_frequent(stacked), stacked)
    return result


def _near_labels(labels: IntArray, points: FloatArray) -> BoolArray:
    """Which points (x, y, z, 3), in voxel indices of a label image, have a label within a step of theirs.

    The image is looked at in cubes, each as wide as a step at least.
    """
    widest = max(float(np.abs(np.diff(points, axis=axis)).max(initial=0)) for axis in range(3))
    edge = max(BLOCK_VOXELS, int(np.ceil(widest)) + 1)
    padded = np.pad(labels > 0, [(edge, 2 * edge - length % edge) for length in labels.shape])
    nx, ny, nz = (length // edge for length in padded.shape)
    filled = np.asarray(padded.reshape(nx, edge, ny, edge, nz, edge).any(axis=(1, 3, 5)))
    filled = ndimage.binary_dilation(filled, np.ones((3, 3, 3), dtype=bool))
    cube = np.clip(np.rint(points).astype(np.int32) // edge + 1, 0, np.array(filled.shape) - 1)
    return np.asarray(filled[cube[..., 0], cube[..., 1], cube[..., 2]])


def _keep_volumes(winners: IntArray, votes: IntArray) -> IntArray:
    """Give regions that majority starves the voxels they hold most of, until they have the volume of their votes.

    Majority shrinks small regions and makes those under a voxel vanish. Each ends with at least one voxel.
    """
    kept = winners.copy()
    n_points = votes.shape[1]
    voted, counts = np.unique(votes[votes > 0], return_counts=True)
    for label, count in zip(voted, counts, strict=True):
        wanted = max(1, round(count / n_points))
        if wanted > SMALL_REGION_VOXELS or (winners == label).sum() >= wanted:
            continue
        share = (votes == label).sum(axis=1)
        richest = np.argsort(-share, kind="stable")[:wanted]
        kept[richest[share[richest] > 0]] = label
    return kept


def _label_at(labels: IntArray, points: FloatArray) -> IntArray:
    """(n,) label of the voxel nearest to each point (n, 3) in voxel indices; 0 outside."""
    nearest = np.rint(points).astype(int)
    valid = ((nearest >= 0) & (nearest < np.array(labels.shape))).all(axis=1)
    found = np.zeros(len(points), dtype=np.int32)
    found[valid] = labels[tuple(nearest[valid].T)]
    return found


def _most_frequent(votes: IntArray) -> IntArray:
    """(n,) most frequent of each row of votes (n, k); of equals the smallest."""
    ordered = np.sort(votes, axis=1)
    best = ordered[:, 0].copy()
    count, best_count = np.ones(len(votes), dtype=int), np.ones(len(votes), dtype=int)
    for column in range(1, votes.shape[1]):
        count = np.where(ordered[:, column] == ordered[:, column - 1], count + 1, 1)
        better = count > best_count
        best[better], best_count[better] = ordered[better, column], count[better]
    return best


def rows_of(values: IntArray, index: IntArray) -> IntArray:
    """Row of the table for each label; one past the end for labels that the table lacks."""
    order = np.argsort(index)
    place = np.minimum(np.searchsorted(index[order], values), len(index) - 1)
    rows: IntArray = np.where(index[order][place] == values, order[place], len(index))
    return rows


def _counts(labels: IntArray, index: IntArray) -> IntArray:
    """Voxels of each label of the table."""
    counts: IntArray = np.bincount(rows_of(labels[labels > 0], index), minlength=len(index) + 1)[:-1]
    return counts


def _within_tissue(
    labels: IntArray, grey: BoolArray, dry: BoolArray, table: pd.DataFrame
) -> tuple[IntArray, FloatArray, tuple[str, ...]]:
    """Cut regions down to grey matter, deep ones to what is not fluid, except those that would all but vanish."""
    index = table["index"].to_numpy()
    kinds = table["tissue"] if "tissue" in table else pd.Series(["gm"] * len(index))
    deep, whole = (np.append((kinds == kind).to_numpy(), False) for kind in ("deep", "any"))
    rows = rows_of(labels, index)
    before = _counts(labels, index)
    wanted = np.where(deep[rows], dry, grey)
    share = _share(_counts(np.where(grey, labels, 0), index), before)
    left = _share(_counts(np.where(wanted, labels, 0), index), before)
    vanishing = np.append(left < LEAST_GM_SHARE, False) & ~whole
    kept: IntArray = np.where(wanted | (whole | vanishing)[rows], labels, 0)
    names = [str(name) for name in table["name"][vanishing[:-1]]]
    if not names:
        return kept, share, ()
    return kept, share, (f"Too little grey matter was found in {listed(names, NAMED_AT_MOST)}: used whole.",)


def _share(part: IntArray, whole: IntArray) -> FloatArray:
    """Part by whole; NaN where there is nothing."""
    share: FloatArray = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return share


def _missing(table: pd.DataFrame) -> tuple[str, ...]:
    """Sentence about regions that the field of view cuts or misses."""
    cut = table[(table["coverage"] < LEAST_COVERAGE) | table["coverage"].isna()]
    shares = cut["coverage"].fillna(0)
    if cut.empty:
        return ()
    named = [
        f"{name} ({share:.0%}{', no curve' if share < USABLE_COVERAGE else ''})"
        for name, share in zip(cut["name"], shares, strict=True)
    ]
    return (f"Outside the PET field of view in part (share inside): {listed(named, NAMED_AT_MOST)}.",)
