"""Read and write NIfTI images so that a broken file ends as a sentence and every header is right."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
import numpy.typing as npt
from nibabel.filebasedimages import ImageFileError
from nibabel.openers import Opener
from nibabel.spatialimages import HeaderDataError
from scipy import ndimage

from morbids.bids.images import check_header
from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.affines import voxel_edges_mm, voxel_volume_ml
from morbids.numerics.arrays import BoolArray, FloatArray

SCANNER_CODE = 1
ALIGNED_CODE = 2
MOST_SHRUNK, SAMPLED_SLICES = 0.9, 8
"""Floating-point noise shrinks by a twentieth, in a second for 20 MB: then gzip files hold it as it is."""
_PIECE_BYTES = 1 << 20


class Image(NamedTuple):
    """Voxels with their geometry.

    Attributes
    ----------
    values
        (x, y, z) or (x, y, z, frames), float32.
    affine
        (4, 4) from voxel index to RAS mm.
    header
        The NIfTI header the image came with.
    """

    values: FloatArray
    affine: FloatArray
    header: Any

    @property
    def voxel_mm(self) -> FloatArray:
        """(3,) edge lengths of a voxel in mm."""
        return voxel_edges_mm(self.affine)

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in mL."""
        return voxel_volume_ml(self.affine)


class FrameFilter(NamedTuple):
    """What is done to frames before voxels are taken from them.

    Attributes
    ----------
    apply
        Takes a frame (x, y, z) and the edges of a voxel (3,) in mm, and gives a frame of the same size.
    reach_mm
        How far it looks around a voxel.
    """

    apply: Callable[[FloatArray, FloatArray], FloatArray]
    reach_mm: float


class MaskedFrames(NamedTuple):
    """Voxels of a mask, and where they belong.

    Attributes
    ----------
    curves
        (n_frames, n_voxels) float32, voxels in the order of `inside`.
    inside
        (x, y, z) True for those voxels.
    affine, header
        As in `Image`.
    """

    curves: FloatArray
    inside: BoolArray
    affine: FloatArray
    header: Any


def read_image(path: Path) -> Image:
    """Read a whole 3D or 4D image as float32; a trailing axis of length one is dropped.

    Raises
    ------
    MorbidsError
        The file is absent (or an annexed file that was never fetched), empty, truncated, or not an image.
    """
    with _compressed(path) as stream:
        image = _open_image(path, stream)
        shape = image.shape[:-1] if image.ndim == 4 and image.shape[3] == 1 else image.shape
        values = np.empty(shape, dtype=np.float32, order="F")
        for volume, frame in zip(_volumes(values), _frames_of(path, image, stream), strict=True):
            volume[...] = frame
    return Image(values, np.asarray(image.affine, dtype=np.float64), image.header)


def read_frames(path: Path) -> Iterator[FloatArray]:
    """Read the volumes of a 3D or 4D image one after the other, as float32: there is room for one in memory.

    Raises
    ------
    MorbidsError
        As `read_image`; a truncated file at the frame that is not there, one with wrong bytes after its last frame.
    """
    with _compressed(path) as stream:
        yield from _frames_of(path, _open_image(path, stream), stream)


def _frames_of(path: Path, image: Any, stream: gzip.GzipFile | None) -> Iterator[FloatArray]:
    """Volumes of an open image, and a look at the checksum of a compressed one behind them."""
    for index in range(image.shape[3] if image.ndim == 4 else 1):
        with _telling(path):
            stored = image.dataobj[..., index] if image.ndim == 4 else image.dataobj
            frame = np.asarray(stored, dtype=np.float32)
        yield frame
    with _telling(path):
        # The checksum of a compressed file is looked at by who reads to its end, which voxels alone are not.
        while stream is not None and stream.read(_PIECE_BYTES):
            pass


def read_head(path: Path) -> Image:
    """Read a T1w image: one volume, each voxel finite or unknown (NaN).

    Raises
    ------
    MorbidsError
        As `read_image`, or it has several volumes or holds infinite values.
    """
    head = read_image(path)
    if head.values.ndim != 3:
        raise MorbidsError(f"{path} has {head.values.shape[3]} volumes.", "Give a T1w image of one volume.")
    n_infinite = int(np.isinf(head.values).sum())
    if n_infinite:
        raise MorbidsError(
            f"{path} holds infinite values ({n_infinite} voxels).",
            "Convert the T1w image again, or remove it.",
        )
    return head


def read_masked_frames(path: Path, mask: Path, prepare: FrameFilter | None = None) -> MaskedFrames:
    """Read the curves of the voxels inside a mask without ever holding the whole image.

    Parameters
    ----------
    mask
        3D image on the grid of the frames; above 0.5 is inside.
    prepare
        What is done to each frame, cut down to the mask and what the filter sees around it.

    Raises
    ------
    MorbidsError
        As `read_image`, or the mask is on another grid.
    """
    image, region = _open_image(path), read_image(mask)
    inside = region.values > 0.5
    if inside.shape != image.shape[:3] or not np.allclose(region.affine, image.affine, atol=1e-3):
        raise MorbidsError(f"The mask {mask} is not on the grid of {path}.", "Resample the mask first.")
    curves = np.empty((image.shape[3] if image.ndim == 4 else 1, np.count_nonzero(inside)), dtype=np.float32)
    box = box_around(inside, 0.0 if prepare is None else prepare.reach_mm, region.voxel_mm)
    for curve, frame in zip(curves, read_frames(path), strict=True):
        near = frame[box]
        curve[...] = (near if prepare is None else prepare.apply(near, region.voxel_mm))[inside[box]]
    return MaskedFrames(curves, inside, region.affine, image.header)


@contextmanager
def _compressed(path: Path) -> Iterator[gzip.GzipFile | None]:
    """Stream of a compressed image, which goes on reading where it stopped; None for others."""
    if path.suffix != ".gz" or not path.exists():
        yield None
        return
    with gzip.open(path) as stream:
        yield stream


def _open_image(path: Path, stream: gzip.GzipFile | None = None) -> Any:
    """Open an image whose voxels are still on disk, and are taken from the stream of a compressed one."""
    if not path.exists():
        hint = "Fetch it with `datalad get`." if path.is_symlink() else "Check the path."
        raise MorbidsError(f"{path} does not exist.", hint, ExitCode.NO_INPUT)
    with _telling(path):
        image: Any = nib.load(path)
        if stream is not None:
            image = type(image).from_stream(stream)
    check_header(path, image)
    return image


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Say which file it is that cannot be read."""
    try:
        yield
    except (ImageFileError, HeaderDataError, OSError, EOFError, zlib.error, ValueError) as error:
        raise MorbidsError(
            f"{path} cannot be read as an image ({error}).",
            "The file is empty, truncated or not NIfTI: copy or convert it again.",
        ) from error


def _volumes(values: FloatArray) -> FloatArray:
    """View with the frames of a 4D image as its first axis, or a 3D image as the only one."""
    return np.moveaxis(values, 3, 0) if values.ndim == 4 else values[None]


def write_image(
    values: npt.NDArray[Any], affine: FloatArray, out: Path, like: Any = None, code: int = ALIGNED_CODE
) -> Path:
    """Write an image with qform and sform both set; 4D images keep the frame length and units of `like`.

    Parameters
    ----------
    values
        (x, y, z) or (x, y, z, frames); kept as integers when integer or boolean, else float32.
    like
        A NIfTI header whose fourth zoom and time unit carry over; spatial unit is always mm.
    code
        NIfTI code of the space: 1 scanner, 2 aligned to another image, 4 MNI152.
    """
    dtype = _storage_type(values)
    image = nib.Nifti1Image(values.astype(dtype, copy=False), affine)
    image.set_sform(affine, code)
    image.set_qform(affine, code)
    time_unit = "sec"
    if like is not None and values.ndim == 4 and len(like.get_zooms()) > 3:
        image.header.set_zooms((*image.header.get_zooms()[:3], like.get_zooms()[3]))
        time_unit = like.get_xyzt_units()[1]
    image.header.set_xyzt_units("mm", time_unit if values.ndim == 4 else None)
    out.parent.mkdir(parents=True, exist_ok=True)
    stored = np.asanyarray(image.dataobj)
    level = {"compresslevel": int(_shrinks(stored))} if out.suffix == ".gz" else {}
    stream: Any
    with Opener(str(out), "wb", **level) as stream:
        image.to_stream(stream)
    return out


def _shrinks(values: npt.NDArray[Any]) -> bool:
    """Whether it is worth the time to compress voxels, by some slices of one volume."""
    volume = values[..., values.shape[3] // 2] if values.ndim == 4 else values
    some = volume[..., :: max(1, volume.shape[-1] // SAMPLED_SLICES)].tobytes()
    return len(zlib.compress(some, 1)) < MOST_SHRUNK * len(some) if some else True


def crop_to_mask(image: Image, mask: BoolArray, margin_mm: float = 0.0) -> tuple[Image, BoolArray]:
    """Cut an image and a mask of its voxels down to where the mask is: registrations take time by the voxel."""
    box = box_around(mask, margin_mm, image.voxel_mm)
    affine = image.affine.copy()
    affine[:3, 3] += image.affine[:3, :3] @ [part.start for part in box]
    return Image(image.values[box], affine, image.header), mask[box]


def box_around(mask: BoolArray, margin_mm: float, voxel_mm: FloatArray) -> tuple[slice, ...]:
    """Voxels from the first to the last of a mask along each axis, and so many mm beyond; none if it is empty."""
    if not mask.any():
        return (slice(0, 0),) * mask.ndim
    (where,) = ndimage.find_objects(mask.astype(np.uint8))
    margin = np.ceil(margin_mm / voxel_mm).astype(int).tolist()
    return tuple(
        slice(max(part.start - more, 0), min(part.stop + more, length))
        for part, more, length in zip(where, margin, mask.shape, strict=True)
    )


def space_code(header: Any) -> int:
    """NIfTI code of the space that a header declares; aligned when it declares none."""
    return int(header["sform_code"]) or int(header["qform_code"]) or ALIGNED_CODE


def _storage_type(values: npt.NDArray[Any]) -> type[np.generic]:
    """Smallest of uint8, int16, int32 that holds integer labels, else float32."""
    if values.dtype == bool:
        return np.uint8
    if not np.issubdtype(values.dtype, np.integer):
        return np.float32
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    if low >= 0 and high <= 255:
        return np.uint8
    return np.int16 if low >= -32768 and high <= 32767 else np.int32
