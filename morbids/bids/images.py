"""Is an image there, is it whole, how many volumes has it: told by its header before anything is computed."""

import gzip
import os
import zlib
from pathlib import Path
from typing import Any, Literal, NamedTuple

import nibabel as nib
import numpy as np

from morbids.bids.inheritance import check_fetched
from morbids.errors import MorbidsError
from morbids.numerics.affines import voxel_edges_mm
from morbids.numerics.arrays import FloatArray

# Affines that differ by less than this, over the whole image, are the same grid written by other programs.
SAME_GRID_MM = 0.01
SMALLEST_MM, LARGEST_MM = 0.05, 50.0
"""Edges of voxels of any scanner; geometry in metres or micrometres, which NIfTI allows, lies outside."""
Content = Literal["values", "zeros", "nothing finite"]
# Bytes read at once when a first value is looked for; a multiple of every size of a voxel.
_CHUNK = 2**18


class Grid(NamedTuple):
    """Voxels of an image in space: numbers along three axes, affine (4, 4) to RAS mm, and volumes.

    `note` says where the header leaves the affine to a convention; empty where it does not.
    """

    shape: tuple[int, int, int]
    affine: FloatArray
    n_volumes: int
    note: str = ""

    def same_as(self, other: "Grid") -> bool:
        """Whether voxels lie in the same places."""
        if self.shape != other.shape:
            return False
        corners = np.array([[0, 0, 0, 1], [*self.shape, 1]]).T
        return bool(np.abs((self.affine - other.affine) @ corners).max() < SAME_GRID_MM)


def read_grid(path: Path) -> Grid:
    """Grid of a 3D or 4D image, read from its header.

    Raises
    ------
    MorbidsError
        The content was never fetched, is empty, truncated or no NIfTI, has other dimensions or no affine in mm.
    """
    check_present(path)
    try:
        image: Any = nib.load(path)
    except (
        nib.filebasedimages.ImageFileError,
        nib.spatialimages.HeaderDataError,
        OSError,
        EOFError,
        ValueError,
    ) as error:
        raise MorbidsError(
            f"{path} cannot be read as NIfTI: {error}.", "Convert or copy the image again."
        ) from error
    check_header(path, image)
    shape = image.shape
    needed = image.dataobj.offset + int(np.prod(shape)) * image.dataobj.dtype.itemsize
    if path.suffix == ".nii" and path.stat().st_size < needed:
        raise MorbidsError(
            f"{path} is truncated: it has {path.stat().st_size} bytes, its header asks for {needed}.",
            "Copy the image again.",
        )
    n_volumes = int(shape[3]) if len(shape) == 4 else 1
    affine = np.asarray(image.affine, dtype=float)
    return Grid(tuple(shape[:3]), affine, n_volumes, _doubt_axes(path, image.header))


def check_header(path: Path, image: Any) -> None:
    """Refuse an open image that has no volume of numbers at known places.

    Raises
    ------
    MorbidsError
        It has other than 3 or 4 dimensions, holds colours or complex numbers, or its affine is not finite, flat, or not
        in mm: then voxels have a size that no scanner has.
    """
    shape = image.shape
    if len(shape) not in (3, 4) or min(shape) < 1:
        raise MorbidsError(
            f"{path} has the dimensions {' x '.join(map(str, shape))}.", "It must be a 3D or 4D image."
        )
    if (kind := image.dataobj.dtype.kind) not in "iuf":
        stored = "complex numbers" if kind == "c" else "colours"
        raise MorbidsError(f"{path} holds {stored}.", "Give an image of one number (a magnitude) per voxel.")
    affine = image.affine
    if not np.isfinite(affine).all() or np.linalg.det(affine[:3, :3]) == 0:
        raise MorbidsError(
            f"{path} has no affine that puts its voxels into space.",
            "Mend sform or qform of its header, or convert it again.",
        )
    edges_mm = voxel_edges_mm(affine)
    if edges_mm.min() < SMALLEST_MM or edges_mm.max() > LARGEST_MM:
        size = " x ".join(f"{edge:.3g}" for edge in edges_mm)
        raise MorbidsError(
            f"{path} has voxels of {size} mm: its geometry is not in mm.",
            "Write sform and qform in mm (programs do not read the unit in the header), or convert it again.",
        )


def _doubt_axes(path: Path, header: Any) -> str:
    """Say which way the axes are taken to run where the header does not say."""
    if int(header["sform_code"]) or int(header["qform_code"]):
        return ""
    return (
        f"{path.name} does not say how it lies (sform_code and qform_code are 0): its axes are taken to run to the "
        "left, to the front and up. If the first runs to the right, left and right are exchanged in all results."
    )


def check_present(path: Path) -> None:
    """Refuse an image that is not here or is empty.

    Raises
    ------
    MorbidsError
        The file is an annexed one that was never fetched, does not exist, or has no bytes.
    """
    check_fetched(path)
    if not path.exists():
        raise MorbidsError(f"{path} does not exist.", "Check the dataset.")
    if path.stat().st_size == 0:
        raise MorbidsError(
            f"{path} is empty (0 bytes).", "Fetch or copy the image; a placeholder cannot be analysed."
        )


def look_for_a_value(path: Path) -> Content:
    """Tell what voxels hold; reads on only until one is finite and not 0, if the file's size is as it should be.

    Raises
    ------
    MorbidsError
        The content that was read is damaged, or shorter than the header asks for.
    """
    image: Any = nib.load(path)
    dtype, start = image.dataobj.dtype, int(image.dataobj.offset)
    size = int(np.prod(image.shape)) * dtype.itemsize
    packed = path.suffix == ".gz"
    # A file that was packed in several pieces tells the size of the last only: it is read to its end.
    whole = not packed or _unpacked_size(path) == (start + size) % 2**32
    found, known, left = False, False, size
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            file.seek(start)
            while left and not (found and whole):
                block = file.read(min(_CHUNK, left))
                if len(block) < min(_CHUNK, left):
                    raise EOFError(f"{left - len(block)} bytes are missing")
                finite = np.isfinite(values := np.frombuffer(block, dtype=dtype))
                found = found or bool((finite & (values != 0)).any())
                known = known or bool(finite.any())
                left -= len(block)
            if not left:
                file.read()  # to the checksum of a compressed file
    except (OSError, EOFError, zlib.error) as error:
        raise MorbidsError(f"{path} cannot be read: {error}.", "Make or copy the image again.") from error
    return "values" if found else "zeros" if known else "nothing finite"


def _unpacked_size(path: Path) -> int:
    """Bytes of the content of a gzip file, modulo 2**32: its last four bytes."""
    with path.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        return int.from_bytes(file.read(4), "little")
