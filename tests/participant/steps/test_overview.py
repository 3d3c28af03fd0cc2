"""The picture of a scan holds what is known of it, and says what is not."""

from pathlib import Path

import pandas as pd
import pytest

from morbids.bids.tables import write_table
from morbids.participant.steps.null_range import RANGE_COLUMNS
from morbids.participant.steps.overview import ScanResults, picture_overview
from tests.participant.steps.known_scan import known_curves, make_plan, write_tables
from tests.participant.steps.test_figures import write_ball
from tests.participant.steps.test_pet import write_shift

pytestmark = pytest.mark.graph


def test_a_scan_is_drawn_with_and_without_motion_and_ranges(tmp_path: Path) -> None:
    petref, mask = write_ball(tmp_path / "pet.nii.gz", 4, 10.0), write_ball(tmp_path / "mask.nii.gz", 4)
    way = write_shift(tmp_path / "way.txt", 3.0)
    tables = write_tables(tmp_path, known_curves(-0.2))
    ranges = tmp_path / "ranges.tsv"
    told = {name: [1.0, 2.0] for name in RANGE_COLUMNS} | {"name": ["PAG", "sgACC"], "contrast": ["a", "a"]}
    write_table(pd.DataFrame(told), ranges)
    for number, more in enumerate(({}, {"ranges": ranges})):
        out = tmp_path / str(number)
        out.mkdir()
        picture = picture_overview(
            ScanResults(petref, way, mask, *tables, **more), make_plan(), "kBq/mL", out
        ).picture
        assert picture.stat().st_size > 5000
