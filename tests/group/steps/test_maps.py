"""Maps of many scans as one matrix."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.group.comparison import Terms
from morbids.group.steps.maps import Stack, StackRule, read_map, stack_maps, write_map
from morbids.imaging.images import read_image
from tests.group.group_maps import AFFINE, SHAPE, draw_maps, make_brain, save


def write_maps(folder: Path, n: int = 3, seed: int = 0) -> list[Path]:
    brain = make_brain(folder)
    return [save(m, folder / f"{seed}_{i}.nii.gz") for i, m in enumerate(draw_maps(brain, n, 1.0, seed))]


def stack(
    folder: Path,
    added: list[Path],
    removed: list[Path],
    binding: list[Path],
    n_rows: int = 3,
    coverage: float = 1.0,
) -> Stack:
    mask = make_brain(folder).mask
    return stack_maps(
        Terms(tuple(added), tuple(removed)), binding, n_rows, mask, StackRule(0.0, 0.2, coverage), folder
    )


def test_rows_keep_their_values_in_the_order_of_the_mask(tmp_path: Path) -> None:
    paths = write_maps(tmp_path)
    stacked = stack(tmp_path, paths, [], [])
    inside = read_image(stacked.mask).values > 0.5
    for path, row in zip(paths, np.load(stacked.maps), strict=True):
        np.testing.assert_allclose(row, read_image(path).values[inside], rtol=1e-6)
    assert "--mask-threshold was not applied" in stacked.mask_rule


def test_terms_of_a_row_are_added_and_removed(tmp_path: Path) -> None:
    """A difference of differences: (a - b) - (c - d) for each of two rows."""
    a, b, c, d = (write_maps(tmp_path, 2, seed) for seed in range(4))
    stacked = stack(tmp_path, a + d, b + c, [], n_rows=2)
    inside = read_image(stacked.mask).values > 0.5
    for row, values in enumerate(np.load(stacked.maps)):
        w, x, y, z = (read_image(paths[row]).values[inside] for paths in (a, b, c, d))
        np.testing.assert_allclose(values, (w - x) - (y - z), rtol=1e-5, atol=1e-5)


def test_voxels_that_bind_little_are_not_tested(tmp_path: Path) -> None:
    paths = write_maps(tmp_path)
    baseline = np.full(SHAPE, 1.0)
    baseline[:6] = 0.1
    binding = [save(baseline, tmp_path / "baseline.nii.gz"), tmp_path / "absent.nii.gz"]
    stacked = stack(tmp_path, paths, [], binding)
    inside = read_image(stacked.mask).values > 0.5
    assert inside[6:].any()
    assert not inside[:6].any()
    assert "mean of 1 maps at least 0.2" in stacked.mask_rule


def test_a_map_that_knows_a_voxel_not_takes_it_from_all(tmp_path: Path) -> None:
    paths = write_maps(tmp_path)
    values = read_image(paths[1]).values.copy()
    values[5, 5, 5] = np.nan
    save(values, paths[1])
    assert read_image(stack(tmp_path, paths, [], []).mask).values[5, 5, 5] == 0


def test_voxels_that_one_map_alone_takes_out_are_counted(tmp_path: Path) -> None:
    """The second map lacks its lower half, the third one voxel of it too and one above."""
    brain = make_brain(tmp_path)
    paths = write_maps(tmp_path)
    half, other = (read_image(path).values.copy() for path in paths[1:])
    half[:, :, :5] = np.nan
    other[5, 5, 4] = other[5, 5, 5] = np.nan
    save(half, paths[1])
    save(other, paths[2])
    stacked = stack(tmp_path, paths, [], [])
    n_lower = int(brain.inside[:, :, :5].sum())
    assert stacked.n_missing == (0, n_lower, 2)
    assert stacked.n_lost == (0, n_lower - 1, 1)
    assert stacked.n_voxels == brain.inside.sum() - n_lower - 1


def test_voxels_that_most_maps_know_are_kept_on_request(tmp_path: Path) -> None:
    paths = write_maps(tmp_path)
    values = read_image(paths[1]).values.copy()
    values[5, 5, 5] = np.nan
    save(values, paths[1])
    stacked = stack(tmp_path, paths, [], [], coverage=0.66)
    place = np.flatnonzero(np.argwhere(read_image(stacked.mask).values > 0.5) @ [100, 10, 1] == 555)
    assert np.isnan(np.load(stacked.maps)[:, place[0]]).tolist() == [False, True, False]
    assert "known in 2 of 3 rows at least" in stacked.mask_rule
    assert stacked.n_lost == (0, 0, 0)


def test_binding_is_the_mean_of_the_maps_that_know_a_voxel(tmp_path: Path) -> None:
    """One of three baseline maps is unknown in a voxel: the mean of the others is far above the threshold."""
    paths = write_maps(tmp_path)
    known, cut = np.full(SHAPE, 0.25), np.full(SHAPE, 0.25)
    cut[5, 5, 5] = np.nan
    binding = [save(values, tmp_path / f"b{n}.nii.gz") for n, values in enumerate((known, known, cut))]
    assert read_image(stack(tmp_path, paths, [], binding).mask).values[5, 5, 5] == 1


def test_zeros_of_other_software_are_unknown_unless_a_map_has_nan(tmp_path: Path) -> None:
    values = np.ones(SHAPE)
    values[0] = 0
    assert np.isnan(read_map(save(values, tmp_path / "zeros.nii.gz"))[0]).all()
    values[1] = np.nan
    assert (read_map(save(values, tmp_path / "nan.nii.gz"))[0] == 0).all()


def test_nothing_to_test_is_a_sentence(tmp_path: Path) -> None:
    paths = write_maps(tmp_path)
    with pytest.raises(MorbidsError, match=r"No voxel remains for 0_0\.nii\.gz") as error:
        stack(tmp_path, paths, [], [save(np.zeros(SHAPE) + 0.1, tmp_path / "low.nii.gz")])
    assert "--mask-threshold" in error.value.hint


def test_the_brain_is_found_on_another_grid(tmp_path: Path) -> None:
    """The mask has voxels of 6 mm, the maps of 3 mm."""
    brain = make_brain(tmp_path)
    fine = AFFINE @ np.diag([0.5, 0.5, 0.5, 1])
    path = tmp_path / "fine.nii.gz"
    nib.save(nib.Nifti1Image(np.ones([2 * size for size in SHAPE], dtype=np.float32), fine), path)
    stacked = stack_maps(Terms((path,) * 3), [], 3, brain.mask, StackRule(0.0, 0.2, 1.0), tmp_path)
    volume_mm3 = stacked.n_voxels * 27
    assert volume_mm3 == pytest.approx(brain.inside.sum() * 216, rel=0.2)  # the border runs between voxels


def test_labels_stay_whole_numbers(tmp_path: Path) -> None:
    brain = make_brain(tmp_path)
    labels = np.arange(int(brain.inside.sum()), dtype=np.int32)
    image = read_image(write_map(labels, read_image(brain.mask), tmp_path / "labels.nii.gz"))
    np.testing.assert_array_equal(image.values[brain.inside], labels)
    assert (image.values[~brain.inside] == 0).all()
