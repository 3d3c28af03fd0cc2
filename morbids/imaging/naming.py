"""What an atlas calls a place."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.spatial import KDTree

from morbids.bids.tables import read_table
from morbids.imaging.atlases import AtlasChoice, load_atlas
from morbids.imaging.images import read_image
from morbids.numerics.arrays import FloatArray, IntArray

# A peak between labels takes the name of the nearest one up to this far away.
REACH_MM = 6.0
# A place where voxels meet is as near to eight of them.
CORNERS, SAME_MM = 8, 1e-3


class AtlasNames(NamedTuple):
    """The labelled voxels of an atlas.

    Attributes
    ----------
    places
        Tree of (n_voxels, 3) centres, RAS mm: a group map has hundreds of peaks.
    labels
        (n_voxels,) label of each.
    names
        Name of each label.
    """

    places: KDTree
    labels: IntArray
    names: dict[int, str]

    def at(self, place_mm: FloatArray) -> str:
        """Name of the label at a place; of the nearest within reach, with its distance; else empty.

        Where several voxels are equally near, as between those of another grid, the label that most of them have.
        """
        distances, voxels = map(np.asarray, self.places.query(place_mm, k=CORNERS))
        distance = float(distances[0])
        if distance > REACH_MM:
            return ""
        nearest = voxels[distances <= distance + SAME_MM]
        name = self.names[int(np.bincount(self.labels[nearest]).argmax())]
        # Half the diagonal of a 2 mm voxel: the place lies in the voxel itself.
        return name if distance <= np.sqrt(3) else f"{name} ({distance:.0f} mm)"


class NamingAtlases(NamedTuple):
    """Label images and tables of several atlases, in one order."""

    labels: tuple[Path, ...]
    label_names: tuple[Path, ...]


def load_naming(atlases: tuple[AtlasChoice, ...], cache_dir: Path) -> NamingAtlases:
    """Load the atlases that name places; errors as for `load_atlas`."""
    loaded = [load_atlas(atlas, cache_dir) for atlas in atlases]
    return NamingAtlases(tuple(atlas.dseg for atlas in loaded), tuple(atlas.table for atlas in loaded))


def read_names(dseg: Path, table: Path) -> AtlasNames:
    """Read an atlas for naming places."""
    image = read_image(dseg)
    named = read_table(table, ("index", "name"))
    voxels = np.argwhere(image.values > 0)
    index = image.values[tuple(voxels.T)].astype(int)
    places = voxels @ image.affine[:3, :3].T + image.affine[:3, 3]
    return AtlasNames(
        KDTree(places), index, dict(zip(named["index"].astype(int), named["name"], strict=True))
    )
