"""Names of places: the label there, the nearest with its distance, or none."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morbids.bids.tables import write_table
from morbids.imaging.images import write_image
from morbids.imaging.naming import AtlasNames, read_names

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])
AFFINE[:3, 3] = -20.0


@pytest.fixture
def names(tmp_path: Path) -> AtlasNames:
    """Two labels of one voxel each, 12 mm apart."""
    labels = np.zeros((20, 20, 20), dtype=np.int16)
    labels[4, 10, 10], labels[10, 10, 10] = 3, 7
    table = pd.DataFrame({"index": [3, 7], "name": ["Insula_L", "Insula_R"]})
    write_table(table, tmp_path / "dseg.tsv")
    return read_names(write_image(labels, AFFINE, tmp_path / "dseg.nii.gz"), tmp_path / "dseg.tsv")


@pytest.mark.parametrize(
    ("place_mm", "name"),
    [
        ((0.0, 0.0, 0.0), "Insula_R"),
        ((0.9, -0.9, 0.9), "Insula_R"),
        ((4.0, 0.0, 0.0), "Insula_R (4 mm)"),
        ((-8.0, 3.0, 0.0), "Insula_L (5 mm)"),
        ((0.0, 6.1, 0.0), ""),
    ],
)
def test_a_place_has_the_name_of_the_nearest_label_within_reach(
    place_mm: tuple[float, float, float], name: str, names: AtlasNames
) -> None:
    assert names.at(np.array(place_mm)) == name


def test_between_voxels_the_label_of_most_counts(tmp_path: Path) -> None:
    labels = np.full((4, 4, 4), 7, dtype=np.int16)
    labels[0, :, :] = labels[1, 1, 1] = labels[2, 1, 1] = labels[1, 2, 1] = 3
    write_table(pd.DataFrame({"index": [3, 7], "name": ["Few", "Most"]}), tmp_path / "dseg.tsv")
    names = read_names(write_image(labels, np.eye(4), tmp_path / "dseg.nii.gz"), tmp_path / "dseg.tsv")
    assert names.at(np.array([1.5, 1.5, 1.5])) == "Most"
    labels[2, 2, 1] = labels[1, 1, 2] = 3
    names = read_names(write_image(labels, np.eye(4), tmp_path / "dseg.nii.gz"), tmp_path / "dseg.tsv")
    assert names.at(np.array([1.5, 1.5, 1.5])) == "Few"
