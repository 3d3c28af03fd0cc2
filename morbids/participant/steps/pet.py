"""Images of one scan: decay, brain mask, maps in other spaces."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from morbids.errors import MorbidsError
from morbids.imaging.images import SCANNER_CODE, read_image, write_image
from morbids.imaging.resampling import resample, resample_maps


class JoinedRuns(NamedTuple):
    """The frames of several runs in one series."""

    pet: Path


class DecayCorrected(NamedTuple):
    """The scan corrected for decay to injection."""

    pet: Path


class BrainMask(NamedTuple):
    """The brain in PET space."""

    mask: Path


class T1wGrid(NamedTuple):
    """An empty image whose grid maps in T1w space have."""

    grid: Path


class MapsInSpace(NamedTuple):
    """The same maps in another space, by the same names."""

    maps: dict[str, Path]


def join_frames(runs: Sequence[Path], out_dir: Path) -> JoinedRuns:
    """Put the frames of runs one after the other, on the grid of the first."""
    images = [read_image(path) for path in runs]
    first = images[0]
    frames = []
    for path, image in zip(runs, images, strict=True):
        values = image.values
        if values.shape[:3] != first.values.shape[:3] or not np.allclose(image.affine, first.affine):
            # Headers place both in the scanner; where the person lies differently, motion correction follows.
            values = read_image(resample(path, runs[0], (), "cubic", out_dir / f"moved_{path.name}")).values
        frames.append(values if values.ndim == 4 else values[..., None])
    joined = np.concatenate(frames, axis=3)
    return JoinedRuns(write_image(joined, first.affine, out_dir / "pet.nii.gz", like=first.header))


def correct_decay(pet: Path, decay_factors: Sequence[float], out_dir: Path) -> DecayCorrected:
    """Multiply every frame with its factor, (n_frames,).

    Raises
    ------
    MorbidsError
        The image has another number of frames.
    """
    image = read_image(pet)
    n_frames = image.values.shape[3] if image.values.ndim == 4 else 1
    if n_frames != len(decay_factors):
        raise MorbidsError(
            f"{pet} has {n_frames} frames, its sidecar {len(decay_factors)}.", "Correct FrameDuration."
        )
    factors = np.asarray(decay_factors, dtype=np.float32)
    values = image.values * (factors if image.values.ndim == 4 else factors[0])
    return DecayCorrected(write_image(values, image.affine, out_dir / "pet.nii.gz", like=image.header))


def mask_pet(t1w_mask: Path, t1w_to_pet: Path, petref: Path, out_dir: Path) -> BrainMask:
    """Bring the brain mask to the PET grid: voxels that are at least half brain."""
    moved = resample(_as_shares(t1w_mask, out_dir), petref, (t1w_to_pet,), "linear", out_dir / "moved.nii.gz")
    image = read_image(moved)
    inside = image.values >= 0.5
    if not inside.any():
        raise MorbidsError(
            f"The brain mask {t1w_mask.name} lies outside the PET image {petref.name}.",
            "Look at the registration of PET to T1w on the participant's page.",
        )
    return BrainMask(write_image(inside, image.affine, out_dir / "mask.nii.gz", like=image.header))


def bring_maps(
    maps: Mapping[str, Path],
    pet_to_t1w: Path,
    grid: Path,
    out_dir: Path,
    t1w_to_template: Path | None = None,
) -> MapsInSpace:
    """Resample maps from PET to T1w space, or on to a template: one interpolation through all transforms."""
    chain = (pet_to_t1w,) if t1w_to_template is None else (pet_to_t1w, t1w_to_template)
    moved = resample_maps(tuple(maps.values()), grid, chain, out_dir)
    return MapsInSpace(dict(zip(maps, moved, strict=True)))


def make_t1w_grid(t1w_mask: Path, voxel_mm: float, out_dir: Path) -> T1wGrid:
    """Lay cubes of `voxel_mm` along the axes of the T1w image over its whole field of view."""
    brain = read_image(t1w_mask)
    step = voxel_mm / brain.voxel_mm
    shape = np.ceil(np.array(brain.values.shape) / step).astype(int)
    affine = brain.affine @ np.diag([*step, 1.0])
    # Both grids begin at the same corner: centres of larger voxels lie further inside.
    affine[:3, 3] = brain.affine[:3, :3] @ ((step - 1) / 2) + brain.affine[:3, 3]
    return T1wGrid(write_image(np.zeros(shape, np.uint8), affine, out_dir / "grid.nii.gz", code=SCANNER_CODE))


def _as_shares(mask: Path, out_dir: Path) -> Path:
    """Write a mask as float, so that interpolation gives shares of a voxel."""
    image = read_image(mask)
    shares = (image.values > 0.5).astype(np.float32)
    return write_image(shares, image.affine, out_dir / "shares.nii.gz", like=image.header)
