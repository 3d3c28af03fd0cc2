"""A whole study on disk: a PET-BIDS dataset and, inside it, the truth as a derivative dataset."""

import logging
from pathlib import Path

import numpy as np

from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.arrays import FloatArray
from morbids.simulation import sidecars
from morbids.simulation.activity import CurveTable, tabulate_curves
from morbids.simulation.bodies import Bodies, Streams, TemplateBodies
from morbids.simulation.cohort import Participant, draw_cohort
from morbids.simulation.effects import TASKS, Task
from morbids.simulation.files import write_json, write_rows, write_scanned
from morbids.simulation.grids import Grid
from morbids.simulation.real_heads import RealBodies
from morbids.simulation.scan import Scan, make_scan, mni_grid
from morbids.simulation.scanner import pet_grid, source_grid
from morbids.simulation.settings import HeadFiles, StudySettings
from morbids.simulation.subject import Subject
from morbids.simulation.truth import (
    Regions,
    write_description,
    write_group_truth,
    write_scan_truth,
    write_subject_truth,
)

logger = logging.getLogger(__name__)


class Workshop:
    """What is made once for a study: settings, heads, curves, grid, and where to write."""

    def __init__(self, out: Path, settings: StudySettings, heads: HeadFiles | None) -> None:
        self.out = out
        self.truth = out / "derivatives" / "truth"
        self.settings = settings
        self.table: CurveTable = tabulate_curves(settings)
        self.pet: Grid = pet_grid(settings.pet_voxel_mm)
        source = source_grid(self.pet)
        self.bodies: Bodies = (
            TemplateBodies(settings, source) if heads is None else RealBodies(settings, heads, source, out)
        )


def simulate_study(
    out: Path, settings: StudySettings, command: str = "", heads: HeadFiles | None = None
) -> Path:
    """Simulate a study and write it.

    Parameters
    ----------
    out
        Folder of the dataset; must be empty or absent.
    command
        Goes into the README.
    heads
        Real heads that the participants have; None gives them the average head in random shapes.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    MorbidsError
        The folder holds files already, or cannot be written.
    """
    _make_folder(out)
    people = draw_cohort(settings.participants, settings.seed, settings.null)
    _write_top(out, people, settings, command, heads)
    logger.info("Preparing heads, regions and curves for %d participants", len(people))
    shop = Workshop(out, settings, heads)
    write_description(shop.truth, settings)
    total: dict[Task, FloatArray] = {task: np.zeros(mni_grid().shape, np.float32) for task in settings.tasks}
    for index, person in enumerate(people):
        logger.info("sub-%s (%d of %d)", person.label, index + 1, len(people))
        for task, change in _simulate_participant(shop, person, index).items():
            total[task] += change / len(people)
    write_group_truth(shop.truth, total)
    return out


def _simulate_participant(shop: Workshop, person: Participant, index: int) -> dict[Task, FloatArray]:
    """Write one participant; return the true change of BP_ND of each scan in template space."""
    # Streams of their own: more voxels, more noise, one task less or a null study leave everything else as it was.
    body, image, *scans = (
        np.random.default_rng([shop.settings.seed, 1, index, i]) for i in range(2 + len(TASKS))
    )
    subject, imaged, regions = shop.bodies.make(Streams(body, image), person)
    path = shop.out / f"sub-{person.label}" / "anat" / f"sub-{person.label}_T1w.nii.gz"
    write_scanned(imaged.t1w, imaged.grid, path)
    write_subject_truth(shop.truth, subject, imaged)
    changes: dict[Task, FloatArray] = {}
    for task, rng in zip(TASKS, scans, strict=True):
        if task not in shop.settings.tasks:
            continue
        scan = make_scan(rng, subject, task, shop.table, shop.pet, shop.settings)
        _write_scan(shop, subject, scan, regions)
        changes[task] = regions.average_bp_nd * scan.truth.change * scan.truth.bp_factor
    return changes


def _write_scan(shop: Workshop, subject: Subject, scan: Scan, regions: Regions) -> None:
    person = subject.participant
    folder = shop.out / f"sub-{person.label}" / "pet"
    stem = f"sub-{person.label}_task-{scan.task}_trc-carfentanil"
    write_scanned(scan.pet, shop.pet, folder / f"{stem}_pet.nii.gz")
    metadata = sidecars.pet_metadata(scan.task, scan.injection, person.weight_kg, shop.settings)
    write_json(metadata, folder / f"{stem}_pet.json")
    write_rows(
        sidecars.event_rows(scan.task), sidecars.events_metadata(scan.task), folder / f"{stem}_events.tsv"
    )
    write_scan_truth(shop.truth, subject, scan, regions, shop.pet, shop.settings)


def _write_top(
    out: Path,
    people: tuple[Participant, ...],
    settings: StudySettings,
    command: str,
    heads: HeadFiles | None,
) -> None:
    """Write what describes the whole dataset."""
    write_json(sidecars.dataset_description(settings), out / "dataset_description.json")
    (out / "README").write_text(sidecars.readme(settings, command, real=heads is not None), encoding="utf-8")
    write_json(sidecars.t1w_metadata() if heads is None else sidecars.real_t1w_metadata(), out / "T1w.json")
    phenotype, tasks = out / "phenotype", settings.tasks
    participants = sidecars.participant_rows(people, tasks), sidecars.participants_metadata(tasks)
    ratings = sidecars.state_rating_rows(people, tasks), sidecars.state_rating_metadata(tasks)
    write_rows(*participants, out / "participants.tsv")
    write_rows(sidecars.resiliency_rows(people), sidecars.resiliency_metadata(), phenotype / "er89.tsv")
    write_rows(*ratings, phenotype / "state_ratings.tsv")


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        occupied = any(out.iterdir())
    except OSError as error:
        raise MorbidsError(
            f"{out} cannot be written ({error.strerror}).", "Choose another folder.", ExitCode.CANNOT_WRITE
        ) from error
    if occupied:
        raise MorbidsError(
            f"{out} is not empty.", "Give a new folder, or remove what is in it.", ExitCode.CANNOT_WRITE
        )
