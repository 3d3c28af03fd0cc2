"""The group level: from maps on disk to statistics, tables and one page."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nipype import Node, Workflow
from nipype.interfaces.utility import Merge
from rich.console import Console
from rich.status import Status

from morbids.bids.dataset import dataset_name, write_dataset_files
from morbids.engine.execution import execute
from morbids.engine.failures import StepFailure
from morbids.engine.nodes import connect_across, make_node
from morbids.engine.progress import Progress, doing, label_of
from morbids.engine.saving import NOTHING, Output, make_save_node
from morbids.engine.templates import atlases_dir, make_template_node
from morbids.engine.work import hold_work, remove_shared
from morbids.errors import ExitCode
from morbids.group.comparison import Comparison
from morbids.group.outputs import EVIDENCE, MAPS_LINK, GroupOutputs
from morbids.group.page import judge_page, write_group_pages
from morbids.group.pictures import TEMPLATE, build_pictures
from morbids.group.plan import GroupPlan, plan_group
from morbids.group.plan_tables import write_plan_tables
from morbids.group.steps.clusters import NAMING
from morbids.group.steps.evidence import Baselines, Claiming, gather_evidence
from morbids.group.steps.figures import picture_design
from morbids.group.steps.inference import Asked, infer
from morbids.group.steps.influence import measure_each_map
from morbids.group.steps.maps import StackRule, stack_maps
from morbids.group.steps.permutations import CLAIMS, Heights, PermutationTest, permute, plan_tests
from morbids.group.steps.regions import compare_regions, measure_spheres, read_tables
from morbids.group.steps.small_volumes import search_small_volumes
from morbids.group.steps.two_scans import compare_two_scans
from morbids.group.words import WORDS
from morbids.imaging.atlases import choose_atlas
from morbids.imaging.naming import NamingAtlases, load_naming
from morbids.reports.index_of_dataset import write_index
from morbids.settings import GroupSettings, Resources, Study

logger = logging.getLogger("morbids")

# Independent pieces of a permutation test; the result is the same for any number.
N_PIECES = 8
# What steps take beyond that of a few maps, however many there are (`python -m benchmarks group` measures it).
MOST_MORE_GB = 1.7


def run_group(study: Study, settings: GroupSettings, resources: Resources, console: Console) -> ExitCode:
    """Run the group level on the participant results in the output directory, or on another program's maps.

    Returns
    -------
    ExitCode
        OK when every test that can be made was made, FAILED when one was not: the log and the page say why.

    Raises
    ------
    MorbidsError
        There are no maps, or no test can be made of them.
    """
    with console.status("Reading maps") as status:
        plan = plan_group(study, settings, MapsRead(status))
    for dropped in plan.group.found.dropped:
        logger.warning("%s is left out: %s", dropped.label, dropped.reason)
    for title, reason in plan.skipped.items():
        logger.warning("%s is not tested: %s", title, reason)
    for note in plan.notes:
        logger.warning("%s", note)
    logger.info("%d maps in %s, %d tests", len(plan.group.found.rows), plan.dataset, len(plan.comparisons))
    links = {} if plan.dataset == study.output_dir else {MAPS_LINK: plan.dataset}
    write_dataset_files(study.output_dir, study.bids_dir, links)
    write_plan_tables(plan, study)
    outputs = tuple(GroupOutputs(comparison, plan, study, settings) for comparison in plan.comparisons)
    for one in outputs:
        one.forget()
    with hold_work(resources.work_dir) as lock:
        failures = _run(build_group_workflow(plan, study, settings, resources), resources, console)
        claims = judge_page(outputs, settings)
        if claims.questions:
            pictures = build_pictures(claims, outputs, resources)
            failures += _run(pictures, resources, console)
        if resources.clean_workdir and not failures:
            remove_shared(resources, lock)
    page = write_group_pages(plan, claims, failures, study, settings)
    write_index(study.output_dir, dataset_name(study.bids_dir))
    for failure in failures:
        logger.error(
            "%s, %s failed. %s", label_of(failure.units[-1]), doing(failure.step, WORDS), failure.told
        )
        logger.debug("%s", failure.traceback)
    logger.info("%s", page)
    return ExitCode.FAILED if failures else ExitCode.OK


def _run(workflow: Workflow, resources: Resources, console: Console) -> tuple[StepFailure, ...]:
    with Progress(workflow, WORDS, console) as progress:
        return execute(workflow, resources, progress)


class MapsRead:
    """Tells on the console how many maps were read: before the first step nothing else does."""

    def __init__(self, status: Status) -> None:
        self.status = status
        self.n_read = 0

    def __call__(self, n_more: int) -> None:
        """Add to the count."""
        self.n_read += n_more
        self.status.update(f"Reading maps: {self.n_read}")


@dataclass(frozen=True)
class GroupBuilder:
    """What every part of the group's graph needs."""

    whole: Workflow
    template: Node
    naming: Node
    plan: GroupPlan
    study: Study
    settings: GroupSettings


@dataclass(frozen=True)
class ComparisonBuilder:
    """One comparison's part of the graph."""

    group: GroupBuilder
    comparison: Comparison
    workflow: Workflow
    outputs: GroupOutputs

    @property
    def mem_gb(self) -> float:
        """Memory of a step that tests the maps."""
        return memory_gb(len(self.comparison.labels))

    def save(
        self,
        name: str,
        outputs: Mapping[str, Output],
        fields: tuple[str, ...] = (),
        facts: Mapping[str, str] = NOTHING,
    ) -> Node:
        """Build a node that saves outputs of the group."""
        return make_save_node(name, self.group.study.output_dir, {}, outputs, fields, facts)


def build_group_workflow(
    plan: GroupPlan, study: Study, settings: GroupSettings, resources: Resources
) -> Workflow:
    """Build the graph: one part per comparison."""
    whole = Workflow("group")
    chosen = {
        "atlases": tuple(map(choose_atlas, NAMING)),
        "cache_dir": atlases_dir(resources),
    }
    naming = make_node(load_naming, "name_places", chosen)
    builder = GroupBuilder(whole, make_template_node(TEMPLATE, resources), naming, plan, study, settings)
    for comparison in plan.comparisons:
        outputs = GroupOutputs(comparison, plan, study, settings)
        part = ComparisonBuilder(builder, comparison, Workflow(comparison.name), outputs)
        stack = _add_stack(part)
        tests = plan_tests(
            comparison.design,
            outputs.inference,
            settings.n_permutations,
            settings.random_seed,
            settings.variance_smoothing_fwhm_mm,
            plan.people_of(comparison),
            comparison.expected,
        )
        gather = _add_permutations(part, stack, tests)
        test = _add_test(part, stack, gather, tests)
        _add_influence(part, stack)
        values = _add_regions(part)
        _add_evidence(part, (stack, gather, values), tests)
        if comparison.scans is not None:
            _add_two_scans(part, comparison.scans)
        if plan.small_volumes.names:
            _add_small_volumes(part, stack, test)
    return whole


def _add_stack(part: ComparisonBuilder) -> Node:
    """Make the matrix of maps, and save its mask."""
    comparison, settings = part.comparison, part.group.settings
    constants = {
        "terms": comparison.maps,
        "binding": comparison.binding,
        "n_rows": len(comparison.labels),
        "rule": StackRule(settings.group_smoothing_fwhm_mm, settings.mask_threshold, settings.coverage),
    }
    stack = make_node(stack_maps, "stack_maps", constants, mem_gb=0.8)
    connect_across(part.group.whole, part.group.template, part.workflow, stack, [("mask", "template_mask")])
    save = part.save("save_mask", part.outputs.mask())
    part.workflow.connect([(stack, save, [("mask", "mask")])])
    return stack


def _add_permutations(part: ComparisonBuilder, stack: Node, tests: tuple[PermutationTest, ...]) -> Node:
    """Permute in pieces; return the node that has the files of all."""
    comparison, settings = part.comparison, part.group.settings
    pieces = [
        (one, number, piece) for one in tests for number, piece in enumerate(one.plan.pieces(N_PIECES), 1)
    ]
    gather = Node(Merge(max(len(pieces), 1)), name="gather", run_without_submitting=True)
    connections = []
    for place, (one, number, piece) in enumerate(pieces, 1):
        name = f"permute_{one.label}_{number}_of_{len(one.plan.pieces(N_PIECES))}"
        constants = {
            "heights": heights_of(settings),
            "design": comparison.design if one.plan.two_tailed else comparison.directed,
            "test": one,
            "piece": piece,
            "threads": 1,
        }
        node = make_node(permute, name, constants, mem_gb=part.mem_gb)
        connections += [
            (stack, node, [("maps", "maps"), ("mask", "mask")]),
            (node, gather, [("maxima", f"in{place}")]),
        ]
    part.workflow.connect(connections)
    return gather


def _add_test(part: ComparisonBuilder, stack: Node, gather: Node, tests: tuple[PermutationTest, ...]) -> Node:
    """Judge the comparison on its own, save maps and clusters."""
    comparison, settings, workflow = part.comparison, part.group.settings, part.workflow
    asked = Asked(
        comparison.design,
        comparison.directions,
        tuple(one for one in tests if one.label != CLAIMS),
        part.outputs.inference,
        heights_of(settings),
    )
    test = make_node(infer, "infer", {"asked": asked}, mem_gb=part.mem_gb)
    workflow.connect([(stack, test, [(name, name) for name in ("maps", "mask", "mask_rule")])])
    _connect_maxima(workflow, gather, test, tests)
    pairs = [(name, name) for name in NamingAtlases._fields]
    connect_across(part.group.whole, part.group.naming, workflow, test, pairs)
    save = part.save("save_statistics", part.outputs.statistics(), ("maps", "table"), {"summary": "Test"})
    workflow.connect([(test, save, [(name, name) for name in ("maps", "table", "summary")])])
    return test


def _connect_maxima(workflow: Workflow, gather: Node, node: Node, tests: tuple[PermutationTest, ...]) -> None:
    """Give a step the files of all permutations; there are none where no method permutes."""
    if tests:
        workflow.connect([(gather, node, [("out", "maxima")])])
    else:
        node.inputs.maxima = []


def _add_evidence(
    part: ComparisonBuilder, nodes: tuple[Node, Node, Node], tests: tuple[PermutationTest, ...]
) -> None:
    """Put together what the page's claims stand on."""
    comparison, settings, plan = part.comparison, part.group.settings, part.group.plan
    stack, gather, values = nodes
    claiming = Claiming(
        comparison.design,
        comparison.expected,
        tests,
        settings.inference[0],
        plan.people_of(comparison),
        settings.n_permutations,
        settings.random_seed,
        heights_of(settings),
    )
    binding = comparison.binding if comparison.protocols.tables.added else ()
    constants = {
        "claiming": claiming,
        "baselines": Baselines(binding, plan.spheres),
        "average": part.outputs.averages_sides,
    }
    evidence = make_node(gather_evidence, "evidence", constants, mem_gb=part.mem_gb)
    save = part.save("save_evidence", part.outputs.evidence(), ("table",), {"facts": EVIDENCE})
    part.workflow.connect(
        [
            (stack, evidence, [("maps", "maps"), ("mask", "mask")]),
            (values, evidence, [("values", "values")]),
            (evidence, save, [(name, name) for name in ("table", "facts")]),
        ]
    )
    _connect_maxima(part.workflow, gather, evidence, tests)


def _add_influence(part: ComparisonBuilder, stack: Node) -> None:
    """Measure what each map does."""
    constants = {"design": part.comparison.design, "labels": part.comparison.labels}
    measure = make_node(measure_each_map, "influence", constants, mem_gb=part.mem_gb)
    save = part.save("save_influence", part.outputs.influence())
    part.workflow.connect(
        [
            (stack, measure, [(name, name) for name in ("maps", "n_missing", "n_lost")]),
            (measure, save, [(name, name) for name in ("table", "picture")]),
        ]
    )


def _add_regions(part: ComparisonBuilder) -> Node:
    """Take values of regions from tables, else from maps; test them; return the node of the values."""
    comparison, settings, workflow = part.comparison, part.group.settings, part.workflow
    terms = comparison.tables if part.outputs.reads_tables else comparison.maps
    files: dict[str, Any] = {"terms": terms, "labels": comparison.labels}
    if part.outputs.reads_tables:
        values = make_node(read_tables, "read_regions", files | {"parameter": settings.measure})
    else:
        values = make_node(measure_spheres, "measure_regions", files | {"spheres": part.group.plan.spheres})
    tested = {"design": comparison.design, "average": part.outputs.averages_sides}
    compare = make_node(compare_regions, "compare_regions", tested)
    save = part.save("save_regions", part.outputs.regions())
    workflow.connect(
        [
            (values, compare, [("values", "values")]),
            (values, save, [("values", "values")]),
            (compare, save, [(name, name) for name in ("tests", "sides")]),
        ]
    )
    design = make_node(
        picture_design, "picture_design", {"design": comparison.design, "labels": comparison.labels}
    )
    save_design = part.save("save_design", part.outputs.figures({"picture": "design"}))
    workflow.connect([(design, save_design, [("picture", "picture")])])
    return values


def _add_two_scans(part: ComparisonBuilder, names: tuple[str, str]) -> None:
    """Change, agreement and occupancy of two scans of the same people."""
    comparison = part.comparison
    constants = {
        "added": comparison.maps.added,
        "removed": comparison.maps.removed,
        "names": names,
        "labels": comparison.labels,
        "spheres": part.group.plan.spheres,
        "average": part.outputs.averages_sides,
    }
    compare = make_node(compare_two_scans, "two_scans", constants)
    save = part.save("save_two_scans", part.outputs.two_scans())
    part.workflow.connect([(compare, save, [(name, name) for name in ("retest", "occupancy", "lassen")])])


def _add_small_volumes(part: ComparisonBuilder, stack: Node, test: Node) -> None:
    """Search a-priori volumes on their own."""
    volumes = part.group.plan.small_volumes
    constants = {
        "design": part.comparison.design,
        "volumes": volumes,
        "n_permutations": part.group.settings.n_permutations,
        "seed": part.group.settings.random_seed,
    }
    search = make_node(search_small_volumes, "small_volumes", constants, mem_gb=part.mem_gb)
    save = part.save("save_small_volumes", part.outputs.small_volumes())
    part.workflow.connect(
        [
            (stack, search, [("maps", "maps"), ("mask", "mask")]),
            (test, search, [("summary", "summary")]),
            (search, save, [("table", "table")]),
        ]
    )


def memory_gb(n_maps: int) -> float:
    """Memory of a step that tests maps of 2 mm: a copy of them in single precision, or of a portion of many maps."""
    return 0.8 + min(0.0016 * n_maps, MOST_MORE_GB)


def heights_of(settings: GroupSettings) -> Heights:
    """What is judged of maps, as the user wants it."""
    return Heights(settings.cluster_forming_p, settings.variance_smoothing_fwhm_mm)
