"""Speed and memory of voxelwise fits on a full-size scan, beside reading the image and beside NiftyPAD.

128 x 128 x 63 voxels, 27 frames, 250 000 of them brain, a head around it, noise over the whole field of view as a
scanner has it (an image that is zero outside the brain compresses to a fraction, and is read in a third of the
time); ``--quick`` takes a tenth. Times are the best of three, on all processors; standard errors are included.
Also the error of BP_ND at voxel noise: the Logan plot divides by noisy curves and reads too low, MRTM2 does not.
"""

import os
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np

from morbids.imaging.images import read_image, read_masked_frames, write_image
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import FitOptions, fit_model
from morbids.numerics.kinetics.weights import inverse_variance
from morbids.numerics.tracer import simulate_curves

DURATION = np.array([0.25] * 4 + [0.5] * 6 + [1.0] * 3 + [2.5] * 2 + [5.0] * 8 + [10.0] * 4)
FRAMES = Frames(np.cumsum(DURATION) - DURATION, DURATION)
WEIGHT = inverse_variance(FRAMES, half_life_min=20.364)
K2_PRIME, T_STAR_MIN, ONSET_MIN = 0.1237, 10.0, 45.0
SHAPE, N_BRAIN = (128, 128, 63), 250_000
THREADS = len(os.sched_getaffinity(0))
# Noise of a frame of weight 1, as a part of the curve's mean: a voxel of 2 mm, smoothed by reconstruction.
VOXEL_NOISE = 0.1
# Uptake of scalp, muscle and bone beside that of the reference region, and noise outside the head beside that within.
HEAD_UPTAKE, AIR_NOISE = 0.4, 0.2
KEYS: dict[ModelName, str] = {
    "LoganRef": "logan",
    "MRTM2": "mrtm2",
    "MRTM1": "mrtm1",
    "SRTM": "srtm",
    "SRTM2": "srtm2",
    "StepChange": "step",
    "StepChange2": "step2",
    "lpntPET": "lpntpet",
}


class Scan(NamedTuple):
    """A simulated scan on disk, its brain, and its truth."""

    path: Path
    mask: Path
    reference: FloatArray
    bp_nd: FloatArray


def run(quick: bool) -> dict[str, float]:
    """Figures by key; times of models are given over the time of reading the image."""
    shape = (64, 64, 25) if quick else SHAPE
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as directory:
        scan = make_scan(Path(directory) / "pet.nii.gz", shape, N_BRAIN // 10 if quick else N_BRAIN)
        figures["read_s"] = best_time(lambda: read_image(scan.path))
        voxels = read_masked_frames(scan.path, scan.mask).curves
        for model, key in KEYS.items():
            seconds = best_time(lambda: fit(model, voxels, scan.reference))  # noqa: B023
            figures[f"{key}_over_read"] = seconds / figures["read_s"]
        figures["peak_over_image"] = max(peak_bytes(model, scan) for model in KEYS) / (
            4 * np.prod(shape) * FRAMES.n_frames
        )
        for model in ("LoganRef", "MRTM2", "SRTM2"):
            figures |= error_figures(model, voxels, scan)
        figures |= niftypad_figures(voxels, scan, figures["logan_over_read"] * figures["read_s"])
    return figures


def make_scan(path: Path, shape: tuple[int, int, int], n_brain: int) -> Scan:
    """Write a noisy scan whose brain is the ball of the wanted number of voxels, BP_ND 0 to 3."""
    rng = np.random.default_rng(0)
    offset = np.stack(np.meshgrid(*[(np.arange(n) - n / 2) / n for n in shape], indexing="ij"))
    distance = (offset**2).sum(axis=0)
    brain = np.asarray(distance < np.partition(distance.ravel(), n_brain)[n_brain])
    bp_nd = rng.uniform(0.0, 3.0, int(brain.sum()))
    steps = np.linspace(0.0, 3.0, 301)
    curves = simulate_curves(FRAMES, steps, kinetics="one_tissue")
    clean = curves.target[:, np.rint(bp_nd * 100).astype(int)]
    bp_nd = steps[np.rint(bp_nd * 100).astype(int)]
    deviation = VOXEL_NOISE * clean.mean() / np.sqrt(WEIGHT)
    head = distance < (1.35**2) * distance[brain].max()
    image = np.empty((*shape, FRAMES.n_frames), dtype=np.float32)
    for frame in range(FRAMES.n_frames):
        volume = (
            rng.standard_normal(shape, dtype=np.float32) * deviation[frame] * np.where(head, 1.0, AIR_NOISE)
        )
        volume[head] += HEAD_UPTAKE * curves.reference[frame]
        noise = rng.standard_normal(len(bp_nd)) / np.sqrt(WEIGHT[frame])
        volume[brain] = clean[frame] + VOXEL_NOISE * clean.mean(axis=0) * noise
        image[..., frame] = volume
    affine = np.diag([2.25, 2.25, 2.43, 1.0])
    nifti = nib.Nifti1Image(image, affine)
    nifti.set_data_dtype(np.int16)
    nib.save(nifti, path)
    return Scan(path, write_image(brain, affine, path.with_name("mask.nii.gz")), curves.reference, bp_nd)


def fit(model: ModelName, voxels: FloatArray, reference: FloatArray) -> FloatArray:
    """BP_ND of all voxels by the model, with the settings of carfentanil."""
    late = model in ("LoganRef", "StepChange", "StepChange2", "lpntPET")
    options = FitOptions(
        points=FRAMES.mid_min > T_STAR_MIN if late else None,
        inverse_variance=WEIGHT,
        k2_prime=K2_PRIME,
        onset_min=ONSET_MIN - 10.0 if model == "lpntPET" else ONSET_MIN,
    )
    return fit_model(model, voxels, reference, FRAMES, options, threads=THREADS).parameters["BPND"]


def best_time(action: Callable[[], object]) -> float:
    """Least wall time of three runs, seconds."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def peak_bytes(model: ModelName, scan: Scan) -> int:
    """Most memory in use at once, from the file to the estimates."""
    tracemalloc.start()
    fit(model, read_masked_frames(scan.path, scan.mask).curves, scan.reference)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def error_figures(model: ModelName, voxels: FloatArray, scan: Scan) -> dict[str, float]:
    """Mean and spread of the error of BP_ND over all voxels, and the share of failed fits."""
    error = fit(model, voxels, scan.reference) - scan.bp_nd
    key = KEYS[model]
    return {
        f"{key}_bias_bp": float(np.nanmean(error)),
        f"{key}_sd_bp": float(np.nanstd(error)),
        f"{key}_failed_share": float(np.isnan(error).mean()),
    }


def niftypad_figures(voxels: FloatArray, scan: Scan, logan_s: float) -> dict[str, float]:
    """Time of NiftyPAD's reference Logan over ours, from 2000 voxels scaled up; nothing when not installed."""
    try:
        from niftypad import kt
        from niftypad.image_process.parametric_image import image_to_parametric
    except ImportError:
        return {}
    some = np.ascontiguousarray(voxels[:, :2000].T, dtype=float)[:, None, None, :]
    edges_s = np.array([FRAMES.start_min, FRAMES.end_min]) * 60
    inputs = {
        "dt": edges_s,
        "inputf1": kt.interpt1(kt.dt2mft(edges_s), scan.reference, edges_s),
        "w": WEIGHT,
        "k2p": K2_PRIME / 60,
        "linear_phase_start": T_STAR_MIN * 60,
        "linear_phase_end": None,
        "fig": False,
    }
    start = time.perf_counter()
    mask = np.argwhere(np.ones(some.shape[:3]))
    found = image_to_parametric(some, edges_s, "logan_ref_k2p", inputs, ["bp"], mask=mask)["bp"]
    seconds = (time.perf_counter() - start) * voxels.shape[1] / len(some)
    error = found[:, 0, 0] - scan.bp_nd[:2000]
    return {"niftypad_over_logan": seconds / logan_s, "niftypad_logan_bias_bp": float(error.mean())}
