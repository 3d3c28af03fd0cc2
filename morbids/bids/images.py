"""Is an image there, is it whole, how many volumes has it: told by its header before anything is computed."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from morbids.bids.inheritance import unfetched
from morbids.errors import MorbidsError


def count_volumes(path: Path) -> int:
    """Volumes of a 3D or 4D image, read from its header.

    Raises
    ------
    MorbidsError
        The content was never fetched, is empty, truncated or no NIfTI, or has other dimensions.
    """
    check_present(path)
    try:
        image: Any = nib.load(path)
    except (nib.filebasedimages.ImageFileError, OSError, EOFError, ValueError) as error:
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
    return int(shape[3]) if len(shape) == 4 else 1


def check_present(path: Path) -> None:
    """Refuse an image that is not here or is empty.

    Raises
    ------
    MorbidsError
        The file is a broken link, does not exist, or has no bytes.
    """
    if not path.exists():
        if path.is_symlink():
            raise unfetched(path)
        raise MorbidsError(f"{path} does not exist.", "Check the dataset.")
    if path.stat().st_size == 0:
        raise MorbidsError(
            f"{path} is empty (0 bytes).", "Fetch or copy the image; a placeholder cannot be analysed."
        )
