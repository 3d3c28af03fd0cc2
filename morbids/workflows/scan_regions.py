"""Regions in a scan's graph: the reference region and every atlas, and their curves."""

from nipype import Node

from morbids.bids import sidecars
from morbids.imaging.atlases import atlas_label
from morbids.workflows.nodes import make_node
from morbids.workflows.saving import Output
from morbids.workflows.scan_builder import ScanBuilder
from morbids.workflows.steps.curves import extract_curves, label_pet
from morbids.workflows.steps.figures import picture_reference
from morbids.workflows.steps.reference import cut_reference, extract_reference, judge_reference


def add_reference_region(builder: ScanBuilder, motion: Node, coregistration: Node, mask: Node) -> Node:
    """Cut the reference region, and draw it."""
    rule = builder.plan.kinetics.reference
    region = make_node(cut_reference, "cut_reference", {"rule": rule}, mem_gb=1.0)
    sidecar = sidecars.mask_sidecar(f"Reference region {rule.name} in PET space", builder.raw, "ROI")
    outputs = {"mask": Output("reference_mask", {"label": rule.name}, sidecar | rule.fields)}
    facts = {
        "volume_ml": "VolumeML",
        "variation": "CoefficientOfVariation",
        "concern": "Concern",
        "notes": "Notes",
    }
    save = builder.save("save_reference", outputs, facts=facts)
    builder.workflow.connect(
        [
            (motion, region, [("petref", "petref")]),
            (coregistration, region, [("t1w_to_pet", "t1w_to_pet")]),
            (region, save, [(name, name) for name in (*outputs, *facts)]),
        ]
    )
    builder.connect_atlas(region, rule.atlas)
    _add_reference_picture(builder, motion, coregistration, mask, region)
    return region


def _add_reference_picture(
    builder: ScanBuilder, motion: Node, coregistration: Node, mask: Node, region: Node
) -> None:
    constants = {"name": builder.plan.kinetics.reference.name, "unit": builder.unit}
    picture = make_node(picture_reference, "picture_reference", constants, mem_gb=1.0)
    pictures = {name: Output("pet_picture", {"desc": name}) for name in ("reference", "referenceT1w")}
    save = builder.save("save_picture_reference", pictures, fields=("pictures",))
    builder.workflow.connect(
        [
            (motion, picture, [("petref", "petref")]),
            (region, picture, [("mask", "reference_mask")]),
            (mask, picture, [("mask", "mask")]),
            (coregistration, picture, [("pet_to_t1w", "pet_to_t1w")]),
            (picture, save, [("pictures", "pictures")]),
        ]
    )
    builder.connect_anatomy(picture, [("extract_brain.corrected_t1w", "t1w")])


def add_reference_curve(builder: ScanBuilder, motion: Node, region: Node) -> Node:
    """Average the reference region."""
    name = builder.plan.kinetics.reference.name
    curve = make_node(extract_reference, "reference_curve", {"name": name, **builder.timing}, mem_gb=1.0)
    builder.workflow.connect(
        [
            (motion, curve, [("corrected_pet", "pet")]),
            (region, curve, [("mask", "mask")]),
        ]
    )
    return curve


def add_reference_verdict(builder: ScanBuilder, curves: Node, labels: Node, reference: Node) -> None:
    """Compare the reference curve with those of an atlas, and save it with the verdict."""
    kinetics = builder.plan.kinetics
    judge = make_node(judge_reference, "judge_reference", {"plan": kinetics})
    sidecar = sidecars.curves_sidecar(builder.plan.scan, "Mean curve of the reference region", builder.raw)
    outputs = {"curves": Output("reference_curve", {"label": kinetics.reference.name}, sidecar)}
    facts = {
        "concern": "Concern",
        "lowest_ratio": "LowestLateRatio",
        "lowest_drift": "LowestDrift",
    }
    save = builder.save("save_reference_curve", outputs, facts=facts)
    builder.workflow.connect(
        [
            (curves, judge, [("curves", "curves")]),
            (labels, judge, [("table", "table")]),
            (reference, judge, [("curves", "reference_curve")]),
            (reference, save, [("curves", "curves")]),
            (judge, save, [(name, name) for name in facts]),
        ]
    )


def add_labels(builder: ScanBuilder, atlas: str, motion: Node, coregistration: Node) -> Node:
    """Bring an atlas to PET space."""
    name = atlas_label(atlas)
    constants = {"gm_threshold": builder.settings.region_gm_threshold}
    label = make_node(label_pet, f"label_{name}", constants, mem_gb=1.0)
    seg = {"seg": name}
    sidecar = sidecars.segmentation_sidecar(f"{name} in PET space", builder.raw, {})
    # The table shares the image's sidecar, so that only one of them may write it.
    save = builder.save(f"save_{name}", {"dseg": Output("pet_dseg", seg, sidecar)}, facts={"notes": "Notes"})
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
    return label


def add_curves(builder: ScanBuilder, atlas: str, motion: Node, labels: Node) -> Node:
    """Average the regions of an atlas."""
    name = atlas_label(atlas)
    curves = make_node(extract_curves, f"curves_{name}", builder.timing, mem_gb=1.0)
    sidecar = sidecars.curves_sidecar(builder.plan.scan, f"Mean curves of {name}", builder.raw)
    save = builder.save(f"save_curves_{name}", {"curves": Output("region_curves", {"seg": name}, sidecar)})
    builder.workflow.connect(
        [
            (motion, curves, [("corrected_pet", "pet")]),
            (labels, curves, [("dseg", "dseg"), ("table", "names")]),
            (curves, save, [("curves", "curves")]),
        ]
    )
    return curves
