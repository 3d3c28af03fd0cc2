"""Rigid registration of PET to the same person's T1w image.

PET is the fixed image and T1w the moving one, by normalised mutual information within the head as PET
shows it. T1w is the brain and a margin: scalp, muscle and bone shine differently in both and lead a search away (from
30 starts on five real heads, 7 came within 3 mm with the whole head, 29 without). A coarse search starts where centres
lie together and where the headers say; the likeliest end goes on. What does not surely agree in the end is tried from
several rotations too.

Mutual information is pulled aside by what varies smoothly, binding in PET and coil sensitivity in T1w. So local
correlation follows, between PET and PET as T1w predicts it: each T1w intensity becomes the mean of PET where that
intensity lies (simulated heads: 0.58 and 0.77 mm become 0.17 and 0.16 mm). It comes near in wide windows for each PET
reference (late, and early: flow shows grey and white matter where binding shows receptors); that with the best score
ends in narrow ones.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.errors import MorbidsError
from morbids.imaging.concerns import all_doubts, too_low
from morbids.imaging.evened import Search, prepare_targets, register_evened
from morbids.imaging.greedy import run_greedy
from morbids.imaging.head_mask import dilate_mm, mask_head
from morbids.imaging.images import Image, crop_to_mask, read_image, write_image
from morbids.imaging.motion_table import displacement_mm, sample_points
from morbids.imaging.resampling import index_transform, refine_grid, resample_volume
from morbids.imaging.similarity import detail_correlation, normalised_mutual_information
from morbids.imaging.transforms import (
    invert,
    read_greedy,
    read_itk,
    rigid_matrix,
    write_greedy,
    write_itk,
)
from morbids.imaging.workplace import Workplace
from morbids.numerics.arrays import BoolArray, FloatArray

MASK_MARGIN_MM = 10.0
T1W_GRID_MM = 2.0
COARSEST_VOXEL_MM = 3.0
START_ROTATIONS_DEG = ((0, 0, 0), (20, 0, 0), (-20, 0, 0), (0, 0, 20), (0, 0, -20))
"""Nodding (about x) and turning (about z): how a head lies differently in two scanners."""
LEAST_OVERLAP = 0.80
"""Share of the T1w brain that must lie on PET signal: simulated scans stay above 0.9 when right."""
LEAST_CONTRAST = 1.3
"""PET inside the T1w brain over PET in the shell around it: 1 means the brain outline fits nothing in PET."""
DETAIL_FWHM_MM = 15.0
LEAST_AGREEMENT = 0.5
"""Simulated scans reach 0.87 to 0.93, 0.54 when noise hides much; another person's T1w 0.39 to 0.48, another part of
the body 0. A head turned left to right (0.58) cannot be told from a noisy one."""
SURE_AGREEMENT = 0.7
"""No wrong registration agrees like this: then a scalp as bright as the brain, as some tracers have it, is no doubt."""
SHELL_MM = (4.0, 12.0)
STRIP_MARGIN_MM = 5.0
"""T1w is kept this far outside the brain mask: the mask's own edge must not be a feature."""
PREDICTION_BINS = 24
PREDICTION_FWHM_MM = 5.0
"""Resolution of brain scanners lies between 4 and 8 mm; local correlation forgives the difference."""
MOST_CORRECTION_MM = 5.0
"""The last step improves what mutual information found; one that goes further has lost the brain."""
SEARCH_GRID_MM = 4.0
"""Both images have this in the coarse search: most of its time was spent on smoothing fine ones."""
COARSE_NMI = ("NMI", "-n", "100x50")
"""Iterations at twice the voxels and at the voxels."""
APPROACH = (Search(4.5, 22.0, 10),)
FINE_LOCAL = ("NCC", "2x2x2", "-n", "10")
"""Windows of 5 PET voxels. Eight iterations end as near as twenty (0.176 and 0.175 mm on a simulated head), and each
takes half a second."""
SEEN_MM = 12.0
"""T1w is kept on the grid this far outside the brain, so that its edge has an outside."""
CROP_MARGIN_MM = 8.0
"""PET is cut this far from where similarity is measured: windows of the metric reach beyond it."""


class Coregistration(NamedTuple):
    """PET brought to T1w.

    Attributes
    ----------
    pet_to_t1w, t1w_to_pet
        ITK text files.
    score
        Normalised mutual information of PET and T1w in the head, 1 (unrelated) to 2.
    concern
        Empty, or the sentence that says why the result is doubtful, with its threshold.
    overlap
        Share of the T1w brain (inside the PET field of view) that lies on PET signal.
    contrast
        Mean PET inside the T1w brain over mean PET in the shell 4-12 mm outside it.
    agreement
        Correlation, within the brain, of PET with PET as T1w predicts it, in what is finer than 15 mm: from 1 to 0
        (unrelated).
    reference
        Which PET reference gave the best score: `late` or `early`.
    """

    pet_to_t1w: Path
    t1w_to_pet: Path
    score: float
    concern: str
    overlap: float
    contrast: float
    agreement: float
    reference: str


class _Reference(NamedTuple):
    """A PET reference, and where similarity is measured."""

    image: Image
    region: BoolArray


class _End(NamedTuple):
    """Where a registration ended, by which PET reference, and how well both agree there (see `Coregistration`)."""

    t1w_to_pet: FloatArray
    reference: str
    agreement: float


class _Brain(NamedTuple):
    """T1w of the brain and a margin, 0 elsewhere, on a coarse grid; and the share of each voxel that this is."""

    t1w: Image
    near: Image


def register_pet_to_t1w(
    petref: Path, t1w: Path, t1w_mask: Path, out_dir: Path, threads: int, early_petref: Path | None = None
) -> Coregistration:
    """Register the PET reference to T1w, rigidly, from several starts.

    Parameters
    ----------
    petref
        3D mean of the motion-corrected frames.
    t1w
        Bias-corrected, with or without the skull.
    t1w_mask
        Brain mask in the space of `t1w`: what is registered, and its centre is where the search begins.
    early_petref
        Mean of the early frames in the same place as `petref`; tried too when given.

    Raises
    ------
    MorbidsError
        An image is broken, or PET or the brain mask is empty.
    """
    head, brain = read_image(t1w), read_image(t1w_mask)
    inside = brain.values > 0
    if not inside.any():
        raise MorbidsError(
            f"The brain mask {t1w_mask} is empty.", "Look at the brain extraction of this T1w."
        )
    late, signal = _read_reference(petref, threads)
    references = {"late": late}
    if early_petref is not None and early_petref != petref:
        references["early"] = late._replace(image=_read_fine(early_petref, threads))
    workplace = Workplace(out_dir, threads)
    stripped = _strip(head, brain)
    starts = _starts(late.image, signal, stripped.near)
    found = _register_from(starts[:2], references, stripped, workplace)
    if not found.agreement >= SURE_AGREEMENT:
        turned = _register_from(starts[2:], references, stripped, workplace)
        found = max(found, turned, key=lambda one: np.nan_to_num(one.agreement, nan=-1.0))
    t1w_to_pet = found.t1w_to_pet
    score = _score(references[found.reference], stripped.t1w, t1w_to_pet)
    overlap, contrast = _judge(late.image, signal, brain, inside, t1w_to_pet)
    return Coregistration(
        pet_to_t1w=write_itk(invert(t1w_to_pet), out_dir / "from-petref_to-T1w_xfm.txt"),
        t1w_to_pet=write_itk(t1w_to_pet, out_dir / "from-T1w_to-petref_xfm.txt"),
        score=score,
        concern=_concern(overlap, contrast, found.agreement),
        overlap=overlap,
        contrast=contrast,
        agreement=found.agreement,
        reference=found.reference,
    )


def _register_from(
    starts: Sequence[FloatArray], references: Mapping[str, _Reference], brain: _Brain, workplace: Workplace
) -> _End:
    """Register from some starts: the likeliest of the coarse search, come near for each reference, end for the best."""
    rough = _search(references["late"], brain.t1w, starts, workplace)
    near = {name: _approach(one, brain, rough) for name, one in references.items()}
    scores = {name: _score(references[name], brain.t1w, matrix) for name, matrix in near.items()}
    best = max(scores, key=lambda name: np.nan_to_num(scores[name], nan=-1.0))
    end = _finish(references[best], brain, near[best], workplace)
    return _End(end, best, _agreement(references[best], brain, end))


def judge_known_registration(
    petref: Path, t1w: Path, t1w_mask: Path, pet_to_t1w: Path, out_dir: Path, threads: int
) -> Coregistration:
    """Judge a transform that another program estimated as an own one is judged; parameters as above.

    Parameters
    ----------
    pet_to_t1w
        ITK text file with one rigid or affine transform.
    """
    head, brain = read_image(t1w), read_image(t1w_mask)
    late, signal = _read_reference(petref, threads)
    matrix = read_itk(pet_to_t1w)[0]
    stripped = _strip(head, brain)
    score = _score(late, stripped.t1w, invert(matrix))
    overlap, contrast = _judge(late.image, signal, brain, brain.values > 0, invert(matrix))
    agreement = _agreement(late, stripped, invert(matrix))
    return Coregistration(
        pet_to_t1w=write_itk(matrix, out_dir / "from-petref_to-T1w_xfm.txt"),
        t1w_to_pet=write_itk(invert(matrix), out_dir / "from-T1w_to-petref_xfm.txt"),
        score=score,
        concern=_concern(overlap, contrast, agreement),
        overlap=overlap,
        contrast=contrast,
        agreement=agreement,
        reference="late",
    )


def _strip(head: Image, brain: Image) -> _Brain:
    """Cut the brain with a margin out of a head on a coarse grid, whose fine voxels the brain mask has."""
    whole = brain._replace(values=(brain.values > 0).astype(np.float32))
    # What lies further out is only there to be smoothed.
    fine, _ = crop_to_mask(head, brain.values > 0, SEEN_MM)
    mask = _coarsen(crop_to_mask(whole, brain.values > 0, SEEN_MM)[0])
    coarse = _coarsen(fine)
    near = dilate_mm(mask.values > 0.5, STRIP_MARGIN_MM, mask.voxel_mm)
    return _Brain(
        coarse._replace(values=np.where(near, coarse.values, 0)),
        mask._replace(values=near.astype(np.float32)),
    )


def _read_reference(path: Path, threads: int) -> tuple[_Reference, BoolArray]:
    """Read a PET reference on a grid that is fine enough, and what of it is signal."""
    image = _read_fine(path, threads)
    signal = mask_head(image.values, image.voxel_mm)
    if not signal.any():
        raise MorbidsError(f"{path} shows no head.", "Look at the PET image: is it empty or constant?")
    return _Reference(image, dilate_mm(signal, MASK_MARGIN_MM, image.voxel_mm)), signal


def _read_fine(path: Path, threads: int) -> Image:
    image = refine_grid(read_image(path), COARSEST_VOXEL_MM, "cubic", threads)
    return image._replace(values=np.nan_to_num(image.values))


def _coarsen(image: Image, grid_mm: float = T1W_GRID_MM) -> Image:
    """Bring an image to about 2 mm: finer detail than PET resolves only costs time."""
    step = np.maximum(grid_mm / image.voxel_mm, 1.0)
    shape = tuple(int(np.ceil(length / by)) for length, by in zip(image.values.shape, step, strict=True))
    # A voxel of the coarse grid covers `step` fine ones: its centre lies half a coarse voxel from the
    # corner.
    affine = image.affine @ np.vstack([np.column_stack([np.diag(step), (step - 1) / 2]), [0, 0, 0, 1]])
    blurred = ndimage.gaussian_filter(np.nan_to_num(image.values), 0.4 * np.where(step > 1, step, 0))
    pull = index_transform([], affine, image.affine)
    return Image(resample_volume(blurred, shape, pull, "linear"), affine, image.header)


def _centre_mm(mask: BoolArray, affine: FloatArray) -> FloatArray:
    """Centre of a mask in RAS mm."""
    centre: FloatArray = affine[:3, :3] @ np.argwhere(mask).mean(axis=0) + affine[:3, 3]
    return centre


def _starts(pet: Image, signal: BoolArray, brain: Image) -> list[FloatArray]:
    """First guesses: centres of PET signal and brain together, turned several ways; the headers' word."""
    pet_centre = _centre_mm(signal, pet.affine)
    brain_centre = _centre_mm(brain.values > 0.5, brain.affine)
    shift = np.concatenate([brain_centre - pet_centre, np.zeros(3)])
    turned = [
        rigid_matrix(shift + np.concatenate([np.zeros(3), np.deg2rad(angles)]), pet_centre)
        for angles in START_ROTATIONS_DEG
    ]
    return [turned[0], np.eye(4), *turned[1:]]


def _search(
    reference: _Reference, head: Image, starts: Sequence[FloatArray], workplace: Workplace
) -> FloatArray:
    """Register coarsely from some starts: the matrix with the best score."""
    whole = reference.image._replace(values=reference.region.astype(np.float32))
    image, region = _coarsen(reference.image, SEARCH_GRID_MM), _coarsen(whole, SEARCH_GRID_MM)
    small, few = _Reference(image, region.values > 0.5), _coarsen(head, SEARCH_GRID_MM)
    ends = _register(small, few, starts, COARSE_NMI, workplace)
    return max(ends, key=lambda end: _score(small, few, end))


def _approach(reference: _Reference, brain: _Brain, start: FloatArray) -> FloatArray:
    """Come near by local correlation, in wide windows, between PET and what T1w predicts of it."""
    predicted, inside = _predict_pet(reference, brain, start), brain.near.values > 0.5
    if predicted is None:
        return start
    targets = prepare_targets(predicted, inside, APPROACH)
    return _if_near(start, invert(register_evened(targets, reference.image, invert(start))), brain)


def _finish(reference: _Reference, brain: _Brain, near: FloatArray, workplace: Workplace) -> FloatArray:
    """End by local correlation in narrow windows: wide ones see differences of binding that T1w cannot predict."""
    predicted = _predict_pet(reference, brain, near)
    if predicted is None:
        return near
    small = reference._replace(region=_onto(reference, brain.near, near) > 0.5)
    (end,) = _register(small, predicted, [near], FINE_LOCAL, workplace)
    return _if_near(near, end, brain)


def _if_near(start: FloatArray, end: FloatArray, brain: _Brain) -> FloatArray:
    """The end of a search, unless it went too far from where it started."""
    return end if _apart_mm(invert(start), invert(end), brain.near) <= MOST_CORRECTION_MM else start


def _agreement(reference: _Reference, brain: _Brain, t1w_to_pet: FloatArray) -> float:
    """How well PET agrees with what T1w predicts (see `Coregistration`)."""
    predicted = _predict_pet(reference, brain, t1w_to_pet)
    if predicted is None:
        return 0.0
    pet, moved = reference.image, _onto(reference, predicted, t1w_to_pet)
    # Within the brain only: heads are alike in their outlines.
    region = _onto(reference, brain.near, t1w_to_pet) > 0.5
    inside = ndimage.distance_transform_edt(region, sampling=pet.voxel_mm) > STRIP_MARGIN_MM
    return detail_correlation(pet.values, moved, inside, pet.voxel_mm, DETAIL_FWHM_MM)


def _predict_pet(reference: _Reference, brain: _Brain, t1w_to_pet: FloatArray) -> Image | None:
    """PET on the grid of T1w: the mean of PET at each T1w intensity, as blurred as a scanner blurs.

    None where a matrix brings the brain out of the field of view.
    """
    region = _onto(reference, brain.near, t1w_to_pet) > 0.5
    if not region.any():
        return None
    moved = _onto(reference, brain.t1w, t1w_to_pet)[region]
    pet = reference.image.values[region]
    low, high = np.percentile(moved, [0.5, 99.5])
    edges = np.linspace(low, high, PREDICTION_BINS + 1)
    bins = np.clip(np.searchsorted(edges, moved) - 1, 0, PREDICTION_BINS - 1)
    counts = np.bincount(bins, minlength=PREDICTION_BINS)
    filled = counts > 0
    means = np.bincount(bins, pet, PREDICTION_BINS)[filled] / counts[filled]
    values = np.interp(brain.t1w.values, ((edges[1:] + edges[:-1]) / 2)[filled], means)
    sigma = PREDICTION_FWHM_MM / np.sqrt(8 * np.log(2)) / brain.t1w.voxel_mm
    blurred = ndimage.gaussian_filter(values.astype(np.float32), sigma)
    return brain.t1w._replace(values=blurred)


def _apart_mm(first: FloatArray, second: FloatArray, where: Image) -> float:
    """Mean distance over the voxels above a half between where two matrices carry them."""
    points = sample_points(where, where.values > 0.5)
    return float(displacement_mm((invert(first) @ second)[None], points)[0])


def _register(
    reference: _Reference,
    head: Image,
    starts: Sequence[FloatArray],
    metric: Sequence[str],
    workplace: Workplace,
) -> list[FloatArray]:
    """Run a rigid search from each start; `metric` is greedy's, with the iterations of each level."""
    pet, region = crop_to_mask(reference.image, reference.region, CROP_MARGIN_MM)
    with workplace.scratch() as work:
        fixed = write_image(pet.values, pet.affine, work / "pet.nii")
        moving = write_image(head.values, head.affine, work / "t1w.nii")
        mask = write_image(region, pet.affine, work / "mask.nii")
        images = ["-i", str(fixed), str(moving), "-gm", str(mask)]
        commands = []
        for index, start in enumerate(starts):
            initial = write_greedy(start, work / f"start{index}.mat")
            search = ["-a", "-dof", "6", "-m", *metric, "-ia", str(initial)]
            commands.append([*search, *images, "-o", str(work / f"end{index}.mat")])
        run_greedy(commands, workplace.threads)
        return [read_greedy(work / f"end{index}.mat") for index in range(len(starts))]


def _score(reference: _Reference, head: Image, t1w_to_pet: FloatArray) -> float:
    """Normalised mutual information of PET with T1w brought to its grid."""
    return normalised_mutual_information(
        reference.image.values, _onto(reference, head, t1w_to_pet), reference.region
    )


def _onto(reference: _Reference, image: Image, t1w_to_pet: FloatArray) -> FloatArray:
    """Bring an image in T1w space to the grid of PET."""
    pull = index_transform([t1w_to_pet], reference.image.affine, image.affine)
    return resample_volume(image.values, reference.image.values.shape, pull, "linear")


def _judge(
    pet: Image, signal: BoolArray, brain: Image, inside: BoolArray, t1w_to_pet: FloatArray
) -> tuple[float, float]:
    """Overlap and contrast of the T1w brain with PET (see `Coregistration`)."""
    pull = index_transform([t1w_to_pet], pet.affine, brain.affine)
    moved = resample_volume(inside.astype(np.float32), pet.values.shape, pull, "linear") > 0.5
    if not moved.any():
        return 0.0, 0.0
    # The part of the brain outside the field of view is missing from the whole volume of the mask.
    whole = inside.sum() * brain.voxel_ml / pet.voxel_ml
    overlap = float((moved & signal).sum() / max(moved.sum(), 0.5 * whole))
    distance = ndimage.distance_transform_edt(~moved, sampling=pet.voxel_mm)
    shell = (distance > SHELL_MM[0]) & (distance <= SHELL_MM[1])
    outside = float(np.nanmean(pet.values[shell])) if shell.any() else 0.0
    return overlap, float(np.nanmean(pet.values[moved]) / max(outside, 1e-6 * float(np.nanmax(pet.values))))


def _concern(overlap: float, contrast: float, agreement: float) -> str:
    """Sentences that flag a doubtful registration, with the thresholds that it missed; empty when none is."""
    doubts = []
    if overlap < LEAST_OVERLAP:
        doubts.append(f"of the T1w brain {too_low(overlap, LEAST_OVERLAP, '%')} lies on PET signal")
    if contrast < LEAST_CONTRAST and agreement < SURE_AGREEMENT:
        doubts.append(f"PET inside the T1w brain over PET around it is {too_low(contrast, LEAST_CONTRAST)}")
    if agreement < LEAST_AGREEMENT:
        doubts.append(
            f"what T1w predicts of PET agrees with it by {too_low(agreement, LEAST_AGREEMENT)}; is this the T1w image "
            "of the same person"
        )
    return all_doubts("PET to T1w", doubts)
