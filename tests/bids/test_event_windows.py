"""Rows of events.tsv: which make windows, which are noted, which are refused."""

from typing import Any

import pytest

from morbids.bids.windows import Event, Window
from morbids.errors import MorbidsError
from tests.bids.test_window_choice import choose

BLOCKS = [Event(600, 1800, "baseline"), Event(2700, 2700, "pain")]


def test_markers_beside_blocks_are_noted_and_make_no_window() -> None:
    markers = [Event(0, 60, "injection"), Event(2400, 300, "instructions"), Event(5000, 120, "questions")]
    choice = choose(events=[*markers, *BLOCKS])
    assert choice.windows == (Window("baseline", 10, 40), Window("pain", 45, 90))
    assert choice.notes[0] == (
        "Rows of events.tsv that make no window, with fewer than 3 frames from t* = 10 min on: 'injection' (0.0 to "
        "1.0 min), 'instructions' (40.0 to 45.0 min) and 'questions' (83.3 to 85.3 min)."
    )


def test_trials_leave_the_scan_whole() -> None:
    choice = choose(events=[Event(600 + 20 * row, 4, "ab"[row % 2]) for row in range(100)])
    assert choice.windows == (Window("whole", 10, 90),)
    assert choice.notes[0].endswith("and 95 more.")


def test_the_user_chooses_rows_by_name() -> None:
    overlapping = [Event(600, 3000, "task"), *BLOCKS]
    with pytest.raises(MorbidsError, match="share"):
        choose(events=overlapping)
    assert [window.name for window in choose(events=overlapping, wanted=("baseline", "pain")).windows] == [
        "baseline",
        "pain",
    ]
    blocks = [Event(600, 1800, "rest"), Event(2400, 1200, "task"), Event(3600, 1800, "rest")]
    assert [window.name for window in choose(events=blocks, wanted=("rest",)).windows] == ["rest", "rest2"]


@pytest.mark.parametrize(
    ("events", "wanted", "message"),
    [
        (BLOCKS, ("pian",), r"has no row 'pian'; it has baseline, pain\."),
        ([Event(600e3, 1800e3, "a")], (), r"rows from 600000 to 2.4e\+06 s, and the scan lasts 5400 s"),
        ([Event(10, 30, "a"), Event(45, 45, "b")], (), r"rows from 10 to 90 s.* look like minutes"),
        (
            [Event(0, 300, "a"), Event(2400, 300, "b")],
            (),
            r"none of them has 3 frames by mid-time from t\* = 10",
        ),
        ([Event(2400, 300, "a")], ("a",), r"sub-01_pet.nii.gz: the window 'a' .* has 0 frames"),
    ],
)
def test_rows_that_cannot_be_windows_name_the_file(events: Any, wanted: Any, message: str) -> None:
    with pytest.raises(MorbidsError, match=message) as caught:
        choose(events=events, wanted=wanted)
    assert "sub-01_pet.nii.gz" in caught.value.message
