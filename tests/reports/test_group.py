"""The group page: who took part, what was found, what is circular."""

from pathlib import Path

from morbids.reports.findings import Failure, Methods
from morbids.reports.group import ContrastReport, GroupReport, LeftOut, write_group_page
from morbids.reports.pages import Text
from morbids.reports.tables import read_table
from tests.reports.reading import PROVENANCE, ReadPage, check_offline, read_page

CORRELATIONS = "name\tkind\tr\tp_permutation\nstriatum\t{kind}\t-0.4321\t0.0123\n"


def write(tmp_path: Path, left_out: tuple[LeftOut, ...] = (), failures: tuple[Failure, ...] = ()) -> ReadPage:
    independent, circular = (
        read_table(save(tmp_path / f"{kind}.tsv", CORRELATIONS.format(kind=kind)), f"Correlations, {kind}")
        for kind in ("independent", "circular")
    )
    contrast = ContrastReport(
        "baseline − challenge",
        "rejection",
        "Where does BP_ND change?",
        "2 clusters are claimed.",
        True,
        ("0.1 (0.05 to 0.15)", "PAG", "2 clusters", None, "nothing", None),
        12,
        "one sample",
        "max-T",
        ("The maps are skewed.",),
        sensitivity=(Text(("Other corrections.",)),),
        correlations=(independent,),
        circular=(circular,),
    )
    report = GroupReport(
        "A study",
        (("Participants", 12),),
        "1 question is one family of 8 tests.",
        (Text(("Every test.",)),),
        (contrast,),
        failures,
        ("Participant", "resiliency"),
        (("sub-01", 71.0), ("sub-02", 68.5)),
        left_out,
        Methods(("Group statistics were computed.",), tmp_path / "references.bib"),
        PROVENANCE,
    )
    return read_page(write_group_page(report, tmp_path / "group.html"))


def save(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def find_table(page: ReadPage, column: str) -> list[list[str]]:
    return next(table for table in page.tables if column in table[0])


def test_circular_correlations_come_last_and_carry_the_word(tmp_path: Path) -> None:
    page = write(tmp_path)
    tables = [table for table in page.tables if "r" in table[0]]
    assert [table[1] for table in tables] == [
        ["striatum", "independent", "−0.432", ".012"],
        ["striatum", "! circular", "−0.432", ".012"],
    ]
    warning = "r is inflated and its p means nothing"
    assert page.text.index("Correlations, independent") < page.text.index(warning)
    assert page.text.index(warning) < page.text.index("Correlations, circular")


def test_those_left_out_are_listed_with_their_reason(tmp_path: Path) -> None:
    out = (
        LeftOut("sub-07_task-rejection", "", "its map has no finite voxel"),
        LeftOut("sub-08", "rejection", "<age>"),
    )
    page = write(tmp_path, out)
    assert "sub-07_task-rejection was left out: its map has no finite voxel" in page.text
    assert "sub-08 was left out of rejection: <age>" in page.text
    table = find_table(page, "Reason")
    assert table[1] == ["sub-07_task-rejection", "all contrasts", "its map has no finite voxel"]
    assert table[2][1:] == ["rejection", "<age>"]
    assert "Nobody was left out." in write(tmp_path).text
    assert "6 scans or contrasts were left out." in write(tmp_path, out * 3).text


def test_a_contrast_that_failed_is_told_at_the_top(tmp_path: Path) -> None:
    failure = Failure(
        "acceptance × resiliency", "regression", "resiliency is 71 for everyone.", "Choose another."
    )
    page = write(tmp_path, failures=(failure,))
    assert page.text.index("resiliency is 71 for everyone. Choose another.") < page.text.index(
        "2 clusters are claimed."
    )
    check_offline(page, tmp_path)


def test_the_overview_leads_to_each_contrast(tmp_path: Path) -> None:
    page = write(tmp_path)
    assert page.tables[0][1] == [
        *("baseline − challenge", "0.1 (0.05 to 0.15)", "PAG", "2 clusters"),
        *("n/a", "nothing", "n/a"),
    ]
    assert page.text.index("1 question is one family of 8 tests.") < page.text.index(
        "2 clusters are claimed."
    )
    assert page.hrefs.count("#rejection-baseline-challenge") == 2  # navigation and overview
