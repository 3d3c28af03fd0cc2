"""Head motion in windows, from what the correction leaves on disk."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morbids.imaging.images import write_image
from morbids.imaging.transforms import rigid_matrix, write_itk
from morbids.participant.steps.motion import judge_motion
from tests.participant.steps.known_scan import FRAMES, make_plan

MOVED = rigid_matrix(np.array([0.0, 10.0, 0.0, 0.0, 0.0, 0.0]))


def test_a_jump_between_windows_is_told_beside_older_doubts(tmp_path: Path) -> None:
    head = np.zeros((24, 24, 24))
    head[6:18, 6:18, 6:18] = 1
    petref = write_image(head, np.diag([8.0, 8.0, 8.0, 1.0]), tmp_path / "petref.nii.gz")
    matrices = np.where((FRAMES.mid_min > 42)[:, None, None], MOVED, np.eye(4))
    transforms = write_itk(matrices, tmp_path / "xfm.txt")
    borrowed = (FRAMES.duration_min < 1).astype(int)
    pd.DataFrame({"motion_borrowed": borrowed}).to_csv(tmp_path / "confounds.tsv", sep="\t", index=False)
    files = transforms, tmp_path / "confounds.tsv", petref
    found = judge_motion(*files, ("An older doubt.",), make_plan())
    assert found.between_mm == pytest.approx(10.0)
    assert found.within_mm == pytest.approx(0.0)
    assert found.concern[0] == "An older doubt."
    assert found.concern[1].startswith("The head lies 10.0 mm apart in the windows baseline and rejection")
    parts = (int((FRAMES.mid_min < 42).sum()), int((FRAMES.mid_min > 42).sum()))
    assert judge_motion(*files, (), make_plan(), parts).concern == ()
