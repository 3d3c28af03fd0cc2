"""The graph of one PET scan: motion, way to the T1w image, reference region, curves; then its models."""

from typing import Any

import numpy as np
from nipype import Node, Workflow

from morbids.bids import sidecars
from morbids.imaging.atlases import SPHERES, atlas_label
from morbids.imaging.coregistration import register_pet_to_t1w
from morbids.imaging.motion import correct_motion
from morbids.workflows.modelling import (
    add_calibration,
    add_fit_plots,
    add_map_fits,
    add_maps_in_space,
    add_plots,
    add_region_fits,
    add_settled,
)
from morbids.workflows.nodes import make_node
from morbids.workflows.saving import Output
from morbids.workflows.scan_builder import ScanBuilder
from morbids.workflows.scan_partial_volume import add_correction
from morbids.workflows.scan_regions import (
    add_labels,
    add_measured_curves,
    add_reference_region,
    add_reference_verdict,
)
from morbids.workflows.steps.figures import picture_registration, plot_motion
from morbids.workflows.steps.pet import correct_decay, mask_pet


def build_scan_workflow(builder: ScanBuilder) -> Workflow:
    """Connect the parts of a scan's graph."""
    motion = _add_motion(builder)
    coregistration = _add_coregistration(builder, motion)
    mask = _add_mask(builder, motion, coregistration)
    region = add_reference_region(builder, motion, coregistration, mask)
    labels = {
        atlas: add_labels(builder, atlas, motion, coregistration)
        for atlas in dict.fromkeys((*builder.plan.atlases, SPHERES))
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
    for atlas, node in fitted.atlases.items():
        add_region_fits(builder, atlas_label(atlas), node, fitted.reference, settled)
    add_plots(builder, fitted.atlases[SPHERES], fitted.reference, settled)
    add_fit_plots(builder, fitted.atlases[SPHERES], fitted.reference, settled)
    add_calibration(builder, settled)
    maps = add_map_fits(builder, frames, mask, mapped.reference, settled)
    for output in builder.settings.output_spaces:
        add_maps_in_space(builder, maps, coregistration, settled, output)
    return builder.workflow


def _add_motion(builder: ScanBuilder) -> Node:
    """Decay to injection where it is not yet so, then head motion."""
    scan, kinetics = builder.plan.scan, builder.plan.kinetics
    threads = builder.resources.omp_n_threads
    motion = make_node(
        correct_motion,
        "correct_motion",
        {
            "frames_start_min": kinetics.frame_start_min,
            "frames_duration_min": kinetics.frame_duration_min,
            "correct": builder.settings.motion,
            "threads": threads,
        },
        mem_gb=1.0,
        n_procs=threads,
    )
    if np.allclose(scan.timing.decay_factors, 1):
        motion.inputs.pet = str(scan.pet)
    else:
        factors = tuple(map(float, scan.timing.decay_factors))
        decay = make_node(
            correct_decay, "correct_decay", {"pet": scan.pet, "decay_factors": factors}, mem_gb=1.0
        )
        builder.workflow.connect(decay, "pet", motion, "pet")
    moved = "Frames corrected for head motion" if builder.settings.motion else "Frames as they were"
    outputs = {
        "corrected_pet": Output(
            "preproc_pet", sidecar=sidecars.preproc_pet_sidecar(scan, builder.raw, moved)
        ),
        "petref": Output(
            "petref",
            sidecar=sidecars.image_sidecar(
                "Mean of the corrected frames from the middle of the scan on, weighted by duration",
                builder.raw,
                units=scan.metadata.get("Units", ""),
            ),
        ),
        "transforms": Output(
            "motion_transforms", sidecar=sidecars.transform_sidecar("orig", "petref", builder.raw)
        ),
        "confounds_tsv": Output("confounds", sidecar=_confounds_sidecar(builder)),
    }
    save = builder.save("save_motion", outputs, facts={"notes": "Notes"})
    plot = make_node(plot_motion, "plot_motion", {"plan": kinetics})
    builder.workflow.connect(
        [
            (motion, save, [(name, name) for name in (*outputs, "notes")]),
            (motion, plot, [("confounds_tsv", "confounds")]),
        ]
    )
    builder.save_picture(plot, "motion", ".svg")
    return motion


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
    threads = builder.resources.omp_n_threads
    register = make_node(
        register_pet_to_t1w, "register_to_T1w", {"threads": threads}, mem_gb=1.0, n_procs=threads
    )
    outputs = {
        "pet_to_t1w": Output("pet_to_t1w", sidecar=sidecars.transform_sidecar("petref", "T1w", builder.raw)),
        "t1w_to_pet": Output("t1w_to_pet", sidecar=sidecars.transform_sidecar("T1w", "petref", builder.raw)),
    }
    facts = {
        "score": "NormalizedMutualInformation",
        "overlap": "Overlap",
        "contrast": "Contrast",
        "reference": "ReferenceFrames",
        "concern": "Concern",
    }
    save = builder.save("save_registration", outputs, facts=facts)
    builder.workflow.connect(
        [
            (motion, register, [("petref", "petref"), ("early_petref", "early_petref")]),
            (register, save, [(name, name) for name in (*outputs, *facts)]),
        ]
    )
    picture = make_node(picture_registration, "picture_registration", {"unit": builder.unit}, mem_gb=0.8)
    builder.workflow.connect(
        [
            (motion, picture, [("petref", "petref")]),
            (register, picture, [("pet_to_t1w", "pet_to_t1w")]),
        ]
    )
    brain = ("extract_brain.mask", "t1w_mask")
    builder.connect_anatomy(register, [("extract_brain.corrected_t1w", "t1w"), brain])
    builder.connect_anatomy(picture, [brain, ("segment_tissue.dseg", "dseg")])
    builder.save_picture(picture, "coregistration")
    return register


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
    builder.connect_anatomy(mask, [("extract_brain.mask", "t1w_mask")])
    return mask
