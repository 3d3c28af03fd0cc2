"""Resample an image through a whole chain of transforms with one interpolation."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from morbids.errors import MorbidsError
from morbids.imaging.images import Image, read_image, space_code, write_image
from morbids.imaging.transforms import read_itk
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.numerics.cubic_spline import resample_cubic
from morbids.numerics.linear_interpolation import interpolate_known

Interpolation = Literal["linear", "nearest", "cubic"]

_INTERPOLATORS = {"linear": sitk.sitkLinear, "nearest": sitk.sitkNearestNeighbor, "cubic": sitk.sitkBSpline}
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_LEAST_KNOWN = 0.5 - 1e-4
"""A voxel is known when at least half of its interpolation weight falls on known voxels; the tolerance lets one that
lies exactly between known and unknown be known on every platform."""


def resample(
    image: Path,
    grid: Path,
    transforms: Sequence[Path],
    interpolation: Interpolation,
    out: Path,
    threads: int = 1,
) -> Path:
    """Bring an image to the grid of another through a chain of transforms, interpolating once.

    Parameters
    ----------
    image
        3D or 4D. NaN means unknown: it stays NaN and never blurs into its neighbours (normalised
        interpolation: interpolated values over the interpolated share of known voxels).
    grid
        The image whose first three axes and affine the result takes.
    transforms
        In the order in which the image passes them (from-petref_to-T1w, then from-T1w_to-MNI...): ITK text
        (.txt) or whatever ITK reads (.h5 composite, .mat, .tfm). A text file with as many transforms as a
        4D image has frames holds one per frame.
    interpolation
        `linear`, `nearest` for labels, or `cubic` (B-spline of order 3).

    Returns
    -------
    Path
        `out`: float32 (labels stay integer with `nearest`), qform and sform set. Outside the field of view:
        NaN when the image holds NaN, else 0.

    Raises
    ------
    MorbidsError
        A file cannot be read, or its number of transforms fits neither one nor the number of frames.
    """
    source, target = read_image(image), read_image(grid)
    frames = np.atleast_3d(source.values)
    n_frames = frames.shape[3] if frames.ndim == 4 else 1
    chain = [_read_step(path) for path in transforms]
    _check_counts(transforms, chain, n_frames)
    shape = target.values.shape[:3]
    moved = np.empty((*shape, n_frames), dtype=np.float32)
    for index in range(n_frames):
        volume = frames[..., index] if frames.ndim == 4 else frames
        pull = index_transform(_frame_chain(chain, index), target.affine, source.affine)
        moved[..., index] = resample_volume(volume, shape, pull, interpolation, threads)
    values = moved if frames.ndim == 4 else moved[..., 0]
    if interpolation == "nearest" and np.issubdtype(source.header.get_data_dtype(), np.integer):
        values = values.astype(np.int32)
    return write_image(values, target.affine, out, like=source.header, code=space_code(target.header))


def resample_maps(maps: Sequence[Path], grid: Path, transforms: Sequence[Path], out_dir: Path) -> list[Path]:
    """Bring 3D maps of one grid to another, linearly, as `resample` does: the way of each point is found once for all.

    Returns
    -------
    list[Path]
        Files in `out_dir`, named as they were.
    """
    sources, target = [read_image(path) for path in maps], read_image(grid)
    chain = [_read_step(path) for path in transforms]
    _check_counts(transforms, chain, 1)
    pull = index_transform(_frame_chain(chain, 0), target.affine, sources[0].affine)
    volumes = np.stack([source.values for source in sources], axis=-1)
    moved = interpolate_known(volumes, _places(pull, target.values.shape[:3]), _LEAST_KNOWN)
    code = space_code(target.header)
    return [
        write_image(moved[..., number], target.affine, out_dir / path.name, source.header, code)
        for number, (path, source) in enumerate(zip(maps, sources, strict=True))
    ]


def _places(pull: sitk.Transform, shape: tuple[int, ...]) -> FloatArray:
    """Voxel indices (*shape, 3) of the source for each voxel of the target grid."""
    moves = sitk.TransformToDisplacementField(pull, sitk.sitkVectorFloat64, [int(n) for n in shape])
    # ITK's first axis is numpy's last.
    moved: FloatArray = np.transpose(sitk.GetArrayFromImage(moves), (2, 1, 0, 3))
    return moved + np.moveaxis(np.indices(shape), 0, -1)


def read_chain(transforms: Sequence[Path], frame: int = 0) -> list[FloatArray | sitk.Transform]:
    """Read the chain that one frame passes: (4, 4) matrices of text files, ITK transforms of composites."""
    return _frame_chain([_read_step(path) for path in transforms], frame)


def resample_frames(
    image: Image, matrices: FloatArray, interpolation: Interpolation, threads: int = 1
) -> FloatArray:
    """Move each frame by its own matrix (n_frames, 4, 4) on the image's grid; 0 outside the field of view."""
    moved: FloatArray = np.empty_like(image.values)

    def move(index: int) -> None:
        volume, matrix = image.values[..., index], matrices[index]
        if np.allclose(matrix, np.eye(4), atol=1e-9):
            moved[..., index] = volume
        elif interpolation == "cubic" and np.isfinite(volume).all():
            # ITK's spline is the same to seven digits, in three and a half times the processor time.
            to_source = np.linalg.inv(image.affine) @ matrix @ image.affine
            moved[..., index] = resample_cubic(volume, to_source, volume.shape)
        else:
            pull = index_transform([matrix], image.affine, image.affine)
            moved[..., index] = resample_volume(volume, volume.shape, pull, interpolation)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(move, range(len(matrices))))
    return moved


def refine_grid(
    image: Image, coarsest_voxel_mm: float, interpolation: Interpolation, threads: int = 1
) -> Image:
    """Interpolate an image to voxels no longer than `coarsest_voxel_mm`; finer axes stay as they are.

    Mutual information on coarse voxels has few samples and snaps to the grid.
    """
    split = np.maximum(image.voxel_mm / coarsest_voxel_mm, 1)
    if (split == 1).all():
        return image
    # A fine voxel's centre lies half a fine voxel from the corner of the coarse one.
    affine = image.affine @ np.vstack(
        [np.column_stack([np.diag(1 / split), (1 / split - 1) / 2]), [0, 0, 0, 1]]
    )
    shape = tuple(np.ceil(np.array(image.values.shape[:3]) * split).astype(int).tolist())
    pull = index_transform([], affine, image.affine)
    if image.values.ndim == 3:
        return Image(resample_volume(image.values, shape, pull, interpolation, threads), affine, image.header)
    values = np.empty((*shape, image.values.shape[3]), dtype=np.float32)
    for frame in range(values.shape[3]):
        values[..., frame] = resample_volume(image.values[..., frame], shape, pull, interpolation, threads)
    return Image(values, affine, image.header)


def average_blocks(image: Image, step: IntArray) -> Image:
    """Average (3,) voxels along each axis of a 3D image into one; what is left over at the far ends is dropped."""
    shape = tuple(length // by for length, by in zip(image.values.shape, step.tolist(), strict=True))
    whole = image.values[tuple(slice(length * by) for length, by in zip(shape, step.tolist(), strict=True))]
    blocks = whole.reshape(shape[0], step[0], shape[1], step[1], shape[2], step[2]).mean(axis=(1, 3, 5))
    affine = image.affine @ np.diag([*step, 1.0])
    affine[:3, 3] = image.affine[:3, :3] @ ((step - 1) / 2) + image.affine[:3, 3]
    return Image(blocks, affine, image.header)


def index_transform(
    chain: Sequence[FloatArray | sitk.Transform], target_affine: FloatArray, source_affine: FloatArray
) -> sitk.Transform:
    """Return the transform from voxel indices of the target grid to fractional voxel indices of the source.

    Working in indices lets any affine serve (flipped, oblique, sheared), which ITK's image geometry does
    not allow; a chain of matrices collapses into one.
    """
    to_index = np.linalg.inv(source_affine) @ _RAS_TO_LPS
    from_index = _RAS_TO_LPS @ target_affine
    steps: list[FloatArray | sitk.Transform] = [to_index]
    for step in chain:
        _append_step(steps, _RAS_TO_LPS @ step @ _RAS_TO_LPS if isinstance(step, np.ndarray) else step)
    _append_step(steps, from_index)
    parts = [_affine_transform(step) if isinstance(step, np.ndarray) else step for step in steps]
    return parts[0] if len(parts) == 1 else sitk.CompositeTransform(parts)


def _append_step(steps: list[FloatArray | sitk.Transform], step: FloatArray | sitk.Transform) -> None:
    """Add a step to a chain, merging neighbouring matrices."""
    if isinstance(step, np.ndarray) and isinstance(steps[-1], np.ndarray):
        steps[-1] = steps[-1] @ step
    else:
        steps.append(step)


def _affine_transform(matrix: FloatArray) -> sitk.AffineTransform:
    """ITK transform of a (4, 4) matrix, as it stands."""
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    transform.SetTranslation(matrix[:3, 3].tolist())
    return transform


def _read_step(path: Path) -> FloatArray | sitk.Transform:
    """(n, 4, 4) matrices of a text file, or the ITK transform of a composite."""
    return read_itk(path) if path.suffix == ".txt" else read_transform(path)


def read_transform(path: Path) -> sitk.Transform:
    """Read any ITK transform.

    Raises
    ------
    MorbidsError
        ITK cannot read it.
    """
    try:
        transform: sitk.Transform = sitk.ReadTransform(str(path))
    except RuntimeError as error:
        raise MorbidsError(
            f"{path} cannot be read as an ITK transform.", "Give .txt, .mat, .tfm or .h5."
        ) from error
    return transform


def _check_counts(paths: Sequence[Path], chain: Sequence[FloatArray | sitk.Transform], n_frames: int) -> None:
    """Refuse a list of transforms that is neither for all frames nor one per frame."""
    for path, step in zip(paths, chain, strict=True):
        if isinstance(step, np.ndarray) and len(step) not in (1, n_frames):
            raise MorbidsError(
                f"{path} holds {len(step)} transforms for an image of {n_frames} frames.",
                "Give one transform, or one for each frame.",
            )


def _frame_chain(
    chain: Sequence[FloatArray | sitk.Transform], frame: int
) -> list[FloatArray | sitk.Transform]:
    """Return the chain that one frame passes."""
    return [step[min(frame, len(step) - 1)] if isinstance(step, np.ndarray) else step for step in chain]


def resample_volume(
    volume: FloatArray,
    shape: tuple[int, ...],
    pull: sitk.Transform,
    interpolation: Interpolation,
    threads: int = 1,
) -> FloatArray:
    """Interpolate one volume at the points that `pull` gives for each voxel of the target grid."""
    known = np.isfinite(volume)
    if known.all():
        return _interpolate(volume, shape, pull, interpolation, 0.0, threads)
    if not known.any():
        return np.full(shape, np.nan, dtype=np.float32)
    values: FloatArray
    share = _interpolate(known.astype(np.float32), shape, pull, _share_of(interpolation), 0.0, threads)
    if interpolation == "linear":
        total = _interpolate(np.where(known, volume, 0.0), shape, pull, interpolation, 0.0, threads)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = total / share
    else:
        values = _interpolate(_fill_from_nearest(volume, known), shape, pull, interpolation, 0.0, threads)
    result: FloatArray = np.where(share >= _LEAST_KNOWN, values, np.nan).astype(np.float32)
    return result


def _share_of(interpolation: Interpolation) -> Interpolation:
    """Interpolation of the mask of known voxels; a cubic one would ring."""
    return "nearest" if interpolation == "nearest" else "linear"


def _fill_from_nearest(volume: FloatArray, known: BoolArray) -> FloatArray:
    """Give unknown voxels the value of the nearest known one, so that splines stay smooth across the edge."""
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    return np.asarray(volume[tuple(nearest)])


def _interpolate(
    volume: FloatArray,
    shape: tuple[int, ...],
    pull: sitk.Transform,
    interpolation: Interpolation,
    outside: float,
    threads: int,
) -> FloatArray:
    """Run ITK's resampling in index space; arrays are (x, y, z)."""
    # ITK's first axis is numpy's last: the transposed view makes index (x, y, z) of both the same.
    moving = sitk.GetImageFromArray(np.ascontiguousarray(volume.T, dtype=np.float32))
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize([int(length) for length in shape])
    resampler.SetTransform(pull)
    resampler.SetInterpolator(_INTERPOLATORS[interpolation])
    resampler.SetDefaultPixelValue(outside)
    resampler.SetNumberOfThreads(threads)
    moved: FloatArray = sitk.GetArrayFromImage(resampler.Execute(moving)).T
    return moved
