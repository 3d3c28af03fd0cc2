"""Registration against truth on simulated heads: motion, PET to T1w, brain mask, T1w to template; ANTs beside it.

Every seed is another head with another scan. T1w images are turned and moved (PET to T1w: up to 15 degrees
and 20 mm; brain extraction: up to 30 degrees) by changing their header, so the truth is exact. What follows brain
extraction gets the bias-corrected image and the mask that it made, as in the program. ANTs' SyN runs on the
same pairs when `antspyx` is installed (`make peers`), for the first heads only, because it takes longest. Two
heads are measured at a time, each on one processor. Wall time and memory of a whole scan follow, from
`python -m benchmarks scan`.
"""

import importlib.util
import resource
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import nibabel as nib
import numpy as np
import pandas as pd
import SimpleITK as sitk

from benchmarks import scan as whole_scan
from morbids.imaging.brain import extract_brain
from morbids.imaging.coregistration import register_pet_to_t1w
from morbids.imaging.images import read_image, write_image
from morbids.imaging.motion import correct_motion
from morbids.imaging.normalization import register_to_template
from morbids.imaging.templates import Template, find_template
from morbids.imaging.transforms import invert, read_itk, rigid_matrix, write_itk
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames
from morbids.simulation.activity import tabulate_curves
from morbids.simulation.cohort import draw_cohort
from morbids.simulation.deformation import BRAIN_CENTRE_MM, Ways
from morbids.simulation.grids import pull
from morbids.simulation.motion import mean_poses, pose_matrix
from morbids.simulation.scan import Scan, make_scan
from morbids.simulation.scanner import pet_grid, source_grid
from morbids.simulation.settings import StudySettings
from morbids.simulation.subject import Phantom, build_phantom, make_subject, make_t1w, t1w_grid

WORKERS, THREADS = 2, 1
MNI = "MNI152NLin2009cAsym"
OFFSET_MM, OFFSET_DEG = 20.0, 15.0
TURN_DEG = 30.0
SUCCESS_MM = 2.0
LATE_MIN = 10.0
LEAST_FRAME_MIN = 1.0
TEMPLATE_POINTS = 4000
HEADS, QUICK_HEADS = 20, 3
TEMPLATE_HEADS = 5
"""Heads that are registered to the template, by us and by ANTs."""

Result = TypeVar("Result")


class Case(NamedTuple):
    """One simulated person: T1w and brain mask on disk, scan on disk, and their truth."""

    t1w: Path
    brain: Path
    pet: Path
    scan: Scan
    shape: Ways


class Outcome(NamedTuple):
    """Errors in mm (mean over the brain), Dice, and processor seconds of one case; NaN for what was not run."""

    pet_to_t1w_mm: float
    pet_to_t1w_concern: bool
    motion_mm: FloatArray
    motion_late: BoolArray
    motion_cpu_s: float
    pet_to_t1w_cpu_s: float
    brain_dice: float
    brain_concern: bool
    template_mm: float
    template_cpu_s: float
    ants_mm: float
    ants_cpu_s: float


def run(quick: bool) -> dict[str, float]:
    """Measure 20 heads at full PET size (quick: 3 at coarse size), then a whole scan."""
    with ProcessPoolExecutor(WORKERS) as pool:
        seeds = range(QUICK_HEADS if quick else HEADS)
        outcomes = list(pool.map(partial(measure_head, quick=quick), seeds))
    whole = whole_scan.run(quick)
    return summarise(outcomes) | {key: whole[key] for key in ("scan_wall_min", "scan_peak_gb")}


def measure_head(seed: int, quick: bool) -> Outcome:
    """Simulate one head with its scan, and measure every registration on it."""
    pet_voxel_mm, t1w_voxel_mm = (4.5, 2.0) if quick else (2.25, 1.0)
    settings = StudySettings(1, pet_voxel_mm, t1w_voxel_mm, seed)
    with tempfile.TemporaryDirectory(prefix="morbids_registration_") as folder:
        work = Path(folder)
        template = find_template(MNI, 2, work / "templates")
        outcome = measure(simulate(settings, average_phantom(), work), settings, template, work)
    print(
        f"head {seed}: PET to T1w {outcome.pet_to_t1w_mm:.2f} mm, motion up to {np.nanmax(outcome.motion_mm):.2f} mm, "
        f"brain mask Dice {outcome.brain_dice:.3f}, template {outcome.template_mm:.2f} mm, "
        f"ANTs {outcome.ants_mm:.2f} mm",
        flush=True,
    )
    return outcome


@cache
def average_phantom() -> Phantom:
    """The head that all are made from; once per process."""
    return build_phantom(voxel_mm=1.0)


def simulate(settings: StudySettings, phantom: Phantom, work: Path) -> Case:
    """Make one person and one scan."""
    rng = np.random.default_rng([settings.seed, 7])
    (person,) = draw_cohort(1, settings.seed, null=False)
    pet, t1w = pet_grid(settings.pet_voxel_mm), t1w_grid(settings.t1w_voxel_mm)
    subject = make_subject(rng, person, phantom, source_grid(pet))
    scan = make_scan(rng, subject, "rejection", tabulate_curves(settings), pet, settings)
    inside = pull(
        phantom.head.brain.astype(np.float32), phantom.head.grid, t1w, [subject.shape.template_to_t1w]
    )
    return Case(
        write_image(make_t1w(rng, phantom.head, subject.shape, t1w), t1w.affine, work / "t1w.nii.gz", code=1),
        write_image(inside > 0.5, t1w.affine, work / "brain.nii.gz", code=1),
        write_image(scan.pet, pet.affine, work / "pet.nii.gz", code=1),
        scan,
        subject.shape,
    )


def measure(case: Case, settings: StudySettings, template: Template, work: Path) -> Outcome:
    """Run every registration on one case and compare it with the truth."""
    rng = np.random.default_rng([settings.seed, 8])
    frames = settings.frames
    points = brain_points(read_image(case.brain).values > 0, read_image(case.brain).affine)
    motion, motion_cpu_s = timed(
        lambda: correct_motion(
            case.pet, frames.start_min.tolist(), frames.duration_min.tolist(), work / "motion", THREADS
        )
    )
    poses = mean_poses(case.scan.truth.motion, frames)
    motion_mm, petref_to_truth = motion_errors(
        read_itk(motion.transforms),
        np.stack([pose_matrix(pose) for pose in poses]),
        frames,
        transformed(invert(case.scan.truth.t1w_to_pet), points),
    )
    offset = random_rigid(rng, OFFSET_MM, OFFSET_DEG)
    turn = random_rigid(rng, OFFSET_MM, TURN_DEG)
    turned = moved(case.t1w, turn, work / "turned.nii.gz")
    extraction = extract_brain(turned, template.brain, template.mask, work / "brain", THREADS)
    back = offset @ invert(turn)
    t1w = moved(extraction.corrected_t1w, back, work / "moved_t1w.nii.gz")
    brain = moved(extraction.mask, back, work / "moved_brain.nii.gz")
    pet_to_t1w, pet_cpu_s = timed(
        lambda: register_pet_to_t1w(motion.petref, t1w, brain, work / "coreg", THREADS, motion.early_petref)
    )
    # Points of petref go to the true reference pose, then to T1w, then where the header was moved.
    truth = offset @ case.scan.truth.t1w_to_pet @ petref_to_truth
    pet_points = transformed(invert(case.scan.truth.t1w_to_pet @ petref_to_truth), points)
    even = case._replace(t1w=moved(extraction.corrected_t1w, invert(turn), work / "corrected.nii.gz"))
    affine = invert(turn) @ read_itk(extraction.template_affine)[0]
    start = write_itk(affine, work / "start.txt")
    return Outcome(
        distance_mm(read_itk(pet_to_t1w.t1w_to_pet)[0], truth, pet_points),
        bool(pet_to_t1w.concern),
        motion_mm,
        frames.mid_min > LATE_MIN,
        motion_cpu_s,
        pet_cpu_s,
        brain_dice(extraction.mask, case.brain),
        bool(extraction.concern),
        *(template_errors(even, template, start, work) if settings.seed < TEMPLATE_HEADS else [np.nan] * 4),
    )


def motion_errors(
    found: FloatArray, true: FloatArray, frames: Frames, points: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Error per frame (NaN for frames too short to register), and the matrix from petref to the true pose.

    Where petref lies is free; it is taken as the mean over the frames from a third to the half of the scan.

    Parameters
    ----------
    found, true
        (n_frames, 4, 4) from-orig_to-petref, and from-orig to the true pose of reference.
    points
        (n, 3) of the brain in the true pose, mm.
    """
    share = frames.mid_min / frames.end_min[-1]
    middle = (share > 0.2) & (share < 0.55)
    petref_to_truth = (invert(true) @ found)[middle].mean(axis=0)
    errors = [distance_mm(f, t @ petref_to_truth, points) for f, t in zip(found, true, strict=True)]
    return np.where(frames.duration_min >= LEAST_FRAME_MIN, errors, np.nan), petref_to_truth


def brain_dice(found: Path, true: Path) -> float:
    """Dice of two masks on the same voxels."""
    first, second = (read_image(mask).values > 0 for mask in (found, true))
    return float(2 * (first & second).sum() / (first.sum() + second.sum()))


def template_errors(
    case: Case, template: Template, start: Path, work: Path
) -> tuple[float, float, float, float]:
    """Mean error (mm) and processor seconds of our registration to the template, then of ANTs' (NaN if absent)."""
    mask = read_image(template.mask)
    points = brain_points(mask.values > 0, mask.affine, TEMPLATE_POINTS)
    true = itk_points(case.shape.t1w_to_template, points)
    ours, cpu_s = timed(
        lambda: register_to_template(
            case.t1w, case.brain, template.brain, template.mask, work / "mni", THREADS, start
        )
    )
    found = itk_points(sitk.ReadTransform(str(ours.t1w_to_template)), points)
    error = float(np.linalg.norm(found - true, axis=1).mean())
    if importlib.util.find_spec("ants") is None:
        return error, cpu_s, float("nan"), float("nan")
    theirs, ants_cpu_s = timed(lambda: ants_points(case, template, points, work))
    return error, cpu_s, float(np.linalg.norm(theirs - true, axis=1).mean()), ants_cpu_s


def ants_points(case: Case, template: Template, points: FloatArray, work: Path) -> FloatArray:
    """Where ANTs' SyN carries template points (n, 3) in RAS mm; the brain is cut out with the true mask."""
    import ants

    head, brain = read_image(case.t1w), read_image(case.brain)
    stripped = write_image(np.where(brain.values > 0, head.values, 0), head.affine, work / "stripped.nii.gz")
    fixed, moving = ants.image_read(str(template.brain)), ants.image_read(str(stripped))
    found = ants.registration(fixed, ants.resample_image(moving, (2, 2, 2)), type_of_transform="SyN")
    lps = pd.DataFrame(points * [-1, -1, 1], columns=["x", "y", "z"])
    # Points go against images: from the template they pass the transforms that bring T1w to the template.
    carried = ants.apply_transforms_to_points(3, lps, found["fwdtransforms"])
    return np.asarray(carried[["x", "y", "z"]].to_numpy() * [-1, -1, 1])


def summarise(outcomes: list[Outcome]) -> dict[str, float]:
    """Figures over all cases."""
    pet = np.array([case.pet_to_t1w_mm for case in outcomes])
    motion = np.stack([case.motion_mm for case in outcomes])
    late = outcomes[0].motion_late
    ours_cpu_s = float(np.nanmean([case.template_cpu_s for case in outcomes]))
    return {
        "heads": float(len(outcomes)),
        "pet_to_t1w_mean_mm": float(pet.mean()),
        "pet_to_t1w_max_mm": float(pet.max()),
        "pet_to_t1w_success_of_20": float(20 * (pet < SUCCESS_MM).mean()),
        "pet_to_t1w_flagged": float(sum(case.pet_to_t1w_concern for case in outcomes)),
        "pet_to_t1w_cpu_s": float(np.mean([case.pet_to_t1w_cpu_s for case in outcomes])),
        "motion_late_mean_mm": float(np.nanmean(motion[:, late])),
        "motion_max_mm": float(np.nanmax(motion)),
        "motion_cpu_s": float(np.mean([case.motion_cpu_s for case in outcomes])),
        "template_heads": float(np.isfinite([case.template_mm for case in outcomes]).sum()),
        "t1w_to_template_mean_mm": float(np.nanmean([case.template_mm for case in outcomes])),
        "t1w_to_template_cpu_s": ours_cpu_s,
        "ants_syn_mean_mm": float(np.nanmean([case.ants_mm for case in outcomes])),
        "cpu_ratio_ants_syn": float(np.nanmean([case.ants_cpu_s for case in outcomes])) / ours_cpu_s,
        "brain_mask_dice_min": min(case.brain_dice for case in outcomes),
        "brain_mask_flagged": float(sum(case.brain_concern for case in outcomes)),
    }


def timed(task: Callable[[], Result]) -> tuple[Result, float]:
    """Result of a task and its processor seconds, child processes included."""
    before = _cpu_s()
    result = task()
    return result, _cpu_s() - before


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def random_rigid(rng: np.random.Generator, most_mm: float, most_deg: float) -> FloatArray:
    """Turn about the brain's centre and shift, in random directions, by up to the given amounts."""
    shift, axis = rng.standard_normal(3), rng.standard_normal(3)
    shift *= rng.uniform(0, most_mm) / np.linalg.norm(shift)
    axis *= np.deg2rad(rng.uniform(0, most_deg)) / np.linalg.norm(axis)
    return rigid_matrix(np.concatenate([shift, axis]), BRAIN_CENTRE_MM)


def moved(image: Path, matrix: FloatArray, out: Path) -> Path:
    """Copy an image whose header is moved: its points go through `matrix`."""
    source = nib.Nifti1Image.from_filename(image)
    copy = nib.Nifti1Image(source.dataobj, matrix @ source.affine)
    nib.save(copy, out)
    return out


def brain_points(mask: BoolArray, affine: FloatArray, n: int = 500) -> FloatArray:
    """(n, 3) RAS mm of points spread over a mask."""
    where = np.argwhere(mask)
    return transformed(affine, where[:: max(1, len(where) // n)].astype(float))


def transformed(matrix: FloatArray, points: FloatArray) -> FloatArray:
    """Points (n, 3) carried by a matrix."""
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])


def distance_mm(found: FloatArray, true: FloatArray, points: FloatArray) -> float:
    """Mean distance between where two matrices carry points."""
    return float(np.linalg.norm(transformed(found - true, points), axis=1).mean())


def itk_points(transform: sitk.Transform, points: FloatArray) -> FloatArray:
    """Points (n, 3) in RAS mm carried by an ITK transform."""
    flip = np.array([-1.0, -1.0, 1.0])
    carried = [transform.TransformPoint((point * flip).tolist()) for point in points]
    return np.asarray(np.array(carried) * flip)
