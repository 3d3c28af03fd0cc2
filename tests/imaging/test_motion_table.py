"""The table of head motion: what it says of known movements."""

import numpy as np
import pandas as pd
import pytest

from morbids.imaging.images import Image
from morbids.imaging.motion_table import describe_motion, motion_concern, tabulate_motion
from morbids.imaging.transforms import rigid_matrix

HEAD = Image(np.ones((20, 20, 20), np.float32), np.diag([5.0, 5.0, 5.0, 1.0]), None)


def tabulate(*shifts_mm: float) -> pd.DataFrame:
    """Table of a head that lies further along x by each of the shifts."""
    matrices = np.stack([rigid_matrix(np.array([shift, 0, 0, 0, 0, 0])) for shift in shifts_mm])
    return tabulate_motion(HEAD, HEAD.values > 0, matrices, np.zeros(len(shifts_mm), dtype=bool))


def test_shift_is_displacement_and_outlier() -> None:
    table = tabulate(0, 1, 7)
    assert table["mean_displacement"].tolist() == pytest.approx([0, 1, 7])
    assert table["framewise_displacement"].tolist()[1:] == pytest.approx([1, 6])
    assert table["motion_outlier"].tolist() == [0, 0, 1]


def test_attenuation_mismatch_is_told_then_flagged() -> None:
    one_run = np.zeros(2, dtype=int)
    assert describe_motion(tabulate(0, 2), one_run) == ()
    assert "may not fit every frame" in describe_motion(tabulate(0, 8), one_run)[-1]
    assert motion_concern(tabulate(0, 8), one_run) == ""
    assert "up to 20.0 mm (at most 15 mm expected)" in motion_concern(tabulate(0, 20), one_run)


def test_every_run_has_its_own_attenuation_map() -> None:
    """A person who lies elsewhere after a pause was measured there; one who moves within a run was not."""
    runs = np.array([0, 0, 1, 1])
    assert motion_concern(tabulate(0, 1, 20, 21), runs) == ""
    assert "at most 15 mm" in motion_concern(tabulate(0, 20, 20, 21), runs)
