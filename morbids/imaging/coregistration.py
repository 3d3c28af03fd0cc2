"""Rigid registration of PET to the same person's T1w image.

PET is the fixed image and T1w the moving one, by normalised mutual information within the head as PET
shows it. A coarse search with the whole T1w head starts from several rotations. A fine one follows with
the brain and a margin, because scalp shines differently in both; it runs for each PET reference (late, and
early: flow shows grey and white matter where binding shows receptors), and the best score wins.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.errors import MorbidsError
from morbids.imaging.greedy import run_greedy
from morbids.imaging.head_mask import dilate_mm, otsu_mask
from morbids.imaging.images import Image, read_image, write_image
from morbids.imaging.resampling import index_transform, refine_grid, resample_volume
from morbids.imaging.similarity import normalised_mutual_information
from morbids.imaging.transforms import (
    invert,
    read_greedy,
    read_itk,
    rigid_matrix,
    write_greedy,
    write_itk,
)
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
SHELL_MM = (4.0, 12.0)
STRIP_MARGIN_MM = 5.0
"""T1w is kept this far outside the brain mask in the fine search: the mask's own edge must not be a feature."""


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
    reference
        Which PET reference gave the best score: `late` or `early`.
    """

    pet_to_t1w: Path
    t1w_to_pet: Path
    score: float
    concern: str
    overlap: float
    contrast: float
    reference: str


class _Reference(NamedTuple):
    """A PET reference: its volume, what of it is signal, and where similarity is measured."""

    image: Image
    signal: BoolArray
    region: BoolArray


def register_pet_to_t1w(
    petref: Path, t1w: Path, t1w_mask: Path, out_dir: Path, threads: int, early_petref: Path | None = None
) -> Coregistration:
    """Register the PET reference to T1w, rigidly, from several starts.

    Parameters
    ----------
    petref
        3D mean of the motion-corrected frames.
    t1w
        Whole head, bias-corrected; skull and scalp help.
    t1w_mask
        Brain mask in the space of `t1w`: judges the result, and its centre is where the search begins.
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
    late = _read_reference(petref, threads)
    references = {"late": late}
    if early_petref is not None and early_petref != petref:
        references["early"] = _read_reference(early_petref, threads)
    starts = _starts(late.image, late.signal, brain, inside)
    rough = _search(late, _coarsen(head), starts, threads)
    near = dilate_mm(inside, STRIP_MARGIN_MM, brain.voxel_mm)
    stripped = _coarsen(head._replace(values=np.where(near, head.values, 0)))
    ends = {name: _refine(one, stripped, rough, threads) for name, one in references.items()}
    best = max(ends, key=lambda name: np.nan_to_num(ends[name][1], nan=-1.0))
    t1w_to_pet, score = ends[best]
    overlap, contrast = _judge(late.image, late.signal, brain, inside, t1w_to_pet)
    return Coregistration(
        pet_to_t1w=write_itk(invert(t1w_to_pet), out_dir / "from-petref_to-T1w_xfm.txt"),
        t1w_to_pet=write_itk(t1w_to_pet, out_dir / "from-T1w_to-petref_xfm.txt"),
        score=score,
        concern=_concern(overlap, contrast),
        overlap=overlap,
        contrast=contrast,
        reference=best,
    )


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
    late = _read_reference(petref, threads)
    matrix = read_itk(pet_to_t1w)[0]
    score = _score(late, _coarsen(head), invert(matrix))
    overlap, contrast = _judge(late.image, late.signal, brain, brain.values > 0, invert(matrix))
    return Coregistration(
        pet_to_t1w=write_itk(matrix, out_dir / "from-petref_to-T1w_xfm.txt"),
        t1w_to_pet=write_itk(invert(matrix), out_dir / "from-T1w_to-petref_xfm.txt"),
        score=score,
        concern=_concern(overlap, contrast),
        overlap=overlap,
        contrast=contrast,
        reference="late",
    )


def _read_reference(path: Path, threads: int) -> _Reference:
    """Read a PET reference on a grid that is fine enough, with its masks."""
    image = refine_grid(read_image(path), COARSEST_VOXEL_MM, "cubic", threads)
    image = image._replace(values=np.nan_to_num(image.values))
    signal = otsu_mask(image.values)
    if not signal.any():
        raise MorbidsError(f"{path} shows no head.", "Look at the PET image: is it empty or constant?")
    return _Reference(image, signal, dilate_mm(signal, MASK_MARGIN_MM, image.voxel_mm))


def _coarsen(image: Image) -> Image:
    """Bring an image to about 2 mm: finer detail than PET resolves only costs time."""
    step = np.maximum(T1W_GRID_MM / image.voxel_mm, 1.0)
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


def _starts(pet: Image, signal: BoolArray, brain: Image, inside: BoolArray) -> list[FloatArray]:
    """First guesses: centres of PET signal and brain together, turned several ways; the headers' word."""
    pet_centre = _centre_mm(signal, pet.affine)
    brain_centre = _centre_mm(inside, brain.affine)
    shift = np.concatenate([brain_centre - pet_centre, np.zeros(3)])
    turned = [
        rigid_matrix(shift + np.concatenate([np.zeros(3), np.deg2rad(angles)]), pet_centre)
        for angles in START_ROTATIONS_DEG
    ]
    return [*turned, np.eye(4)]


def _search(reference: _Reference, head: Image, starts: Sequence[FloatArray], threads: int) -> FloatArray:
    """Register coarsely from every start; returns the matrix with the best score."""
    ends = _register(reference, head, starts, "100x50x0", threads)
    scores = [np.nan_to_num(_score(reference, head, end), nan=-1.0) for end in ends]
    return ends[int(np.argmax(scores))]


def _refine(reference: _Reference, head: Image, start: FloatArray, threads: int) -> tuple[FloatArray, float]:
    """Register finely from one start; returns the matrix and its score, never a worse one than the start's."""
    (fine,) = _register(reference, head, [start], "100x50", threads)
    candidates = [(matrix, _score(reference, head, matrix)) for matrix in (start, fine)]
    return max(candidates, key=lambda pair: np.nan_to_num(pair[1], nan=-1.0))


def _register(
    reference: _Reference, head: Image, starts: Sequence[FloatArray], levels: str, threads: int
) -> list[FloatArray]:
    """Run the rigid search from each start."""
    with tempfile.TemporaryDirectory(prefix="morbids_coreg_") as folder:
        work = Path(folder)
        fixed = write_image(reference.image.values, reference.image.affine, work / "pet.nii")
        moving = write_image(head.values, head.affine, work / "t1w.nii")
        mask = write_image(reference.region, reference.image.affine, work / "mask.nii")
        images = ["-i", str(fixed), str(moving), "-gm", str(mask)]
        commands = []
        for index, start in enumerate(starts):
            initial = write_greedy(start, work / f"start{index}.mat")
            search = ["-a", "-dof", "6", "-m", "NMI", "-n", levels, "-ia", str(initial)]
            commands.append([*search, *images, "-o", str(work / f"end{index}.mat")])
        run_greedy(commands, threads)
        return [read_greedy(work / f"end{index}.mat") for index in range(len(starts))]


def _score(reference: _Reference, head: Image, t1w_to_pet: FloatArray) -> float:
    """Normalised mutual information of PET with T1w brought to its grid."""
    pet = reference.image
    pull = index_transform([t1w_to_pet], pet.affine, head.affine)
    moved = resample_volume(head.values, pet.values.shape, pull, "linear")
    return normalised_mutual_information(pet.values, moved, reference.region)


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


def _concern(overlap: float, contrast: float) -> str:
    """Sentence that flags a doubtful registration, with the threshold that it missed."""
    if overlap < LEAST_OVERLAP:
        return (
            f"PET to T1w is doubtful: {overlap:.0%} of the T1w brain lies on PET signal "
            f"(at least {LEAST_OVERLAP:.0%} expected)."
        )
    if contrast < LEAST_CONTRAST:
        return (
            f"PET to T1w is doubtful: PET inside the T1w brain is {contrast:.2f} times PET around it "
            f"(at least {LEAST_CONTRAST:g} expected)."
        )
    return ""
