"""Is an image there, is it whole, how many volumes has it: told by its header before anything is computed."""

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from morbids.bids.inheritance import unfetched
from morbids.errors import MorbidsError
from morbids.numerics.frames import Frames


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


def check_frames(path: Path, frames: Frames) -> None:
    """Read a PET image and refuse frames without measurement.

    Frames that end before injection may be all zero: nothing was there to be measured.

    Raises
    ------
    MorbidsError
        A frame has values that are not finite, or is zero everywhere, or the image cannot be read to its end.
    """
    image: Any = nib.load(path)
    try:
        volumes = np.asanyarray(image.dataobj)
    except (OSError, EOFError, ValueError) as error:
        raise MorbidsError(f"{path} cannot be read to its end: {error}.", "Copy the image again.") from error
    volumes = volumes.reshape(*volumes.shape[:3], -1)
    for frame in range(frames.n_frames):
        volume = volumes[..., frame]
        where = f"frame {frame + 1} ({frames.start_min[frame]:.1f} to {frames.end_min[frame]:.1f} min)"
        if not np.isfinite(volume).all():
            raise MorbidsError(
                f"{path}: {where} has values that are not finite.", "Reconstruct or convert the scan again."
            )
        if frames.end_min[frame] > 0 and not volume.any():
            raise MorbidsError(
                f"{path}: {where} is zero everywhere.",
                "Reconstruct the scan again, or remove the frame from image and sidecar.",
            )
