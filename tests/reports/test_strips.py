"""Strips: every scan is a point, none covers another, and each leads to its page."""

import math
from pathlib import Path

from morbids.reports.pages import Page, Section, write_page
from morbids.reports.strips import WIDTH, Strip, StripPoint, Strips, ends_of, place_points
from tests.reports.reading import check_offline, read_page


def test_points_are_ordered_by_value_and_neighbours_are_stacked() -> None:
    values = {"a": 3.0, "b": 1.0, "c": 1.01, "d": math.nan, "e": 1.02}
    strip = Strip("motion", tuple(StripPoint(name, value, None, False) for name, value in values.items()))
    placed = place_points(strip)
    assert [one.point.label for one in placed] == ["b", "c", "e", "a"]
    assert placed[0].x < placed[1].x < placed[2].x < placed[3].x < WIDTH
    assert len({one.y for one in placed[:3]}) == 3
    assert placed[3].y == placed[0].y
    assert placed[0].words == "b: 1"
    assert ends_of(strip) == ("1", "3")


def test_one_value_alone_has_a_place() -> None:
    (only,) = place_points(Strip("motion", (StripPoint("a", 2.0, None, False),)))
    assert 0 < only.x < WIDTH


def test_a_point_leads_to_its_page_and_far_ones_are_marked(tmp_path: Path) -> None:
    own = tmp_path / "sub-01.html"
    own.touch()
    strip = Strip(
        "motion (mm)", (StripPoint("sub-01", 9.0, own, True), StripPoint("sub-02", 1.0, None, False))
    )
    page = read_page(
        write_page(Page("t", "s", (Section("Quality", blocks=(Strips((strip,)),)),)), tmp_path / "t.html")
    )
    check_offline(page, tmp_path)
    assert "sub-01.html" in page.hrefs
    assert page.html.count('class="far"') == 1
    assert "sub-01: 9" in page.html
