"""What every part of a scan's graph shares: the plan, where things come from, and where they go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from nipype import Node, Workflow

from morbids.bids import sidecars
from morbids.bids.dataset import morbids_version
from morbids.bids.names import output_path
from morbids.engine.nodes import connect_across
from morbids.engine.saving import NOTHING, Output, keep, make_save_node
from morbids.imaging.atlases import AtlasChoice
from morbids.imaging.user_atlases import INDIVIDUAL_SPACES
from morbids.numerics.kinetics.models import MODELS
from morbids.participant.anatomy import Anatomy
from morbids.participant.plan import ScanPlan
from morbids.participant.spaces import REGION_SPACE
from morbids.settings import T1W_SPACE, FrameWeights, OutputSpace, Resources, ScanSettings, Study

# How sidecars put the weights of the frames into words.
WEIGHTS: Mapping[FrameWeights, str] = {
    "decay": "inverse variance: duration x decay factor",
    "none": "none: every frame counts the same",
}


@dataclass(frozen=True)
class ScanBuilder:
    """What every part of a scan's graph needs: the plan, and where things come from and go to.

    Attributes
    ----------
    whole, workflow
        The graph of the study, and this scan's part of it.
    anatomy
        The graph of the scan's T1w image.
    opinion
        Begins the names of the nodes of a second opinion; empty for the first.
    mixture
        Node of white matter and fluid in every voxel, where they are known.
    templates, atlases
        Nodes that provide templates, by space and resolution, and atlases.
    """

    whole: Workflow
    workflow: Workflow
    plan: ScanPlan
    study: Study
    settings: ScanSettings
    resources: Resources
    anatomy: Anatomy
    templates: Mapping[OutputSpace, Node]
    atlases: Mapping[AtlasChoice, Node]
    opinion: str = ""
    mixture: Node | None = None

    def second_opinion(self) -> "ScanBuilder | None":
        """The same for the second model of the plan; None where it has none."""
        kinetics = self.plan.kinetics
        if kinetics.second_model is None:
            return None
        second = replace(kinetics, model=kinetics.second_model, second_model=None, maps_transport=False)
        return replace(self, plan=replace(self.plan, kinetics=second), opinion="second_")

    @property
    def settled_plan(self) -> tuple[str, str]:
        """Output of the node that settles the plan, and input of the nodes that take it."""
        return ("second" if self.opinion else "plan", "plan")

    @property
    def unit(self) -> str:
        """Unit of the scan's activity."""
        return str(self.plan.scan.metadata.get("Units", "arbitrary"))

    @property
    def correction(self) -> dict[str, str]:
        """Entity of results that were corrected for partial volume; empty where nothing is corrected."""
        method = self.settings.partial_volume
        return {} if method == "none" else {"pvc": method.upper()}

    @property
    def map_correction(self) -> dict[str, str]:
        """Entity of maps: the transfer matrix corrects regions only."""
        return self.correction if self.settings.partial_volume == "rbv" else {}

    @property
    def correction_fields(self) -> dict[str, Any]:
        """What sidecars of corrected results say; empty where nothing is corrected."""
        spread = self.plan.point_spread
        if spread is None:
            return {}
        return sidecars.partial_volume_fields(self.correction["pvc"], spread)

    @property
    def map_correction_fields(self) -> dict[str, Any]:
        """What sidecars of maps, and of the frames behind them, say."""
        return self.correction_fields if self.map_correction else {}

    @property
    def raw(self) -> list[str]:
        """BIDS URIs of the raw scan, and of what another program has made of it."""
        uris = [sidecars.bids_uri(path, self.study.bids_dir, "raw") for path in self.plan.scan.images]
        taken = self.plan.taken
        if taken is None:
            return uris
        registration = taken.pet_to_t1w if self.plan.takes_registration else None
        return uris + [taken.dataset.uri(path) for path in (taken.motion, taken.pet, registration) if path]

    @property
    def moved_by(self) -> dict[str, str]:
        """Field of sidecars that says who estimated head motion, where that was another program."""
        return sidecars.taken_from(self.plan.taken.dataset.program if self.plan.taken else "")

    @property
    def motion_fields(self) -> dict[str, str]:
        """Field of maps that says what was done about head motion (no draft names it yet)."""
        if not self.settings.motion:
            return {"MotionCorrection": "none"}
        by = f"taken from {self.plan.taken.dataset.program}" if self.plan.taken else "frames realigned"
        return {"MotionCorrection": by}

    @property
    def registered_by(self) -> dict[str, str]:
        """Field of sidecars that says who registered PET to T1w, where that was another program."""
        return self.moved_by if self.plan.takes_registration else {}

    @property
    def model(self) -> sidecars.ModelUse:
        """The kinetic model as sidecars describe it."""
        kinetics = self.plan.kinetics
        known = MODELS[kinetics.model]
        return sidecars.ModelUse(
            name=kinetics.model,
            reference_region=kinetics.reference.name,
            k2_prime_per_min=kinetics.k2_prime_per_min if kinetics.fits_k2_prime else None,
            k2_prime_source=kinetics.k2_prime_source if kinetics.fits_k2_prime else "",
            t_star_min=kinetics.t_star_min if known.needs_t_star else None,
            t_star_source=kinetics.t_star_source if known.needs_t_star else "",
            weights=WEIGHTS[kinetics.weights],
            software_version=morbids_version(),
            command_line=self.study.command_line,
            smoothing_fwhm_mm=self.settings.pet_smoothing_fwhm_mm,
            mixed_tissue=self.plan.mixed_tissue if self.plan.fits_apart else None,
            blood=self._blood_fields,
        )

    @property
    def _blood_fields(self) -> dict[str, Any]:
        """What sidecars say of blood beside what is found of it; empty where a reference region drives the model."""
        kinetics = self.plan.kinetics
        if kinetics.blood is None:
            return {}
        volume = kinetics.blood_volume
        return {**kinetics.blood_facts, "BloodVolume": "fitted" if volume is None else volume}

    def spatial_reference(self, space: str) -> dict[str, str]:
        """Field of sidecars for a space that BIDS does not know by name: an image that lies in it."""
        if space == T1W_SPACE:
            t1w = output_path(self.study.output_dir, self.plan.t1w.entities, "preproc_t1w")
            return {"SpatialReference": sidecars.bids_uri(t1w, self.study.output_dir)}
        return sidecars.template_reference(space)

    def save(
        self,
        name: str,
        outputs: Mapping[str, Output],
        fields: Sequence[str] = (),
        facts: Mapping[str, str] = NOTHING,
    ) -> Node:
        """Build a node that saves outputs of this scan."""
        source = self.plan.scan.entities
        kept = keep(outputs, self.study.outputs)
        return make_save_node(name, self.study.output_dir, source, kept, fields, facts)

    def save_picture(self, node: Node, name: str, extension: Literal[".png", ".svg"] = ".png") -> None:
        """Save the one picture that a node draws."""
        role = "pet_picture" if extension == ".png" else "pet_figure"
        save = self.save(f"save_{node.name}", {"picture": Output(role, {"desc": name})})
        self.workflow.connect(node, "picture", save, "picture")

    def save_pictures(self, node: Node, names: Sequence[str]) -> None:
        """Save the pictures that a node draws, by their `desc`."""
        pictures = {name: Output("pet_picture", {"desc": name}) for name in names}
        save = self.save(f"save_{node.name}", pictures, fields=("pictures",))
        self.workflow.connect(node, "pictures", save, "pictures")

    def connect_template(self, node: Node, output: OutputSpace, pairs: Sequence[tuple[str, str]]) -> None:
        """Connect a template to a node of this scan."""
        connect_across(self.whole, self.templates[output], self.workflow, node, pairs)

    def connect_shares(self, node: Node) -> None:
        """Give a node that averages frames the image of the parts of white matter and fluid, where there is one."""
        if self.mixture is not None:
            self.workflow.connect(self.mixture, "shares", node, "shares")

    def connect_slow(self, node: Node, curves: Node, reference: Node) -> None:
        """Give a node that fits curves their white matter and fluid, where they are fitted apart.

        `curves` are regions, or the node of the image of shares where voxels are fitted.
        """
        if self.plan.fits_apart:
            self.connect_mixture(node, curves, reference)

    def connect_mixture(self, node: Node, curves: Node, reference: Node) -> None:
        """Give a node curves and parts of white matter and fluid, where they are known."""
        if self.mixture is None:
            return
        self.workflow.connect(
            [
                (self.mixture, node, [("curves", "slow_curves")]),
                (curves, node, [("shares", "shares")]),
                (reference, node, [("shares", "reference_shares")]),
            ]
        )

    def connect_atlas(self, node: Node, atlas: AtlasChoice) -> None:
        """Give a node an atlas, the way from its space to the T1w image, and grey matter."""
        names = [("dseg", "atlas_dseg"), ("table", "table"), ("space", "space")]
        connect_across(self.whole, self.atlases[atlas], self.workflow, node, names)
        self.connect_anatomy(node, [(_way_from(atlas), "template_to_t1w"), ("tissue.gm", "gm")])

    def connect_parts(self, node: Node, atlas: AtlasChoice) -> None:
        """Give a node an atlas, the way from its space to the T1w image, and the tissue classes."""
        names = [("dseg", "atlas_dseg"), ("space", "space")]
        connect_across(self.whole, self.atlases[atlas], self.workflow, node, names)
        self.connect_anatomy(node, [(_way_from(atlas), "template_to_t1w"), ("tissue.dseg", "tissue")])

    def connect_anatomy(self, node: Node, pairs: Sequence[tuple[str, str]]) -> None:
        """Connect results of the T1w image's graph, named as in `Anatomy.port`, to a node of this scan."""
        ports = [(self.anatomy.port(output), name) for output, name in pairs]
        connect_across(self.whole, self.anatomy.workflow, self.workflow, node, ports)


def _way_from(atlas: AtlasChoice) -> str:
    """Port of the transform from an atlas's template to the T1w image.

    An atlas of one participant does not pass a template; its step has the input all the same.
    """
    space = atlas.space
    return f"{REGION_SPACE if space in INDIVIDUAL_SPACES else space}.template_to_t1w"
