"""The index leads everywhere."""

from pathlib import Path

import pytest

from morbids.reports.index import IndexReport, ParticipantLine, write_index_page
from morbids.reports.index_of_dataset import MOST_READ_BY_A_JOB, is_left_to_others, write_index
from tests.reports.reading import check_offline, read_page


def test_the_index_leads_to_participants_and_group(tmp_path: Path) -> None:
    group = tmp_path / "group.html"
    lines = (
        ParticipantLine("sub-01", tmp_path / "sub-01.html", "pass", 2, ""),
        ParticipantLine("sub-02", tmp_path / "sub-02.html", "fail", 2, "a truncated image"),
    )
    for path in (group, *(line.page for line in lines)):
        path.touch()
    page = read_page(write_index_page(IndexReport("A study", lines, group, "1"), tmp_path / "index.html"))
    check_offline(page, tmp_path)
    assert {"group.html", "sub-01.html", "sub-02.html"} <= set(page.hrefs)
    assert page.tables[0][2] == ["sub-02", "✕ failed", "2", "a truncated image"]
    before = read_page(write_index_page(IndexReport("A study", lines, None, "1"), tmp_path / "index.html"))
    assert "The group level has not run yet." in before.text


def test_a_job_among_many_does_not_read_what_all_others_have_left(tmp_path: Path) -> None:
    assert not is_left_to_others(tmp_path), "the first job makes the page"
    for number in range(MOST_READ_BY_A_JOB):
        (tmp_path / f"sub-{number:03}.html").write_text("<html></html>")
    write_index(tmp_path, "study")
    assert not is_left_to_others(tmp_path)
    (tmp_path / "sub-more.html").write_text("<html></html>")
    assert is_left_to_others(tmp_path)


@pytest.mark.parametrize("folder", ["sub-01/pet", "sub-01/ses-a/pet"])
def test_tables_of_quality_are_found_with_sessions_and_without(folder: str, tmp_path: Path) -> None:
    (tmp_path / "sub-01.html").write_text("<html></html>")
    table = tmp_path / folder / "sub-01_task-x_desc-quality_metrics.tsv"
    table.parent.mkdir(parents=True)
    table.write_text("step\tconcern\nhead motion\tmoved far\n")
    assert "x: moved far" in write_index(tmp_path, "study").read_text()
