"""What an atlas calls a place."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from morbids.bids.tables import read_table
from morbids.imaging.atlases import AtlasChoice, load_atlas
from morbids.imaging.images import read_image
from morbids.numerics.arrays import FloatArray, IntArray

# A peak between labels takes the name of the nearest one up to this far away.
REACH_MM = 6.0


class AtlasNames(NamedTuple):
    """The labelled voxels of an atlas.

    Attributes
    ----------
    places_mm
        (n_voxels, 3) centres, RAS mm.
    labels
        (n_voxels,) label of each.
    names
        Name of each label.
    """

    places_mm: FloatArray
    labels: IntArray
    names: dict[int, str]

    def at(self, place_mm: FloatArray) -> str:
        """Name of the label at a place; of the nearest within reach, with its distance; else empty."""
        distance = np.linalg.norm(self.places_mm - place_mm, axis=1)
        nearest = int(np.argmin(distance))
        if distance[nearest] > REACH_MM:
            return ""
        name = self.names[int(self.labels[nearest])]
        # Half the diagonal of a 2 mm voxel: the place lies in the voxel itself.
        return name if distance[nearest] <= np.sqrt(3) else f"{name} ({distance[nearest]:.0f} mm)"


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
    return AtlasNames(places, index, dict(zip(named["index"].astype(int), named["name"], strict=True)))
