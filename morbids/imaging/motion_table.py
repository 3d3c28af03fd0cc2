"""Head motion as a table, a row per frame, and what a reader must be told of it."""

from pathlib import Path

import numpy as np
import pandas as pd

from morbids.imaging.images import Image
from morbids.imaging.transforms import framewise_displacement, rigid_parameters
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray

OUTLIER_MM = 3.0
ATTENUATION_MM = 5.0
"""Beyond this displacement the attenuation map no longer fits the head."""
MOST_MOVED_MM = 15.0
"""The thickness of scalp and skull: further away, the edge of the brain is corrected as if it were air, or bone."""
SAMPLE_POINTS = 500
CONFOUNDS = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")


def sample_points(image: Image, mask: BoolArray) -> FloatArray:
    """(n, 3) RAS mm of points spread over a mask."""
    where = np.argwhere(mask)
    chosen = where[:: max(1, len(where) // SAMPLE_POINTS)]
    points: FloatArray = chosen @ image.affine[:3, :3].T + image.affine[:3, 3]
    return points


def displacement_mm(matrices: FloatArray, points_mm: FloatArray) -> FloatArray:
    """(n,) mean distance in mm over which each matrix (n, 4, 4) moves the points."""
    moved = np.einsum("nij,pj->npi", matrices[:, :3, :3], points_mm) + matrices[:, None, :3, 3]
    return np.asarray(np.linalg.norm(moved - points_mm, axis=-1).mean(axis=-1))


def tabulate_motion(image: Image, head: BoolArray, matrices: FloatArray, borrowed: BoolArray) -> pd.DataFrame:
    """Table of motion, a row per frame; a matrix from-orig_to-petref carries petref's points to the frame."""
    points = sample_points(image, head if head.any() else np.ones_like(head))
    parameters = rigid_parameters(matrices, points.mean(axis=0))
    table = pd.DataFrame(parameters, columns=list(CONFOUNDS))
    table["framewise_displacement"] = framewise_displacement(parameters)
    table["mean_displacement"] = displacement_mm(matrices, points)
    table["motion_outlier"] = (table["framewise_displacement"] > OUTLIER_MM).astype(int)
    table["motion_borrowed"] = borrowed.astype(int)
    return table


def write_motion(table: pd.DataFrame, path: Path) -> Path:
    """Write the table of motion with `n/a` for what is not known."""
    table.to_csv(path, sep="\t", index=False, na_rep="n/a", float_format="%.6f")
    return path


def describe_motion(table: pd.DataFrame, runs: IntArray) -> tuple[str, ...]:
    """Sentences about motion that a reader of the report must know; each run has its own attenuation map."""
    notes = []
    outliers = np.flatnonzero(table["motion_outlier"])
    if outliers.size:
        notes.append(
            f"Frame {list_frames(outliers)}: head moved more than {OUTLIER_MM:g} mm since the frame before."
        )
    largest = _largest_mm(table, runs)
    if largest > ATTENUATION_MM:
        notes.append(
            f"The head moved up to {largest:.1f} mm: attenuation correction may not fit every frame."
        )
    return tuple(notes)


def _largest_mm(table: pd.DataFrame, runs: IntArray) -> float:
    """Largest displacement, within any run when there are several."""
    displacement = table["mean_displacement"]
    return float(displacement.groupby(runs).agg(np.ptp).max() if runs.any() else displacement.max())


def motion_concern(table: pd.DataFrame, runs: IntArray) -> str:
    """Sentence that flags motion after which no attenuation map fits; empty when there is none."""
    largest = _largest_mm(table, runs)
    if largest <= MOST_MOVED_MM:
        return ""
    return (
        f"The head moved up to {largest:.1f} mm (at most {MOST_MOVED_MM:g} mm expected): attenuation correction, "
        "made for one position, no longer fits."
    )


def list_frames(frames: IntArray) -> str:
    """Frame numbers, counted from 1, for a sentence."""
    return ", ".join(str(frame + 1) for frame in frames)
