"""Every scan of a study and everything that stands in the way of any, collected before anything is computed.

A run begins with it, and `--dry-run` is nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from morbids.bids.derivatives import read_datasets
from morbids.bids.filters import read_selection
from morbids.bids.joining import join_runs
from morbids.bids.names import parse_name
from morbids.bids.reconstructions import set_aside
from morbids.bids.scans import PetScan, RejectedScan, find_scans
from morbids.bids.validation import Judgement, judge_input
from morbids.errors import ExitCode, MorbidsError, Problems
from morbids.participant.memory import check_memory
from morbids.participant.plan import ScanPlan, check_settings, plan_scan
from morbids.settings import ScanSettings, Study

VALID = Judgement({}, "")


@dataclass(frozen=True)
class UnplannedScan(RejectedScan):
    """A scan that cannot be analysed, known before anything runs.

    Attributes
    ----------
    plan
        What would be done once that is mended, where enough is known.
    """

    plan: ScanPlan | None = None


class Plans(NamedTuple):
    """Scans that will run, and those that cannot; sentences on the whole dataset."""

    scans: tuple[ScanPlan, ...]
    unplanned: tuple[UnplannedScan, ...]
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """OK where all scans can start, FAILED where some can, else the code of the first error."""
        if not self.unplanned:
            return ExitCode.OK
        return ExitCode.FAILED if self.scans else self.unplanned[0].error.exit_code

    def without(self, unable: Sequence[UnplannedScan]) -> "Plans":
        """The same after some turned out not to be able to start."""
        images = {scan.pet for scan in unable}
        able = tuple(plan for plan in self.scans if plan.scan.pet not in images)
        return Plans(able, (*self.unplanned, *unable), self.notes)

    def batches(self, n_scans: int) -> list["Plans"]:
        """Whole participants, in order, of which at least so many scans make a batch (the last may have fewer)."""
        own: dict[str, tuple[list[ScanPlan], list[UnplannedScan]]] = {}
        for plan in self.scans:
            own.setdefault(plan.scan.entities["sub"], ([], []))[0].append(plan)
        for scan in self.unplanned:
            own.setdefault(scan.entities["sub"], ([], []))[1].append(scan)
        batches = [Plans((), ())]
        for _, (able, unable) in sorted(own.items()):
            if len(batches[-1].scans) >= n_scans:
                batches.append(Plans((), ()))
            last = batches[-1]
            batches[-1] = Plans((*last.scans, *able), (*last.unplanned, *unable))
        return batches


def collect(
    study: Study, settings: ScanSettings, mem_gb: float, *, validate: bool, read_images: bool = True
) -> Plans:
    """Find the selected scans, judge them, and decide what is done with each.

    Parameters
    ----------
    mem_gb
        Memory that the run may use.
    validate
        Whether the BIDS validator is asked.
    read_images
        Whether T1w images are read whole, which takes about a second each; else their headers.

    Raises
    ------
    MorbidsError
        Nothing is selected, or what was asked for cannot be whatever the scan.
    """
    plans = plan_study(study, settings, validate=validate, read_images=read_images)
    able, unable = [], list(plans.unplanned)
    for plan in plans.scans:
        problems = Problems(str(plan.t1w.path))
        problems.attempt(check_memory, plan, mem_gb)
        if problems.found:
            unable.append(
                UnplannedScan(plan.scan.entities, plan.scan.pet, tuple(problems.found), plan.scan, plan)
            )
        else:
            able.append(plan)
    return Plans(tuple(able), tuple(sorted(unable, key=lambda scan: scan.label)), plans.notes)


def plan_study(
    study: Study, settings: ScanSettings, *, validate: bool = False, read_images: bool = True
) -> Plans:
    """Find the selected scans and decide what is done with each; arguments and errors as for `collect`."""
    check_settings(settings)
    _refuse_own_output(study)
    read_datasets(study.derivatives)  # for its errors: one that is no dataset concerns every scan
    selection = read_selection(study.filters)
    found = find_scans(study.bids_dir, study.filters, study.bids_database_dir)
    found = join_runs(set_aside(found, selection), settings.join_runs)
    everyone: list[PetScan | RejectedScan] = [*found.scans, *found.rejected]
    participants = sorted({scan.entities["sub"] for scan in everyone})
    judgement = judge_input(study.bids_dir, participants) if validate else VALID
    plans, unplanned = [], []
    for scan in everyone:
        planned = _plan_one(scan, judgement.errors, study, settings, read_images)
        if isinstance(planned, ScanPlan):
            plans.append(planned)
        else:
            unplanned.append(planned)
    return Plans(tuple(plans), tuple(unplanned), tuple(filter(None, (*found.aside, judgement.note))))


def _plan_one(
    scan: PetScan | RejectedScan,
    invalid: Mapping[str, MorbidsError],
    study: Study,
    settings: ScanSettings,
    read_images: bool,
) -> ScanPlan | UnplannedScan:
    """Plan a scan, also one that is rejected: what else is wrong with it is told in the same round."""
    rejected = isinstance(scan, RejectedScan)
    errors = [*_invalid_parts(scan, invalid), *(scan.errors if isinstance(scan, RejectedScan) else ())]
    readable = scan.scan if isinstance(scan, RejectedScan) else scan
    plan = None
    if readable is not None:
        problems = Problems(str(scan.pet))
        planned = problems.attempt(
            plan_scan, readable, settings, study.derivatives, read_images=read_images and not rejected
        )
        errors += [*problems.found, *(planned.errors if planned else ())]
        plan = planned.plan if planned else None
    if plan is not None and not errors:
        return plan
    once = {str(error): error for error in errors}
    return UnplannedScan(scan.entities, scan.pet, tuple(once.values()), readable, plan)


def _invalid_parts(scan: PetScan | RejectedScan, invalid: Mapping[str, MorbidsError]) -> list[MorbidsError]:
    """Errors of the validator on the scan's sidecar, or on one that it inherits."""
    readable = scan.scan if isinstance(scan, RejectedScan) else scan
    parts = [part.entities for part in readable.parts] if readable is not None else []
    owners = parts or [scan.entities]
    return [
        error
        for image, error in invalid.items()
        if any(parse_name(image).entities.items() <= owner.items() for owner in owners)
    ]


def _refuse_own_output(study: Study) -> None:
    """Refuse to take results from where they are written to."""
    for folder in study.derivatives:
        if folder.resolve() == study.output_dir.resolve():
            raise MorbidsError(
                f"--derivatives {folder} is the output directory.",
                "Leave the option out to go on with it, or write to another directory.",
                ExitCode.USAGE,
            )
