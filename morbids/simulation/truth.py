"""The truth of a simulated study, written as a derivative dataset with the names that morbids' own outputs have."""

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from morbids.bids.names import DRAFT_SUFFIXES, difference_label, output_path, sidecar_path
from morbids.imaging.transforms import invert, write_itk
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.simulation.effects import RELEASES, TASKS, Task, built_in_effects
from morbids.simulation.files import MNI_CODE, write_json, write_map, write_rows
from morbids.simulation.grids import Grid, pull
from morbids.simulation.motion import mean_poses, pose_matrix
from morbids.simulation.regions import FOCAL_REGIONS, sphere_share
from morbids.simulation.scan import Scan, mni_grid
from morbids.simulation.settings import StudySettings
from morbids.simulation.sidecars import BIDS_VERSION
from morbids.simulation.subject import Phantom, Subject

MNI = "MNI152NLin2009cAsym"
MODEL = "truth"
_IN_MNI = {"space": MNI, "res": "2"}
_IMAGE = {"SkullStripped": False}


class RegionTable:
    """Regions whose truth is tabulated: the AAL labels and the focal regions, as masks on `mni_grid()`."""

    def __init__(self, phantom: Phantom, names: dict[int, str]) -> None:
        grid = mni_grid()
        head = phantom.head
        labels = pull(phantom.template.aal, head.grid, grid, nearest=True)
        self.binding_share = pull(head.grey + head.stem, head.grid, grid)
        self.masks: dict[str, BoolArray] = {
            name: labels == value for value, name in names.items() if (labels == value).any()
        }
        self.masks |= {name: sphere_share(s, grid, 4.0) > 0.5 for name, s in FOCAL_REGIONS.items()}


def write_description(root: Path, settings: StudySettings) -> None:
    """Write dataset_description.json, README, .bidsignore and effects.json."""
    description = {
        "Name": "Truth of the simulated study",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "morbids.simulation"}],
        "SourceDatasets": [{"URL": "../.."}],
        "DatasetLinks": {"raw": "../.."},
    }
    write_json(description, root / "dataset_description.json")
    (root / "README").write_text(_README)
    ignored = [f"*_{suffix}.*" for suffix in DRAFT_SUFFIXES]
    (root / ".bidsignore").write_text("\n".join(["group", "effects.json", *ignored]) + "\n")
    effects = () if settings.null else built_in_effects()
    releases = () if settings.null else RELEASES
    write_json(
        {
            "null": settings.null,
            "effects": [
                effect._asdict() | {"centres_mm": FOCAL_REGIONS[effect.region].centres_mm}
                for effect in effects
            ],
            "releases": [
                release._asdict()
                | {
                    "centres_mm": FOCAL_REGIONS[release.region].centres_mm,
                    "radius_mm": FOCAL_REGIONS[release.region].radius_mm,
                }
                for release in releases
            ],
        },
        root / "effects.json",
    )


def write_subject_truth(root: Path, subject: Subject, phantom: Phantom, grid: Grid) -> None:
    """Write transforms and tissue of one participant on the grid of their T1w image."""
    source = {"sub": subject.participant.label}
    chains = (
        ("t1w_to_template", {"to": MNI}, subject.shape.t1w_to_template),
        ("template_to_t1w", {"from": MNI}, subject.shape.template_to_t1w),
    )
    for role, entities, transform in chains:
        path = output_path(root, source, role, entities)
        path.parent.mkdir(parents=True, exist_ok=True)
        sitk.WriteTransform(transform, str(path))
    head, warp = phantom.head, [subject.shape.template_to_t1w]
    shares = [pull(values, head.grid, grid, warp) for values in (head.grey, head.white + head.stem, head.csf)]
    brain = pull(head.brain.astype(np.float32), head.grid, grid, warp) > 0.5
    dseg = np.where(brain, 1 + np.argmax(shares, axis=0), 0).astype(np.uint8)
    for role, values in (("brain_mask", brain.astype(np.uint8)), ("dseg", dseg)):
        path = output_path(root, source, role)
        write_map(values, grid, path)
        write_json({"Type": "Brain"} if role == "brain_mask" else {}, sidecar_path(path))


def write_scan_truth(
    root: Path,
    subject: Subject,
    scan: Scan,
    phantom: Phantom,
    grid: Grid,
    regions: RegionTable,
    settings: StudySettings,
) -> None:
    """Write maps, transforms, curves and regional values of one scan."""
    source = {"sub": subject.participant.label, "task": scan.task, "trc": "carfentanil"}
    _write_placement(root, source, scan, settings)
    _write_reference_curve(root, source, scan, settings)
    average = pull(phantom.binding.bp_nd, phantom.head.grid, mni_grid())
    at_rest = average * scan.truth.bp_factor
    tissue = (at_rest, at_rest * (1 + scan.truth.change))
    scanner = tuple(volume - 1 for volume in scan.truth.volumes)
    for name, in_mni, in_pet in zip(("baseline", scan.task), tissue, scanner, strict=True):
        _write_map(
            root, source, {"desc": name, **_IN_MNI}, in_mni * (regions.binding_share > 0.2), mni_grid()
        )
        _write_map(root, source, {"desc": name}, in_pet, grid)
    difference = {"desc": difference_label("baseline", scan.task)}
    _write_map(
        root,
        source,
        difference | _IN_MNI,
        (tissue[0] - tissue[1]) * (regions.binding_share > 0.2),
        mni_grid(),
    )
    _write_map(root, source, difference, scanner[0] - scanner[1], grid)
    _write_regions(root, source, subject, scan, regions, grid, tissue)


def write_group_truth(root: Path, phantom: Phantom, scans: dict[Task, FloatArray]) -> None:
    """Write the mean true difference of BP_ND over participants, per task, in template space."""
    average = pull(phantom.binding.bp_nd, phantom.head.grid, mni_grid())
    for task in TASKS:
        path = output_path(
            root,
            {},
            "statistical_map",
            {"model": MODEL, "contrast": difference_label("baseline", task), "stat": "effect"},
        )
        write_map(-average * scans[task], mni_grid(), path, MNI_CODE)


def _write_placement(root: Path, source: dict[str, str], scan: Scan, settings: StudySettings) -> None:
    """Write PET-T1w transforms, and where the head was in every frame.

    The file from-orig_to-petref brings a frame to the reference pose: its points go from there to the frame.
    """
    truth = scan.truth
    write_itk(truth.t1w_to_pet, output_path(root, source, "t1w_to_pet"))
    write_itk(invert(truth.t1w_to_pet), output_path(root, source, "pet_to_t1w"))
    poses = mean_poses(truth.motion, settings.frames)
    matrices = np.stack([pose_matrix(pose) for pose in poses])
    write_itk(matrices, output_path(root, source, "motion_transforms"))
    columns = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
    rows = [{name: f"{value:.5f}" for name, value in zip(columns, pose, strict=True)} for pose in poses]
    units: dict[str, Any] = {name: {"Units": "mm" if name.startswith("trans") else "rad"} for name in columns}
    write_rows(rows, units, output_path(root, source, "confounds"))


def _write_reference_curve(root: Path, source: dict[str, str], scan: Scan, settings: StudySettings) -> None:
    frames = settings.frames
    rows = [
        {"frame_start": f"{start * 60:g}", "frame_end": f"{end * 60:g}", "reference": f"{value:.3f}"}
        for start, end, value in zip(
            frames.start_min, frames.end_min, scan.truth.reference_curve, strict=True
        )
    ]
    metadata = {"reference": {"Description": "Tissue without binding, delivery 1.", "Units": "Bq/mL"}}
    write_rows(rows, metadata, output_path(root, source, "reference_curve", {"label": "nondisplaceable"}))


def _write_map(
    root: Path, source: dict[str, str], entities: dict[str, str], values: FloatArray, grid: Grid
) -> None:
    path = output_path(root, source, "parametric_map", {"model": MODEL, "meas": "BPND", **entities})
    in_mni = "space" in entities
    write_map(values, grid, path, MNI_CODE if in_mni else 1)
    resolution = {"Resolution": "2 mm isotropic"} if in_mni else {}
    seen = "of the binding tissue itself" if in_mni else "as a perfect scanner of this resolution sees it"
    write_json(
        {**_IMAGE, **resolution, "Units": "unitless", "ModelName": MODEL, "Description": f"BP_ND {seen}."},
        sidecar_path(path),
    )


def _write_regions(
    root: Path,
    source: dict[str, str],
    subject: Subject,
    scan: Scan,
    regions: RegionTable,
    grid: Grid,
    tissue: tuple[FloatArray, FloatArray],
) -> None:
    """Tabulate BP_ND per region: of the tissue, and as the scanner sees it (partial volume)."""
    chain: list[FloatArray | sitk.Transform] = [subject.shape.template_to_t1w, scan.truth.t1w_to_pet]
    rows = []
    for name, mask in regions.masks.items():
        share = pull(mask.astype(np.float32), mni_grid(), grid, chain)
        weights = np.where(mask, regions.binding_share, 0)
        rows.append(
            {
                "name": name,
                "volume-ml": f"{share.sum() * grid.voxel_ml:.3f}",
                **_columns("tissue", [_weighted_mean(values, weights) for values in tissue], scan.task),
                **_columns("scanner", [_weighted_mean(v - 1, share) for v in scan.truth.volumes], scan.task),
            }
        )
    metadata = {
        "name": {"Description": "AAL label, or a-priori sphere of 4 mm."},
        "volume-ml": {"Description": "Volume in PET space.", "Units": "mL"},
    }
    write_rows(rows, metadata, output_path(root, source, "kinpar", {"model": MODEL}))


def _columns(kind: str, values: list[float], task: str) -> dict[str, str]:
    names = ("baseline", task)
    return {f"BPND-{kind}-{name}": f"{value:.5f}" for name, value in zip(names, values, strict=True)}


def _weighted_mean(values: FloatArray, weights: FloatArray) -> float:
    total = float(weights.sum())
    return float((values * weights).sum() / total) if total > 0 else float("nan")


_README = """# Truth of the simulated study

Names are those of morbids' own outputs, with `model-truth`.

- `*_space-MNI152NLin2009cAsym_*_mimap`: BP_ND of the binding tissue in each window, and their difference
  (positive: BP_ND falls, activation).
- `*_model-truth_meas-BPND_*_mimap` without `space-`: in the PET reference pose, distribution volume relative to
  non-displaceable tissue minus 1, after the scanner's point spread and partial volume, without noise or motion.
- `*_model-truth_kinpar.tsv`: both of them per AAL label and a-priori sphere (`tissue`, `scanner`).
- `*_xfm.*`: ITK transforms in BIDS direction. `from-orig_to-petref` holds a transform per frame; a pipeline whose
  reference image lies elsewhere differs from it by one rigid transform for the whole scan.
- `*_timeseries.tsv`: pose of the head per frame (mm, rad, about the point 0, -25, -55 mm).
- `*_label-nondisplaceable_*_tacs.tsv`: the exact reference curve.
- `effects.json`: the effects that an analysis should find, and the releases that make them.
"""
