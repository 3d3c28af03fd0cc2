"""Correction for partial volume at full size: time, memory and what is left of a known error.

The regions of AAL and the tissue around them get activity of their own; a scanner of 5.5 mm blurs it on a grid of
1 mm, samples it on its own grid, and adds the noise of frames. The correction gets the same atlas
and tissue, as the participant level gives them.
"""

import multiprocessing
import resource
import shutil
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage

from morbids.imaging.atlases import choose_atlas, load_atlas
from morbids.imaging.images import Image, read_image, write_image
from morbids.imaging.partial_volume import Parts, correct_image, correct_regions, draw_parts
from morbids.imaging.regions import PersonTissue, mean_curves, regions_in_pet
from morbids.imaging.resampling import index_transform, resample_volume
from morbids.imaging.templates import find_template
from morbids.numerics.arrays import FloatArray
from morbids.numerics.partial_volume import FWHM_PER_SD

FOLDER = Path(__file__).parents[1] / "build" / "benchmarks" / "partial_volume"
FWHM_MM = (5.5, 5.5, 5.5)
N_FRAMES = 21
NOISE = 0.05
"""Standard deviation of a voxel of a frame, as part of the mean."""
TISSUE_ACTIVITY = (0.1, 6.0, 3.0, 1.0)
"""Outside, grey matter, white matter, fluid."""
WIDTH_ERROR_MM = 1.0
SPLIT, ATLAS_SPLIT = 4, 2
"""Fine voxels per voxel of PET (4.5 to 2.25 mm) and of the atlas (2 mm), when the phantom is made."""


def run(quick: bool) -> dict[str, float]:
    """Draw the phantom, correct it in processes of their own, and compare."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    voxel_mm = (4.5, 4.5, 4.86) if quick else (2.25, 2.25, 2.43)
    truth = _draw(voxel_mm)
    figures = {"regions": float(np.isfinite(truth).sum())}
    for name, step in (("parts", _parts), ("gtm", _gtm), ("rbv", _rbv)):
        figures |= {f"{name}_{key}": value for key, value in _measure(step).items()}
    figures |= {"uncorrected_median_error_percent": _error(mean_curves(*_measured()).curves[0], truth)}
    figures |= {"gtm_median_error_percent": _error(np.load(FOLDER / "gtm.npy"), truth)}
    rbv = mean_curves(FOLDER / "rbv.nii.gz", *_measured()[1:]).curves[0]
    figures |= {"rbv_median_error_percent": _error(rbv, truth)}
    for sign, name in ((-1, "narrow"), (1, "wide")):
        wrong = tuple(width + sign * WIDTH_ERROR_MM for width in FWHM_MM)
        curves = correct_regions(*_measured(), _read_parts(), wrong).curves[0]
        figures |= {f"gtm_1mm_too_{name}_median_error_percent": _error(curves, truth)}
    return figures


def _draw(voxel_mm: Sequence[float]) -> FloatArray:
    """Write the images; returns the activity (n_regions,), NaN for regions that PET voxels do not hold."""
    atlas = load_atlas(choose_atlas("AAL"), FOLDER / "atlas")
    labels = read_image(atlas.dseg)
    brain = find_template("MNI152NLin2009cAsym", 1, FOLDER / "templates")
    pull = index_transform([], labels.affine, read_image(brain.mask).affine)
    inside = resample_volume(read_image(brain.mask).values, labels.values.shape, pull, "nearest") > 0.5
    grey = ndimage.binary_erosion(labels.values > 0, iterations=1)
    tissue = np.where(grey, 1, np.where(inside, 2, 0)).astype(np.int32)
    write_image(tissue, labels.affine, FOLDER / "tissue.nii.gz")
    table = pd.read_csv(atlas.table, sep="\t")
    activity = np.random.default_rng(1).uniform(3, 12, len(table))
    lookup = np.zeros(int(table["index"].max()) + 1)
    lookup[table["index"]] = activity
    whole = np.isin(labels.values, table["index"][table["tissue"] == "deep"])
    source = np.choose(tissue, TISSUE_ACTIVITY).astype(np.float32)
    drawn = (labels.values > 0) & (grey | whole)
    source[drawn] = lookup[labels.values[drawn].astype(int)]
    # Parts are drawn as solid voxels: finer ones stand for them, so that the blur sees the same shapes.
    fine = ndimage.zoom(source, ATLAS_SPLIT, order=0, grid_mode=True, mode="nearest")
    voxel_mm_of_atlas = labels.voxel_mm / ATLAS_SPLIT
    blurred = ndimage.gaussian_filter(
        fine, np.array(FWHM_MM) / FWHM_PER_SD / voxel_mm_of_atlas, mode="nearest"
    )
    affine = labels.affine @ np.diag([1 / ATLAS_SPLIT, 1 / ATLAS_SPLIT, 1 / ATLAS_SPLIT, 1.0])
    affine[:3, 3] = (labels.affine @ [*[(1 / ATLAS_SPLIT - 1) / 2] * 3, 1.0])[:3]
    _scan(Image(blurred, affine, None), np.asarray(voxel_mm))
    gm = write_image((tissue == 1).astype(np.float32), labels.affine, FOLDER / "gm.nii.gz")
    found = regions_in_pet(
        atlas.dseg, atlas.table, FOLDER / "petref.nii.gz", (), FOLDER / "regions", PersonTissue(gm)
    )
    return np.where(pd.read_csv(found.table, sep="\t")["volume_ml"] > 0, activity, np.nan)


def _scan(image: Image, voxel_mm: FloatArray) -> None:
    """Average over PET voxels, and add noise to all frames but the first."""
    shape = np.rint(np.array([288.0, 288.0, 153.0]) / voxel_mm).astype(int)
    affine = np.diag([*voxel_mm, 1.0])
    affine[:3, 3] = [0, -18, 11] - voxel_mm * (shape - 1) / 2
    fine = affine @ np.diag([1 / SPLIT, 1 / SPLIT, 1 / SPLIT, 1.0])
    fine[:3, 3] = affine[:3, 3] - voxel_mm * (1 - 1 / SPLIT) / 2
    pull = index_transform([], fine, image.affine)
    x, y, z = shape.tolist()
    sampled = resample_volume(image.values, (x * SPLIT, y * SPLIT, z * SPLIT), pull, "linear")
    petref = sampled.reshape(x, SPLIT, y, SPLIT, z, SPLIT).mean(axis=(1, 3, 5))
    write_image(petref, affine, FOLDER / "petref.nii.gz")
    rng = np.random.default_rng(2)
    frames = np.stack(
        [
            petref * (1 + NOISE * rng.standard_normal(petref.shape).astype(np.float32))
            for _ in range(N_FRAMES)
        ],
        axis=-1,
    )
    frames[..., 0] = petref
    write_image(frames, affine, FOLDER / "pet.nii.gz")


def _measured() -> tuple[Path, Path, Path]:
    regions = FOLDER / "regions"
    return FOLDER / "pet.nii.gz", regions / "regions_dseg.nii.gz", regions / "regions.tsv"


def _read_parts() -> Parts:
    return Parts(FOLDER / "parts" / "parts.nii.gz", FOLDER / "parts" / "parts.tsv")


def _parts() -> None:
    atlas, tissue = load_atlas(choose_atlas("AAL"), FOLDER / "atlas"), FOLDER / "tissue.nii.gz"
    table, petref = _measured()[2], FOLDER / "petref.nii.gz"
    draw_parts(atlas.dseg, table, (), petref, tissue, (), FOLDER / "parts")


def _gtm() -> None:
    np.save(FOLDER / "gtm.npy", correct_regions(*_measured(), _read_parts(), FWHM_MM).curves[0])


def _rbv() -> None:
    correct_image(*_measured(), _read_parts(), FWHM_MM, FOLDER / "rbv.nii.gz")


def _measure(step: Callable[[], None]) -> dict[str, float]:
    """Seconds and peak memory of a step in a process of its own."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run_measured, args=(step, sender))
    process.start()
    figures: dict[str, float] = receiver.recv()
    process.join()
    return figures


def _run_measured(step: Callable[[], None], sender: Connection) -> None:
    start = time.perf_counter()
    step()
    seconds = time.perf_counter() - start
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    sender.send({"s": seconds, "peak_gb": peak_gb})


def _error(found: FloatArray, truth: FloatArray) -> float:
    """Median absolute error over regions in percent."""
    return float(np.nanmedian(np.abs(found / truth - 1)) * 100)
