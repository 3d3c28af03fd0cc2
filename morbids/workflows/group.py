"""The group level: from difference maps on disk to statistics, tables and one page."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from nipype import Node, Workflow
from nipype.interfaces.utility import Merge
from rich.console import Console

from morbids.bids import sidecars
from morbids.bids.dataset import write_dataset_files
from morbids.errors import ExitCode
from morbids.imaging.atlases import load_atlas, sphere_table
from morbids.settings import Resources, Settings, Study
from morbids.workflows.anatomy import make_template_node
from morbids.workflows.execution import execute
from morbids.workflows.group_page import write_group_pages
from morbids.workflows.group_plan import BUILT_IN, Comparison, GroupPlan, RegionValues, plan_group
from morbids.workflows.nodes import connect_across, make_node
from morbids.workflows.progress import Progress, label_of
from morbids.workflows.saving import Output, make_save_node
from morbids.workflows.steps.figures import label_of_parameter, picture_statistic
from morbids.workflows.steps.inference import CORRECTED, MAXIMA, infer, permute, plan_of
from morbids.workflows.steps.maps import stack_maps
from morbids.workflows.steps.regions import compare_regions, correlate_regions, picture_name

logger = logging.getLogger("morbids")

# Independent pieces of a permutation test; the result is the same for any number.
N_PIECES = 8
# Atlases that name peaks, and the inputs of the step that names them.
NAMING = {"AAL": "aal", "HarvardOxford": "harvard_oxford"}
STATISTICS = ("effect", "variance", "t", "z", "p", "g")


def run_group(study: Study, settings: Settings, resources: Resources, console: Console) -> ExitCode:
    """Run the group level on the participant results in the output directory.

    Raises
    ------
    MorbidsError
        There are no participant results, or no test can be made of them.
    """
    plan = plan_group(study, settings)
    for dropped in plan.found.dropped:
        logger.warning("%s is left out: %s", dropped.label, dropped.reason)
    for title, reason in plan.skipped.items():
        logger.warning("%s is not tested: %s", title, reason)
    write_dataset_files(study.output_dir, study.bids_dir)
    workflow = build_group_workflow(plan, study, settings, resources)
    with Progress(len(workflow.list_node_names()), console) as progress:
        failures = execute(workflow, resources, progress)
    page = write_group_pages(plan, failures, study, settings)
    for failure in failures:
        logger.error("%s, %s failed. %s", label_of(failure.units[-1]), failure.step, failure.sentence)
    logger.info("%s", page)
    return ExitCode.FAILED if failures else ExitCode.OK


@dataclass(frozen=True)
class GroupBuilder:
    """What every part of the group's graph needs."""

    whole: Workflow
    template: Node
    atlases: Mapping[str, Node]
    parameter: str
    study: Study
    settings: Settings
    resources: Resources

    def save(self, name: str, outputs: Mapping[str, Output], fields: tuple[str, ...] = ()) -> Node:
        """Build a node that saves outputs of the group."""
        return make_save_node(name, self.study.output_dir, {}, outputs, fields)


def build_group_workflow(plan: GroupPlan, study: Study, settings: Settings, resources: Resources) -> Workflow:
    """Build the graph: one part per comparison of maps, one per table of regions."""
    whole = Workflow("group")
    cache_dir = resources.work_dir / "atlases"
    atlases = {
        name: make_node(load_atlas, f"atlas_{name}", {"name_or_path": name, "cache_dir": cache_dir})
        for name in NAMING
    }
    template = make_template_node(settings.output_spaces[0], resources)
    parameter = plan.found.rows[0].entities["meas"]
    builder = GroupBuilder(whole, template, atlases, parameter, study, settings, resources)
    for comparison in plan.comparisons:
        _add_comparison(builder, comparison)
    for regions in plan.regions:
        _add_regions(builder, regions)
    return whole


def _add_comparison(builder: GroupBuilder, comparison: Comparison) -> None:
    """Stack, permute in pieces, infer, draw, save."""
    settings, workflow = builder.settings, Workflow(comparison.name)
    stack = make_node(
        stack_maps,
        "stack_maps",
        {
            "maps": comparison.maps,
            "baselines": comparison.baselines,
            "fwhm_mm": settings.group_smoothing_fwhm_mm,
            "least_binding": settings.mask_threshold,
        },
        mem_gb=1.0 + 0.004 * len(comparison.maps),
    )
    connect_across(builder.whole, builder.template, workflow, stack, [("mask", "template_mask")])
    asked = plan_of(comparison, settings.n_permutations, settings.random_seed)
    common = {
        "comparison": comparison,
        "plan": asked,
        "cluster_forming_p": settings.cluster_forming_p,
    }
    test = make_node(infer, "infer", common, mem_gb=1.0 + 0.004 * len(comparison.maps))
    pieces = asked.pieces(N_PIECES)
    gather = Node(Merge(len(pieces)), name="gather", run_without_submitting=True)
    for number, piece in enumerate(pieces, 1):
        constants = {**common, "piece": piece, "inference": settings.inference, "threads": 1}
        node = make_node(permute, f"permute_{number}", constants, mem_gb=1.0 + 0.004 * len(comparison.maps))
        workflow.connect(
            [
                (stack, node, [("maps", "maps"), ("mask", "mask")]),
                (node, gather, [("maxima", f"in{number}")]),
            ]
        )
    workflow.connect(
        [(stack, test, [("maps", "maps"), ("mask", "mask")]), (gather, test, [("out", "maxima")])]
    )
    for name, atlas in builder.atlases.items():
        pairs = [("dseg", NAMING[name]), ("table", f"{NAMING[name]}_table")]
        connect_across(builder.whole, atlas, workflow, test, pairs)
    picture = make_node(picture_statistic, "picture", mem_gb=0.8)
    workflow.connect([(test, picture, [("maps", "maps"), ("summary", "summary")])])
    connect_across(
        builder.whole,
        builder.template,
        workflow,
        picture,
        [("brain", "template_brain"), ("mask", "template_mask")],
    )
    _save_comparison(builder, workflow, comparison)


def _save_comparison(builder: GroupBuilder, workflow: Workflow, comparison: Comparison) -> None:
    """Save the mask, every map, the table of clusters, and the picture."""
    named = {"model": BUILT_IN, "contrast": comparison.name}
    sources = [sidecars.bids_uri(path, builder.study.output_dir) for path in comparison.maps]
    methods = [CORRECTED[MAXIMA[name]] for name in builder.settings.inference]
    outputs = {
        name: Output(
            "statistical_map",
            {**named, "stat": name},
            sidecars.statistical_map_sidecar(name, comparison.name, sources),
        )
        for name in (*STATISTICS, *methods)
    }
    outputs["clusters"] = Output(
        "clusters", named, sidecars.table_sidecar(f"Clusters and peaks of {comparison.title}", {}, sources)
    )
    save = make_save_node(
        "save", builder.study.output_dir, {}, outputs, ("maps", "clusters"), {"summary": "Test"}
    )
    mask = {
        "mask": Output(
            "group_mask", named, sidecars.mask_sidecar("Voxels that were tested", sources, "Brain")
        )
    }
    save_mask = builder.save("save_mask", mask)
    save_picture = builder.save("save_picture", {"picture": Output("group_picture", {**named, "desc": "t"})})
    test = workflow.get_node("infer")
    workflow.connect(
        [
            (test, save, [(name, name) for name in ("maps", "clusters", "summary")]),
            (workflow.get_node("stack_maps"), save_mask, [("mask", "mask")]),
            (workflow.get_node("picture"), save_picture, [("picture", "picture")]),
        ]
    )


def _add_regions(builder: GroupBuilder, regions: RegionValues) -> None:
    """Test and correlate the a-priori regions."""
    workflow = Workflow(f"regions_{regions.name}")
    label = f"change of {label_of_parameter(builder.parameter)}"
    constants = {"regions": regions, "parameter": builder.parameter, "label": label}
    compare = make_node(compare_regions, "compare_regions", constants)
    named = {"model": BUILT_IN, "contrast": regions.name}
    outputs = {
        "tests": Output("regions", named),
        "values": Output("regions", {**named, "desc": "values"}),
        "picture": Output("group_figure", {**named, "desc": "forest"}),
    }
    save = builder.save("save_regions", outputs)
    workflow.connect([(compare, save, [(name, name) for name in outputs])])
    if regions.traits:
        settings = builder.settings
        asked = {"n_permutations": settings.n_permutations, "seed": settings.random_seed}
        correlate = make_node(correlate_regions, "correlate_regions", {**constants, **asked})
        correlated = {"correlations": Output("correlations", named)}
        correlated |= {
            name: Output("group_figure", {**named, "desc": name})
            for name in (
                picture_name(trait, region) for trait in regions.traits for region in sphere_table()["name"]
            )
        }
        save = builder.save("save_correlations", correlated, ("correlations", "pictures"))
        workflow.connect([(correlate, save, [(name, name) for name in ("correlations", "pictures")])])
    builder.whole.add_nodes([workflow])
