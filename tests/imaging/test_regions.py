"""Regions: volumes and means are right on any grid, small regions live, missing parts are told."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morbids.errors import MorbidsError
from morbids.imaging.images import read_image, write_image
from morbids.imaging.regions import PersonTissue, _near_labels, mean_curves, regions_in_pet
from morbids.imaging.transforms import rigid_matrix, write_itk

pytestmark = pytest.mark.graph

ATLAS_AFFINE = np.array([[2.0, 0, 0, -40.0], [0, 2.0, 0, -40.0], [0, 0, 2.0, -40.0], [0, 0, 0, 1]])
MOVE = rigid_matrix(np.array([3.0, -2.0, 4.0, 0.1, -0.05, 0.2]))


@pytest.fixture
def atlas(tmp_path: Path) -> tuple[Path, Path]:
    """Two blocks of 16 mL side by side, and a nucleus of 0.2 mL."""
    labels = np.zeros((41, 41, 41), dtype=np.int32)
    labels[6:16, 10:30, 10:20] = 2001
    labels[16:26, 10:30, 10:20] = 2002
    labels[20:23, 20:23, 30:33] = 7
    table = pd.DataFrame(
        {
            "index": [7, 2001, 2002, 9],
            "name": ["nucleus", "left", "right", "absent"],
            "tissue": ["any", "gm", "gm", "gm"],
        }
    )
    table.to_csv(tmp_path / "atlas.tsv", sep="\t", index=False)
    return write_image(labels, ATLAS_AFFINE, tmp_path / "atlas.nii.gz"), tmp_path / "atlas.tsv"


def write_pet(voxel_mm: float, folder: Path, length: int | None = None) -> Path:
    """Write an empty PET volume of about 110 mm edge; the axial length can be cut."""
    n = round(110 / voxel_mm)
    affine = np.diag([-voxel_mm, voxel_mm, voxel_mm, 1.0])
    affine[:3, 3] = np.array([1, -1, -1]) * voxel_mm * (n - 1) / 2
    return write_image(np.ones((n, n, length or n)), affine, folder / "petref.nii.gz")


def test_an_atlas_that_pet_does_not_see_is_told(atlas: tuple[Path, Path], tmp_path: Path) -> None:
    far = write_itk(rigid_matrix(np.array([900.0, 0, 0, 0, 0, 0])), tmp_path / "far.txt")
    with pytest.raises(MorbidsError, match=r"No region of atlas\.nii\.gz lies in the field of view"):
        regions_in_pet(*atlas, write_pet(6.0, tmp_path), [far], tmp_path / "out")


@pytest.mark.parametrize("voxel_mm", [2.5, 4.0, 6.0])
def test_volumes_survive_a_chain_to_any_grid(
    voxel_mm: float, atlas: tuple[Path, Path], tmp_path: Path
) -> None:
    move = write_itk(MOVE, tmp_path / "move.txt")
    found = regions_in_pet(*atlas, write_pet(voxel_mm, tmp_path), [move], tmp_path / "out")
    table = pd.read_csv(found.table, sep="\t").set_index("name")
    assert table.loc["left", "volume_ml"] == pytest.approx(16, rel=0.06 if voxel_mm < 6 else 0.1)
    assert table.loc["right", "volume_ml"] == pytest.approx(16, rel=0.06 if voxel_mm < 6 else 0.1)
    # 0.216 mL is one voxel of 6 mm and 3.4 voxels of 4 mm.
    assert table.loc["nucleus", "volume_ml"] == pytest.approx(0.216, rel=0.2)
    assert table.loc[["left", "right", "nucleus"], "coverage"].tolist() == [1, 1, 1]
    assert found.notes == ("Outside the PET field of view in part (share inside): absent (0%, no curve).",)


def test_labels_lie_where_the_transform_puts_them(atlas: tuple[Path, Path], tmp_path: Path) -> None:
    found = regions_in_pet(
        *atlas, write_pet(2.5, tmp_path), [write_itk(MOVE, tmp_path / "m.txt")], tmp_path / "o"
    )
    pet, source = read_image(found.dseg), read_image(atlas[0])
    for index in (7, 2001, 2002):
        here = pet.affine[:3, :3] @ np.argwhere(pet.values == index).mean(axis=0) + pet.affine[:3, 3]
        there = (
            source.affine[:3, :3] @ np.argwhere(source.values == index).mean(axis=0) + source.affine[:3, 3]
        )
        # Points of PET go to points of the atlas.
        np.testing.assert_allclose(MOVE[:3, :3] @ here + MOVE[:3, 3], there, atol=0.5)


def test_grey_matter_cuts_cortex_but_no_nucleus(atlas: tuple[Path, Path], tmp_path: Path) -> None:
    grey = np.zeros((41, 41, 41))
    grey[:, :20] = 1.0
    gm = write_image(grey, ATLAS_AFFINE, tmp_path / "gm.nii.gz")
    found = regions_in_pet(*atlas, write_pet(2.5, tmp_path), [], tmp_path / "out", PersonTissue(gm))
    table = pd.read_csv(found.table, sep="\t").set_index("name")
    assert table.loc["left", "volume_ml"] == pytest.approx(8, rel=0.08)
    assert table.loc["left", "gm_share"] == pytest.approx(0.5, abs=0.05)
    assert table.loc["nucleus", "volume_ml"] == pytest.approx(0.216, rel=0.2)


def test_deep_regions_lose_what_lies_in_fluid(atlas: tuple[Path, Path], tmp_path: Path) -> None:
    fluid = np.zeros((41, 41, 41))
    fluid[:, :15] = 1.0
    csf = write_image(fluid, ATLAS_AFFINE, tmp_path / "csf.nii.gz")
    gm = write_image(np.zeros((41, 41, 41)), ATLAS_AFFINE, tmp_path / "gm.nii.gz")
    table = pd.read_csv(atlas[1], sep="\t")
    table["tissue"] = "deep"
    table.to_csv(atlas[1], sep="\t", index=False)
    found = regions_in_pet(*atlas, write_pet(2.5, tmp_path), [], tmp_path / "out", PersonTissue(gm, csf))
    volumes = pd.read_csv(found.table, sep="\t").set_index("name")["volume_ml"]
    # A quarter of the blocks lies in fluid, nothing of the nucleus does.
    assert volumes["left"] == pytest.approx(12, rel=0.06)
    assert volumes["nucleus"] == pytest.approx(0.216, rel=0.2)


def test_region_without_grey_matter_stays_whole_and_is_named(
    atlas: tuple[Path, Path], tmp_path: Path
) -> None:
    grey = np.zeros((41, 41, 41))
    grey[:16] = 1.0
    gm = write_image(grey, ATLAS_AFFINE, tmp_path / "gm.nii.gz")
    found = regions_in_pet(*atlas, write_pet(2.5, tmp_path), [], tmp_path / "out", PersonTissue(gm))
    table = pd.read_csv(found.table, sep="\t").set_index("name")
    assert table.loc["right", "volume_ml"] == pytest.approx(16, rel=0.06)
    assert found.notes[0] == "Too little grey matter was found in right: used whole."


def test_short_field_of_view_is_told(atlas: tuple[Path, Path], tmp_path: Path) -> None:
    pet = write_pet(2.5, tmp_path, length=18)
    # The volume ends at z = -54 + 18 * 2.5 = -10 mm; the blocks reach from -21 to -1 mm.
    found = regions_in_pet(*atlas, pet, [], tmp_path / "out")
    table = pd.read_csv(found.table, sep="\t").set_index("name")
    assert table.loc["left", "coverage"] == pytest.approx(0.53, abs=0.07)
    assert table.loc["nucleus", "coverage"] == 0
    assert "left (5" in found.notes[0]


def test_nothing_in_the_field_of_view_is_refused(atlas: tuple[Path, Path], tmp_path: Path) -> None:
    far = write_itk(rigid_matrix(np.array([500.0, 0, 0, 0, 0, 0])), tmp_path / "far.txt")
    with pytest.raises(MorbidsError, match="No region of atlas"):
        regions_in_pet(*atlas, write_pet(6.0, tmp_path), [far], tmp_path / "out")


def test_means_by_hand(atlas: tuple[Path, Path], tmp_path: Path) -> None:
    labels = read_image(atlas[0]).values
    rng = np.random.default_rng(0)
    frames = rng.normal(100, 10, (*labels.shape, 3)).astype(np.float32)
    frames[6:11, 10:30, 10:20, 1] = np.nan
    pet = write_image(frames, ATLAS_AFFINE, tmp_path / "pet.nii.gz")
    found = mean_curves(pet, *atlas)
    assert found.names == ("nucleus", "left", "right", "absent")
    np.testing.assert_allclose(found.curves[:, 0], frames[labels == 7].mean(axis=0), rtol=1e-5)
    known = frames[11:16, 10:30, 10:20].reshape(-1, 3)
    np.testing.assert_allclose(found.curves[:, 1], known.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found.volume_ml, [27 * 0.008, 8.0, 16.0, 0.0])
    assert np.isnan(found.curves[:, 3]).all()


def test_grids_must_agree(atlas: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match="is not on the grid"):
        mean_curves(write_pet(6.0, tmp_path), *atlas)


@pytest.mark.parametrize("step", [0.7, 2.4, 11.0])
def test_points_that_need_not_vote_are_further_than_a_step_from_any_label(step: float) -> None:
    rng = np.random.default_rng(0)
    labels = np.zeros((50, 41, 37), dtype=np.int32)
    labels[tuple(rng.integers(0, labels.shape, (4, 3)).T)] = 5
    index = np.stack(np.meshgrid(*[np.arange(-6, round(60 / step))] * 3, indexing="ij"), axis=-1)[::2, ::3]
    points = index * step + rng.uniform(0, 1, 3)
    near = _near_labels(labels, points)
    apart = np.min([np.abs(points - place).max(axis=-1) for place in np.argwhere(labels)], axis=0)
    assert apart[~near].min(initial=np.inf) > step
    within = ((points > 0) & (points < labels.shape)).all(axis=-1)
    assert not near[within & (apart > 2 * max(8, 3 * step + 2))].any()
