"""The participant level: every selected scan from images to maps, then a page per participant."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from nipype import Node, Workflow
from rich.console import Console

from morbids.bids.dataset import write_dataset_files
from morbids.bids.names import scan_label
from morbids.bids.scans import find_scans
from morbids.bids.validation import check_input
from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.atlases import SPHERES, atlas_key, load_atlas
from morbids.settings import Resources, Settings, Study
from morbids.workflows.anatomy import (
    build_anatomy_workflow,
    make_template_node,
    registration_target,
    template_spaces,
)
from morbids.workflows.execution import StepFailure, execute
from morbids.workflows.index_page import write_index
from morbids.workflows.nodes import make_node
from morbids.workflows.participant_page import write_participant_pages
from morbids.workflows.plan import ScanPlan, plan_scan
from morbids.workflows.progress import Progress, label_of, workflow_name
from morbids.workflows.scan import build_scan_workflow
from morbids.workflows.scan_builder import ScanBuilder

logger = logging.getLogger("morbids")


class UnplannedScan(NamedTuple):
    """A scan that cannot be analysed, known before anything runs."""

    entities: dict[str, str]
    error: MorbidsError

    @property
    def label(self) -> str:
        """Name of the scan."""
        return scan_label(self.entities)


class Plans(NamedTuple):
    """Scans that will run, and those that cannot."""

    scans: tuple[ScanPlan, ...]
    unplanned: tuple[UnplannedScan, ...]


def run_participants(
    study: Study, settings: Settings, resources: Resources, console: Console, *, validate: bool
) -> ExitCode:
    """Run the participant level.

    Returns
    -------
    ExitCode
        OK when every selected scan was finished, FAILED when some were not, the only scan's own code when it
        could not be planned.

    Raises
    ------
    MorbidsError
        The dataset is not valid, holds no scan, or nothing is selected.
    """
    if study.derivatives:
        raise MorbidsError(
            f"--derivatives {study.derivatives[0]}: the participant level works from raw images only.",
            "Leave the option out; the group level reads maps of other programs with it.",
            ExitCode.USAGE,
        )
    if validate:
        check_input(study.bids_dir, study.filters.labels.get("sub", ()))
    plans = plan_study(study, settings)
    for scan in plans.unplanned:
        logger.error("%s is left out. %s", scan.label, scan.error)
    if not plans.scans:
        raise plans.unplanned[0].error
    write_dataset_files(study.output_dir, study.bids_dir)
    workflow = build_participant_workflow(plans.scans, study, settings, resources)
    n_participants = len({plan.scan.entities["sub"] for plan in plans.scans})
    logger.info(
        "%d scans of %d participants, on %d processors with %.1f GB of memory; work in %s",
        len(plans.scans), n_participants, resources.n_procs, resources.mem_gb, resources.work_dir,
    )  # fmt: skip
    with Progress(len(workflow.list_node_names()), console) as progress:
        failures = execute(workflow, resources, progress)
    pages = write_participant_pages(plans.scans, plans.unplanned, failures, study, settings)
    write_index(study)
    for failure in failures:
        logger.error("%s, %s failed. %s", where(failure), failure.step.replace("_", " "), failure.sentence)
    for page in pages:
        logger.info("%s", page)
    return ExitCode.FAILED if failures or plans.unplanned else ExitCode.OK


def plan_study(study: Study, settings: Settings) -> Plans:
    """Find the selected scans and decide what is done with each."""
    found = find_scans(study.bids_dir, study.filters)
    unplanned = [UnplannedScan(scan.entities, scan.error) for scan in found.rejected]
    plans = []
    for scan in found.scans:
        try:
            plans.append(plan_scan(scan, settings))
        except MorbidsError as error:
            unplanned.append(UnplannedScan(scan.entities, error))
    return Plans(tuple(plans), tuple(unplanned))


def build_participant_workflow(
    plans: Sequence[ScanPlan], study: Study, settings: Settings, resources: Resources
) -> Workflow:
    """Build the graph of all scans: templates once, each T1w image once, then its scans."""
    whole = Workflow("participants")
    targets = [registration_target(space) for space in template_spaces(settings)]
    templates = {
        output: make_template_node(output, resources)
        for output in dict.fromkeys((*targets, *settings.output_spaces))
    }
    atlases = _make_atlas_nodes(plans, resources)
    anatomies: dict[str, Workflow] = {}
    for plan in plans:
        t1w = plan.t1w
        if t1w.label not in anatomies:
            anatomies[t1w.label] = build_anatomy_workflow(whole, t1w, templates, study, settings, resources)
        builder = ScanBuilder(
            whole,
            Workflow(workflow_name(plan.scan.label)),
            plan,
            study,
            settings,
            resources,
            anatomies[t1w.label],
            templates,
            atlases,
        )
        build_scan_workflow(builder)
    return whole


def _make_atlas_nodes(plans: Sequence[ScanPlan], resources: Resources) -> dict[str, Node]:
    """One node per atlas: the user's, the a-priori spheres, and those that reference regions are cut from."""
    wanted = [name for plan in plans for name in (*plan.atlases, plan.kinetics.reference.atlas)]
    cache_dir = resources.work_dir / "atlases"
    return {
        name: make_node(
            load_atlas, f"atlas_{atlas_key(name)}", {"name_or_path": name, "cache_dir": cache_dir}
        )
        for name in dict.fromkeys((SPHERES, *wanted))
    }


def where(failure: StepFailure) -> str:
    """Label of the scan or T1w image at which a step failed."""
    return label_of(failure.units[-1])
