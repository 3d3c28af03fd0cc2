"""Tables of curves: `frame_start`, `frame_end` (s from TimeZero), then a column per region (BEP023)."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.tables import read_table, write_table
from morbids.imaging.images import read_image
from morbids.imaging.reference import ReferenceRegion, ReferenceRule, make_reference_region
from morbids.imaging.regions import Regions, mean_curves, regions_in_pet
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames


class CurveTable(NamedTuple):
    """Region names and their curves (n_frames, n_regions)."""

    names: tuple[str, ...]
    curves: FloatArray


class Curves(NamedTuple):
    """A table of regional curves."""

    curves: Path


def label_pet(
    atlas_dseg: Path,
    table: Path,
    space: str,
    petref: Path,
    template_to_t1w: Path,
    t1w_to_pet: Path,
    gm: Path,
    out_dir: Path,
) -> Regions:
    """Bring an atlas to the PET grid, through the template's way unless it is already in T1w space."""
    way = (t1w_to_pet,) if space == "T1w" else (template_to_t1w, t1w_to_pet)
    return regions_in_pet(atlas_dseg, table, petref, way, out_dir, gm, (t1w_to_pet,))


def cut_reference(
    atlas_dseg: Path,
    table: Path,
    space: str,
    petref: Path,
    template_to_t1w: Path,
    t1w_to_pet: Path,
    gm: Path,
    rule: ReferenceRule,
    out_dir: Path,
) -> ReferenceRegion:
    """Cut the reference region out of its atlas, all of which is brought to PET space."""
    way = (t1w_to_pet,) if space == "T1w" else (template_to_t1w, t1w_to_pet)
    regions = regions_in_pet(atlas_dseg, table, petref, way, out_dir)
    return make_reference_region(rule, regions.dseg, regions.table, petref, out_dir, gm, (t1w_to_pet,))


def extract_reference(
    pet: Path,
    mask: Path,
    name: str,
    frame_start_min: Sequence[float],
    frame_duration_min: Sequence[float],
    injection_s: float,
    out_dir: Path,
) -> Curves:
    """Average the reference region in every frame."""
    inside = read_image(mask).values > 0.5
    curve = read_image(pet).values[inside].mean(axis=0, dtype=float)
    return _write(
        CurveTable((name,), curve[:, None]), frame_start_min, frame_duration_min, injection_s, out_dir
    )


def extract_curves(
    pet: Path,
    dseg: Path,
    names: Path,
    frame_start_min: Sequence[float],
    frame_duration_min: Sequence[float],
    injection_s: float,
    out_dir: Path,
) -> Curves:
    """Average every region of a segmentation in every frame."""
    found = mean_curves(pet, dseg, names)
    table = CurveTable(found.names, found.curves)
    return _write(table, frame_start_min, frame_duration_min, injection_s, out_dir)


def write_curves(path: Path, table: CurveTable, frames: Frames, injection_s: float) -> None:
    """Write curves with the times of their frames, s from TimeZero."""
    times = {
        "frame_start": np.round(frames.start_min * 60 + injection_s, 3),
        "frame_end": np.round(frames.end_min * 60 + injection_s, 3),
    }
    write_table(pd.DataFrame(times | dict(zip(table.names, table.curves.T, strict=True))), path)


def read_curves(path: Path) -> CurveTable:
    """Read curves that `write_curves` wrote."""
    table = read_table(path, ("frame_start", "frame_end")).drop(columns=["frame_start", "frame_end"])
    return CurveTable(tuple(table.columns), table.to_numpy(dtype=float))


def _write(
    table: CurveTable,
    frame_start_min: Sequence[float],
    frame_duration_min: Sequence[float],
    injection_s: float,
    out_dir: Path,
) -> Curves:
    frames = Frames(np.array(frame_start_min), np.array(frame_duration_min))
    write_curves(out_dir / "curves.tsv", table, frames, injection_s)
    return Curves(out_dir / "curves.tsv")
