"""The participant level: every selected scan from images to maps, then a page per participant."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from nipype import Node, Workflow
from rich.console import Console

from morbids.bids.dataset import write_dataset_files
from morbids.bids.derivatives import Dataset, read_datasets
from morbids.bids.joining import join_runs
from morbids.bids.names import scan_label
from morbids.bids.scans import find_scans
from morbids.bids.validation import check_input
from morbids.engine.execution import execute
from morbids.engine.failures import StepFailure
from morbids.engine.nodes import make_node
from morbids.engine.progress import Progress, doing, label_of, workflow_name
from morbids.engine.templates import make_template_node, templates_dir
from morbids.engine.work import make_work_dir
from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.atlases import SPHERES, atlas_key, load_atlas
from morbids.imaging.templates import find_template
from morbids.participant.anatomy import Anatomy, build_anatomy_workflow
from morbids.participant.page import write_participant_pages
from morbids.participant.plan import ScanPlan, check_settings, plan_scan, spaces_by_t1w
from morbids.participant.scan import build_scan_workflow
from morbids.participant.scan_graph import ScanBuilder
from morbids.participant.spaces import needed_templates
from morbids.participant.words import WORDS
from morbids.reports.index_of_dataset import write_index
from morbids.settings import Resources, ScanSettings, Study

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
    datasets = read_datasets(study.derivatives)
    _refuse_own_output(datasets, study)
    if validate:
        check_input(study.bids_dir, study.filters.labels.get("sub", ()))
    plans = plan_study(study, settings)
    for scan in plans.unplanned:
        logger.error("%s is left out. %s", scan.label, scan.error)
    links = {dataset.link: dataset.folder for dataset in datasets}
    write_dataset_files(study.output_dir, study.bids_dir, links)
    if not plans.scans:
        write_participant_pages((), plans.unplanned, (), study, settings)
        write_index(study.output_dir, study.bids_dir.name)
        return plans.unplanned[0].error.exit_code
    _check_templates(plans.scans, settings, resources)
    workflow = build_participant_workflow(plans.scans, study, settings, resources)
    n_participants = len({plan.scan.entities["sub"] for plan in plans.scans})
    logger.info(
        "%d scans of %d participants, on %d processors with %.1f GB of memory; work in %s",
        len(plans.scans), n_participants, resources.n_procs, resources.mem_gb, resources.work_dir,
    )  # fmt: skip
    with Progress(workflow, WORDS, console) as progress:
        failures = execute(workflow, resources, progress)
    pages = write_participant_pages(plans.scans, plans.unplanned, failures, study, settings)
    write_index(study.output_dir, study.bids_dir.name)
    for failure in failures:
        logger.error("%s, %s failed. %s", where(failure), doing(failure.step, WORDS), failure.told)
        logger.debug("%s", failure.traceback)
    for page in pages:
        logger.info("%s", page)
    return ExitCode.FAILED if failures or plans.unplanned else ExitCode.OK


def _refuse_own_output(datasets: Sequence[Dataset], study: Study) -> None:
    """Refuse to take results from where they are written to."""
    for dataset in datasets:
        if dataset.folder.resolve() == study.output_dir.resolve():
            raise MorbidsError(
                f"--derivatives {dataset.folder} is the output directory.",
                "Leave the option out to go on with it, or write to another directory.",
                ExitCode.USAGE,
            )


def _check_templates(plans: Sequence[ScanPlan], settings: ScanSettings, resources: Resources) -> None:
    """Fetch every template before anything runs: one that cannot be had would end all scans late."""
    make_work_dir(resources.work_dir)
    spaces = (space for plan in plans for space in plan.spaces)
    for output in needed_templates(spaces, settings):
        find_template(output.space, output.resolution_mm, templates_dir(resources))


def plan_study(study: Study, settings: ScanSettings) -> Plans:
    """Find the selected scans and decide what is done with each.

    Raises
    ------
    MorbidsError
        Nothing is selected, or an atlas or a reference region does not exist, whatever the scan.
    """
    check_settings(settings)
    found = join_runs(find_scans(study.bids_dir, study.filters, study.bids_database_dir), settings.join_runs)
    unplanned = [UnplannedScan(scan.entities, scan.error) for scan in found.rejected]
    plans = []
    for scan in found.scans:
        try:
            plans.append(plan_scan(scan, settings, study.derivatives))
        except MorbidsError as error:
            unplanned.append(UnplannedScan(scan.entities, error))
    return Plans(tuple(plans), tuple(unplanned))


def build_participant_workflow(
    plans: Sequence[ScanPlan], study: Study, settings: ScanSettings, resources: Resources
) -> Workflow:
    """Build the graph of all scans: templates once, each T1w image once, then its scans."""
    whole = Workflow("participants")
    spaces = spaces_by_t1w(plans)
    templates = {
        output: make_template_node(output, resources)
        for output in needed_templates((space for own in spaces.values() for space in own), settings)
    }
    atlases = _make_atlas_nodes(plans, resources)
    anatomies: dict[str, Anatomy] = {}
    for plan in plans:
        t1w = plan.t1w
        if t1w.label not in anatomies:
            own = spaces[t1w.label]
            anatomies[t1w.label] = build_anatomy_workflow(whole, t1w, own, templates, study, resources)
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
