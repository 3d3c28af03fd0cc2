"""Tables of curves in the forms and encodings that programs write."""

from pathlib import Path

import pytest

from morbids.bids.curve_formats import read_cells
from morbids.errors import MorbidsError

# As tacmagic's sample.dft, shortened.
DFT = """DFT            putam putam cereb
exam0001       dx sin .
kBq/ml         pl18 pl18 pl29
Times (min)    675.2 712.8 9167.1
0.00 5.00      2.00e+00 -9.18e-03 2.98e-04
5.00 15.0      2.56e+01 .         7.05e+00  # moved
# Example data for testing purposes
"""
VOISTAT_HEAD = (
    "# PMOD_VOI_STATISTICS\n# DATA\n// Component [string]\tVoiName(Region) [string]\tTime [seconds]\t"
    "Averaged [kBq/cc]\tPVC [kBq/cc]\tVolume [ccm]\n"
)
VOISTAT = VOISTAT_HEAD + (
    "a.dcm\tPutamen_l\t150.0\t1.5\t1.7\t33.8\na.dcm\tPutamen_l\t450.0\t2.5\t2.7\t33.8\n"
    "a.dcm\tCerebellum\t150.0\t3.5\t3.7\t90\na.dcm\tCerebellum\t450.0\t4.5\tNaN\t90\n"
)


def cells(tmp_path: Path, text: str, encoding: str = "utf-8") -> tuple[list[str], list[list[str]]]:
    path = tmp_path / "curves.txt"
    path.write_bytes(text.encode(encoding))
    return read_cells(path)[:2]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    names, rows = cells(tmp_path, "start\tend\tNoyau caudé\n0\t600\t3.5\n", encoding)
    assert names == ["start", "end", "Noyau caudé"]
    assert rows == [["0", "600", "3.5"]]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("start\tend\tput\t\n0\t60\t1\n60\t600\t2\n", id="names end in a tab"),
        pytest.param("start\tend\tput\n0\t60\t1\t\n60\t600\t2\t\n", id="rows end in a tab"),
        pytest.param("\tstart\tend\tput\n0\t0\t60\t1\n1\t60\t600\t2\n", id="pandas numbers rows"),
        pytest.param("Unnamed: 0,start,end,put\n0,0,60,1\n1,60,600,2\n", id="pandas, twice"),
        pytest.param('"start" "end" "put"\n"1" 0 60 1\n"2" 60 600 2\n', id="R names rows"),
        pytest.param('"","start","end","put"\n"1",0,60,1\n"2",60,600,2\n', id="R, commas"),
        pytest.param("# drawn by hand\n\nstart  end   put\n0 60  1\n60   600 2\n", id="spaces"),
    ],
)
def test_columns_without_a_name_are_left_out(tmp_path: Path, text: str) -> None:
    names, rows = cells(tmp_path, text)
    assert names == ["start", "end", "put"]
    assert rows == [["0", "60", "1"], ["60", "600", "2"]]


def test_a_quoted_name_may_hold_the_separator(tmp_path: Path) -> None:
    names, _ = cells(tmp_path, 'start,end,"putamen, left"\n0,600,1\n')
    assert names[2] == "putamen, left"


def test_a_dft_file_names_regions_without_planes_where_it_can(tmp_path: Path) -> None:
    names, rows = cells(tmp_path, DFT)
    assert names == ["frame_start (min)", "frame_end (min)", "putam-dx", "putam-sin", "cereb"]
    assert rows[1] == ["5.00", "15.0", "2.56e+01", ".", "7.05e+00"]
    path = tmp_path / "planes.dft"
    path.write_text(DFT.replace("dx sin", "dx dx ").replace("pl18 pl18", "pl18 pl19"))
    assert read_cells(path).names[2:] == ["putam-dx-pl18", "putam-dx-pl19", "cereb-pl29"]
    assert read_cells(path).activity_unit == "kBq/ml"


def test_a_voistat_file_becomes_a_column_per_region(tmp_path: Path) -> None:
    names, rows = cells(tmp_path, VOISTAT)
    assert names == ["frame_mid [seconds]", "Putamen_l", "Putamen_l_C", "Cerebellum", "Cerebellum_C"]
    assert rows == [["150.0", "1.5", "1.7", "3.5", "3.7"], ["450.0", "2.5", "2.7", "4.5", "NaN"]]


def test_acqtimes(tmp_path: Path) -> None:
    names, rows = cells(
        tmp_path, "# Acquisition times (start end) in seconds\n2 # Number\n0\t300\n300\t600\n"
    )
    assert names == ["frame_start s", "frame_end s"]
    assert rows == [["0", "300"], ["300", "600"]]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("start\tend\tput\n0\t60\t1\t7\n60\t90\t1\t7\n", "row 2 has 4 cells, but there are 3 column names"),
        ("start\tend\tput\n0\t60\t1\n60\t90\n", "row 3 has 2 cells"),
        ("start\tend\tput\tput\n0\t60\t1\t7\n", "two columns named 'put'"),
        ("start\tend\n", "has no rows"),
        ("", "has no rows"),
        ("DFT1 a b\n. dx sin\n", "has no rows"),
        ("DFT a b\n. dx\nkBq/ml . .\nTimes (min) . .\n0 60 1 2\n", "name 2, 1 and 2 regions"),
        ("PNG\x00\x01\x02", "cannot be read as text"),
        ("// Component [string]\tMean [kBq/cc]\na\t1\n", "without VoiName, Time and Averaged"),
        (VOISTAT + "a.dcm\tCerebellum\t450.0\t4.5\tNaN\t90\n", "'Cerebellum' has two values at time 450.0"),
    ],
)
def test_what_is_no_table_gets_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(MorbidsError, match=sentence):
        cells(tmp_path, text)


def test_an_absent_file(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match=r"cannot be read as text\. Check the path"):
        read_cells(tmp_path / "no.tsv")
