"""The graph of one PET scan: motion, way to the T1w image, reference region, curves; then its models."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from nipype import Node, Workflow

from morbids.bids import sidecars
from morbids.engine.nodes import make_node
from morbids.engine.saving import Output
from morbids.imaging.atlases import apriori_spheres
from morbids.imaging.coregistration import judge_known_registration, register_pet_to_t1w
from morbids.imaging.motion import correct_motion
from morbids.participant.facts import MotionFacts, RegistrationFacts, keys_of
from morbids.participant.scan_graph import ScanBuilder
from morbids.participant.scan_models import (
    add_calibration,
    add_fit_plots,
    add_map_fits,
    add_maps_in_spaces,
    add_plots,
    add_ranges,
    add_region_fits,
    add_settled,
)
from morbids.participant.scan_partial_volume import add_correction
from morbids.participant.scan_regions import (
    add_labels,
    add_measured_curves,
    add_mixture,
    add_reference_region,
    add_reference_verdict,
)
from morbids.participant.steps.figures import picture_registration, plot_motion
from morbids.participant.steps.frames import picture_frames
from morbids.participant.steps.motion import MotionVerdict, judge_motion
from morbids.participant.steps.overview import picture_overview
from morbids.participant.steps.pet import correct_decay, join_frames, mask_pet


def build_scan_workflow(builder: ScanBuilder) -> Workflow:
    """Connect the parts of a scan's graph."""
    source = _add_frames(builder)
    motion = _add_motion(builder, source)
    coregistration = _add_coregistration(builder, motion)
    mask = _add_mask(builder, motion, coregistration)
    _add_frame_pictures(builder, source, motion, mask)
    region = add_reference_region(builder, motion, coregistration, mask)
    builder = replace(builder, mixture=add_mixture(builder, motion, coregistration, mask))
    spheres = apriori_spheres()
    labels = {
        atlas: add_labels(builder, atlas, motion, coregistration)
        for atlas in dict.fromkeys((*builder.plan.atlases, spheres))
    }
    measured = add_measured_curves(builder, motion, labels, region)
    first = builder.plan.atlases[0]
    add_reference_verdict(builder, measured, labels[first])
    fitted, mapped, frames = measured, measured, motion
    if builder.correction:
        fitted, corrected = add_correction(builder, motion, coregistration, labels, region)
        # The transfer matrix corrects regions only: maps then take the measured frames and reference curve.
        mapped, frames = (fitted, corrected) if builder.map_correction else (measured, motion)
    settled = add_settled(builder, fitted.atlases[first], fitted.reference)
    second = builder.second_opinion()
    for opinion in [builder] if second is None else [builder, second]:
        for atlas, node in fitted.atlases.items():
            add_region_fits(opinion, atlas.label, node, fitted.reference, settled)
        maps = add_map_fits(opinion, frames, mask, mapped.reference, settled)
        add_maps_in_spaces(opinion, maps, coregistration, settled)
    add_plots(builder, fitted.atlases[spheres], fitted.reference, settled)
    add_fit_plots(builder, fitted.atlases[spheres], fitted.reference, settled)
    add_calibration(builder, settled)
    ranges = add_ranges(builder, fitted.atlases[spheres], fitted.reference, settled)
    overview = _add_overview(builder, motion, coregistration)
    connections = [
        (measured.atlases[spheres], overview, [("curves", "curves")]),
        (measured.reference, overview, [("curves", "reference_curve")]),
    ]
    builder.workflow.connect(connections)
    if ranges is not None:
        builder.workflow.connect(ranges, "table", overview, "ranges")
    return builder.workflow


def _add_overview(builder: ScanBuilder, motion: Node, coregistration: Node) -> Node:
    """Draw one picture of the scan; curves, and the ranges of its regions, are connected where they are known."""
    constants = {"plan": builder.plan.kinetics, "unit": builder.unit}
    picture = make_node(picture_overview, "picture_overview", constants, mem_gb=0.8)
    builder.workflow.connect(
        [
            (motion, picture, [("petref", "petref")]),
            (coregistration, picture, [("pet_to_t1w", "pet_to_t1w")]),
        ]
    )
    if "confounds_tsv" in _motion_outputs(builder):
        builder.workflow.connect(motion, "confounds_tsv", picture, "confounds")
    builder.connect_anatomy(picture, [("brain.mask", "t1w_mask")])
    builder.save_picture(picture, "overview")
    return picture


def _add_frames(builder: ScanBuilder) -> Node | Path:
    """Give the frames that motion is estimated in: runs joined, decay to injection where it is not yet so."""
    scan = builder.plan.scan
    taken = builder.plan.taken.pet if builder.plan.taken else None
    source: Node | Path = taken or scan.pet
    if scan.parts and taken is None:
        source = make_node(join_frames, "join_runs", {"runs": scan.images}, mem_gb=1.0)
    if not np.allclose(scan.timing.decay_factors, 1):
        factors = tuple(map(float, scan.timing.decay_factors))
        decay = make_node(correct_decay, "correct_decay", {"decay_factors": factors}, mem_gb=1.0)
        _feed(builder, source, decay)
        source = decay
    return source


def _feed(builder: ScanBuilder, frames: Node | Path, node: Node) -> None:
    """Connect the frames as they were acquired to the input `pet` of a node."""
    if isinstance(frames, Path):
        node.inputs.pet = str(frames)
    else:
        builder.workflow.connect(frames, "pet", node, "pet")


def _add_motion(builder: ScanBuilder, frames: Node | Path) -> Node:
    """Estimate head motion, judge it, and plot it where it is known."""
    kinetics = builder.plan.kinetics
    motion = _make_motion_node(builder)
    _feed(builder, frames, motion)
    outputs = _motion_outputs(builder)
    save = builder.save("save_motion", outputs, facts=keys_of(MotionFacts))
    constants = {"plan": kinetics, "run_lengths": _run_lengths(builder)}
    judge = make_node(judge_motion, "judge_motion", constants)
    judged = ("transforms", "confounds_tsv", "petref", "concern")
    builder.workflow.connect(
        [
            (motion, save, [(name, name) for name in (*outputs, "notes")]),
            (motion, judge, [(name, name) for name in judged]),
            (judge, save, [(name, name) for name in MotionVerdict._fields]),
        ]
    )
    if "confounds_tsv" in outputs:
        plot = make_node(plot_motion, "plot_motion", {"plan": kinetics})
        builder.workflow.connect(motion, "confounds_tsv", plot, "confounds")
        builder.save_picture(plot, "motion", ".svg")
    return motion


def _add_frame_pictures(builder: ScanBuilder, frames: Node | Path, motion: Node, mask: Node) -> None:
    """Draw frames before and after they were realigned here; nothing where they were not, or there is one."""
    taken = builder.plan.taken
    realigned = builder.settings.motion and (taken is None or taken.motion is not None)
    if not realigned or builder.plan.kinetics.frames.n_frames < 2:
        return
    picture = make_node(picture_frames, "picture_frames", {"plan": builder.plan.kinetics}, mem_gb=1.0)
    _feed(builder, frames, picture)
    builder.workflow.connect(motion, "corrected_pet", picture, "corrected_pet")
    builder.workflow.connect(mask, "mask", picture, "mask")
    builder.save_pictures(picture, ("frames", "carpet"))


def _motion_outputs(builder: ScanBuilder) -> dict[str, Output]:
    """Corrected frames, their mean, and the motion where it is known: another program may have kept it."""
    scan = builder.plan.scan
    moved = "Frames corrected for head motion" if builder.settings.motion else "Frames as they were"
    mean = "Mean of the corrected frames from the middle of the scan on, weighted by duration"
    sidecar_of_frames = sidecars.preproc_pet_sidecar(scan, builder.raw, moved)
    sidecar_of_mean = sidecars.image_sidecar(mean, builder.raw, units=scan.metadata.get("Units", ""))
    outputs = {
        "corrected_pet": Output("preproc_pet", sidecar=sidecar_of_frames | builder.moved_by),
        "petref": Output("petref", sidecar=sidecar_of_mean),
    }
    if builder.plan.taken is not None and builder.plan.taken.motion is None:
        return outputs
    transforms = sidecars.transform_sidecar("orig", "petref", builder.raw) | builder.moved_by
    outputs["transforms"] = Output("motion_transforms", sidecar=transforms)
    outputs["confounds_tsv"] = Output("confounds", sidecar=_confounds_sidecar(builder))
    return outputs


def _make_motion_node(builder: ScanBuilder) -> Node:
    """Build the node that estimates head motion, or applies what another program estimated."""
    kinetics, taken = builder.plan.kinetics, builder.plan.taken
    threads = builder.resources.omp_n_threads
    constants: dict[str, Any] = {
        "frames_start_min": kinetics.axis.start_min,
        "frames_duration_min": kinetics.axis.duration_min,
        "run_lengths": _run_lengths(builder),
        "correct": builder.settings.motion and taken is None,
        "threads": threads,
    }
    if taken is not None and taken.motion is not None:
        constants["transforms"] = taken.motion
    elif taken is not None:
        constants["corrected_by"] = taken.dataset.program
    name = "correct_motion" if taken is None else "take_motion"
    return make_node(correct_motion, name, constants, mem_gb=1.0, n_procs=threads)


def _run_lengths(builder: ScanBuilder) -> tuple[int, ...] | None:
    """Numbers of frames of runs between which the person left the scanner; None for one run."""
    return tuple(part.timing.frames.n_frames for part in builder.plan.scan.parts) or None


def _confounds_sidecar(builder: ScanBuilder) -> dict[str, Any]:
    position = {
        f"trans_{axis}": (f"Position of the head along {axis} against petref", "mm") for axis in "xyz"
    }
    turn = {f"rot_{axis}": (f"Rotation of the head around {axis} against petref", "rad") for axis in "xyz"}
    others = {
        "framewise_displacement": ("Displacement from the frame before (Power 2012, 50 mm)", "mm"),
        "mean_displacement": ("Mean displacement over the head against petref", "mm"),
        "motion_outlier": ("1 where framewise displacement exceeds 3 mm", ""),
        "motion_borrowed": (
            "1 where the frame took another's estimate: too short, too faint, or its own implausible",
            "",
        ),
    }
    return sidecars.table_sidecar("Head motion by frame", {**position, **turn, **others}, builder.raw)


def _add_coregistration(builder: ScanBuilder, motion: Node) -> Node:
    """Register PET to T1w."""
    register = _make_registration_node(builder)
    outputs = {
        name: Output(name, sidecar=sidecars.transform_sidecar(*ends, builder.raw) | builder.registered_by)
        for name, ends in (("pet_to_t1w", ("petref", "T1w")), ("t1w_to_pet", ("T1w", "petref")))
    }
    facts = keys_of(RegistrationFacts)
    save = builder.save("save_registration", outputs, facts=facts)
    builder.workflow.connect(
        [
            (motion, register, [("petref", "petref")]),
            (register, save, [(name, name) for name in (*outputs, *facts)]),
        ]
    )
    if not builder.plan.takes_registration:
        builder.workflow.connect(motion, "early_petref", register, "early_petref")
    picture = make_node(picture_registration, "picture_registration", {"unit": builder.unit}, mem_gb=0.8)
    builder.workflow.connect(
        [
            (motion, picture, [("petref", "petref")]),
            (register, picture, [("pet_to_t1w", "pet_to_t1w")]),
        ]
    )
    brain = ("brain.mask", "t1w_mask")
    builder.connect_anatomy(register, [("brain.corrected_t1w", "t1w"), brain])
    builder.connect_anatomy(picture, [brain, ("tissue.dseg", "dseg")])
    builder.save_picture(picture, "coregistration")
    return register


def _make_registration_node(builder: ScanBuilder) -> Node:
    """Build the node that registers PET to T1w, or judges another program's registration."""
    threads, taken = builder.resources.omp_n_threads, builder.plan.taken
    constants: dict[str, Any] = {"threads": threads}
    if taken is None or not builder.plan.takes_registration:
        return make_node(register_pet_to_t1w, "register_to_T1w", constants, mem_gb=1.0, n_procs=threads)
    constants["pet_to_t1w"] = taken.pet_to_t1w
    return make_node(judge_known_registration, "take_registration", constants, mem_gb=1.0, n_procs=threads)


def _add_mask(builder: ScanBuilder, motion: Node, coregistration: Node) -> Node:
    """Bring the brain mask to PET space."""
    mask = make_node(mask_pet, "mask_brain", mem_gb=0.8)
    outputs = {
        "mask": Output(
            "pet_brain_mask", sidecar=sidecars.mask_sidecar("Brain in PET space", builder.raw, "Brain")
        )
    }
    save = builder.save("save_mask", outputs)
    builder.workflow.connect(
        [
            (motion, mask, [("petref", "petref")]),
            (coregistration, mask, [("t1w_to_pet", "t1w_to_pet")]),
            (mask, save, [("mask", "mask")]),
        ]
    )
    builder.connect_anatomy(mask, [("brain.mask", "t1w_mask")])
    return mask
