import numpy as np
import pytest
from scipy import ndimage

from morbids.errors import MorbidsError
from morbids.numerics.statistics.clusters import find_clusters, largest_clusters, make_lattice


@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_labels_equal_scipys(connectivity: int) -> None:
    rng = np.random.default_rng(connectivity)
    mask = rng.uniform(size=(9, 8, 7)) < 0.8
    image = rng.normal(size=mask.shape)
    threshold = 0.6
    found = find_clusters(image[mask], make_lattice(mask, connectivity), threshold)
    structure = ndimage.generate_binary_structure(3, {6: 1, 18: 2, 26: 3}[connectivity])
    masses = []
    for sign in (1, -1):
        labels, n_labels = ndimage.label((sign * image >= threshold) & mask, structure)
        assert n_labels == np.sum(found.sign == sign)
        for label in range(1, n_labels + 1):
            inside = labels == label
            mine = np.unique(found.labels[inside[mask]])
            assert len(mine) == 1
            assert found.extent[mine[0] - 1] == inside.sum()
            masses.append(np.sum(np.abs(image[inside]) - threshold))
            assert found.mass[mine[0] - 1] == pytest.approx(masses[-1])
    assert np.all(np.diff(found.extent) <= 0)
    largest = largest_clusters(image[mask], make_lattice(mask, connectivity), threshold, both_tails=True)
    assert largest == pytest.approx((found.extent[0], max(masses)))


def test_tails_do_not_join_and_one_tail_ignores_the_other() -> None:
    mask = np.ones((6, 1, 1), dtype=bool)
    values = np.array([3.0, 4.0, -5.0, -6.0, -4.0, np.nan])
    lattice = make_lattice(mask)
    found = find_clusters(values, lattice, 2)
    assert found.extent.tolist() == [3, 2]
    assert found.sign.tolist() == [-1, 1]
    assert found.labels.tolist() == [2, 2, 1, 1, 1, 0]
    assert largest_clusters(values, lattice, 2, both_tails=True) == (3, 9.0)
    assert largest_clusters(values, lattice, 2, both_tails=False) == (2, 3.0)
    assert largest_clusters(values, lattice, 7, both_tails=True) == (0, 0.0)


def test_peaks_keep_their_distance_and_small_clusters_go() -> None:
    values = np.array([2.5, 3.0, 2.5, 6.0, 2.5, 2.2, 2.5, 5.0, 0.0, 9.0])
    lattice = make_lattice(np.ones((10, 1, 1), dtype=bool))
    found = find_clusters(
        values, lattice, 2, min_extent=2, voxel_size_mm=(2.0, 2.0, 2.0), peak_distance_mm=8.0
    )
    assert found.extent.tolist() == [8]
    assert found.peak_voxel.tolist() == [3, 7]
    assert found.peak_value.tolist() == [6.0, 5.0]
    near = find_clusters(values, lattice, 2, min_extent=1, voxel_size_mm=(2.0, 2.0, 2.0), peak_distance_mm=4)
    assert near.peak_voxel.tolist() == [3, 7, 1, 9]
    assert near.peak_cluster.tolist() == [1, 1, 1, 2]


def test_nothing_beyond_the_threshold() -> None:
    found = find_clusters(np.zeros(8), make_lattice(np.ones((2, 2, 2), dtype=bool)), 1)
    assert found.labels.tolist() == [0] * 8
    assert all(len(column) == 0 for column in found[1:])


def test_refusals() -> None:
    lattice = make_lattice(np.ones((2, 2, 2), dtype=bool))
    with pytest.raises(MorbidsError, match="cannot have 8 neighbours"):
        make_lattice(np.ones((2, 2, 2), dtype=bool), 8)
    with pytest.raises(MorbidsError, match="no voxel"):
        make_lattice(np.zeros((2, 2, 2), dtype=bool))
    with pytest.raises(MorbidsError, match="threshold is -1"):
        find_clusters(np.zeros(8), lattice, -1)
