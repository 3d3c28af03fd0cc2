"""Head motion between the frames of a dynamic PET scan.

Every frame is registered to the mean of the frames in the middle of the scan, where both blood flow and
binding show and counts are high: first coarsely, then finely to the mean of these and all later frames so corrected
(two passes halve the error of one, because the first mean is blurred by the motion itself). Both by local correlation:
receptors fill the brain unevenly over time. Frames are never chained to their neighbours: chains drift.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from morbids.errors import MorbidsError
from morbids.imaging.evened import Search, prepare_targets, register_evened
from morbids.imaging.head_mask import dilate_mm, mask_head
from morbids.imaging.images import Image, crop_to_mask, read_image, space_code, write_image
from morbids.imaging.motion_table import (
    describe_motion,
    displacement_mm,
    list_frames,
    motion_concern,
    sample_points,
    tabulate_motion,
    write_motion,
)
from morbids.imaging.resampling import refine_grid, resample_frames
from morbids.imaging.similarity import normalised_mutual_information
from morbids.imaging.transforms import invert, read_itk, write_itk
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray

logger = logging.getLogger(__name__)

LATEST_ARRIVAL_MIN = 2.0
"""First frames that end before this may be zero everywhere: the tracer has not arrived. A bolus takes half a minute."""
SHORTEST_FRAME_MIN = 1.0
"""Frames shorter than this hold too few counts to register: errors of several mm were seen."""
FAR = (Search(9.0, 45.0, 15), Search(4.5, 22.0, 15))
NEAR = (Search(2.25, 20.0, 8),)
"""Far finds a head that lies 17 mm and 20 degrees away (a test); most frames need three steps near."""
LEAST_COUNT_SHARE = 0.02
"""A frame with less than this share of the richest frame's counts is not registered either."""
MIDDLE_OF_SCAN = (0.20, 0.55)
"""Part of the scan whose mean the frames are registered to first."""
LARGEST_DISPLACEMENT_MM = 40.0
"""No head in a scanner moves further: such an estimate is a failed registration."""
EXCURSION_MM = 5.0
"""A frame this far from both its neighbours, which agree, must earn its estimate by similarity."""
MOST_LOST_SHARE = 0.1
"""Of the scan's minutes: where more rest on a neighbour's estimate, the scan is not corrected but guessed."""
COARSEST_VOXEL_MM = 3.0
"""Coarser frames are interpolated for registration: on 6 mm voxels it left 1.1 mm of 1.7 mm of motion."""
MASK_MARGIN_MM = 10.0


class Motion(NamedTuple):
    """A scan whose frames lie still.

    Attributes
    ----------
    corrected_pet
        4D image, each frame resampled once.
    petref
        Mean of the corrected frames from the middle of the scan to its end, weighted by duration.
    transforms
        ITK text, one matrix per frame: from-orig_to-petref.
    confounds_tsv
        A row per frame: position of the head relative to petref (trans_x.. mm, rot_x.. rad around the
        centre of the head), framewise_displacement (mm, Power 2012), mean_displacement (mm over the head),
        motion_outlier and motion_borrowed (1 when the transform is another frame's).
    notes
        Sentences for the report.
    early_petref
        Mean of the corrected early frames, which show blood flow: grey and white matter differ there
        whatever the receptor does. The same file as `petref` when no early frame could be registered.
    concern
        Sentences that say why the corrected scan is doubtful.
    """

    corrected_pet: Path
    petref: Path
    transforms: Path
    confounds_tsv: Path
    notes: tuple[str, ...]
    early_petref: Path
    concern: tuple[str, ...]


class _Estimate(NamedTuple):
    """Matrices (n_frames, 4, 4) from-orig_to-petref, which frames took another frame's, and what went wrong."""

    matrices: FloatArray
    borrowed: BoolArray
    notes: tuple[str, ...]
    concern: str = ""


def correct_motion(
    pet: Path,
    frames_start_min: Sequence[float],
    frames_duration_min: Sequence[float],
    out_dir: Path,
    threads: int,
    correct: bool = True,
    transforms: Path | None = None,
    corrected_by: str = "",
    run_lengths: Sequence[int] | None = None,
) -> Motion:
    """Estimate the head's position in every frame and resample all frames to one.

    Parameters
    ----------
    pet
        3D or 4D image; voxels unknown in all frames (NaN outside the field of view) become 0.
    frames_start_min, frames_duration_min
        One number per frame; start counts from injection.
    correct
        False leaves the frames as they are (identity transforms): for scans corrected elsewhere.
    transforms
        ITK text file with one matrix per frame (from-orig_to-petref) that another program estimated: applied
        instead of own estimates.
    corrected_by
        Program that corrected the frames already, where `correct` is False because of that.
    run_lengths
        Numbers of frames of runs between which the person left the scanner; None for one run.

    Raises
    ------
    MorbidsError
        The file is broken, a frame is empty or holds non-finite values, or numbers of frames differ.
    """
    start, duration = np.asarray(frames_start_min, dtype=float), np.asarray(frames_duration_min, dtype=float)
    image, notes = _read_frames(pet, start, duration)
    n_frames = image.values.shape[3]
    runs = np.repeat(np.arange(len(run_lengths)), run_lengths) if run_lengths else np.zeros(n_frames, int)
    if transforms is not None:
        estimate = _read_estimate(transforms, n_frames)
    elif correct and n_frames > 1:
        estimate = _estimate_motion(image, start, duration, runs, threads)
    else:
        kept = (
            "Head motion was not corrected." if n_frames > 1 else "One frame only: no head motion to correct."
        )
        if corrected_by:
            kept = f"Head motion was corrected by {corrected_by}."
        estimate = _Estimate(np.tile(np.eye(4), (n_frames, 1, 1)), np.zeros(n_frames, dtype=bool), (kept,))
    corrected = resample_frames(image, estimate.matrices, "cubic", threads)
    is_late = _is_late(start, duration)
    late, early = np.flatnonzero(is_late), np.flatnonzero(~is_late & ~estimate.borrowed & (start > 0))
    petref = _mean_frame(corrected, duration, late if late.size else np.arange(n_frames))
    head = mask_head(petref, image.voxel_mm)
    confounds = tabulate_motion(image, head, estimate.matrices, estimate.borrowed)
    values = corrected if n_frames > 1 else corrected[..., 0]
    code = space_code(image.header)
    petref_path = write_image(petref, image.affine, out_dir / "petref.nii.gz", code=code)
    early_path = petref_path
    if early.size and late.size:
        early_mean = _mean_frame(corrected, duration, early)
        early_path = write_image(early_mean, image.affine, out_dir / "petref_early.nii.gz", code=code)
    return Motion(
        corrected_pet=write_image(values, image.affine, out_dir / "pet.nii.gz", image.header, code),
        petref=petref_path,
        transforms=write_itk(estimate.matrices, out_dir / "from-orig_to-petref_xfm.txt"),
        confounds_tsv=write_motion(confounds, out_dir / "confounds.tsv"),
        notes=(*notes, *estimate.notes, *describe_motion(confounds, runs)),
        early_petref=early_path,
        concern=tuple(filter(None, (estimate.concern, motion_concern(confounds, runs)))),
    )


def _read_estimate(transforms: Path, n_frames: int) -> _Estimate:
    """Read the estimates of another program."""
    matrices = read_itk(transforms)
    if len(matrices) != n_frames:
        raise MorbidsError(
            f"{transforms} holds {len(matrices)} transforms for a scan of {n_frames} frames.",
            "Give one transform per frame.",
        )
    return _Estimate(matrices, np.zeros(n_frames, dtype=bool), ())


def _read_frames(pet: Path, start: FloatArray, duration: FloatArray) -> tuple[Image, tuple[str, ...]]:
    """Read a scan as (x, y, z, n_frames) and refuse frames that hold nothing or nonsense."""
    image = read_image(pet)
    values = image.values if image.values.ndim == 4 else image.values[..., None]
    n_frames = values.shape[3]
    if not n_frames == len(start) == len(duration):
        raise MorbidsError(
            f"{pet} has {n_frames} frames, its timing {len(start)} starts and {len(duration)} durations.",
            "Correct FrameTimesStart and FrameDuration in the sidecar.",
        )
    notes: tuple[str, ...] = ()
    unknown = np.asarray(~np.isfinite(values))
    if unknown.any():
        everywhere = np.asarray(unknown.all(axis=3))
        bad = np.flatnonzero((unknown & ~everywhere[..., None]).any(axis=(0, 1, 2)))
        if bad.size or everywhere.all():
            named = list_frames(bad if bad.size else np.arange(n_frames))
            raise MorbidsError(
                f"{pet} holds non-finite values in frame {named}.",
                "Reconstruct or convert the scan again, or remove it.",
            )
        values = np.where(everywhere[..., None], np.float32(0), values)
        notes = (f"{int(everywhere.sum())} voxels are unknown in every frame of {pet.name}: set to 0.",)
    filled = values.any(axis=(0, 1, 2))
    waiting = (np.cumsum(filled) == 0) & (start + duration <= LATEST_ARRIVAL_MIN)
    empty = np.flatnonzero(~filled & ~waiting)
    if empty.size:
        raise MorbidsError(
            f"{pet} is zero everywhere in frame {list_frames(empty)}.",
            "Reconstruct or convert the scan again.",
        )
    return image._replace(values=values), notes


def _mid_share(start: FloatArray, duration: FloatArray) -> FloatArray:
    """(n_frames,) mid-times as share of the time from injection (or the first frame, if later) to the end."""
    first, last = max(0.0, float(start.min())), float((start + duration).max())
    share: FloatArray = (start + duration / 2 - first) / (last - first)
    return share


def _is_late(start: FloatArray, duration: FloatArray) -> BoolArray:
    """(n_frames,) whether a frame is of the middle of the scan or after it."""
    return np.asarray(_mid_share(start, duration) >= MIDDLE_OF_SCAN[0])


def _middle_frames(start: FloatArray, duration: FloatArray, runs: IntArray) -> IntArray:
    """Frames whose mean is the first target: the middle of the scan, or the longest frame of a short scan.

    Of several runs only the one that lasts longest there: the person lies elsewhere in each.
    """
    share = _mid_share(start, duration)
    inside = np.flatnonzero((share >= MIDDLE_OF_SCAN[0]) & (share <= MIDDLE_OF_SCAN[1]))
    if not inside.size:
        return np.array([int(np.argmax(duration))])
    longest = np.argmax(np.bincount(runs[inside], weights=duration[inside]))
    return np.asarray(inside[runs[inside] == longest])


def _mean_frame(values: FloatArray, duration: FloatArray, frames: IntArray) -> FloatArray:
    """Duration-weighted mean of some frames."""
    share = (duration[frames] / duration[frames].sum()).astype(np.float32)
    mean: FloatArray = values[..., frames] @ share
    return mean


def _rich_frames(image: Image, mask: BoolArray, duration: FloatArray) -> BoolArray:
    """(n_frames,) whether a frame is long enough and rich enough in counts to be registered."""
    counts = image.values[mask].clip(min=0).sum(axis=0, dtype=float) * duration
    rich = (counts > 0) & (counts >= LEAST_COUNT_SHARE * counts.max())
    return np.asarray((duration >= SHORTEST_FRAME_MIN - 1e-6) & rich)


def _estimate_motion(
    image: Image, start: FloatArray, duration: FloatArray, runs: IntArray, threads: int
) -> _Estimate:
    """Register the frames in two passes; frames without an estimate of their own borrow one."""
    middle = _middle_frames(start, duration, runs)
    target: FloatArray = _mean_frame(image.values, duration, middle)
    mask = dilate_mm(mask_head(target, image.voxel_mm), MASK_MARGIN_MM, image.voxel_mm)
    rich = _rich_frames(image, mask, duration)
    still = np.tile(np.eye(4), (len(start), 1, 1))
    if not rich.any():
        sentence = "No frame holds enough counts to estimate head motion: not corrected."
        return _Estimate(still, ~rich, (sentence,), sentence)
    cropped, mask = crop_to_mask(image, mask)
    fine = refine_grid(cropped._replace(values=mask.astype(np.float32)), COARSEST_VOXEL_MM, "nearest")
    cropped, mask = refine_grid(cropped, COARSEST_VOXEL_MM, "cubic", threads), fine.values > 0
    frames = np.flatnonzero(rich)
    blurred = _mean_frame(cropped.values, duration, middle)
    first = _register(cropped, blurred, mask, frames, still, FAR, threads)
    found = rich & (displacement_mm(first, sample_points(cropped, mask)) <= LARGEST_DISPLACEMENT_MM)
    first, _ = _fill(first, found, runs)
    late = np.flatnonzero(found & _is_late(start, duration))
    averaged = late if late.size else middle
    part = cropped._replace(values=cropped.values[..., averaged])
    steady = resample_frames(part, first[averaged], "linear", threads)
    sharper = _mean_frame(steady, duration[averaged], np.arange(len(averaged)))
    second = _register(cropped, sharper, mask, frames, first, NEAR, threads)
    plausible, lost = _judge(cropped, sharper, mask, second, rich)
    matrices, borrowed = _fill(second, plausible, runs)
    poor = np.flatnonzero(~rich)
    notes = [lost] if lost else []
    if poor.size:
        notes.insert(
            0, f"Frame {list_frames(poor)}: too short or too few counts to register, moved as the next."
        )
    return _Estimate(matrices, borrowed, tuple(notes), lost if _matters(rich & ~plausible, duration) else "")


def _matters(lost: BoolArray, duration: FloatArray) -> bool:
    """Whether implausible estimates are of so much of the scan that neighbours cannot stand in for them."""
    return bool(duration[lost].sum() > MOST_LOST_SHARE * duration.sum())


def _register(
    image: Image,
    target: FloatArray,
    mask: BoolArray,
    frames: IntArray,
    starts: FloatArray,
    searches: Sequence[Search],
    threads: int,
) -> FloatArray:
    """Register some frames rigidly to a target on their grid; returns (n_frames, 4, 4), others as they start."""
    targets = prepare_targets(image._replace(values=target), mask, searches)
    matrices = starts.copy()

    def register(frame: int) -> None:
        volume = image._replace(values=image.values[..., frame])
        matrices[frame] = register_evened(targets, volume, starts[frame])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(register, frames.tolist()))
    return matrices


def _fill(matrices: FloatArray, own: BoolArray, runs: IntArray) -> tuple[FloatArray, BoolArray]:
    """Give frames without an estimate the nearest later one of their run, or its last; else that of another run."""
    if not own.any():
        return np.tile(np.eye(4), (len(own), 1, 1)), ~own
    source = np.empty(len(own), dtype=int)
    for run in np.unique(runs):
        frames = np.flatnonzero(runs == run)
        good = np.flatnonzero(own & (runs == run))
        good = good if good.size else np.flatnonzero(own)
        source[frames] = good[np.minimum(np.searchsorted(good, frames), len(good) - 1)]
    return matrices[source], ~own


def _judge(
    image: Image, target: FloatArray, mask: BoolArray, matrices: FloatArray, rich: BoolArray
) -> tuple[BoolArray, str]:
    """Find estimates that no head could have made, or that fit worse than a neighbour's.

    Returns (n_frames,) whether the frame keeps its estimate, and the sentence that names those that do not.
    """
    points = sample_points(image, mask)
    keep = rich & (displacement_mm(matrices, points) <= LARGEST_DISPLACEMENT_MM)
    if not keep.any():
        return keep, "Head motion estimates all failed: not corrected."
    for frame in np.flatnonzero(keep).tolist():
        neighbour = _lonely_neighbour(matrices, points, np.flatnonzero(keep), frame)
        if neighbour is not None and not _better(image, target, mask, matrices, frame, neighbour):
            keep[frame] = False
    lost = np.flatnonzero(rich & ~keep)
    if not lost.size:
        return keep, ""
    return keep, f"Frame {list_frames(lost)}: implausible motion estimate, replaced by its neighbour's."


def _lonely_neighbour(matrices: FloatArray, points: FloatArray, kept: IntArray, frame: int) -> int | None:
    """Return the frame before one that jumps away from both neighbours; None when it does not."""
    place = int(np.searchsorted(kept, frame))
    if place in (0, len(kept) - 1):
        return None
    before, after = int(kept[place - 1]), int(kept[place + 1])
    steps = [
        displacement_mm(invert(matrices[other])[None] @ matrices[frame], points)[0]
        for other in (before, after)
    ]
    apart = displacement_mm(invert(matrices[before])[None] @ matrices[after], points)[0]
    return before if min(steps) > EXCURSION_MM and apart < EXCURSION_MM / 2 else None


def _better(
    image: Image, target: FloatArray, mask: BoolArray, matrices: FloatArray, frame: int, neighbour: int
) -> bool:
    """Whether a frame is more like the target by its own estimate than by its neighbour's."""
    pair = image._replace(values=np.repeat(image.values[..., [frame]], 2, axis=3))
    moved = resample_frames(pair, matrices[[frame, neighbour]], "linear")
    own, other = (normalised_mutual_information(target, moved[..., k], mask) for k in (0, 1))
    return own > other
