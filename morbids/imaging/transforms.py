"""Linear transforms: ITK text files, inversion, composition, motion parameters.

A matrix here is (4, 4) in RAS mm and maps *points of the target space to points of the source space*. So does
ITK, and so does BIDS `from-A_to-B`: images go from A to B, hence points go from B to A.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray

FD_RADIUS_MM = 50.0
"""Radius of the sphere on which Power 2012 turns rotations into mm."""

_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_HEADER = "#Insight Transform File V1.0"
_MATRIX_TYPES = ("AffineTransform", "MatrixOffsetTransformBase")
_ANGLE_TYPES: dict[str, Callable[[], sitk.Transform]] = {
    "Euler3DTransform": sitk.Euler3DTransform,
    "VersorRigid3DTransform": sitk.VersorRigid3DTransform,
    "Similarity3DTransform": sitk.Similarity3DTransform,
    "TranslationTransform": lambda: sitk.TranslationTransform(3),
}


def write_itk(matrices: FloatArray, path: Path) -> Path:
    """Write one matrix (4, 4), or one per frame (n_frames, 4, 4), as an ITK text file (`_xfm.txt`)."""
    blocks = [_HEADER]
    for index, matrix in enumerate(np.reshape(matrices, (-1, 4, 4))):
        lps = _RAS_TO_LPS @ matrix @ _RAS_TO_LPS
        numbers = " ".join(repr(float(value)) for value in [*lps[:3, :3].ravel(), *lps[:3, 3]])
        blocks += [
            f"#Transform {index}",
            "Transform: AffineTransform_double_3_3",
            f"Parameters: {numbers}",
            "FixedParameters: 0 0 0",
        ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(blocks) + "\n")
    return path


def read_itk(path: Path) -> FloatArray:
    """Read the linear transforms of an ITK text file.

    Returns
    -------
    FloatArray
        (n_transforms, 4, 4), RAS mm, points from target to source.

    Raises
    ------
    MorbidsError
        The file is no ITK text file, or holds a transform that is not linear.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise MorbidsError(f"{path} cannot be read as an ITK text transform ({error}).") from error
    if not text.startswith(_HEADER):
        raise MorbidsError(f"{path} is not an ITK text transform: its first line is not '{_HEADER}'.")
    matrices = [_parse_block(block, path) for block in text.split("#Transform ")[1:]]
    if not matrices:
        raise MorbidsError(f"{path} holds no transform.")
    return np.stack(matrices)


def _parse_block(block: str, path: Path) -> FloatArray:
    """Matrix (RAS) of one `#Transform` block."""
    fields = dict(line.split(":", 1) for line in block.splitlines() if ":" in line)
    kind = fields.get("Transform", "").strip().split("_")[0]
    parameters = np.array(fields.get("Parameters", "").split(), dtype=float)
    fixed = np.array(fields.get("FixedParameters", "").split(), dtype=float)
    lps = np.eye(4)
    if kind in _MATRIX_TYPES and parameters.size == 12:
        rotation = parameters[:9].reshape(3, 3)
        centre = fixed[:3] if fixed.size >= 3 else np.zeros(3)
        lps[:3, :3] = rotation
        lps[:3, 3] = parameters[9:] + centre - rotation @ centre
    elif kind in _ANGLE_TYPES:
        transform = _ANGLE_TYPES[kind]()
        if fixed.size:
            transform.SetFixedParameters(fixed.tolist())
        transform.SetParameters(parameters.tolist())
        origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
        lps[:3, 3] = origin
        lps[:3, :3] = np.stack([np.array(transform.TransformPoint(unit)) - origin for unit in np.eye(3)], 1)
    else:
        raise MorbidsError(
            f"{path} holds a transform of type '{kind}', which is not linear.",
            "Give a rigid or affine ITK text file.",
        )
    return _RAS_TO_LPS @ lps @ _RAS_TO_LPS


def invert(matrix: FloatArray) -> FloatArray:
    """Inverse of one matrix (4, 4) or of each of (n, 4, 4)."""
    inverse: FloatArray = np.linalg.inv(matrix)
    return inverse


def rigid_matrix(parameters: FloatArray, centre_mm: FloatArray | None = None) -> FloatArray:
    """Matrix of three translations (mm) and three rotations (rad, about x, then y, then z) around a centre.

    The inverse of `rigid_parameters`.
    """
    centre = np.zeros(3) if centre_mm is None else np.asarray(centre_mm, dtype=float)
    shift, angles = np.asarray(parameters[:3], dtype=float), parameters[3:6]
    (sx, sy, sz), (cx, cy, cz) = np.sin(angles), np.cos(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = about_z @ about_y @ about_x
    matrix[:3, 3] = shift + centre - matrix[:3, :3] @ centre
    return matrix


def rigid_parameters(matrices: FloatArray, centre_mm: FloatArray | None = None) -> FloatArray:
    """Translations (mm) and rotations (rad) of rigid matrices.

    Parameters
    ----------
    matrices
        (n, 4, 4) or (4, 4), RAS.
    centre_mm
        (3,) point around which rotations turn, so that translations are its own; default the origin.

    Returns
    -------
    FloatArray
        (n, 6) trans_x, trans_y, trans_z, rot_x, rot_y, rot_z with the rotation z after y after x.
    """
    stack = np.reshape(matrices, (-1, 4, 4))
    centre = np.zeros(3) if centre_mm is None else np.asarray(centre_mm, dtype=float)
    rotation = stack[:, :3, :3]
    shift = stack[:, :3, 3] + rotation @ centre - centre
    rot_x = np.arctan2(rotation[:, 2, 1], rotation[:, 2, 2])
    rot_y = np.arcsin(np.clip(-rotation[:, 2, 0], -1, 1))
    rot_z = np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])
    return np.column_stack([shift, rot_x, rot_y, rot_z])


def framewise_displacement(parameters: FloatArray, radius_mm: float = FD_RADIUS_MM) -> FloatArray:
    """Sum of absolute frame-to-frame changes, rotations as arc length [Power 2012, NeuroImage 59:2142].

    Parameters
    ----------
    parameters
        (n_frames, 6) mm and rad.

    Returns
    -------
    FloatArray
        (n_frames,) mm; NaN for the first frame.
    """
    change = np.abs(np.diff(parameters, axis=0))
    displacement = change[:, :3].sum(axis=1) + radius_mm * change[:, 3:].sum(axis=1)
    return np.concatenate([[np.nan], displacement])


def read_greedy(path: Path) -> FloatArray:
    """Matrix that greedy wrote: RAS mm, points of the fixed image to points of the moving one."""
    matrix: FloatArray = np.loadtxt(path)
    return matrix


def write_greedy(matrix: FloatArray, path: Path) -> Path:
    """Write a matrix as greedy reads it (`-ia`, `-r`)."""
    np.savetxt(path, matrix, fmt="%.12f")
    return path
