"""The scanner: field of view, point spread, frames of a moving head, noise."""

import numpy as np
from scipy import ndimage

from morbids.imaging.transforms import invert
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.simulation.grids import Grid, centred_grid, make_grid, pull
from morbids.simulation.motion import HeadMotion, frame_poses, pose_matrix
from morbids.simulation.settings import CARBON_11_HALF_LIFE_MIN

FIELD_MM = (288.0, 288.0, 153.0)
"""Field of view of the HR+: 128 x 128 x 63 voxels of 2.25 x 2.25 x 2.43 mm."""
PLANE_RATIO = 2.43 / 2.25
NOISE_FWHM_MM = 5.0
NOISE_LEVEL = 0.065
"""Standard deviation of a one-minute frame at injection, as part of the mean activity of the brain."""
FIELD_CENTRE_MM = np.array([0.0, -18.0, 11.0])

_UNIFORM_NOISE_SHARE = 0.35


def pet_grid(voxel_mm: float) -> Grid:
    """Return the scanner's grid, stored from the right to the left of the head as the HR+ does."""
    plane_mm = round(voxel_mm * PLANE_RATIO, 4)
    in_plane, planes = round(FIELD_MM[0] / voxel_mm), round(FIELD_MM[2] / plane_mm)
    return centred_grid((in_plane, in_plane, planes), (-voxel_mm, voxel_mm, plane_mm), FIELD_CENTRE_MM)


def source_grid(pet: Grid) -> Grid:
    """Return the grid on which activity is made and blurred, in T1w space: finer than the PET voxel, 2 to 3 mm."""
    return make_grid((-100, -130, -112), (100, 112, 104), float(np.clip(pet.voxel_mm[0] / 1.5, 2.0, 3.0)))


def blur(values: FloatArray, grid: Grid, fwhm_mm: float, pet: Grid) -> FloatArray:
    """Apply the point spread of the scanner and the averaging over a PET voxel (variance edge^2 / 12)."""
    voxel_mm = float(np.mean(pet.voxel_mm))
    sigma_mm = np.sqrt((fwhm_mm / 2.3548) ** 2 + voxel_mm**2 / 12)
    blurred: FloatArray = ndimage.gaussian_filter(values, sigma_mm / grid.voxel_mm[0], truncate=3.5)
    return blurred


def acquire_frames(
    components: FloatArray,
    maps: FloatArray,
    grids: tuple[Grid, Grid],
    t1w_to_pet: FloatArray,
    poses: list[FloatArray],
) -> FloatArray:
    """Make the noise-free frames of a moving head.

    Parameters
    ----------
    components, maps
        (n_frames, k) and (k, x, y, z), blurred: their product is the activity in T1w space.
    grids
        Of the maps and of the PET image.
    t1w_to_pet
        (4, 4) brings images of T1w space into the reference pose (points go from PET to T1w).
    poses
        Per frame (n_poses, 6), averaged over.

    Returns
    -------
    FloatArray
        (x, y, z, n_frames) float32 on the PET grid.
    """
    source, target = grids
    frames = np.empty((*target.shape, len(components)), np.float32, order="F")
    for i, weights in enumerate(components):
        activity = np.tensordot(weights.astype(np.float32), maps, axes=1)
        seen = [pull(activity, source, target, [t1w_to_pet, invert(pose_matrix(pose))]) for pose in poses[i]]
        frames[..., i] = np.mean(seen, axis=0) if len(seen) > 1 else seen[0]
    return frames


def add_noise(
    rng: np.random.Generator, pet: FloatArray, grid: Grid, frames: Frames, level: float
) -> FloatArray:
    """Add noise in place, correlated in space as reconstruction leaves it.

    Variance is proportional to exp(lambda t) / duration (METHODS section 7: decay-corrected counts), and in space
    to a uniform part plus the blurred local activity. `level` is the standard deviation of a one-minute frame
    at injection as part of the mean activity inside the head.
    """
    decay_per_min = np.log(2) / CARBON_11_HALF_LIFE_MIN
    spread = np.sqrt(np.exp(decay_per_min * frames.mid_min) / frames.duration_min)
    weights = frames.duration_min / frames.duration_min.sum()
    mean_activity = ndimage.gaussian_filter((pet @ weights.astype(np.float32)), 10.0 / grid.voxel_mm)
    typical = float(mean_activity[mean_activity > 0.5 * mean_activity.max()].mean())
    profile = np.sqrt(_UNIFORM_NOISE_SHARE + (1 - _UNIFORM_NOISE_SHARE) * mean_activity / typical)
    profile = (profile * typical * level).astype(np.float32)
    sigma = NOISE_FWHM_MM / 2.3548 / grid.voxel_mm
    gain = _gain_to_unit_variance(sigma)
    for i in range(frames.n_frames):
        white = rng.standard_normal(grid.shape, dtype=np.float32)
        pet[..., i] += np.float32(gain * spread[i]) * profile * ndimage.gaussian_filter(white, sigma)
    return pet


def observe(
    rng: np.random.Generator,
    activity: tuple[FloatArray, FloatArray],
    grids: tuple[Grid, Grid],
    place: tuple[FloatArray, HeadMotion],
    frames: Frames,
    noise: float,
) -> FloatArray:
    """Scan: frames of the moving head with noise, (x, y, z, n_frames)."""
    t1w_to_pet, motion = place
    pet = acquire_frames(*activity, grids, t1w_to_pet, frame_poses(motion, frames))
    return add_noise(rng, pet, grids[1], frames, NOISE_LEVEL * noise) if noise > 0 else pet


def _gain_to_unit_variance(sigma_voxels: FloatArray) -> float:
    """Inverse standard deviation of unit white noise after the Gaussian filter (separable, so per axis)."""
    gain = 1.0
    for sigma in sigma_voxels:
        impulse = np.zeros(2 * int(np.ceil(4 * sigma)) + 3)
        impulse[len(impulse) // 2] = 1.0
        gain /= float(np.sqrt((ndimage.gaussian_filter1d(impulse, sigma) ** 2).sum()))
    return gain
