"""Tissues of real heads beside independent labels, and beside ANTs' Atropos on the same image and mask.

Brain stem and ventral diencephalon mix grey and white matter, as no label says where: they are left out.
"""

import importlib.util

import numpy as np
import pandas as pd

from benchmarks.heads_case import Head, dice
from morbids.imaging.images import read_image
from morbids.imaging.tissue import LABELS
from morbids.numerics.arrays import IntArray

MIXED = frozenset({"BrainStem", "VentralDC_R", "VentralDC_L"})
DEEP = ("Caudate", "Putamen", "Pallidum", "ThalamusProper", "AccumbensArea")
WHITE_PARTS = ("_WM", "Fornix", "InternalCapsule", "CorpCall")
FLUID_PARTS = ("CSF", "Ventricle")
FIGURES = ("tissue_dice_gm", "tissue_dice_wm", "tissue_dice_csf")
DEEP_GREY = "deep_grey_called_grey"
GREY_OUTSIDE = "grey_outside_ml"
"""Called grey where there is no brain by the labels: skull and dura."""
ATROPOS = {"i": "kmeans[3]", "m": "[0.2,1x1x1]", "c": "[5,0]"}
"""As its users run it without priors."""


def measure(head: Head) -> list[dict[str, object]]:
    """One row: Dice of the three tissues by us, and by Atropos where ANTs is installed."""
    true = true_tissues(head)
    found = np.round(read_image(head.tissue.dseg).values).astype(int)
    deep = head.where({f"{name}_{side}" for name in DEEP for side in "LR"})
    row: dict[str, object] = dict(zip(FIGURES, tissue_dice(found, true), strict=True))
    row |= {DEEP_GREY: float((found[deep] == LABELS["GM"]).mean())}
    row[GREY_OUTSIDE] = float(((found == LABELS["GM"]) & (true == 0)).sum() * head.labels.voxel_ml)
    row |= {f"{name}_atropos": np.nan for name in FIGURES}
    if importlib.util.find_spec("ants") is not None:
        theirs = tissue_dice(atropos(head), true)
        row |= {f"{name}_atropos": value for name, value in zip(FIGURES, theirs, strict=True)}
    return [row]


def summarise(table: pd.DataFrame) -> dict[str, float]:
    """Means over the heads, and the most grey matter outside a brain."""
    names = [*FIGURES, *(f"{name}_atropos" for name in FIGURES), DEEP_GREY, GREY_OUTSIDE]
    figures = {name: float(table[name].astype(float).mean()) for name in names}
    return figures | {f"{GREY_OUTSIDE}_max": float(table[GREY_OUTSIDE].astype(float).max())}


def true_tissues(head: Head) -> IntArray:
    """Grey, white and fluid as numbered in BIDS; 0 outside, -1 where labels do not say."""
    true = np.where(head.labels.values > 0, LABELS["GM"], 0)
    for tissue, parts in (("WM", WHITE_PARTS), ("CSF", FLUID_PARTS)):
        named = {name for name in head.names.values() if any(part in name for part in parts)}
        true[head.where(named)] = LABELS[tissue]
    true[head.where(MIXED)] = -1
    return true


def tissue_dice(found: IntArray, true: IntArray) -> tuple[float, ...]:
    """Dice of grey matter, white matter and fluid where the truth is known."""
    known = true >= 0
    return tuple(dice((found == value) & known, true == value) for value in LABELS.values())


def atropos(head: Head) -> IntArray:
    """Segmentation by ANTs' Atropos, numbered as in BIDS: its classes go from dark to bright."""
    import ants

    image, mask = ants.image_read(str(head.brain.corrected_t1w)), ants.image_read(str(head.brain.mask))
    classes = ants.atropos(a=image, x=mask, **ATROPOS)["segmentation"].numpy().astype(int)
    bids: IntArray = np.array([0, LABELS["CSF"], LABELS["GM"], LABELS["WM"]])[classes]
    return bids
