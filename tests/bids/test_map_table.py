"""Maps by a table: rows without BIDS names, and what is refused."""

from pathlib import Path

import pytest

from morbids.bids.filters import Filters
from morbids.bids.map_table import common_folder, find_listed_maps
from morbids.bids.maps import MapSelection
from morbids.errors import MorbidsError
from tests.bids.test_maps import write_image


def write_table(folder: Path, lines: list[str], columns: str = "participant_id\tsession_id\tpath") -> Path:
    path = folder / "maps.tsv"
    path.write_text("\n".join([columns, *lines]) + "\n")
    return path


def write_spm(folder: Path, n: int = 3) -> list[str]:
    """Contrast images as SPM names them, two sessions each."""
    lines = []
    for number in range(1, n + 1):
        for session in ("drug", "placebo"):
            write_image(folder / f"s{number}" / session / "con_0001.nii")
            lines.append(f"sub-{number}\t{session}\ts{number}/{session}/con_0001.nii")
    return lines


def test_images_of_any_name_are_rows(tmp_path: Path) -> None:
    found = find_listed_maps(write_table(tmp_path, write_spm(tmp_path)), MapSelection(measure="con"))
    assert [row.label for row in found.rows[:2]] == ["sub-1_ses-drug", "sub-1_ses-placebo"]
    assert {row.scan_type for row in found.rows} == {"ses-drug", "ses-placebo"}
    assert {row.entities["meas"] for row in found.rows} == {"con"}
    assert common_folder(found.rows) == tmp_path


def test_labels_and_exclusions_choose_among_them(tmp_path: Path) -> None:
    table = write_table(tmp_path, write_spm(tmp_path))
    selection = MapSelection(filters=Filters(session_labels=("drug",)), excluded={"sub-2": "--exclude"})
    found = find_listed_maps(table, selection)
    assert [row.label for row in found.rows] == ["sub-1_ses-drug", "sub-3_ses-drug"]
    assert [one.label for one in found.dropped] == ["sub-2_ses-drug"]
    with pytest.raises(MorbidsError, match=r"No map of .* is left"):
        find_listed_maps(table, MapSelection(filters=Filters(session_labels=("rest",))))


@pytest.mark.parametrize(
    ("lines", "columns", "message"),
    [
        (
            ["1\tdrug\tnothing.nii"],
            "participant_id\tsession_id\tpath",
            "line 2: there is no image nothing.nii",
        ),
        (["1\tx"], "participant_id\tpicture", "path"),
        (["1\t5\tx"], "participant_id\tage\tpath", "has the column 'age'"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(
    tmp_path: Path, lines: list[str], columns: str, message: str
) -> None:
    with pytest.raises(MorbidsError, match=message):
        find_listed_maps(write_table(tmp_path, lines, columns), MapSelection())


def test_two_rows_of_one_scan_are_refused(tmp_path: Path) -> None:
    lines = write_spm(tmp_path, 1)
    with pytest.raises(MorbidsError, match="two rows of sub-1_ses-drug"):
        find_listed_maps(write_table(tmp_path, [*lines, lines[0]]), MapSelection())
