"""A study simulated on real heads with independent labels, through the participant level, beside its truth.

Tissue and binding are those of the labels, so that segmentation, registration of PET, motion, reference region and
kinetics are judged against what the program did not make. The way from head to template is the program's own in both.
Regions are compared twice: with the truth in the true regions (`study_bp_*`, where it counts which voxels are called
grey), and with the truth in the program's own regions (`study_own_regions_*`: all else).
`--data` as of `heads`; finished steps of an earlier run are taken up.
"""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage

from benchmarks.heads_case import END, find_heads
from benchmarks.observer import watch_run
from benchmarks.recovery import ATLAS, KEYS, LEAST_BINDING, LEAST_VOLUME_ML, compare_with_truth
from benchmarks.registration import LATE_MIN, brain_points, distance_mm, motion_errors, transformed
from morbids.bids.names import output_path, parse_name
from morbids.bids.tables import read_table
from morbids.imaging.images import Image, read_image, write_image
from morbids.imaging.regions import mean_curves
from morbids.imaging.transforms import invert, read_itk
from morbids.numerics.arrays import FloatArray
from morbids.simulation.settings import protocol_frames

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "benchmarks" / "heads_study"
ROWS = Path(__file__).parent / "results" / "heads_study.tsv"
PROCESSORS, QUICK_HEADS = 2, 5
SEED = 3
TASK = "rejection"
"""One scan of each head is enough."""
BOUND_PERCENT = 10.0


def run(quick: bool, data: Path | None) -> dict[str, float] | None:
    """Simulate the study (once; quick: five heads at 4.5 mm, else all at 2.25 mm), run it, and compare."""
    names = find_heads(data) if data is not None else []
    if data is None or not names:
        print(f"heads_study: SKIPPED, no heads in --data {data}.", flush=True)
        return None
    chosen = names[:QUICK_HEADS] if quick else names
    folder = FOLDER / ("quick" if quick else "full")
    bids = simulate(folder, data, chosen, () if quick else ("--full-size",))
    results, work = folder / "results", folder / "work"
    options = ["--task-label", TASK, "--work-dir", str(work), "--nprocs", str(PROCESSORS)]
    watch(
        folder / "participant.txt", [str(ROOT / "run.py"), str(bids), str(results), "participant", *options]
    )
    truth = bids / "derivatives" / "truth"
    scans = [
        parse_name(path).entities for path in sorted(results.glob("sub-*/pet/*_desc-quality_metrics.tsv"))
    ]
    table = pd.DataFrame(
        [
            {"head": name} | measure_scan(truth, results, scan)
            for name, scan in zip(chosen, scans, strict=True)
        ]
    )
    regions = compare_with_truth(truth, results, folder / "truth", TASK)
    regions["in_own"] = (
        own_regions(truth, results, scans, folder / "own")
        .reindex(pd.MultiIndex.from_frame(regions[["scan", "name"]]))
        .to_numpy()
    )
    regions = relative_to_own_reference(regions, table.set_index("scan")["reference_bp"])
    print(table.to_string(index=False), flush=True)
    if not quick:
        table.to_csv(ROWS, sep="\t", index=False, na_rep="n/a", float_format="%.4f")
    return summarise(table) | region_figures(regions)


def simulate(folder: Path, data: Path, heads: Sequence[str], size: Sequence[str]) -> Path:
    """Make the study, unless it is there from an earlier run."""
    bids, done = folder / "bids", folder / ".simulated"
    if not done.exists():
        shutil.rmtree(bids, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        images = [str(data / f"{name}.nii.gz") for name in heads]
        labels = [str(data / f"{name}{END}") for name in heads]
        words = ["-m", "morbids.simulation", str(bids), "--seed", str(SEED), *size]
        watch(folder / "simulation.txt", [*words, "--heads", *images, "--labels", *labels])
        done.touch()
    return bids


def watch(log: Path, words: Sequence[str]) -> None:
    """Run a Python program that must succeed."""
    if watch_run([sys.executable, *words], log.parent / "work", log, os.environ).exit_code:
        raise SystemExit(f"A program failed: see {log}.")


def measure_scan(truth: Path, results: Path, scan: dict[str, str]) -> dict[str, object]:
    """Errors of PET to T1w and of late frames (mm, mean over the brain), and what was doubted."""
    source = source_of(scan)
    found, true = (read_itk(output_path(root, source, "motion_transforms")) for root in (results, truth))
    brain = read_image(output_path(truth, {"sub": scan["sub"]}, "brain_mask"))
    points = brain_points(brain.values > 0, brain.affine)
    t1w_to_pet, true_t1w_to_pet = (
        read_itk(output_path(root, source, "t1w_to_pet"))[0] for root in (results, truth)
    )
    frames = protocol_frames()
    motion_mm, petref_to_truth = motion_errors(
        found, true, frames, transformed(invert(true_t1w_to_pet), points)
    )
    expected = true_t1w_to_pet @ petref_to_truth
    quality = read_table(output_path(results, source, "quality"))
    doubts = quality["concern"].dropna().unique().tolist()
    return {
        "scan": name_of(source),
        "reference_bp": reference_bp(truth, results, source),
        "pet_to_t1w_mm": distance_mm(t1w_to_pet, expected, transformed(invert(expected), points)),
        "motion_late_mm": float(np.nanmean(motion_mm[frames.mid_min > LATE_MIN])),
        "concerns": "; ".join(doubts),
    }


def found_to_true(truth: Path, results: Path, source: Mapping[str, str]) -> FloatArray:
    """Matrix (4, 4) from places in the program's PET reference image to the same places in that of the truth, mm."""
    found, true = (read_itk(output_path(root, source, "t1w_to_pet"))[0] for root in (results, truth))
    return np.asarray(invert(true) @ found)


def true_map_at(truth: Path, results: Path, source: Mapping[str, str], image: Image) -> FloatArray:
    """True BP_ND at baseline, as the scanner sees it, at the voxels (x, y, z) of an image of the program's PET."""
    entities = {"model": "truth", "meas": "BPND", "desc": "baseline"}
    seen = read_image(output_path(truth, source, "parametric_map", entities))
    way = np.linalg.inv(seen.affine) @ found_to_true(truth, results, source) @ image.affine
    return np.asarray(ndimage.affine_transform(seen.values, way, output_shape=image.values.shape, order=1))


def reference_bp(truth: Path, results: Path, source: Mapping[str, str]) -> float:
    """True BP_ND, as the scanner sees it, in the program's own reference region."""
    (path,) = output_path(results, source, "petref").parent.glob(
        f"*_task-{source['task']}_*reference_mask.nii.gz"
    )
    mask = read_image(path)
    return float(true_map_at(truth, results, source, mask)[mask.values > 0.5].mean())


def own_regions(
    truth: Path, results: Path, scans: Sequence[Mapping[str, str]], folder: Path
) -> "pd.Series[float]":
    """True BP_ND at baseline, as the scanner sees it, in the program's own regions, by scan and name."""
    seen: dict[tuple[str, str], float] = {}
    for scan in scans:
        source = source_of(scan)
        dseg = output_path(results, source, "pet_dseg", {"seg": ATLAS})
        image = read_image(dseg)
        there = write_image(
            true_map_at(truth, results, source, image), image.affine, folder / f"{name_of(source)}.nii.gz"
        )
        regions = mean_curves(there, dseg, output_path(results, source, "pet_dseg_table", {"seg": ATLAS}))
        values = dict(zip(regions.names, regions.curves[0].tolist(), strict=True))
        seen |= {(name_of(source), name): value for name, value in values.items()}
    return pd.Series(seen)


def source_of(scan: Mapping[str, str]) -> dict[str, str]:
    """Entities that name a scan among those of one of its files."""
    return {key: scan[key] for key in KEYS}


def name_of(source: Mapping[str, str]) -> str:
    """Name of a scan, as in the tables of `recovery`."""
    return "-".join(source.values())


def relative_to_own_reference(regions: pd.DataFrame, reference: "pd.Series[float]") -> pd.DataFrame:
    """Truth relative to the program's own reference region instead of all of the true one.

    Both see some fluid and some binding tissue beside them, each its own; what is estimated is relative to its own.
    `reference` is BP_ND in it by scan.
    """
    own = 1 + regions["scan"].map(reference)
    return regions.assign(**{name: (1 + regions[name]) / own - 1 for name in ("true", "in_own")})


def summarise(table: pd.DataFrame) -> dict[str, float]:
    """Figures over scans."""
    return {
        "study_reference_bp_mean": float(table["reference_bp"].mean()),
        "study_reference_bp_largest": float(table["reference_bp"].abs().max()),
        "study_heads": float(len(table)),
        "study_pet_to_t1w_mean_mm": float(table["pet_to_t1w_mm"].mean()),
        "study_pet_to_t1w_max_mm": float(table["pet_to_t1w_mm"].max()),
        "study_motion_late_mean_mm": float(table["motion_late_mm"].mean()),
        "study_flagged": float((table["concerns"] != "").sum()),
    }


def region_figures(regions: pd.DataFrame) -> dict[str, float]:
    """Errors of BP_ND at baseline, in percent of what the scanner sees, of regions over 1 mL that bind."""
    chosen = regions["window"].eq("baseline") & (regions["volume_ml"] > LEAST_VOLUME_ML)
    used = regions[chosen & (regions["true"] >= LEAST_BINDING)]
    figures = {
        "study_regions": float(len(used)),
        "study_bp_missing": float(used["recovered"].isna().sum()),
    }
    for what, truth in (("bp", "true"), ("own_regions", "in_own")):
        percent = 100 * (used["recovered"] / used[truth] - 1)
        # Over heads: noise of single scans averages out, a bias stays.
        by_region = percent.groupby(used["name"]).mean()
        found = {
            "median_abs_error_percent": percent.abs().median(),
            "median_error_percent": percent.median(),
            "within_10_percent": (percent.abs() <= BOUND_PERCENT).mean(),
            "largest_error_percent": percent.abs().max(),
            "region_means_within_10_percent": (by_region.abs() <= BOUND_PERCENT).mean(),
            "region_means_largest_error_percent": by_region.abs().max(),
        }
        figures |= {f"study_{what}_{name}": float(value) for name, value in found.items()}
    return figures
