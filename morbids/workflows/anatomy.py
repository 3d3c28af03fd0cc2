"""The graph of one T1w image: brain, tissue, way to each template space."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nipype import Node, Workflow

from morbids.bids import sidecars
from morbids.imaging.brain import extract_brain
from morbids.imaging.normalization import register_to_template
from morbids.imaging.templates import find_template
from morbids.imaging.tissue import segment_tissue
from morbids.settings import OutputSpace, Resources, Settings, Study
from morbids.workflows.nodes import connect_across, make_node
from morbids.workflows.plan import T1w
from morbids.workflows.progress import workflow_name
from morbids.workflows.saving import NOTHING, Output, make_save_node
from morbids.workflows.steps.figures import picture_anatomy, picture_normalization

# Regions and brain extraction are defined here; other spaces are only for maps.
REGION_SPACE = "MNI152NLin2009cAsym"
# Registration gains little below 2 mm and takes four times as long (docs/registration.md).
REGISTRATION_MM = 2


def template_spaces(settings: Settings) -> tuple[str, ...]:
    """Spaces to register to: that of the regions first, then those of the maps."""
    wanted = (REGION_SPACE, *(output.space for output in settings.output_spaces))
    return tuple(dict.fromkeys(wanted))


def make_template_node(output: OutputSpace, resources: Resources) -> Node:
    """Build the node that provides one template at one resolution."""
    constants = {
        "space": output.space,
        "resolution_mm": output.resolution_mm,
        "cache_dir": resources.work_dir / "templates",
    }
    return make_node(
        find_template, f"template_{output.space}_{output.resolution_label}", constants, mem_gb=0.6
    )


def registration_target(space: str) -> OutputSpace:
    """Return the grid on which images are registered to a space."""
    return OutputSpace(space, REGISTRATION_MM)


@dataclass(frozen=True)
class AnatomyBuilder:
    """What every part of the graph of a T1w image needs.

    Attributes
    ----------
    whole, workflow
        The graph of the study, and this image's part of it.
    templates
        Nodes that provide templates, by space and resolution.
    """

    whole: Workflow
    workflow: Workflow
    t1w: T1w
    templates: Mapping[OutputSpace, Node]
    study: Study
    resources: Resources

    @property
    def raw(self) -> list[str]:
        """BIDS URI of the raw image."""
        return [sidecars.bids_uri(self.t1w.path, self.study.bids_dir, "raw")]

    def save(
        self,
        name: str,
        outputs: Mapping[str, Output],
        fields: Sequence[str] = (),
        facts: Mapping[str, str] = NOTHING,
    ) -> Node:
        """Build a node that saves outputs of this image."""
        return make_save_node(name, self.study.output_dir, self.t1w.entities, outputs, fields, facts)


def build_anatomy_workflow(
    whole: Workflow,
    t1w: T1w,
    templates: Mapping[OutputSpace, Node],
    study: Study,
    settings: Settings,
    resources: Resources,
) -> Workflow:
    """Build brain extraction, tissue segmentation and normalization of one T1w image."""
    workflow = Workflow(workflow_name(t1w.label))
    builder = AnatomyBuilder(whole, workflow, t1w, templates, study, resources)
    threads = {"threads": resources.omp_n_threads}
    brain = make_node(
        extract_brain,
        "extract_brain",
        {"t1w": t1w.path, **threads},
        mem_gb=1.0,
        n_procs=resources.omp_n_threads,
    )
    tissue = make_node(segment_tissue, "segment_tissue", mem_gb=1.2)
    picture = make_node(picture_anatomy, "picture_anatomy", mem_gb=0.8)
    workflow.connect(
        [
            (brain, tissue, [("corrected_t1w", "t1w"), ("mask", "mask")]),
            (brain, picture, [("corrected_t1w", "t1w"), ("mask", "mask")]),
            (tissue, picture, [("dseg", "dseg")]),
        ]
    )
    target = templates[registration_target(REGION_SPACE)]
    connect_across(whole, target, workflow, brain, [("brain", "template_brain"), ("mask", "template_mask")])
    _save_brain(builder, brain, tissue, picture)
    for space in template_spaces(settings):
        _add_normalization(builder, brain, space)
    # Deep grey matter is as bright as white matter: the template's priors keep it grey.
    normalize = workflow.get_node(f"normalize_{REGION_SPACE}")
    workflow.connect(normalize, "template_to_t1w", tissue, "template_to_t1w")
    return workflow


def _add_normalization(builder: AnatomyBuilder, brain: Node, space: str) -> None:
    """Register the T1w image to one space, and save and draw the result."""
    threads = builder.resources.omp_n_threads
    normalize = make_node(
        register_to_template, f"normalize_{space}", {"threads": threads}, mem_gb=1.2, n_procs=threads
    )
    picture = make_node(picture_normalization, f"picture_{space}", {"space": space}, mem_gb=0.7)
    outputs = _normalized_outputs(builder, space)
    facts = {"correlation": "Correlation", "concern": "Concern"}
    save = builder.save(f"save_{space}", outputs, facts={**facts, "source": "TemplateSource"})
    pictures = {
        name: Output("t1w_picture", {"desc": name, "space": space}) for name in ("normalized", "template")
    }
    save_picture = builder.save(f"save_picture_{space}", pictures, fields=("pictures",))
    builder.workflow.connect(
        [
            (brain, normalize, [("corrected_t1w", "t1w"), ("mask", "mask")]),
            (normalize, save, [(name, name) for name in (*outputs, *facts)]),
            (normalize, picture, [("t1w_in_template", "t1w_in_template")]),
            (picture, save_picture, [("pictures", "pictures")]),
        ]
    )
    template = builder.templates[registration_target(space)]
    images = [("brain", "template_brain"), ("mask", "template_mask")]
    connect_across(builder.whole, template, builder.workflow, normalize, images)
    connect_across(builder.whole, template, builder.workflow, picture, images)
    connect_across(builder.whole, template, builder.workflow, save, [("source", "source")])


def _normalized_outputs(builder: AnatomyBuilder, space: str) -> dict[str, Output]:
    raw, target = builder.raw, registration_target(space)
    in_template = sidecars.image_sidecar(
        f"T1w image in {space}", raw, resolution=sidecars.resolution_text(target.resolution_mm)
    )
    return {
        "t1w_to_template": Output(
            "t1w_to_template", {"to": space}, sidecars.transform_sidecar("T1w", space, raw)
        ),
        "template_to_t1w": Output(
            "template_to_t1w", {"from": space}, sidecars.transform_sidecar(space, "T1w", raw)
        ),
        "t1w_in_template": Output(
            "t1w_in_template", {"space": space, "res": target.resolution_label}, in_template
        ),
    }


def _save_brain(builder: AnatomyBuilder, brain: Node, tissue: Node, picture: Node) -> None:
    """Save the corrected T1w image, masks and tissue, each as soon as it is there."""
    raw = builder.raw
    extracted = {
        "corrected_t1w": Output(
            "preproc_t1w", sidecar=sidecars.image_sidecar("T1w image without bias field (N4)", raw)
        ),
        "mask": Output("brain_mask", sidecar=sidecars.mask_sidecar("Brain", raw, "Brain")),
    }
    segmented = {
        "dseg": Output(
            "dseg",
            sidecar=sidecars.segmentation_sidecar(
                "Tissue classes", raw, {"1": "grey matter", "2": "white matter", "3": "cerebrospinal fluid"}
            ),
        ),
        "gm": _probability("gm_probseg", "grey matter", raw),
        "wm": _probability("wm_probseg", "white matter", raw),
        "csf": _probability("csf_probseg", "cerebrospinal fluid", raw),
    }
    save_brain = builder.save("save_brain", extracted, facts={"concern": "Concern"})
    save_tissue = builder.save("save_tissue", segmented)
    save_picture = builder.save("save_picture", {"picture": Output("t1w_picture", {"desc": "brain"})})
    builder.workflow.connect(
        [
            (brain, save_brain, [(name, name) for name in (*extracted, "concern")]),
            (tissue, save_tissue, [(name, name) for name in segmented]),
            (picture, save_picture, [("picture", "picture")]),
        ]
    )


def _probability(role: str, tissue: str, sources: Sequence[str]) -> Output:
    return Output(
        role, sidecar=sidecars.image_sidecar(f"Probability of {tissue}", sources, skull_stripped=True)
    )
