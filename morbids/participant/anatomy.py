"""The graph of one T1w image: brain, tissue, way to each template space; each computed, or another program's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from nipype import Node, Workflow

from morbids.bids import sidecars
from morbids.engine.nodes import connect_across, make_node
from morbids.engine.progress import workflow_name
from morbids.engine.saving import NOTHING, Output, keep, make_save_node
from morbids.imaging.brain import extract_brain
from morbids.imaging.normalization import register_to_template
from morbids.imaging.reuse import take_brain, take_normalization, take_tissue
from morbids.imaging.tissue import segment_tissue
from morbids.participant.facts import BrainFacts, NormalizationFacts, TemplateFacts, TissueFacts, keys_of
from morbids.participant.memory import EXTRACT_BRAIN, NORMALIZE, SEGMENT
from morbids.participant.plan import T1w
from morbids.participant.spaces import REGION_SPACE, registration_target
from morbids.participant.steps.figures import picture_anatomy, picture_normalization
from morbids.settings import OutputSpace, Resources, Study

# Results of the segmentation, and what they are called on disk.
TISSUE_ROLES: Mapping[str, str] = MappingProxyType(
    {"dseg": "dseg", "gm": "gm_probseg", "wm": "wm_probseg", "csf": "csf_probseg"}
)


@dataclass(frozen=True)
class Anatomy:
    """The graph of one T1w image, and which node of it gives what.

    Attributes
    ----------
    givers
        Names of nodes: of `brain`, `tissue`, and of each template space.
    """

    workflow: Workflow
    givers: Mapping[str, str]

    def port(self, name: str) -> str:
        """Output of the graph by what it is: `brain.mask`, `MNI152NLin2009cAsym.template_to_t1w`."""
        what, _, output = name.rpartition(".")
        return f"{self.givers[what]}.{output}"


@dataclass(frozen=True)
class AnatomyBuilder:
    """What every part of the graph of a T1w image needs.

    Attributes
    ----------
    whole, workflow
        The graph of the study, and this image's part of it.
    spaces, templates
        Where to, and nodes that provide templates, by space and resolution.
    """

    whole: Workflow
    workflow: Workflow
    t1w: T1w
    spaces: Sequence[str]
    templates: Mapping[OutputSpace, Node]
    study: Study
    resources: Resources

    @property
    def threads(self) -> dict[str, int]:
        """Threads of one step."""
        return {"threads": self.resources.omp_n_threads}

    @property
    def raw(self) -> list[str]:
        """BIDS URI of the raw image, and of the corrected one where it is another program's."""
        uris = [sidecars.bids_uri(self.t1w.path, self.study.bids_dir, "raw")]
        return uris + self.taken_uris(self.t1w.taken.t1w if self.t1w.taken else None)

    def taken_uris(self, *paths: Path | None) -> list[str]:
        """BIDS URIs of those files that are another program's."""
        taken = self.t1w.taken
        return [] if taken is None else [taken.dataset.uri(path) for path in paths if path is not None]

    def sources(self, *taken: Path | None) -> list[str]:
        """Say what an output is made of: files of another program, or the raw image."""
        return self.taken_uris(*taken) or self.raw

    def save(
        self,
        name: str,
        outputs: Mapping[str, Output],
        fields: Sequence[str] = (),
        facts: Mapping[str, str] = NOTHING,
    ) -> Node:
        """Build a node that saves outputs of this image."""
        kept = keep(outputs, self.study.outputs)
        return make_save_node(name, self.study.output_dir, self.t1w.entities, kept, fields, facts)


def build_anatomy_workflow(
    whole: Workflow,
    t1w: T1w,
    spaces: Sequence[str],
    templates: Mapping[OutputSpace, Node],
    study: Study,
    resources: Resources,
) -> Anatomy:
    """Build brain extraction, tissue segmentation and normalization of one T1w image."""
    workflow = Workflow(workflow_name(t1w.label))
    builder = AnatomyBuilder(whole, workflow, t1w, spaces, templates, study, resources)
    brain = _add_brain(builder)
    ways = {space: _add_normalization(builder, brain, space) for space in spaces}
    tissue = _add_tissue(builder, brain, ways[REGION_SPACE])
    picture = make_node(picture_anatomy, "picture_anatomy", mem_gb=0.8)
    save_picture = builder.save("save_picture", {"picture": Output("t1w_picture", {"desc": "brain"})})
    workflow.connect(
        [
            (brain, picture, [("corrected_t1w", "t1w"), ("mask", "mask")]),
            (tissue, picture, [("dseg", "dseg")]),
            (picture, save_picture, [("picture", "picture")]),
        ]
    )
    nodes = {"brain": brain, "tissue": tissue, **ways}
    return Anatomy(workflow, {what: node.name for what, node in nodes.items()})


def _add_brain(builder: AnatomyBuilder) -> Node:
    """Correct the bias field and extract the brain, or take both."""
    taken = builder.t1w.taken
    if taken is not None and taken.mask is not None:
        brain = make_node(take_brain, "take_brain", {"t1w": taken.t1w, "mask": taken.mask}, mem_gb=1.0)
    else:
        t1w = builder.t1w.path if taken is None else taken.t1w
        n_procs = builder.resources.omp_n_threads
        brain = make_node(
            extract_brain,
            "extract_brain",
            {"t1w": t1w, **builder.threads},
            mem_gb=EXTRACT_BRAIN.gb(builder.t1w.n_voxels),
            n_procs=n_procs,
        )
        template = builder.templates[registration_target(REGION_SPACE)]
        images = [("brain", "template_brain"), ("mask", "template_mask")]
        connect_across(builder.whole, template, builder.workflow, brain, images)
    whose = "" if taken is None else taken.dataset.program
    outputs = {
        "corrected_t1w": Output(
            "preproc_t1w",
            sidecar=sidecars.image_sidecar("T1w image without bias field (N4)", builder.raw)
            | sidecars.taken_from(whose),
        ),
        "mask": Output(
            "brain_mask",
            sidecar=sidecars.mask_sidecar("Brain", builder.sources(taken.mask if taken else None), "Brain")
            | sidecars.taken_from(whose if taken and taken.mask else ""),
        ),
    }
    save = builder.save("save_brain", outputs, facts=keys_of(BrainFacts))
    builder.workflow.connect([(brain, save, [(name, name) for name in (*outputs, *BrainFacts._fields)])])
    return brain


def _add_tissue(builder: AnatomyBuilder, brain: Node, normalization: Node) -> Node:
    """Segment the brain, or take a segmentation.

    Deep grey matter is as bright as white matter: the template's priors keep it grey.
    """
    taken = builder.t1w.taken
    files = taken.tissue if taken is not None else {}
    if files:
        constants = {name: files[role] for name, role in TISSUE_ROLES.items()}
        tissue = make_node(take_tissue, "take_tissue", constants, mem_gb=1.0)
    else:
        tissue = make_node(segment_tissue, "segment_tissue", mem_gb=SEGMENT.gb(builder.t1w.n_voxels))
        builder.workflow.connect(
            [
                (brain, tissue, [("corrected_t1w", "t1w"), ("mask", "mask")]),
                (normalization, tissue, [("template_to_t1w", "template_to_t1w")]),
            ]
        )
    origin = sidecars.taken_from(taken.dataset.program if taken is not None and files else "")
    classes = {"1": "grey matter", "2": "white matter", "3": "cerebrospinal fluid"}
    sources = builder.sources(files.get("dseg"))
    outputs = {
        "dseg": Output(
            "dseg", sidecar=sidecars.segmentation_sidecar("Tissue classes", sources, classes) | origin
        )
    }
    for (name, role), what in zip(list(TISSUE_ROLES.items())[1:], classes.values(), strict=True):
        sidecar = sidecars.image_sidecar(
            f"Probability of {what}", builder.sources(files.get(role)), skull_stripped=True
        )
        outputs[name] = Output(role, sidecar=sidecar | origin)
    save = builder.save("save_tissue", outputs, facts=keys_of(TissueFacts))
    builder.workflow.connect([(tissue, save, [(name, name) for name in (*outputs, *TissueFacts._fields)])])
    return tissue


def _add_normalization(builder: AnatomyBuilder, brain: Node, space: str) -> Node:
    """Register the T1w image to one space, or take the transforms; save and draw the result."""
    taken, n_procs = builder.t1w.taken, builder.resources.omp_n_threads
    ways = taken.transforms.get(space) if taken is not None else None
    if ways is not None:
        constants = {"t1w_to_template": ways[0], "template_to_t1w": ways[1], **builder.threads}
        normalize = make_node(take_normalization, f"take_{space}", constants, mem_gb=1.2, n_procs=n_procs)
    else:
        mem_gb = NORMALIZE.gb(builder.t1w.n_voxels)
        normalize = make_node(
            register_to_template, f"normalize_{space}", builder.threads, mem_gb=mem_gb, n_procs=n_procs
        )
        builder.workflow.connect(brain, "mask", normalize, "mask")
        if "template_affine" in brain.interface.fields:
            builder.workflow.connect(brain, "template_affine", normalize, "start")
    builder.workflow.connect(brain, "corrected_t1w", normalize, "t1w")
    whose = taken.dataset.program if taken is not None and ways is not None else ""
    outputs = _normalized_outputs(space, builder.sources(*(ways or ())), whose)
    facts = keys_of(NormalizationFacts)
    save = builder.save(f"save_{space}", outputs, facts={**facts, **keys_of(TemplateFacts)})
    builder.workflow.connect([(normalize, save, [(name, name) for name in (*outputs, *facts)])])
    template = builder.templates[registration_target(space)]
    images = [("brain", "template_brain"), ("mask", "template_mask")]
    connect_across(builder.whole, template, builder.workflow, normalize, images)
    connect_across(builder.whole, template, builder.workflow, save, [("source", "source")])
    _picture_normalization(builder, normalize, space)
    return normalize


def _picture_normalization(builder: AnatomyBuilder, normalize: Node, space: str) -> None:
    """Draw the T1w image in a template, and the template."""
    picture = make_node(picture_normalization, f"picture_{space}", {"space": space}, mem_gb=0.7)
    pictures = {
        name: Output("t1w_picture", {"desc": name, "space": space}) for name in ("normalized", "template")
    }
    save = builder.save(f"save_picture_{space}", pictures, fields=("pictures",))
    builder.workflow.connect(
        [
            (normalize, picture, [("t1w_in_template", "t1w_in_template")]),
            (picture, save, [("pictures", "pictures")]),
        ]
    )
    template = builder.templates[registration_target(space)]
    images = [("brain", "template_brain"), ("mask", "template_mask")]
    connect_across(builder.whole, template, builder.workflow, picture, images)


def _normalized_outputs(space: str, sources: Sequence[str], whose: str) -> dict[str, Output]:
    target, origin = registration_target(space), sidecars.taken_from(whose)
    in_template = sidecars.image_sidecar(
        f"T1w image in {space}", sources, resolution=sidecars.resolution_text(target.resolution_mm)
    ) | sidecars.template_reference(space)
    return {
        "t1w_to_template": Output(
            "t1w_to_template", {"to": space}, sidecars.transform_sidecar("T1w", space, sources) | origin
        ),
        "template_to_t1w": Output(
            "template_to_t1w", {"from": space}, sidecars.transform_sidecar(space, "T1w", sources) | origin
        ),
        "t1w_in_template": Output(
            "t1w_in_template", {"space": space, "res": target.resolution_label}, in_template
        ),
    }
