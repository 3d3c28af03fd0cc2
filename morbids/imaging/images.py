"""Read and write NIfTI images so that a broken file ends as a sentence and every header is right."""

import zlib
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
import numpy.typing as npt
from nibabel.filebasedimages import ImageFileError

from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.arrays import FloatArray

SCANNER_CODE = 1
ALIGNED_CODE = 2


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
        lengths: FloatArray = np.linalg.norm(self.affine[:3, :3], axis=0)
        return lengths

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in mL."""
        return float(abs(np.linalg.det(self.affine[:3, :3])) / 1000)


def read_image(path: Path) -> Image:
    """Read a whole 3D or 4D image as float32; a trailing axis of length one is dropped.

    Raises
    ------
    MorbidsError
        The file is absent (or an annexed file that was never fetched), empty, truncated, or not an image.
    """
    if not path.exists():
        hint = "Fetch it with `datalad get`." if path.is_symlink() else "Check the path."
        raise MorbidsError(f"{path} does not exist.", hint, ExitCode.NO_INPUT)
    try:
        image: Any = nib.load(path)
        values = np.asarray(image.dataobj, dtype=np.float32)
    except (ImageFileError, OSError, EOFError, zlib.error, ValueError) as error:
        raise MorbidsError(
            f"{path} cannot be read as an image ({error}).",
            "The file is empty, truncated or not NIfTI: copy or convert it again.",
        ) from error
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim not in (3, 4):
        raise MorbidsError(f"{path} has {values.ndim} dimensions.", "Give a 3D or 4D image.")
    return Image(values, np.asarray(image.affine, dtype=np.float64), image.header)


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
    nib.save(image, out)
    return out


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
