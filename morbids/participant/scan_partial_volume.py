"""Correction for partial volume in a scan's graph."""

from collections.abc import Mapping
from typing import NamedTuple

from nipype import Node

from morbids.bids import sidecars
from morbids.engine.nodes import make_node
from morbids.engine.saving import Output
from morbids.imaging.atlases import AtlasChoice
from morbids.participant.facts import CorrectionFacts, keys_of
from morbids.participant.scan_graph import ScanBuilder
from morbids.participant.scan_regions import RegionCurves, add_curves, add_reference_curve
from morbids.participant.steps.partial_volume import correct_curves, correct_frames, draw_atlas_parts


class Corrected(NamedTuple):
    """Curves, and the node of the frames, corrected for partial volume."""

    curves: RegionCurves
    frames: Node


def add_correction(
    builder: ScanBuilder, motion: Node, coregistration: Node, labels: Mapping[AtlasChoice, Node], region: Node
) -> Corrected:
    """Correct frames voxel by voxel, and average them; the transfer matrix takes over for the first atlas.

    Other atlases and the reference region are parts of the first one's regions or of several: their correction
    is that of the voxels in them.
    """
    first, *others = labels
    parts = _add_parts(builder, motion, coregistration, labels[first])
    frames = _add_frames(builder, motion, labels[first], parts, region)
    reference = add_reference_curve(builder, frames, region, builder.correction)
    if builder.map_correction:
        curves = {first: add_curves(builder, first, frames, labels[first], builder.correction)}
    else:
        curves = {first: _add_solved_curves(builder, motion, labels[first], parts)}
    for atlas in others:
        curves[atlas] = add_curves(builder, atlas, frames, labels[atlas], builder.correction)
    return Corrected(RegionCurves(curves, reference), frames)


def _add_parts(builder: ScanBuilder, motion: Node, coregistration: Node, labels: Node) -> Node:
    """Divide the brain into the regions of the first atlas and the rest of each tissue."""
    parts = make_node(draw_atlas_parts, "draw_parts", mem_gb=1.1)
    builder.workflow.connect(
        [
            (motion, parts, [("petref", "petref")]),
            (coregistration, parts, [("t1w_to_pet", "t1w_to_pet")]),
            (labels, parts, [("table", "table")]),
        ]
    )
    builder.connect_parts(parts, builder.plan.atlases[0])
    return parts


def _add_frames(builder: ScanBuilder, motion: Node, labels: Node, parts: Node, region: Node) -> Node:
    """Correct every voxel; saved where it is what was asked for."""
    frames = make_node(correct_frames, "correct_frames", _constants(builder), mem_gb=0.9)
    builder.workflow.connect(
        [
            (motion, frames, [("corrected_pet", "pet")]),
            (labels, frames, [("dseg", "dseg"), ("table", "regions")]),
            (parts, frames, [("parts", "parts"), ("table", "table")]),
            (region, frames, [("mask", "reference")]),
        ]
    )
    if builder.map_correction:
        scan = builder.plan.scan
        sidecar = sidecars.preproc_pet_sidecar(scan, builder.raw, "Frames corrected for partial volume")
        output = Output("corrected_pet", builder.map_correction, sidecar | builder.correction_fields)
        save = builder.save("save_frames", {"corrected_pet": output})
        builder.workflow.connect(frames, "corrected_pet", save, "corrected_pet")
    return frames


def _add_solved_curves(builder: ScanBuilder, motion: Node, labels: Node, parts: Node) -> Node:
    """Correct the curves of the first atlas by the transfer matrix."""
    name = builder.plan.atlases[0].label
    curves = make_node(
        correct_curves,
        "correct_curves",
        {**_constants(builder), "axis": builder.plan.kinetics.axis},
        mem_gb=0.8,
    )
    sidecar = sidecars.curves_sidecar(builder.plan.scan, f"Corrected curves of {name}", builder.raw)
    output = Output("region_curves", {"seg": name, **builder.correction}, sidecar | builder.correction_fields)
    save = builder.save("save_corrected_curves", {"curves": output}, facts=keys_of(CorrectionFacts))
    builder.workflow.connect(
        [
            (motion, curves, [("corrected_pet", "pet")]),
            (labels, curves, [("dseg", "dseg"), ("table", "regions")]),
            (parts, curves, [("parts", "parts"), ("table", "table")]),
            (curves, save, [("curves", "curves"), ("condition", "condition")]),
        ]
    )
    return curves


def _constants(builder: ScanBuilder) -> dict[str, object]:
    spread = builder.plan.point_spread
    return {"fwhm_mm": spread.fwhm_mm if spread else ()}
