"""PET to T1w: a known pose comes back from far away, and images that do not fit are flagged."""

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from morbids.errors import MorbidsError
from morbids.imaging.coregistration import (
    STRIP_MARGIN_MM,
    _concern,
    judge_known_registration,
    register_pet_to_t1w,
)
from morbids.imaging.head_mask import dilate_mm
from morbids.imaging.images import read_image, write_image
from morbids.imaging.transforms import invert, read_itk, rigid_matrix, write_itk
from tests.imaging.phantoms import (
    PET_AFFINE,
    PET_SHAPE,
    T1W_AFFINE,
    T1W_SHAPE,
    brain_at,
    grid_mm,
    largest_error_mm,
    pet_volume,
    write_t1w,
)

pytestmark = pytest.mark.graph

PET_POSE = rigid_matrix(np.array([2.0, 3.0, -4.0, 0.05, 0.0, -0.1]))
CORNER_MM = 2.0
"""At the corners of a box around the brain, 76 mm from its centre; the voxels of this PET have 5 mm."""
T1W_POSE = rigid_matrix(np.array([-9.0, 6.0, 5.0, -0.15, 0.05, 0.12]))


@pytest.fixture(scope="module")
def petref(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_image(
        pet_volume(PET_POSE, 0.03), PET_AFFINE, tmp_path_factory.mktemp("pet") / "petref.nii.gz"
    )


def test_known_pose_comes_back_in_both_directions(petref: Path, tmp_path: Path) -> None:
    t1w, mask = write_t1w(T1W_POSE, tmp_path)
    found = register_pet_to_t1w(petref, t1w, mask, tmp_path, 2)
    # Points of PET go back to the head, then to T1w.
    truth = T1W_POSE @ invert(PET_POSE)
    t1w_to_pet = read_itk(found.t1w_to_pet)[0]
    assert largest_error_mm(np.eye(4), truth) > 20
    assert largest_error_mm(t1w_to_pet, truth) < CORNER_MM
    np.testing.assert_allclose(read_itk(found.pet_to_t1w)[0] @ t1w_to_pet, np.eye(4), atol=1e-9)
    assert found.concern == ""
    assert found.overlap > 0.95
    assert found.agreement > 0.6
    assert found.score > 1.05


@pytest.mark.parametrize("turn_rad", [1.4, 1.6])
def test_a_head_that_lies_on_its_side_is_found_from_turned_starts(
    turn_rad: float, petref: Path, tmp_path: Path
) -> None:
    """Where centres and headers lead: 85 and 108 mm away."""
    pose = rigid_matrix(np.array([-9.0, 6.0, 5.0, 0.0, 0.0, turn_rad]))
    t1w, mask = write_t1w(pose, tmp_path)
    found = register_pet_to_t1w(petref, t1w, mask, tmp_path, 1)
    assert largest_error_mm(read_itk(found.t1w_to_pet)[0], pose @ invert(PET_POSE)) < CORNER_MM


def test_what_lies_around_the_brain_leads_no_search(petref: Path, tmp_path: Path) -> None:
    """Scalp, muscle and bone of people do: their T1w images were brought tens of millimetres away."""
    t1w, mask = write_t1w(T1W_POSE, tmp_path)
    head, brain = read_image(t1w), read_image(mask)
    far = ~dilate_mm(brain.values > 0, 3 * STRIP_MARGIN_MM, head.voxel_mm)
    noise = np.random.default_rng(0).uniform(0, 2 * head.values.max(), head.values.shape)
    other = write_image(np.where(far, noise, head.values), head.affine, tmp_path / "other.nii.gz")
    plain, noisy = (
        read_itk(register_pet_to_t1w(petref, image, mask, tmp_path / f"of_{image.stem}", 1).t1w_to_pet)[0]
        for image in (t1w, other)
    )
    np.testing.assert_allclose(noisy, plain, atol=1e-6)


def test_the_reference_with_the_better_score_wins(petref: Path, tmp_path: Path) -> None:
    t1w, mask = write_t1w(T1W_POSE, tmp_path)
    noisy = write_image(pet_volume(PET_POSE, 1.5, 4), PET_AFFINE, tmp_path / "noisy.nii.gz")
    assert register_pet_to_t1w(petref, t1w, mask, tmp_path / "a", 2, noisy).reference == "late"
    swapped = register_pet_to_t1w(noisy, t1w, mask, tmp_path / "b", 2, petref)
    assert swapped.reference == "early"
    assert largest_error_mm(read_itk(swapped.t1w_to_pet)[0], T1W_POSE @ invert(PET_POSE)) < CORNER_MM


def test_another_part_of_the_body_is_flagged(tmp_path: Path) -> None:
    body = np.random.default_rng(3).gamma(2.0, 100.0, PET_SHAPE)
    petref = write_image(body, PET_AFFINE, tmp_path / "petref.nii.gz")
    t1w, mask = write_t1w(T1W_POSE, tmp_path)
    found = register_pet_to_t1w(petref, t1w, mask, tmp_path, 2)
    assert "PET to T1w is doubtful" in found.concern
    assert "expected" in found.concern


def test_another_anatomy_is_flagged(tmp_path: Path) -> None:
    """A head of the same outline with other things inside: another person."""
    texture = ndimage.gaussian_filter(np.random.default_rng(5).standard_normal(PET_SHAPE), 1.5)
    brain = brain_at(grid_mm(PET_SHAPE, PET_AFFINE)) * (1 + 0.6 * texture / texture.std())
    petref = write_image(ndimage.gaussian_filter(1000 * brain, 0.7), PET_AFFINE, tmp_path / "petref.nii.gz")
    t1w, mask = write_t1w(np.eye(4), tmp_path)
    found = register_pet_to_t1w(petref, t1w, mask, tmp_path, 2)
    assert found.overlap > 0.8
    assert found.contrast > 1.3
    assert "of the same person" in found.concern


def test_brain_out_of_the_field_of_view_is_flagged(tmp_path: Path) -> None:
    cut = pet_volume(np.eye(4))
    cut[:, :, 10:] = 0
    petref = write_image(cut, PET_AFFINE, tmp_path / "petref.nii.gz")
    t1w, mask = write_t1w(np.eye(4), tmp_path)
    assert "lies on PET signal" in register_pet_to_t1w(petref, t1w, mask, tmp_path, 2).concern


def test_empty_brain_mask_is_refused(petref: Path, tmp_path: Path) -> None:
    t1w, _ = write_t1w(T1W_POSE, tmp_path)
    empty = write_image(np.zeros(T1W_SHAPE, dtype=bool), T1W_AFFINE, tmp_path / "mask.nii.gz")
    with pytest.raises(MorbidsError, match=r"brain mask .* is empty"):
        register_pet_to_t1w(petref, t1w, empty, tmp_path, 1)


def test_empty_pet_is_refused(tmp_path: Path) -> None:
    t1w, mask = write_t1w(T1W_POSE, tmp_path)
    empty = write_image(np.zeros(PET_SHAPE), PET_AFFINE, tmp_path / "petref.nii.gz")
    with pytest.raises(MorbidsError, match="shows no head"):
        register_pet_to_t1w(empty, t1w, mask, tmp_path, 1)


def test_another_programs_registration_is_judged_like_an_own_one(petref: Path, tmp_path: Path) -> None:
    t1w, mask = write_t1w(T1W_POSE, tmp_path)
    own = register_pet_to_t1w(petref, t1w, mask, tmp_path / "own", 2)
    taken = judge_known_registration(petref, t1w, mask, own.pet_to_t1w, tmp_path / "taken", 2)
    np.testing.assert_allclose(read_itk(taken.t1w_to_pet), read_itk(own.t1w_to_pet), atol=1e-9)
    assert (taken.overlap, taken.contrast, taken.concern) == (own.overlap, own.contrast, "")
    astray = write_itk(rigid_matrix(np.array([60.0, 0, 0, 0, 0, 0])), tmp_path / "astray.txt")
    found = judge_known_registration(petref, t1w, mask, astray, tmp_path / "taken", 2)
    assert "lies on PET signal" in found.concern


def test_every_doubt_of_a_registration_is_told() -> None:
    assert _concern(0.9, 2.0, 0.8) == ""
    # A scalp as bright as the brain is no doubt where the inside of the brain agrees.
    assert _concern(0.9, 1.0, 0.8) == ""
    told = _concern(0.799, 1.0, 0.3)
    assert "of the T1w brain 79% (at least 80% expected) lies on PET signal" in told
    assert "PET around it is 1 (at least 1.3 expected)" in told
    assert "by 0.3 (at least 0.5 expected)" in told
