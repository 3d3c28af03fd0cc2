"""What a finished group level tells of its contrasts, and what is said where it does not."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from morbids.bids.names import output_path, sidecar_path
from morbids.errors import ExitCode, MorbidsError
from morbids.figures.contrasts import Contrast, find_contrasts
from morbids.figures.drawings import Look, draw_regions

TOLD: dict[str, Any] = {"Name": "effect", "Quantity": "BP_ND"}


def write_record(out: Path, told: dict[str, Any]) -> None:
    path = sidecar_path(output_path(out, {}, "claims", {"model": "m"}))
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"Claims": {"Contrasts": [told]}}))


def test_a_folder_without_results_says_so(tmp_path: Path) -> None:
    (tmp_path / "group" / "model-m").mkdir(parents=True)
    with pytest.raises(MorbidsError, match=r"holds no results of the group level\. Run it first") as error:
        find_contrasts(tmp_path)
    assert error.value.exit_code == ExitCode.NOTHING_SELECTED


@pytest.mark.parametrize(
    ("told", "sentence"),
    [({"Name": "effect"}, "an older version wrote it"), (TOLD, "stat-t_statmap.json is not in")],
)
def test_results_that_lack_something_are_to_be_made_again(
    told: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    write_record(tmp_path, told)
    with pytest.raises(MorbidsError, match=f"{sentence}.*Run the group level again"):
        find_contrasts(tmp_path)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    contrast = Contrast(tmp_path, "m", "effect", TOLD, {"Statistic": "t"})
    with pytest.raises(MorbidsError, match=r"contrast-effect_stat-t_statmap.nii.gz is not there"):
        _ = contrast.statistic


def test_regions_of_f_have_no_effect_to_draw(tmp_path: Path) -> None:
    contrast = Contrast(tmp_path, "m", "effect", TOLD, {"Statistic": "F"})
    path = output_path(tmp_path, {}, "regions", {"model": "m", "contrast": "effect"})
    path.parent.mkdir(parents=True)
    pd.DataFrame({"name": ["PAG"], "f": [3.0]}).to_csv(path, sep="\t", index=False)
    with pytest.raises(MorbidsError, match="asks by F whether several means differ"):
        draw_regions(contrast, Look(None, ("axial",), None, None, None))
