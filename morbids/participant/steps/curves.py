"""Tables of curves: `frame_start`, `frame_end` (s from TimeZero), then a column per region (BEP023)."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.tables import read_table, write_table
from morbids.imaging.regions import PersonTissue, Regions, mean_curves, regions_in_pet
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import TimeAxis
from morbids.participant.steps.inputs import AtlasFiles, WayToPet

SLOW_TISSUES = ("white_low", "white_high", "fluid")
"""Columns of tables of shares, and of the curves of these tissues alone: white matter of low and of high uptake."""


class CurveTable(NamedTuple):
    """Region names and their curves (n_frames, n_regions)."""

    names: tuple[str, ...]
    curves: FloatArray


class Curves(NamedTuple):
    """A table of regional curves."""

    curves: Path


class RegionCurves(NamedTuple):
    """A table of regional curves, and one of the parts of white matter and fluid in them where those are known."""

    curves: Path
    shares: Path | None


def label_pet(
    atlas: AtlasFiles,
    way: WayToPet,
    gm: Path,
    csf: Path,
    gm_threshold: float,
    out_dir: Path,
) -> Regions:
    """Bring an atlas to the PET grid; with a threshold, its regions keep voxels of so much grey matter."""
    tissue = PersonTissue(gm, csf, (way.t1w_to_pet,)) if gm_threshold > 0 else None
    return regions_in_pet(atlas.atlas_dseg, atlas.table, way.petref, way.chain, out_dir, tissue, gm_threshold)


def extract_curves(
    pet: Path, dseg: Path, names: Path, axis: TimeAxis, out_dir: Path, shares: Path | None = None
) -> RegionCurves:
    """Average every region of a segmentation in every frame, and in an image of the parts of slow tissues."""
    found = mean_curves(pet, dseg, names)
    saved = save_curves(CurveTable(found.names, found.curves), axis, out_dir)
    if shares is None:
        return RegionCurves(saved.curves, None)
    parts = mean_curves(shares, dseg, names)
    return RegionCurves(saved.curves, save_shares(parts.names, parts.curves.T, out_dir))


def save_shares(names: Sequence[str], shares: FloatArray, out_dir: Path) -> Path:
    """Write parts of white matter and fluid (n_regions, 3), a row per region."""
    out = out_dir / "shares.tsv"
    write_table(pd.DataFrame({"name": list(names), **dict(zip(SLOW_TISSUES, shares.T, strict=True))}), out)
    return out


def read_shares(table: Path) -> FloatArray:
    """Read what `save_shares` wrote (n_regions, 3)."""
    columns = list(SLOW_TISSUES)
    return np.asarray(read_table(table, SLOW_TISSUES)[columns].to_numpy(dtype=float))


def write_curves(path: Path, table: CurveTable, axis: TimeAxis) -> None:
    """Write curves with the times of their frames, s from TimeZero."""
    frames = axis.frames
    times = {
        "frame_start": np.round(frames.start_min * 60 + axis.injection_s, 3),
        "frame_end": np.round(frames.end_min * 60 + axis.injection_s, 3),
    }
    write_table(pd.DataFrame(times | dict(zip(table.names, table.curves.T, strict=True))), path)


def read_curves(path: Path) -> CurveTable:
    """Read curves that `write_curves` wrote."""
    table = read_table(path, ("frame_start", "frame_end")).drop(columns=["frame_start", "frame_end"])
    return CurveTable(tuple(table.columns), table.to_numpy(dtype=float))


def save_curves(
    table: CurveTable,
    axis: TimeAxis,
    out_dir: Path,
) -> Curves:
    """Write curves as the result of a step."""
    write_curves(out_dir / "curves.tsv", table, axis)
    return Curves(out_dir / "curves.tsv")
