"""The index leads everywhere."""

from pathlib import Path

from morbids.reports.index import IndexReport, ParticipantLine, write_index_page
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
