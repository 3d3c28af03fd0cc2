"""What the interactive brain of the group page loads: anatomy, the maps of a contrast, everyone's maps."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from morbids.bids.tables import read_table
from morbids.group.steps.maps import ConditionMaps, read_map
from morbids.imaging.images import read_image, write_image
from morbids.reports.volumes import Grid, Layer, grid_of, pack_layers, pack_people


class Pack(NamedTuple):
    """A script that a page loads."""

    pack: Path


def pack_anatomy(brain: Path, mask: Path, dseg: Path, table: Path, out_dir: Path) -> Pack:
    """The template and the atlas whose labels are told at the crosshair."""
    layers = [Layer("anatomy", brain, "anatomy"), Layer("atlas", dseg, "labels")]
    rows = read_table(table, ("index", "name")).to_dict("records")
    names = {int(row["index"]): str(row["name"]).replace("_", " ") for row in rows}
    return Pack(pack_layers(layers, _box(mask), out_dir / "anatomy.js", names))


def pack_contrast(
    maps: Mapping[str, Path],
    mask: Path,
    claimed: Path,
    corrected: str,
    forming: float,
    names: Mapping[str, str],
    binding: Sequence[Path],
    out_dir: Path,
) -> Pack:
    """The statistic, the effect, corrected p, and mean binding where maps of it are there.

    Parameters
    ----------
    maps, corrected
        By `stat-`, and which of them holds the p that is corrected for the voxels of this contrast.
    mask, claimed
        Voxels that were tested, and those that the page claims.
    forming
        Height that forms clusters, where the statistic's threshold stands at first.
    names
        What each map is called in the menu, the statistic first.
    binding
        Baseline maps; those that are not there are passed over.
    """
    heights = {next(iter(names)): forming}
    layers = [
        Layer(shown, maps[name], "p" if name == corrected else "signed", heights.get(name, 0.0))
        for name, shown in names.items()
    ]
    there = [path for path in binding if path.exists()]
    if there:
        layers.append(Layer("mean BP_ND at baseline", _mean(there, out_dir / "mean.nii.gz"), "positive"))
    layers.append(Layer("claimed", claimed, "labels"))
    return Pack(pack_layers(layers, _box(mask), out_dir / "contrast.js"))


def pack_everyone(people: ConditionMaps, quantity: str, mask: Path, out_dir: Path) -> Pack:
    """Everyone's maps, condition after condition."""
    return Pack(pack_people(*people, quantity, _box(mask), out_dir / "people.js"))


def _box(mask: Path) -> Grid:
    image = read_image(mask)
    return grid_of(image, image.values > 0.5)


def _mean(paths: Sequence[Path], out: Path) -> Path:
    """Mean of the maps that know a voxel; NaN where none does."""
    first = read_image(paths[0])
    total, known = np.zeros(first.values.shape), np.zeros(first.values.shape)
    for path in paths:
        values = read_map(path)
        total += np.nan_to_num(values)
        known += np.isfinite(values)
    mean = np.where(known > 0, total / np.maximum(known, 1), np.nan)
    return write_image(mean.astype(np.float32), first.affine, out)
