"""Results of other programs in the place of own steps."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from morbids.bids.derivatives import find_anatomy, find_derivative, find_pet, read_datasets
from morbids.errors import ExitCode, MorbidsError

SPACE = "MNI152NLin2009cAsym"
SCAN = {"sub": "01", "task": "rest"}
IDENTITY = (
    "Transform: AffineTransform_double_3_3\nParameters: 1 0 0 0 1 0 0 0 1 0 0 0\nFixedParameters: 0 0 0\n"
)


def touch(root: Path, *names: str) -> Path:
    """Write small files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    return root


def draw(root: Path, *names: str, shape: tuple[int, ...] = (2, 2, 2), shift_mm: float = 0.0) -> Path:
    """Write small images."""
    affine = np.eye(4)
    affine[0, 3] = shift_mm
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(np.ones(shape, np.float32), affine), root / name)
    return root


def transforms(root: Path, name: str, n: int) -> Path:
    """Write an ITK text file of n transforms."""
    touch(root, name)
    blocks = [f"#Transform {index}\n{IDENTITY}" for index in range(n)]
    (root / name).write_text("#Insight Transform File V1.0\n" + "\n".join(blocks))
    return root


def test_fmriprep_names_serve_with_and_without_the_session(tmp_path: Path) -> None:
    anat = "sub-01/anat/sub-01"
    draw(
        tmp_path,
        f"{anat}_desc-preproc_T1w.nii.gz",
        f"{anat}_desc-brain_mask.nii.gz",
        f"{anat}_dseg.nii.gz",
        f"{anat}_desc-aseg_dseg.nii.gz",
        *(f"{anat}_label-{label}_probseg.nii.gz" for label in ("GM", "WM", "CSF")),
    )
    draw(tmp_path, f"{anat}_space-{SPACE}_desc-brain_mask.nii.gz", shape=(3, 3, 3))
    touch(
        tmp_path,
        f"{anat}_from-T1w_to-{SPACE}_mode-image_xfm.h5",
        f"{anat}_from-{SPACE}_to-T1w_mode-image_xfm.h5",
        f"{anat}_from-T1w_to-fsnative_mode-image_xfm.txt",
    )
    found = find_anatomy([tmp_path], {"sub": "01", "ses": "a", "acq": "mprage"}, (SPACE, "MNI152NLin6Asym"))
    assert found is not None
    assert found.mask is not None
    assert [found.t1w.name, found.mask.name] == [
        "sub-01_desc-preproc_T1w.nii.gz",
        "sub-01_desc-brain_mask.nii.gz",
    ]
    assert {role: path.name for role, path in found.tissue.items()} == {
        "dseg": "sub-01_dseg.nii.gz",
        "gm_probseg": "sub-01_label-GM_probseg.nii.gz",
        "wm_probseg": "sub-01_label-WM_probseg.nii.gz",
        "csf_probseg": "sub-01_label-CSF_probseg.nii.gz",
    }
    assert list(found.transforms) == [SPACE]
    assert [path.name.split("_mode")[0] for path in found.transforms[SPACE]] == [
        f"sub-01_from-T1w_to-{SPACE}",
        f"sub-01_from-{SPACE}_to-T1w",
    ]


def test_parts_that_miss_a_part_are_computed(tmp_path: Path) -> None:
    anat = "sub-01/anat/sub-01"
    draw(tmp_path, f"{anat}_desc-preproc_T1w.nii.gz", f"{anat}_dseg.nii.gz")
    touch(tmp_path, f"{anat}_from-T1w_to-{SPACE}_mode-image_xfm.h5")
    found = find_anatomy([tmp_path], {"sub": "01"}, (SPACE,))
    assert found is not None
    assert (found.mask, dict(found.tissue), dict(found.transforms)) == (None, {}, {})


def test_files_without_their_t1w_image_are_left(tmp_path: Path) -> None:
    draw(tmp_path, "sub-01/anat/sub-01_desc-brain_mask.nii.gz")
    assert find_anatomy([tmp_path], {"sub": "01"}, (SPACE,)) is None


@pytest.mark.parametrize(
    ("shape", "shift_mm"), [((2, 2, 3), 0.0), ((2, 2, 2), 0.5)], ids=["other shape", "other place"]
)
def test_a_mask_on_another_grid_is_refused(tmp_path: Path, shape: tuple[int, ...], shift_mm: float) -> None:
    draw(tmp_path, "sub-01/anat/sub-01_desc-preproc_T1w.nii.gz")
    draw(tmp_path, "sub-01/anat/sub-01_desc-brain_mask.nii.gz", shape=shape, shift_mm=shift_mm)
    with pytest.raises(
        MorbidsError, match=r"brain_mask.nii.gz lies on another grid than sub-01_desc-preproc"
    ):
        find_anatomy([tmp_path], {"sub": "01"}, (SPACE,))


def test_another_session_or_run_is_not_taken(tmp_path: Path) -> None:
    draw(tmp_path, "sub-01/ses-b/pet/sub-01_ses-b_run-1_desc-preproc_pet.nii.gz", shape=(2, 2, 2, 3))
    assert find_pet([tmp_path], {"sub": "01", "ses": "a", "run": "1"}, 3, "Bq/mL") is None
    assert find_pet([tmp_path], {"sub": "01", "ses": "b", "run": "2"}, 3, "Bq/mL") is None
    found = find_pet([tmp_path], {"sub": "01", "ses": "b", "run": "1"}, 3, "Bq/mL")
    assert found is not None
    assert found.pet is not None


def test_the_first_folder_wins_and_all_comes_from_it(tmp_path: Path) -> None:
    name = "sub-01/anat/sub-01_desc-preproc_T1w.nii.gz"
    first, second = draw(tmp_path / "1", name), draw(tmp_path / "2", name)
    draw(second, "sub-01/anat/sub-01_desc-brain_mask.nii.gz")
    found = find_anatomy([first, second], {"sub": "01"}, (SPACE,))
    assert found is not None
    assert (found.t1w, found.mask) == (first / name, None)


def test_motion_is_preferred_to_frames_that_were_resampled_already(tmp_path: Path) -> None:
    pet = "sub-01/pet/sub-01_task-rest"
    transforms(tmp_path, f"{pet}_from-orig_to-petref_mode-image_xfm.txt", 3)
    draw(tmp_path, f"{pet}_desc-preproc_pet.nii.gz", shape=(2, 2, 2, 3))
    touch(tmp_path, f"{pet}_from-petref_to-T1w_mode-image_xfm.txt")
    found = find_pet([tmp_path], SCAN, 3, "Bq/mL")
    assert found is not None
    assert found.motion is not None
    assert found.pet_to_t1w is not None
    assert found.pet is None


def test_the_sidecar_of_corrected_frames_tells_their_decay(tmp_path: Path) -> None:
    pet = "sub-01/pet/sub-01_task-rest_desc-preproc_pet"
    draw(tmp_path, f"{pet}.nii.gz", shape=(2, 2, 2, 3))
    decay = {"ImageDecayCorrected": True, "ImageDecayCorrectionTime": 12}
    (tmp_path / f"{pet}.json").write_text(json.dumps(decay | {"SkullStripped": False}))
    found = find_pet([tmp_path], SCAN, 3, "Bq/mL")
    assert found is not None
    assert found.decay == decay
    (tmp_path / f"{pet}.json").write_text(json.dumps({"Units": "kBq/mL"}))
    with pytest.raises(MorbidsError, match=r"desc-preproc_pet.nii.gz is in kBq/mL, the raw scan in Bq/mL"):
        find_pet([tmp_path], SCAN, 3, "Bq/mL")


def test_another_number_of_frames_is_refused(tmp_path: Path) -> None:
    name = "sub-01/pet/sub-01_task-rest"
    frames = draw(tmp_path / "frames", f"{name}_desc-preproc_pet.nii.gz", shape=(2, 2, 2, 4))
    with pytest.raises(MorbidsError, match=r"has 4 volumes, but the raw scan has 3 frames"):
        find_pet([frames], SCAN, 3, "Bq/mL")
    motion = transforms(tmp_path / "motion", f"{name}_from-orig_to-petref_mode-image_xfm.txt", 2)
    with pytest.raises(MorbidsError, match=r"has 2 transforms, but the raw scan has 3 frames"):
        find_pet([motion], SCAN, 3, "Bq/mL")


def test_datasets_are_called_by_their_programs(tmp_path: Path) -> None:
    for name, made_by in (
        ("a", [{"Name": "fMRIPrep", "Version": "24.1"}]),
        ("b", [{"Name": "fMRIPrep"}]),
        ("c", []),
    ):
        (tmp_path / name / "sub-01").mkdir(parents=True)
        (tmp_path / name / "dataset_description.json").write_text(json.dumps({"GeneratedBy": made_by}))
    (tmp_path / "my-own" / "sub-01").mkdir(parents=True)
    found = read_datasets([tmp_path / name for name in ("a", "b", "c", "my-own")])
    assert [(dataset.link, dataset.program) for dataset in found] == [
        ("fmriprep", "fMRIPrep 24.1"),
        ("fmriprep2", "fMRIPrep"),
        ("c", "c"),
        ("myown", "my-own"),
    ]
    assert found[0].uri(tmp_path / "a/sub-01/x.txt") == "bids:fmriprep:sub-01/x.txt"


def test_corrected_frames_of_older_petprep_serve(tmp_path: Path) -> None:
    name = "sub-01/pet/sub-01_task-rest_desc-mc_pet.nii.gz"
    draw(tmp_path, name, shape=(2, 2, 2, 3))
    found = find_pet([tmp_path], SCAN, 3, "Bq/mL")
    assert found is not None
    assert found.pet == tmp_path / name
    draw(tmp_path, name.replace("desc-mc", "desc-preproc"), shape=(2, 2, 2, 3))
    with pytest.raises(MorbidsError, match="two files that could be the preproc_pet"):
        find_pet([tmp_path], SCAN, 3, "Bq/mL")


def test_a_folder_without_participants_is_no_derivative_dataset(tmp_path: Path) -> None:
    (tmp_path / "derivatives" / "petprep" / "sub-01").mkdir(parents=True)
    with pytest.raises(MorbidsError, match=r"derivatives has no folders of participants \(sub-\*\)"):
        read_datasets([tmp_path / "derivatives"])


def test_public_petprep_output(shared_data: Path) -> None:
    folder = shared_data / "bids-examples" / "petprep" / "derivatives" / "petprep"
    scan = {"sub": "PSBB01", "ses": "baseline"}
    tacs = find_derivative(folder, "region_curves", scan, {"seg": "gtm"})
    assert tacs is not None
    assert tacs.name == "sub-PSBB01_ses-baseline_seg-gtm_desc-preproc_tacs.tsv"
    brain = find_derivative(folder, "brain_mask", scan)
    assert brain is not None
    assert brain.name == "sub-PSBB01_ses-baseline_desc-brain_mask.nii.gz"
    petref = find_derivative(folder, "petref", scan)
    assert petref is not None
    assert petref.name == "sub-PSBB01_ses-baseline_desc-hmc_petref.nii.gz"


def test_motion_of_public_petprep_output(shared_data: Path) -> None:
    folder = shared_data / "bids-examples" / "petprep" / "derivatives" / "petprep"
    scan = {"sub": "01", "ses": "baseline"}
    found = find_pet([folder], scan, 33, "Bq/mL")
    assert found is not None
    assert found.motion is not None
    assert found.pet_to_t1w is not None
    assert found.motion.name == "sub-01_ses-baseline_from-orig_to-petref_mode-image_xfm.txt"
    assert found.pet_to_t1w.name == "sub-01_ses-baseline_from-petref_to-T1w_mode-image_xfm.txt"
    with pytest.raises(MorbidsError, match=r"has 33 transforms, but the raw scan has 21 frames"):
        find_pet([folder], scan, 21, "Bq/mL")


def test_two_candidates_are_both_named(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "sub-01/anat/sub-01_desc-preproc_T1w.nii.gz",
        "sub-01/ses-a/anat/sub-01_ses-a_desc-preproc_T1w.nii.gz",
    )
    message = (
        r"two files that could be the preproc_t1w of sub-01_ses-a: sub-01/anat/sub-01_desc-preproc_T1w.nii.gz and "
        r"sub-01/ses-a/anat/sub-01_ses-a_desc-preproc_T1w.nii.gz"
    )
    with pytest.raises(MorbidsError, match=message):
        find_anatomy([tmp_path], {"sub": "01", "ses": "a"}, (SPACE,))


def test_an_empty_derivative_is_named(tmp_path: Path) -> None:
    name = "sub-01/anat/sub-01_desc-preproc_T1w.nii.gz"
    touch(tmp_path, name)
    (tmp_path / name).write_text("")
    with pytest.raises(MorbidsError, match=r"sub-01_desc-preproc_T1w.nii.gz is empty"):
        find_anatomy([tmp_path], {"sub": "01"}, (SPACE,))


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match=r"derivatives folder .*nowhere is not a directory") as caught:
        find_pet([tmp_path / "nowhere"], {"sub": "01"}, 3, "Bq/mL")
    assert caught.value.exit_code == ExitCode.NO_INPUT
