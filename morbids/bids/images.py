"""Is an image there, is it whole, how many volumes has it: told by its header before anything is computed."""

from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np

from morbids.bids.inheritance import check_fetched
from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray

# Affines that differ by less than this, over the whole image, are the same grid written by other programs.
SAME_GRID_MM = 0.01


class Grid(NamedTuple):
    """Voxels of an image in space: numbers along three axes, affine (4, 4) to RAS mm, and volumes."""

    shape: tuple[int, int, int]
    affine: FloatArray
    n_volumes: int

    def same_as(self, other: "Grid") -> bool:
        """Whether voxels lie in the same places."""
        if self.shape != other.shape:
            return False
        corners = np.array([[0, 0, 0, 1], [*self.shape, 1]]).T
        return bool(np.abs((self.affine - other.affine) @ corners).max() < SAME_GRID_MM)


def count_volumes(path: Path) -> int:
    """Volumes of a 3D or 4D image, read from its header; errors as for `read_grid`."""
    return read_grid(path).n_volumes


def read_grid(path: Path) -> Grid:
    """Grid of a 3D or 4D image, read from its header.

    Raises
    ------
    MorbidsError
        The content was never fetched, is empty, truncated or no NIfTI, or has other dimensions.
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
    shape = image.shape
    if len(shape) not in (3, 4) or 0 in shape:
        raise MorbidsError(
            f"{path} has the dimensions {' x '.join(map(str, shape))}.", "It must be a 3D or 4D image."
        )
    needed = image.dataobj.offset + int(np.prod(shape)) * image.dataobj.dtype.itemsize
    if path.suffix == ".nii" and path.stat().st_size < needed:
        raise MorbidsError(
            f"{path} is truncated: it has {path.stat().st_size} bytes, its header asks for {needed}.",
            "Copy the image again.",
        )
    n_volumes = int(shape[3]) if len(shape) == 4 else 1
    return Grid(tuple(shape[:3]), np.asarray(image.affine, dtype=float), n_volumes)


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
