"""Maps of a small brain with a known effect, on disk and as nodes get them."""

from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np
import pandas as pd

from morbids.numerics.arrays import BoolArray, FloatArray

SHAPE = (12, 12, 10)
AFFINE = np.array([[6.0, 0, 0, -33], [0, 6, 0, -45], [0, 0, 6, -27], [0, 0, 0, 1]])
ACTIVE_MM = (9.0, 9.0, 3.0)


class Brain(NamedTuple):
    """What is inside, and where the effect is."""

    inside: BoolArray
    active: BoolArray
    mask: Path


def make_brain(folder: Path) -> Brain:
    """A box with a margin, and a ball of activation in it."""
    inside = np.zeros(SHAPE, dtype=bool)
    inside[1:-1, 1:-1, 1:-1] = True
    places = np.moveaxis(np.indices(SHAPE), 0, -1) @ AFFINE[:3, :3].T + AFFINE[:3, 3]
    active = np.linalg.norm(places - np.array(ACTIVE_MM), axis=-1) < 10
    return Brain(inside, active, save(inside.astype(float), folder / "brain.nii.gz"))


def save(values: FloatArray, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(values.astype(np.float32), AFFINE), path)
    return path


def draw_maps(brain: Brain, n: int, effect: float, seed: int = 0) -> list[FloatArray]:
    """Noise of SD 1 with an effect in the ball, NaN outside the brain."""
    rng = np.random.default_rng(seed)
    maps = [rng.standard_normal(SHAPE) + effect * brain.active for _ in range(n)]
    return [np.where(brain.inside, values, np.nan) for values in maps]


def write_atlas(folder: Path, brain: Brain) -> tuple[Path, Path]:
    """An atlas that calls the ball `Ball_L`."""
    dseg = save(brain.active.astype(float), folder / "atlas.nii.gz")
    table = folder / "atlas.tsv"
    pd.DataFrame({"index": [1], "name": ["Ball_L"]}).to_csv(table, sep="\t", index=False)
    return dseg, table
