"""Head motion: known poses come back, poor frames borrow, broken scans and failed estimates are named."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morbids.errors import MorbidsError
from morbids.imaging import motion
from morbids.imaging.images import Image, read_image, write_image
from morbids.imaging.motion import correct_motion
from morbids.imaging.transforms import invert, read_itk, rigid_matrix, write_itk
from morbids.numerics.arrays import BoolArray, FloatArray
from tests.imaging.phantoms import PET_AFFINE, PET_SHAPE, largest_error_mm, pet_volume

pytestmark = pytest.mark.graph

DURATION_MIN = np.array([0.5, 2.0, 5.0, 5.0, 5.0, 10.0, 10.0])
START_MIN = np.concatenate([[0.0], np.cumsum(DURATION_MIN)[:-1]])
POSES = np.stack(
    [
        rigid_matrix(np.array(p))
        for p in (
            [3.0, -2.0, 1.0, 0.03, 0.0, 0.05],
            [3.0, -2.0, 1.0, 0.03, 0.0, 0.05],
            [2.0, -1.0, 0.0, 0.02, 0.01, 0.03],
            [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            [0.5, 0.5, -0.5, 0.0, -0.02, 0.0],
            [-6.0, 4.0, 3.0, -0.05, 0.03, -0.08],
            [-6.0, 4.0, 3.0, -0.05, 0.03, -0.08],
        )
    ]
)


@pytest.fixture(scope="module")
def moved_scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven frames in seven poses; activity rises, the first frame is short and noisy."""
    level = (0.1, 0.6, 1.0, 1.1, 1.1, 1.0, 0.9)
    noise = (1.0, 0.1, 0.05, 0.05, 0.05, 0.05, 0.05)
    frames = [
        gain * pet_volume(pose, roughness, seed)
        for seed, (pose, gain, roughness) in enumerate(zip(POSES, level, noise, strict=True))
    ]
    return write_image(
        np.stack(frames, -1), PET_AFFINE, tmp_path_factory.mktemp("pet") / "sub-01_pet.nii.gz", code=1
    )


@pytest.fixture(scope="module")
def corrected(moved_scan: Path, tmp_path_factory: pytest.TempPathFactory) -> motion.Motion:
    return correct_motion(
        moved_scan, START_MIN.tolist(), DURATION_MIN.tolist(), tmp_path_factory.mktemp("out"), 2
    )


def test_poses_come_back(corrected: motion.Motion) -> None:
    found = read_itk(corrected.transforms)
    # petref lies where the middle frames lie on average; relative to one frame that freedom drops out.
    relative = found @ invert(found[3])
    truth = POSES @ invert(POSES[3])
    errors = [largest_error_mm(relative[frame], truth[frame]) for frame in range(1, 7)]
    assert max(errors) < 1.5
    before = [largest_error_mm(np.eye(4), truth[frame]) for frame in range(1, 7)]
    assert max(before) > 10


def test_frames_lie_still_after_one_resampling(corrected: motion.Motion, moved_scan: Path) -> None:
    still, moved = read_image(corrected.corrected_pet).values, read_image(moved_scan).values
    inner = (slice(6, -6),) * 3

    def likeness(values: FloatArray) -> float:
        return float(np.corrcoef(values[(*inner, 3)].ravel(), values[(*inner, 6)].ravel())[0, 1])

    assert likeness(moved) < 0.9
    assert likeness(still) > 0.97
    assert read_image(corrected.corrected_pet).header["sform_code"] == 1
    assert read_image(corrected.petref).values.shape == PET_SHAPE
    early, late = read_image(corrected.early_petref).values, read_image(corrected.petref).values
    # Frames 2 (2 min, level 0.6) and 3 (5 min, 1.0) are early; the later ones lie at 1.0 on average.
    np.testing.assert_allclose(early[late > 500].mean() / late[late > 500].mean(), 6.2 / 7, atol=0.03)


def test_short_frame_borrows_and_is_named(corrected: motion.Motion) -> None:
    found = read_itk(corrected.transforms)
    np.testing.assert_array_equal(found[0], found[1])
    assert any(note.startswith("Frame 1: too short") for note in corrected.notes)
    table = pd.read_csv(corrected.confounds_tsv, sep="\t")
    assert table["motion_borrowed"].tolist() == [1, 0, 0, 0, 0, 0, 0]


def test_confounds_tell_the_jump_and_the_attenuation_mismatch(corrected: motion.Motion) -> None:
    table = pd.read_csv(corrected.confounds_tsv, sep="\t", na_values="n/a")
    assert np.isnan(table["framewise_displacement"][0])
    assert table["motion_outlier"].tolist()[5:] == [1, 0]
    # From frame 5 to frame 6 the head's centre moves by about (-6.5, 3.5, 3.5) mm.
    step = table.loc[5, ["trans_x", "trans_y", "trans_z"]] - table.loc[4, ["trans_x", "trans_y", "trans_z"]]
    np.testing.assert_allclose(step.to_numpy(float), [-6.5, 3.5, 3.5], atol=1.0)
    assert any("attenuation" in note for note in corrected.notes)


def test_correction_off_changes_nothing(moved_scan: Path, tmp_path: Path) -> None:
    kept = correct_motion(moved_scan, START_MIN.tolist(), DURATION_MIN.tolist(), tmp_path, 1, correct=False)
    np.testing.assert_array_equal(read_image(kept.corrected_pet).values, read_image(moved_scan).values)
    np.testing.assert_array_equal(read_itk(kept.transforms), np.tile(np.eye(4), (7, 1, 1)))
    assert "Head motion was not corrected." in kept.notes


def test_single_frame_stays_a_volume(tmp_path: Path) -> None:
    scan = write_image(pet_volume(np.eye(4)), PET_AFFINE, tmp_path / "pet.nii.gz")
    kept = correct_motion(scan, [0.0], [10.0], tmp_path / "out", 1)
    assert read_image(kept.corrected_pet).values.shape == PET_SHAPE
    assert any("One frame only" in note for note in kept.notes)


def test_scan_without_counts_is_left_alone(tmp_path: Path) -> None:
    frames = np.stack([pet_volume(np.eye(4)), pet_volume(np.eye(4))], -1)
    scan = write_image(frames, PET_AFFINE, tmp_path / "pet.nii.gz")
    kept = correct_motion(scan, [0.0, 0.5], [0.5, 0.5], tmp_path / "out", 1)
    assert any("No frame holds enough counts" in note for note in kept.notes)
    assert "No frame holds enough counts" in kept.concern[0]


def test_impossible_estimates_are_replaced_by_the_next(moved_scan: Path) -> None:
    image = read_image(moved_scan)
    matrices = np.tile(np.eye(4), (7, 1, 1))
    matrices[3] = rigid_matrix(np.array([224.0, 0, 0, 0, 0, 0]))
    keep, concern = judge(image, matrices)
    assert keep.tolist() == [True, True, True, False, True, True, True]
    assert concern == "Frame 4: implausible motion estimate, replaced by its neighbour's."
    filled, borrowed = motion._fill(matrices, keep, np.zeros(7, dtype=int))
    np.testing.assert_array_equal(filled[3], matrices[4])
    assert borrowed.tolist() == [False, False, False, True, False, False, False]


@pytest.mark.parametrize(("frame", "matters"), [(1, False), (3, True)])
def test_a_short_frame_that_fails_does_not_flag_the_scan(frame: int, matters: bool) -> None:
    lost = np.arange(7) == frame
    assert motion._matters(lost, DURATION_MIN) is matters


def test_lonely_jump_must_make_the_frame_more_alike(tmp_path: Path) -> None:
    away = rigid_matrix(np.array([9.0, 0, 0, 0, 0, 0]))
    still = [pet_volume(np.eye(4), 0.05, seed) for seed in range(7)]
    scan = Image(np.stack(still, -1).astype(np.float32), PET_AFFINE, None)
    matrices = np.tile(np.eye(4), (7, 1, 1))
    matrices[3] = away
    assert not judge(scan, matrices)[0][3]
    scan.values[..., 3] = pet_volume(away, 0.05, 3)
    assert judge(scan, matrices)[0].all()


def test_all_estimates_failed_is_said(moved_scan: Path) -> None:
    matrices = np.tile(rigid_matrix(np.array([224.0, 0, 0, 0, 0, 0])), (7, 1, 1))
    assert judge(read_image(moved_scan), matrices)[1] == "Head motion estimates all failed: not corrected."


def judge(image: Image, matrices: FloatArray) -> tuple[BoolArray, str]:
    """Judge estimates against the head in its first pose."""
    target = pet_volume(np.eye(4))
    return motion._judge(image, target, target > 300, matrices, np.ones(7, dtype=bool))


def test_voxels_unknown_in_every_frame_become_zero(tmp_path: Path) -> None:
    frames = np.stack([pet_volume(np.eye(4))] * 2, -1)
    frames[0] = np.nan
    scan = write_image(frames, PET_AFFINE, tmp_path / "pet.nii.gz")
    kept = correct_motion(scan, [0.0, 5.0], [5.0, 5.0], tmp_path / "out", 1, correct=False)
    assert not read_image(kept.corrected_pet).values[0].any()
    assert any("unknown in every frame" in note for note in kept.notes)


@pytest.mark.parametrize(
    ("defect", "sentence"),
    [
        ("zero", "zero everywhere in frame 2"),
        ("nan", "non-finite values in frame 2"),
        ("count", "has 2 frames"),
    ],
)
def test_broken_scans_are_named(defect: str, sentence: str, tmp_path: Path) -> None:
    frames = np.stack([pet_volume(np.eye(4))] * 2, -1)
    timing = [0.0, 5.0]
    if defect == "zero":
        frames[..., 1] = 0
    if defect == "nan":
        frames[5, 5, 5, 1] = np.inf
    if defect == "count":
        timing = [0.0, 5.0, 10.0]
    scan = write_image(frames, PET_AFFINE, tmp_path / "sub-01_pet.nii.gz")
    with pytest.raises(MorbidsError, match=rf"sub-01_pet\.nii\.gz .*{sentence}"):
        correct_motion(scan, timing, [5.0] * len(timing), tmp_path / "out", 1)


@pytest.mark.parametrize("start_min", [-1.0, 0.0])
def test_empty_first_frame_before_the_tracer_arrives_is_no_defect(start_min: float, tmp_path: Path) -> None:
    frames = np.stack([np.zeros(PET_SHAPE), pet_volume(np.eye(4))], -1)
    scan = write_image(frames, PET_AFFINE, tmp_path / "pet.nii.gz")
    kept = correct_motion(scan, [start_min, start_min + 1.0], [1.0, 10.0], tmp_path / "out", 1)
    assert read_itk(kept.transforms).shape == (2, 4, 4)


def test_empty_first_frame_long_after_injection_is_named(tmp_path: Path) -> None:
    frames = np.stack([np.zeros(PET_SHAPE), pet_volume(np.eye(4))], -1)
    scan = write_image(frames, PET_AFFINE, tmp_path / "pet.nii.gz")
    with pytest.raises(MorbidsError, match="zero everywhere in frame 1"):
        correct_motion(scan, [0.0, 5.0], [5.0, 10.0], tmp_path / "out", 1)


def test_times_of_another_number_of_frames_are_refused(tmp_path: Path) -> None:
    scan = write_image(np.ones((*PET_SHAPE, 2)), PET_AFFINE, tmp_path / "pet.nii.gz")
    with pytest.raises(MorbidsError, match="has 2 frames, its timing 3 starts and 2 durations"):
        correct_motion(scan, [0.0, 5.0, 10.0], [5.0, 5.0], tmp_path / "out", 1)


def test_known_motion_is_applied_instead_of_estimated(
    moved_scan: Path, corrected: motion.Motion, tmp_path: Path
) -> None:
    times = START_MIN.tolist(), DURATION_MIN.tolist()
    again = correct_motion(moved_scan, *times, tmp_path, 2, transforms=corrected.transforms)
    for name in ("corrected_pet", "petref"):
        expected, found = (read_image(getattr(one, name)).values for one in (corrected, again))
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    columns = ["trans_x", "rot_z", "framewise_displacement"]
    before, after = (pd.read_csv(one.confounds_tsv, sep="\t")[columns] for one in (corrected, again))
    pd.testing.assert_frame_equal(after, before, atol=1e-5)


def test_known_motion_of_another_scan_is_refused(moved_scan: Path, tmp_path: Path) -> None:
    two = write_itk(POSES[:2], tmp_path / "two.txt")
    with pytest.raises(MorbidsError, match=r"two.txt holds 2 transforms for a scan of 7 frames"):
        correct_motion(moved_scan, START_MIN.tolist(), DURATION_MIN.tolist(), tmp_path, 1, transforms=two)


def test_frames_that_another_program_corrected_stay(moved_scan: Path, tmp_path: Path) -> None:
    times = START_MIN.tolist(), DURATION_MIN.tolist()
    taken = correct_motion(moved_scan, *times, tmp_path, 1, correct=False, corrected_by="PETPrep 1")
    np.testing.assert_array_equal(
        read_image(taken.corrected_pet).values, read_image(moved_scan).values.astype(np.float32)
    )
    assert taken.notes[0] == "Head motion was corrected by PETPrep 1."


def test_a_person_who_lies_elsewhere_after_a_pause_still_fits_the_attenuation_map(
    moved_scan: Path, tmp_path: Path
) -> None:
    poses = np.stack([np.eye(4)] * 4 + [rigid_matrix(np.array([12.0, 0, 0, 0, 0, 0]))] * 3)
    known = write_itk(poses, tmp_path / "known.txt")
    times = START_MIN.tolist(), DURATION_MIN.tolist()
    one = correct_motion(moved_scan, *times, tmp_path, 1, transforms=known)
    assert any("attenuation correction may not fit" in note for note in one.notes)
    two = correct_motion(moved_scan, *times, tmp_path, 1, transforms=known, run_lengths=(4, 3))
    assert not any("attenuation" in note for note in two.notes)
    assert any(note.startswith("Frame 5: head moved more than 3 mm") for note in two.notes)


def test_frames_borrow_within_their_run() -> None:
    """The last frames before a pause lie as those before them, not as the person who came back."""
    runs = np.repeat([0, 1], [4, 3])
    own = np.array([False, True, True, False, False, True, True])
    filled, borrowed = motion._fill(np.arange(7.0)[:, None, None] * np.eye(4), own, runs)
    assert filled[:, 0, 0].tolist() == [1, 1, 2, 2, 5, 5, 6]
    assert borrowed.tolist() == (~own).tolist()
    middle = motion._middle_frames(START_MIN, DURATION_MIN, runs)
    assert set(runs[middle]) == {runs[middle[0]]}
