"""The average head stands in for a person's: its labels and ways to the template are known."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.images import write_image
from morbids.imaging.transforms import rigid_matrix
from morbids.numerics.arrays import IntArray
from morbids.simulation.anatomy import BRAIN_STEM_LABEL
from morbids.simulation.grids import Grid, make_grid, pull
from morbids.simulation.real_heads import (
    FoundWays,
    Measured,
    RealHead,
    image_as,
    labelled_shares,
    prepare_head,
    read_labels,
    tissue_of,
)
from morbids.simulation.settings import HeadFiles
from morbids.simulation.subject import Imaged, Phantom
from morbids.simulation.template import HIGH_MM, LOW_MM

VOXEL_MM = 4.0
TO_TEMPLATE = rigid_matrix(np.array([6.0, -9.0, 12.0, *np.deg2rad([14.0, -5.0, 8.0])]))
"""From points of the head to points of the template: where the head lies in the scanner that made its T1w image."""
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def itk(matrix: np.ndarray) -> sitk.Transform:
    transform = sitk.AffineTransform(3)
    lps = LPS @ matrix @ LPS
    transform.SetMatrix(lps[:3, :3].ravel().tolist())
    transform.SetTranslation(lps[:3, 3].tolist())
    return transform


@pytest.fixture(scope="module")
def measured(phantom: Phantom) -> Measured:
    """What a program that errs nowhere makes of the average head, nodded and shifted."""
    grid = make_grid((-110, -150, -150), (110, 130, 130), VOXEL_MM)
    head, way = phantom.head, [TO_TEMPLATE]
    ways = FoundWays(itk(TO_TEMPLATE), itk(np.linalg.inv(TO_TEMPLATE)), make_grid(LOW_MM, HIGH_MM, 8.0))
    t1w, grey, white, csf = (
        pull(values, head.grid, grid, way)
        for values in (head.t1w, head.grey, head.white + head.stem, head.csf)
    )
    brain = pull(head.brain.astype(np.float32), head.grid, grid, way) > 0.5
    tissue = np.where(brain, 1 + np.stack([grey, white, csf]).argmax(axis=0), 0).astype(np.uint8)
    return Measured(t1w, grid, 1000 * t1w, tissue, grey * brain, white * brain, csf * brain, ways)


@pytest.fixture(scope="module")
def labels(phantom: Phantom, measured: Measured) -> IntArray:
    template = phantom.template
    found = pull(template.neuromorphometrics, template.grid, measured.grid, [TO_TEMPLATE], nearest=True)
    return found.astype(np.int16)


@pytest.fixture(scope="module")
def source() -> Grid:
    return make_grid((-100, -130, -112), (100, 112, 104), VOXEL_MM)


@pytest.fixture(scope="module")
def labelled(measured: Measured, labels: IntArray, phantom: Phantom, source: Grid) -> RealHead:
    return prepare_head(measured, labels, phantom.template, source)


def test_a_head_is_laid_where_heads_lie_in_the_scanner(labelled: RealHead) -> None:
    np.testing.assert_allclose(labelled.place, np.linalg.inv(TO_TEMPLATE), atol=1e-6)


def test_binding_is_that_of_the_persons_own_labels(
    labelled: RealHead, phantom: Phantom, source: Grid
) -> None:
    """On the grid of the usual place the head is the average one, for which binding maps are known."""
    expected = pull(phantom.binding.bp_nd, phantom.head.grid, source)
    deep = ndimage.binary_erosion(expected > 0.5, iterations=1)
    error = labelled.tissue.bp_nd[deep] - expected[deep]
    assert np.abs(error).mean() < 0.12
    assert np.corrcoef(labelled.tissue.bp_nd[deep], expected[deep])[0, 1] > 0.95


def test_shares_add_up_and_the_scalp_is_soft(labelled: RealHead) -> None:
    tissue = labelled.tissue
    total = tissue.binding + tissue.white + tissue.csf
    assert total.max() < 1 + 1e-5
    centre = tuple(n // 2 for n in total.shape)
    assert total[centre] == pytest.approx(1, abs=0.02)
    assert 0.3 < (tissue.soft > 0.5).sum() / (total > 0.5).sum() < 3


def test_segmentation_serves_where_there_are_no_labels(
    measured: Measured, phantom: Phantom, source: Grid
) -> None:
    head = prepare_head(measured, None, phantom.template, source)
    template = phantom.template
    stem = pull(template.neuromorphometrics, template.grid, source, nearest=True) == BRAIN_STEM_LABEL
    grey, white = (pull(share, measured.grid, head.grid) for share in (measured.grey, measured.white))
    np.testing.assert_allclose(head.tissue.binding, np.where(stem, grey + white, grey), atol=1e-3)
    np.testing.assert_allclose(head.tissue.white, np.where(stem, 0, white), atol=1e-3)
    assert stem.sum() * source.voxel_ml > 10
    np.testing.assert_array_equal(head.imaged.tissue, measured.tissue)


def test_regions_of_truth_lie_in_the_template(labelled: RealHead, phantom: Phantom) -> None:
    regions = labelled.regions
    thalamus = np.isin(regions.labels, [n for n, name in regions.names.items() if "Thalamus" in name])
    assert regions.average_bp_nd[thalamus].mean() > 1.2
    assert regions.binding[thalamus].mean() > 0.6


def test_labels_say_tissue() -> None:
    labels = np.array([0, 4, 35, 44, 59, 61, 100])
    shares = labelled_shares(labels)
    np.testing.assert_array_equal(tissue_of(shares), [0, 3, 2, 2, 1, 1, 1])
    np.testing.assert_allclose(sum(shares), [0, 1, 1, 1, 1, 1, 1])
    assert shares.grey[5] == shares.white[5] == 0.5


def test_labels_of_another_protocol_are_refused(tmp_path: Path, measured: Measured, labels: IntArray) -> None:
    path = write_image(
        (labels + 1000 * (labels > 0)).astype(np.int16), measured.grid.affine, tmp_path / "labels.nii.gz"
    )
    with pytest.raises(MorbidsError, match="few labels of Neuromorphometrics") as caught:
        read_labels(path, measured.grid)
    assert caught.value.exit_code == ExitCode.USAGE


def test_labels_are_read_onto_the_t1w_image(tmp_path: Path, measured: Measured, labels: IntArray) -> None:
    flipped = measured.grid.affine @ np.diag([-1.0, 1, 1, 1])
    flipped[:3, 3] = measured.grid.affine[:3, 3] + [VOXEL_MM * (labels.shape[0] - 1), 0, 0]
    path = write_image(labels[::-1], flipped, tmp_path / "labels.nii.gz")
    np.testing.assert_array_equal(read_labels(path, measured.grid) > 0, labels > 0)


def test_other_voxels_on_request(measured: Measured) -> None:
    imaged = Imaged(measured.t1w, measured.grid, measured.tissue > 0, measured.tissue)
    assert image_as(imaged, None) is imaged
    fine = image_as(imaged, 2.0)
    np.testing.assert_allclose(fine.grid.voxel_mm, 2.0)
    ml, fine_ml = (one.brain.sum() * one.grid.voxel_ml for one in (imaged, fine))
    assert fine_ml == pytest.approx(ml, rel=0.01)
    back = fine.t1w.reshape(*(n for length in measured.t1w.shape for n in (length, 2))).mean(axis=(1, 3, 5))
    assert np.corrcoef(back.ravel(), measured.t1w.ravel())[0, 1] > 0.98


def test_heads_go_round(tmp_path: Path) -> None:
    paths = tuple(tmp_path / f"{name}.nii.gz" for name in "abc")
    for path in paths:
        path.touch()
    files = HeadFiles(paths)
    assert [files.number_of(index, 2) for index in range(2)] == [0, 1]
    assert [files.number_of(index, 6) for index in range(6)] == [0, 0, 1, 1, 2, 2]


def test_heads_and_labels_go_together(tmp_path: Path) -> None:
    path = tmp_path / "T1w.nii.gz"
    with pytest.raises(MorbidsError, match="There is no image"):
        HeadFiles((path,))
    path.touch()
    with pytest.raises(MorbidsError, match="--labels names 1 images, --heads 2"):
        HeadFiles((path, path), (path,))
