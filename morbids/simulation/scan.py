"""One scan of one participant: what changes in the brain, where the head lies, what the scanner sees."""

from typing import NamedTuple

import numpy as np

from morbids.imaging.transforms import rigid_matrix
from morbids.numerics.arrays import FloatArray
from morbids.simulation.activity import CurveTable, activity_maps, distribution_volume
from morbids.simulation.deformation import BRAIN_CENTRE_MM, smooth_field
from morbids.simulation.effects import Task
from morbids.simulation.grids import Grid, make_grid, pull
from morbids.simulation.motion import HeadMotion, draw_motion
from morbids.simulation.regions import release_radius_mm, sphere_share
from morbids.simulation.scanner import blur, observe
from morbids.simulation.settings import StudySettings
from morbids.simulation.subject import Subject

RETEST_CV, RETEST_FWHM_MM = 0.03, 40.0
"""Smooth difference of BP_ND between a person's two scans, on top of the scan's own noise."""
CHANGE_SD, CHANGE_FWHM_MM = 0.015, 30.0
"""Smooth change of BP_ND inside a scan that no task explains; a null study has it too."""
REFERENCE_SUV = 1.0
"""Standardised uptake value of the reference region between 30 and 90 min."""

_MNI_LOW_MM, _MNI_HIGH_MM = (-96.0, -132.0, -78.0), (96.0, 96.0, 114.0)


class Injection(NamedTuple):
    """What was injected: total activity (MBq), mass (ug), volume (mL), and the clock time of injection."""

    radioactivity_mbq: float
    mass_ug: float
    volume_ml: float
    time_zero: str


class Truth(NamedTuple):
    """What nobody can measure.

    Attributes
    ----------
    change
        Part by which BP_ND changes during the challenge, in template space on `mni_grid()`.
    bp_factor
        Factor on the average BP_ND, in template space on `mni_grid()`.
    volumes
        Distribution volume relative to non-displaceable tissue as a perfect scanner of this resolution sees it,
        in the PET reference pose: baseline, challenge.
    reference_curve
        (n_frames,) Bq/mL.
    t1w_to_pet
        (4, 4) RAS: brings images of T1w space into the reference pose.
    """

    change: FloatArray
    bp_factor: FloatArray
    volumes: tuple[FloatArray, FloatArray]
    reference_curve: FloatArray
    t1w_to_pet: FloatArray
    motion: HeadMotion


class Scan(NamedTuple):
    """A simulated scan: frames (x, y, z, n_frames) in Bq/mL, decay-corrected to injection."""

    task: Task
    pet: FloatArray
    injection: Injection
    truth: Truth


def mni_grid() -> Grid:
    """Return the 2 mm grid of MNI152NLin2009cAsym, on which truth in template space is kept."""
    return make_grid(_MNI_LOW_MM, _MNI_HIGH_MM, 2.0)


def make_scan(
    rng: np.random.Generator,
    subject: Subject,
    task: Task,
    table: CurveTable,
    grid: Grid,
    settings: StudySettings,
) -> Scan:
    """Simulate one scan on the PET grid."""
    injection = _draw_injection(rng)
    change, retest = _draw_change(rng, subject, task), _draw_retest(rng, subject)
    warp = [subject.shape.template_to_t1w]
    local = pull(change, mni_grid(), subject.grid, warp)
    tissue = subject.tissue._replace(
        bp_nd=subject.tissue.bp_nd * (1 + pull(retest, subject.shape.lattice, subject.grid, warp))
    )
    scale = _bq_per_ml(table, settings, injection, subject.participant.weight_kg)
    maps = activity_maps(table, tissue, local)
    blurred = np.stack([blur(values, subject.grid, settings.psf_fwhm_mm, grid) for values in maps])
    t1w_to_pet = subject.place @ _draw_offset(rng)
    motion = draw_motion(rng, float(settings.frames.end_min[-1]), settings.motion)
    grids = (subject.grid, grid)
    pet = observe(
        rng, (scale * table.components, blurred), grids, (t1w_to_pet, motion), settings.frames, settings.noise
    )
    at_rest, challenged = (
        pull(
            blur(distribution_volume(tissue, values), subject.grid, settings.psf_fwhm_mm, grid),
            subject.grid,
            grid,
            [t1w_to_pet],
        )
        for values in (np.zeros_like(local), local)
    )
    factor = pull((1 + retest) * subject.binding_factor, subject.shape.lattice, mni_grid())
    truth = Truth(change, factor, (at_rest, challenged), scale * table.reference, t1w_to_pet, motion)
    return Scan(task, pet, injection, truth)


def _draw_change(rng: np.random.Generator, subject: Subject, task: Task) -> FloatArray:
    """Change of BP_ND during the challenge on `mni_grid()`: releases of the task, and what no task explains."""
    grid, lattice = mni_grid(), subject.shape.lattice
    change = pull(CHANGE_SD * smooth_field(rng, lattice, CHANGE_FWHM_MM), lattice, grid)
    for (when, region), release in subject.participant.releases.items():
        if when == task:
            change -= release * sphere_share(region, grid, release_radius_mm(region))
    return change.clip(-0.6, 0.6)


def _draw_retest(rng: np.random.Generator, subject: Subject) -> FloatArray:
    """Relative difference of this scan's BP_ND from the person's own, on the shape's lattice."""
    field: FloatArray = RETEST_CV * smooth_field(rng, subject.shape.lattice, RETEST_FWHM_MM)
    return field


def _draw_offset(rng: np.random.Generator) -> FloatArray:
    """Rigid difference between T1w and PET position: brings T1w images into the PET reference pose."""
    shift_mm = rng.normal(0, [2.5, 4.0, 4.0]).clip(-9, 9)
    angles = np.deg2rad(rng.normal(0, [4.0, 2.0, 2.5]).clip(-9, 9))
    return rigid_matrix(np.concatenate([shift_mm, angles]), BRAIN_CENTRE_MM)


def _draw_injection(rng: np.random.Generator) -> Injection:
    minutes = int(rng.integers(0, 180))
    return Injection(
        round(float(np.clip(rng.normal(420, 35), 300, 520)), 1),
        round(float(rng.uniform(0.8, 1.9)), 2),
        round(float(rng.uniform(28, 32)), 1),
        f"{10 + minutes // 60:02d}:{minutes % 60:02d}:00",
    )


def _bq_per_ml(table: CurveTable, settings: StudySettings, injection: Injection, weight_kg: float) -> float:
    """Factor from the tracer model's units to Bq/mL, by the standardised uptake value of the reference."""
    late = settings.frames.mid_min > settings.frames.end_min[-1] / 3
    late_mean = float(np.average(table.reference[late], weights=settings.frames.duration_min[late]))
    return REFERENCE_SUV * injection.radioactivity_mbq * 1e6 / (weight_kg * 1000) / late_mean
