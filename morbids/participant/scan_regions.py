"""Regions in a scan's graph: the reference region and every atlas, and their curves."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from nipype import Node

from morbids.bids import sidecars
from morbids.engine.nodes import make_node
from morbids.engine.saving import NOTHING, Output
from morbids.imaging.atlases import AtlasChoice
from morbids.participant.facts import (
    ReferenceFacts,
    ReferenceMixtureFacts,
    ReferenceNoiseFacts,
    ReferenceVerdictFacts,
    StepNotes,
    keys_of,
)
from morbids.participant.scan_graph import ScanBuilder
from morbids.participant.steps.curves import extract_curves, label_pet
from morbids.participant.steps.figures import picture_reference
from morbids.participant.steps.mixture import mix_tissue
from morbids.participant.steps.reference import cut_reference, extract_reference, judge_reference

# What sidecars call the region in the place of a reference where blood drives the model.
REGION_OF_DELAY = "Region that tells the delay of the blood,"


class RegionCurves(NamedTuple):
    """Nodes of curves: by atlas, and of the reference region."""

    atlases: dict[AtlasChoice, Node]
    reference: Node


def add_reference_region(builder: ScanBuilder, motion: Node, coregistration: Node, mask: Node) -> Node:
    """Cut the reference region, and draw it."""
    rule, atlas = builder.plan.kinetics.reference, builder.plan.reference_atlas
    region = make_node(cut_reference, "cut_reference", {"rule": rule}, mem_gb=1.0)
    what = "Reference region" if builder.plan.kinetics.blood is None else REGION_OF_DELAY
    sidecar = sidecars.mask_sidecar(f"{what} {rule.name} in PET space", builder.raw, "ROI")
    fields = sidecar | rule.fields | atlas.fields
    outputs = {"mask": Output("reference_mask", {"label": rule.name}, fields)}
    facts = keys_of(ReferenceFacts)
    save = builder.save("save_reference", outputs, facts=facts)
    builder.workflow.connect(
        [
            (motion, region, [("petref", "petref")]),
            (coregistration, region, [("t1w_to_pet", "t1w_to_pet")]),
            (region, save, [(name, name) for name in (*outputs, *facts)]),
        ]
    )
    builder.connect_atlas(region, atlas)
    if builder.plan.kinetics.blood is None:
        _add_reference_picture(builder, motion, coregistration, mask, region)
    return region


def _add_reference_picture(
    builder: ScanBuilder, motion: Node, coregistration: Node, mask: Node, region: Node
) -> None:
    constants = {"name": builder.plan.kinetics.reference.name, "unit": builder.unit}
    picture = make_node(picture_reference, "picture_reference", constants, mem_gb=1.0)
    builder.workflow.connect(
        [
            (motion, picture, [("petref", "petref")]),
            (region, picture, [("mask", "reference_mask"), ("labels", "reference_labels")]),
            (mask, picture, [("mask", "mask")]),
            (coregistration, picture, [("pet_to_t1w", "pet_to_t1w")]),
        ]
    )
    builder.save_pictures(picture, ("reference", "referenceT1w"))
    builder.connect_anatomy(picture, [("brain.corrected_t1w", "t1w")])


def add_mixture(builder: ScanBuilder, motion: Node, coregistration: Node, mask: Node) -> Node | None:
    """Find white matter and fluid in every voxel, where the scanner's resolution is known."""
    spread = builder.plan.mixed_tissue
    if spread is None:
        return None
    constants = {"fwhm_mm": spread.fwhm_mm, "axis": builder.plan.kinetics.axis}
    mixture = make_node(mix_tissue, "mix_tissue", constants, mem_gb=1.1)
    description = (
        "Curves of white matter where its uptake is low and where it is high, and of fluid, each freed of "
    )
    description += "the other tissues"
    sidecar = sidecars.curves_sidecar(builder.plan.scan, description, builder.raw)
    sidecar |= sidecars.point_spread_fields(spread)
    output = Output("region_curves", {"seg": "tissue"}, sidecar)
    save = builder.save("save_mixture", {"curves": output}, facts=keys_of(StepNotes))
    builder.workflow.connect(
        [
            (motion, mixture, [("corrected_pet", "pet")]),
            (mask, mixture, [("mask", "mask")]),
            (coregistration, mixture, [("t1w_to_pet", "t1w_to_pet")]),
            (mixture, save, [("curves", "curves"), ("notes", "notes")]),
        ]
    )
    builder.connect_anatomy(mixture, [(f"tissue.{name}", name) for name in ("gm", "wm", "csf")])
    return mixture


def add_measured_curves(
    builder: ScanBuilder, motion: Node, labels: Mapping[AtlasChoice, Node], region: Node
) -> RegionCurves:
    """Average every atlas and the reference region in the frames as they were measured."""
    return RegionCurves(
        {atlas: add_curves(builder, atlas, motion, node) for atlas, node in labels.items()},
        add_reference_curve(builder, motion, region),
    )


def add_reference_curve(
    builder: ScanBuilder, frames: Node, region: Node, correction: Mapping[str, str] = NOTHING
) -> Node:
    """Average the reference region; the curve of corrected frames is saved here, the measured one with its verdict."""
    name = builder.plan.kinetics.reference.name
    constants = {"name": name, "axis": builder.plan.kinetics.axis}
    curve = make_node(extract_reference, _node_name("reference_curve", correction), constants, mem_gb=1.0)
    builder.workflow.connect(
        [
            (frames, curve, [("corrected_pet", "pet")]),
            (region, curve, [("mask", "mask")]),
        ]
    )
    builder.connect_shares(curve)
    if correction:
        sidecar = _reference_sidecar(builder) | builder.correction_fields
        output = Output("reference_curve", {"label": name, **correction}, sidecar)
        save = builder.save(f"save_{curve.name}", {"curves": output})
        builder.workflow.connect(curve, "curves", save, "curves")
    return curve


def add_reference_verdict(builder: ScanBuilder, measured: RegionCurves, labels: Node) -> None:
    """Compare the measured reference curve with those of the first atlas, and save it with the verdict."""
    kinetics, first = builder.plan.kinetics, builder.plan.atlases[0]
    judge = make_node(judge_reference, "judge_reference", {"plan": kinetics})
    label = {"label": kinetics.reference.name}
    outputs = {"curves": Output("reference_curve", label, _reference_sidecar(builder))}
    measures = ReferenceNoiseFacts if builder.mixture is None else ReferenceMixtureFacts
    facts = keys_of(ReferenceVerdictFacts, measures)
    save = builder.save("save_reference_curve", outputs, facts=facts)
    builder.workflow.connect(
        [
            (measured.atlases[first], judge, [("curves", "curves")]),
            (labels, judge, [("table", "table")]),
            (measured.reference, judge, [("curves", "reference_curve")]),
            (measured.reference, save, [(name, name) for name in ("curves", *measures._fields)]),
            (judge, save, [(name, name) for name in ReferenceVerdictFacts._fields]),
        ]
    )


def _reference_sidecar(builder: ScanBuilder) -> dict[str, Any]:
    of_blood = "the region that tells the delay of the blood"
    what = "the reference region" if builder.plan.kinetics.blood is None else of_blood
    return sidecars.curves_sidecar(builder.plan.scan, f"Mean curve of {what}", builder.raw)


def _node_name(name: str, correction: Mapping[str, str]) -> str:
    return f"corrected_{name}" if correction else name


def add_labels(builder: ScanBuilder, atlas: AtlasChoice, motion: Node, coregistration: Node) -> Node:
    """Bring an atlas to PET space."""
    name = atlas.label
    constants = {"gm_threshold": builder.settings.region_gm_threshold}
    label = make_node(label_pet, f"label_{name}", constants, mem_gb=1.0)
    seg = {"seg": name}
    sidecar = sidecars.segmentation_sidecar(f"{name} in PET space", builder.raw, {}) | atlas.fields
    # The table shares the image's sidecar, so that only one of them may write it.
    save = builder.save(f"save_{name}", {"dseg": Output("pet_dseg", seg, sidecar)}, facts=keys_of(StepNotes))
    save_table = builder.save(f"save_table_{name}", {"table": Output("pet_dseg_table", seg)})
    builder.workflow.connect(
        [
            (motion, label, [("petref", "petref")]),
            (coregistration, label, [("t1w_to_pet", "t1w_to_pet")]),
            (label, save, [("dseg", "dseg"), ("notes", "notes")]),
            (label, save_table, [("table", "table")]),
        ]
    )
    builder.connect_atlas(label, atlas)
    builder.connect_anatomy(label, [("tissue.csf", "csf")])
    return label


def add_curves(
    builder: ScanBuilder,
    atlas: AtlasChoice,
    frames: Node,
    labels: Node,
    correction: Mapping[str, str] = NOTHING,
) -> Node:
    """Average the regions of an atlas."""
    name = atlas.label
    curves = make_node(
        extract_curves,
        _node_name(f"curves_{name}", correction),
        {"axis": builder.plan.kinetics.axis},
        mem_gb=1.0,
    )
    sidecar = sidecars.curves_sidecar(builder.plan.scan, f"Mean curves of {name}", builder.raw)
    sidecar |= atlas.fields
    corrected = builder.correction_fields if correction else {}
    output = Output("region_curves", {"seg": name, **correction}, sidecar | corrected)
    save = builder.save(f"save_{curves.name}", {"curves": output})
    builder.workflow.connect(
        [
            (frames, curves, [("corrected_pet", "pet")]),
            (labels, curves, [("dseg", "dseg"), ("table", "names")]),
            (curves, save, [("curves", "curves")]),
        ]
    )
    builder.connect_shares(curves)
    return curves
