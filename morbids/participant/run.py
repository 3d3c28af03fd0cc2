"""The participant level: every selected scan from images to maps, then a page per participant."""

import logging
from collections.abc import Sequence
from pathlib import Path

from nipype import Node, Workflow
from rich.console import Console

from morbids.bids.dataset import dataset_name, write_dataset_files
from morbids.bids.derivatives import read_datasets
from morbids.engine.execution import execute
from morbids.engine.failures import StepFailure
from morbids.engine.nodes import make_node
from morbids.engine.progress import Progress, doing, label_of, workflow_name
from morbids.engine.templates import atlases_dir, make_template_node, templates_dir
from morbids.engine.work import hold_work, remove_shared
from morbids.errors import ExitCode, tell
from morbids.imaging.atlases import AtlasChoice, apriori_spheres, load_atlas
from morbids.imaging.templates import comes_with_installation, find_template
from morbids.participant.anatomy import Anatomy, build_anatomy_workflow
from morbids.participant.causes import fetch_line, group_causes
from morbids.participant.collection import Plans, UnplannedScan, collect
from morbids.participant.page import write_participant_pages
from morbids.participant.plan import ScanPlan, spaces_by_t1w
from morbids.participant.scan import build_scan_workflow
from morbids.participant.scan_graph import ScanBuilder
from morbids.participant.spaces import needed_templates
from morbids.participant.words import WORDS
from morbids.reports.index_of_dataset import is_left_to_others, write_index
from morbids.settings import Resources, ScanSettings, Study

logger = logging.getLogger("morbids")

# The graph of all scans of a run takes memory, and time that grows faster than they do: it is built for some at a time,
# enough of them to keep every processor at work.
LEAST_BATCH = 24
SCANS_PER_PROCESSOR = 4


def run_participants(
    study: Study, settings: ScanSettings, resources: Resources, console: Console, *, validate: bool
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
    plans = collect(study, settings, resources.mem_gb, validate=validate)
    _tell(plans, study.bids_dir)
    links = {dataset.link: dataset.folder for dataset in read_datasets(study.derivatives)}
    write_dataset_files(study.output_dir, study.bids_dir, links)
    compute = _compute if plans.scans else _run_batches
    all_well = compute(plans, study, settings, resources, console)
    if study.filters.participant_labels and is_left_to_others(study.output_dir):
        logger.info("index.html is left to the group level: there are many participants.")
    else:
        write_index(study.output_dir, dataset_name(study.bids_dir))
    if not plans.scans:
        return plans.unplanned[0].error.exit_code
    return ExitCode.OK if all_well else ExitCode.FAILED


def _compute(
    plans: Plans, study: Study, settings: ScanSettings, resources: Resources, console: Console
) -> bool:
    """Run all scans in the work directory; whether all went well."""
    with hold_work(resources.work_dir) as lock:
        _check_templates(plans.scans, settings, resources)
        n_participants = len({plan.scan.entities["sub"] for plan in plans.scans})
        told = (len(plans.scans), n_participants, resources.work_dir)
        logger.info("%d scans of %d participants; work in %s", *told)
        all_well = _run_batches(plans, study, settings, resources, console)
        if all_well and resources.clean_workdir:
            remove_shared(resources, lock)
    return all_well


def _run_batches(
    plans: Plans, study: Study, settings: ScanSettings, resources: Resources, console: Console
) -> bool:
    """Run some participants after others; whether all went well."""
    batches = plans.batches(max(LEAST_BATCH, SCANS_PER_PROCESSOR * resources.n_procs))
    all_well = not plans.unplanned
    for number, batch in enumerate(batches, 1):
        if len(batches) > 1:
            logger.info("Part %d of %d: %d scans", number, len(batches), len(batch.scans))
        all_well &= _run_batch(batch, study, settings, resources, console)
        if resources.stop_on_first_crash and not all_well:
            break
    return all_well


def _run_batch(
    plans: Plans, study: Study, settings: ScanSettings, resources: Resources, console: Console
) -> bool:
    """Run all scans of some participants and write their pages; whether all went well."""
    unbuilt: list[UnplannedScan] = []
    failures: tuple[StepFailure, ...] = ()
    if plans.scans:
        workflow = build_participant_workflow(plans.scans, study, settings, resources, unbuilt)
        plans = plans.without(unbuilt)
        _tell(Plans((), tuple(unbuilt)), study.bids_dir)
        with Progress(workflow, WORDS, console) as progress:
            failures = execute(workflow, resources, progress)
    pages = write_participant_pages(plans.scans, plans.unplanned, failures, study, settings)
    for failure in failures:
        logger.error("%s, %s failed. %s", where(failure), doing(failure.step, WORDS), failure.told)
        logger.debug("%s", failure.traceback)
    for page in pages:
        logger.info("%s", page)
    return not failures and not unbuilt


def _tell(plans: Plans, bids_dir: Path) -> None:
    """Say everything that stands in the way, cause by cause, before anything is computed."""
    for note in plans.notes:
        logger.info("%s", note)
    for cause in group_causes(plans.unplanned):
        logger.error("%s", cause)
    if fetch := fetch_line(plans.unplanned, bids_dir):
        logger.error("%s", fetch)


def _check_templates(plans: Sequence[ScanPlan], settings: ScanSettings, resources: Resources) -> None:
    """Fetch, before anything runs, every template that may turn out not to be had: that would end all scans late."""
    spaces = (space for plan in plans for space in plan.spaces)
    for output in needed_templates(spaces, settings):
        if not comes_with_installation(output.space, output.resolution_mm):
            find_template(output.space, output.resolution_mm, templates_dir(resources))


def build_participant_workflow(
    plans: Sequence[ScanPlan],
    study: Study,
    settings: ScanSettings,
    resources: Resources,
    unbuilt: list[UnplannedScan] | None = None,
) -> Workflow:
    """Build the graph of all scans: templates once, each T1w image once, then its scans.

    Parameters
    ----------
    unbuilt
        Gets the scans that no graph can be built of, with their errors; the others do not suffer. None lets the
        first error rise.
    """
    whole = Workflow("participants")
    spaces = spaces_by_t1w(plans)
    templates = {
        output: make_template_node(output, resources)
        for output in needed_templates((space for own in spaces.values() for space in own), settings)
    }
    atlases = _make_atlas_nodes(plans, resources)
    anatomies: dict[str, Anatomy] = {}
    for plan in plans:
        scan, label = Workflow(workflow_name(plan.scan.label)), plan.t1w.label
        try:
            if label not in anatomies:
                own = spaces[label]
                anatomies[label] = build_anatomy_workflow(whole, plan.t1w, own, templates, study, resources)
            shared = (anatomies[label], templates, atlases)
            build_scan_workflow(ScanBuilder(whole, scan, plan, study, settings, resources, *shared))
        except Exception as error:  # an odd name or value of one scan must not stop the others
            if unbuilt is None:
                raise
            whole.remove_nodes([scan])
            told = tell(error, str(plan.scan.pet))
            unbuilt.append(UnplannedScan(plan.scan.entities, plan.scan.pet, (told,), plan=plan))
    return whole


def _make_atlas_nodes(plans: Sequence[ScanPlan], resources: Resources) -> dict[AtlasChoice, Node]:
    """One node per atlas: the user's, the a-priori spheres, and those that reference regions are cut from."""
    wanted = [atlas for plan in plans for atlas in (*plan.atlases, plan.reference_atlas)]
    cache_dir = atlases_dir(resources)
    return {
        atlas: make_node(load_atlas, f"atlas_{atlas.key}", {"atlas": atlas, "cache_dir": cache_dir})
        for atlas in dict.fromkeys((apriori_spheres(), *wanted))
    }


def where(failure: StepFailure) -> str:
    """Label of the scan or T1w image at which a step failed."""
    return label_of(failure.units[-1])
