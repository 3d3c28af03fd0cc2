"""Many participants made of one."""

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from benchmarks.crowd import FRAME_ENDS_S, fill_up, join_frames


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A scan of one voxel with frames of 60 s up to 5400 s; each holds its own number."""
    path = tmp_path / "sub-01" / "pet" / "sub-01_task-rejection_pet.nii.gz"
    path.parent.mkdir(parents=True)
    nib.save(nib.Nifti1Image(np.arange(90, dtype=np.float32).reshape(1, 1, 1, 90), np.eye(4)), path)
    timing = {
        "FrameTimesStart": [60.0 * k for k in range(90)],
        "FrameDuration": [60.0] * 90,
        "Units": "Bq/mL",
    }
    path.with_name("sub-01_task-rejection_pet.json").write_text(json.dumps(timing))
    return path


def test_frames_are_joined_to_the_mean_of_their_time(image: Path) -> None:
    join_frames(image)
    sidecar = json.loads(image.with_name("sub-01_task-rejection_pet.json").read_text())
    joined: Any = nib.load(image)
    ends = np.add(sidecar["FrameTimesStart"], sidecar["FrameDuration"])
    assert ends.tolist() == list(FRAME_ENDS_S)
    assert sidecar["FrameTimesStart"] == [0, *FRAME_ENDS_S[:-1]]
    # The mean of numbers in a row is that of the first and the last.
    starts = np.array(sidecar["FrameTimesStart"])
    assert joined.get_fdata().ravel() == pytest.approx((starts / 60 + ends / 60 - 1) / 2)
    assert sidecar["Units"] == "Bq/mL"


def test_few_people_fill_a_dataset_in_turn(image: Path, tmp_path: Path) -> None:
    second = tmp_path / "sub-02" / "pet" / "sub-02_task-rejection_pet.nii.gz"
    second.parent.mkdir(parents=True)
    second.write_bytes(b"another")
    (tmp_path / "sub-02.html").write_text("page")
    target = tmp_path / "many"
    fill_up(tmp_path, target, range(1, 6))
    scans = sorted(target.glob("sub-*/pet/*_pet.nii.gz"))
    assert [path.name[:6] for path in scans] == [f"sub-0{k}" for k in range(1, 6)]
    assert [path.samefile(image) for path in scans] == [True, False, True, False, True]
    assert [path.samefile(second) for path in scans] == [False, True, False, True, False]
    assert sorted(path.name for path in target.glob("*.html")) == ["sub-02.html", "sub-04.html"]
