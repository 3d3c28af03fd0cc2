"""Deep regions of the embedded atlases on real heads, as the program cuts them, beside independent labels.

Protocols differ: the ceiling is how well labels of one protocol agree between heads, two by two, when all are brought
to the template by the same registration.
"""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.heads_case import Head, dice
from morbids.imaging.atlases import choose_atlas, load_atlas
from morbids.imaging.images import read_image
from morbids.imaging.regions import PersonTissue, regions_in_pet
from morbids.imaging.resampling import resample
from morbids.numerics.arrays import BoolArray, FloatArray

DEEP = ("Hippocampus", "Amygdala", "Caudate", "Putamen", "Pallidum", "Thalamus")
SIDES = ("L", "R")
# How the labels and the atlases write region and side.
LABEL_NAMES = {"Thalamus": "ThalamusProper"}
ATLASES = {
    "AAL": ("{region}_{side}", {"L": "L", "R": "R"}, {}),
    "DesikanKilliany": ("{side}-{region}", {"L": "Left", "R": "Right"}, {"Thalamus": "Thalamus-Proper"}),
}
WHOLE = {("AAL", "Caudate"): ("Caudate", "AccumbensArea")}
"""What an atlas draws as one region where the labels have several: AAL has no accumbens; its caudate lies on it."""
AXES = ("right", "front", "up")
TEMPLATE_VOXEL_MM = 2.0
PREFIXES = {"AAL": "", "DesikanKilliany": "dk_"}
IN_TEMPLATE = Path(__file__).parents[1] / "build" / "benchmarks" / "heads"


def measure(head: Head) -> Sequence[dict[str, object]]:
    """Rows of every atlas and deep region, on the voxels of the T1w image; the labels in the template on disk."""
    template = head.template.mask
    way = (head.normalization.t1w_to_template,)
    labels = head.t1w.with_name(f"{head.name}_labels.nii.gz")
    kept = read_image(resample(labels, template, way, "nearest", head.work / "labels.nii.gz")).values
    IN_TEMPLATE.mkdir(parents=True, exist_ok=True)
    numbers = {f"{region}_{side}": _label(head, region, side) for region in DEEP for side in SIDES}
    np.savez_compressed(IN_TEMPLATE / f"{head.name}.npz", **{k: kept == v for k, v in numbers.items()})
    return [row for atlas in ATLASES for row in _measure_atlas(head, atlas)]


def _label(head: Head, region: str, side: str) -> int:
    """Number of a region among the labels."""
    name = f"{LABEL_NAMES.get(region, region)}_{side}"
    return next(number for number, known in head.names.items() if known == name)


def _measure_atlas(head: Head, name: str) -> list[dict[str, object]]:
    """Cut an atlas by the program's rules, and compare it with the labels."""
    form, sides, names = ATLASES[name]
    atlas = load_atlas(choose_atlas(name), head.work / "atlases")
    way, tissue = (head.normalization.template_to_t1w,), PersonTissue(head.tissue.gm, head.tissue.csf)
    t1w = head.brain.corrected_t1w
    found = regions_in_pet(atlas.dseg, atlas.table, t1w, way, head.work / name, tissue)
    ours = read_image(found.dseg).values
    index = pd.read_csv(found.table, sep="\t").set_index("name")["index"]
    rows: list[dict[str, object]] = []
    for region in DEEP:
        for side in SIDES:
            called = form.format(region=names.get(region, region), side=sides[side])
            true = head.label_numbers == _label(head, region, side)
            parts = [_label(head, part, side) for part in WHOLE.get((name, region), (region,))]
            measured, alike = (
                _compare(ours == index[called], labels, head.labels.affine)
                for labels in (true, np.isin(head.label_numbers, parts))
            )
            whole = {f"{key}_whole": alike[key] for key in ("deep_dice", "shift_mm")}
            rows.append({"atlas": name, "region": region, "side": side, **measured, **whole})
    return rows


def _compare(ours: BoolArray, true: BoolArray, affine: FloatArray) -> dict[str, object]:
    """Overlap, distance of the centres, and volume by volume."""
    apart = affine[:3, :3] @ (np.argwhere(ours).mean(axis=0) - np.argwhere(true).mean(axis=0))
    return {
        "deep_dice": dice(ours, true),
        "shift_mm": float(np.linalg.norm(apart)),
        "volume_ratio": float(ours.sum() / true.sum()),
        **{f"shift_{axis}_mm": float(mm) for axis, mm in zip(AXES, apart, strict=True)},
    }


def summarise(table: pd.DataFrame) -> dict[str, float]:
    """Means over heads, sides and regions; the amygdala's worse side; the ceiling."""
    figures = _ceiling(sorted(set(table["head"])))
    for name, prefix in PREFIXES.items():
        rows = table[table["atlas"] == name]
        amygdala = rows[rows["region"] == "Amygdala"].groupby("side")["deep_dice"].mean()
        figures[f"{prefix}deep_dice_mean"] = float(rows["deep_dice"].mean())
        figures[f"{prefix}amygdala_dice_min"] = float(amygdala.min())
        figures[f"{prefix}atlas_shift_mm"] = float(rows["shift_mm"].mean())
        figures[f"{prefix}deep_dice_mean_whole"] = float(rows["deep_dice_whole"].mean())
        figures[f"{prefix}atlas_shift_mm_whole"] = float(rows["shift_mm_whole"].mean())
    return figures


def _ceiling(heads: Sequence[str]) -> dict[str, float]:
    """Mean Dice and distance of centres of the labels of two heads in the template, over pairs and regions."""
    kept = [dict(np.load(IN_TEMPLATE / f"{head}.npz")) for head in heads]
    pairs = [(one[name], other[name]) for one, other in combinations(kept, 2) for name in one]
    centres = [[np.argwhere(mask).mean(axis=0) for mask in pair] for pair in pairs]
    apart = [TEMPLATE_VOXEL_MM * float(np.linalg.norm(one - other)) for one, other in centres]
    return {
        "deep_dice_ceiling": float(np.mean([dice(*pair) for pair in pairs])),
        "atlas_shift_ceiling_mm": float(np.mean(apart)),
    }
