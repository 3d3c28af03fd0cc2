"""Results of other programs in the place of own steps."""

from pathlib import Path

import pytest

from morbids.bids.derivatives import find_anatomy, find_derivative, find_pet
from morbids.errors import ExitCode, MorbidsError

SPACE = "MNI152NLin2009cAsym"


def touch(root: Path, *names: str) -> Path:
    """Write small files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    return root


def test_fmriprep_names_serve_with_and_without_the_session(tmp_path: Path) -> None:
    anat = "sub-01/anat/sub-01"
    touch(
        tmp_path,
        f"{anat}_desc-preproc_T1w.nii.gz",
        f"{anat}_desc-brain_mask.nii.gz",
        f"{anat}_space-{SPACE}_desc-brain_mask.nii.gz",
        f"{anat}_dseg.nii.gz",
        f"{anat}_desc-aseg_dseg.nii.gz",
        f"{anat}_label-GM_probseg.nii.gz",
        f"{anat}_from-T1w_to-{SPACE}_mode-image_xfm.h5",
        f"{anat}_from-T1w_to-fsnative_mode-image_xfm.txt",
    )
    found = find_anatomy([tmp_path], {"sub": "01", "ses": "a", "acq": "mprage"}, SPACE)
    assert {role: path.name for role, path in found.items()} == {
        "preproc_t1w": "sub-01_desc-preproc_T1w.nii.gz",
        "brain_mask": "sub-01_desc-brain_mask.nii.gz",
        "dseg": "sub-01_dseg.nii.gz",
        "gm_probseg": "sub-01_label-GM_probseg.nii.gz",
        "t1w_to_template": f"sub-01_from-T1w_to-{SPACE}_mode-image_xfm.h5",
    }


def test_another_session_or_run_is_not_taken(tmp_path: Path) -> None:
    touch(tmp_path, "sub-01/ses-b/pet/sub-01_ses-b_run-1_petref.nii.gz")
    assert find_pet([tmp_path], {"sub": "01", "ses": "a", "run": "1"}) == {}
    assert find_pet([tmp_path], {"sub": "01", "ses": "b", "run": "2"}) == {}
    assert list(find_pet([tmp_path], {"sub": "01", "ses": "b", "run": "1"})) == ["petref"]


def test_the_first_folder_wins(tmp_path: Path) -> None:
    name = "sub-01/anat/sub-01_desc-preproc_T1w.nii.gz"
    first, second = touch(tmp_path / "1", name), touch(tmp_path / "2", name)
    assert find_anatomy([first, second], {"sub": "01"}, SPACE) == {"preproc_t1w": first / name}


def test_public_petprep_output(shared_data: Path) -> None:
    folder = shared_data / "bids-examples" / "petprep" / "derivatives" / "petprep"
    scan = {"sub": "PSBB01", "ses": "baseline"}
    tacs = find_derivative(folder, "region_curves", scan, {"seg": "gtm"})
    assert tacs is not None
    assert tacs.name == "sub-PSBB01_ses-baseline_seg-gtm_desc-preproc_tacs.tsv"
    brain = find_derivative(folder, "brain_mask", scan, {})
    assert brain is not None
    assert brain.name == "sub-PSBB01_ses-baseline_desc-brain_mask.nii.gz"
    petref = find_derivative(folder, "petref", scan, {})
    assert petref is not None
    assert petref.name == "sub-PSBB01_ses-baseline_desc-hmc_petref.nii.gz"


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
        find_anatomy([tmp_path], {"sub": "01", "ses": "a"}, SPACE)


def test_an_empty_derivative_is_named(tmp_path: Path) -> None:
    touch(tmp_path, "sub-01/anat/sub-01_dseg.nii.gz")
    (tmp_path / "sub-01/anat/sub-01_dseg.nii.gz").write_text("")
    with pytest.raises(MorbidsError, match=r"sub-01_dseg.nii.gz is empty"):
        find_anatomy([tmp_path], {"sub": "01"}, SPACE)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match=r"derivatives folder .*nowhere is not a directory") as caught:
        find_pet([tmp_path / "nowhere"], {"sub": "01"})
    assert caught.value.exit_code == ExitCode.NO_INPUT
