"""Windows: where they come from, what moves them, which frames are theirs."""

from typing import Any

import pytest

from morbids.bids.window_choice import WindowChoice, WindowWishes, choose_windows
from morbids.bids.windows import (
    Event,
    Window,
    window_entities,
)
from morbids.errors import MorbidsError
from tests.bids.test_timing import SOURCE, timing_of

NAN = float("nan")


def choose(
    requested: list[Window] | None = None,
    events: list[Event] | None = None,
    t_star_min: float = 10.0,
    dose: Any = None,
    wanted: tuple[str, ...] = (),
    **changes: Any,
) -> WindowChoice:
    """Windows of the usual 90-min scan."""
    metadata = {} if dose is None else {"PharmaceuticalName": "naltrexone", "PharmaceuticalDoseTime": dose}
    wishes = WindowWishes(tuple(requested or ()), wanted)
    return choose_windows(wishes, events or [], metadata, timing_of(**changes), t_star_min, SOURCE)


def test_requested_windows_come_before_events_and_doses() -> None:
    choice = choose([Window("late", 50, 80), Window("early", 10, 40)], [Event(0, 5400, "rest")], dose=2700)
    assert choice.windows == (Window("early", 10, 40), Window("late", 50, 80))
    assert choice.notes == ()
    assert {name: coverage.n_frames for name, coverage in choice.coverage.items()} == {"early": 3, "late": 3}


def test_events_count_from_the_first_stored_frame() -> None:
    """The scan is stored from 300 s after TimeZero, the tracer was injected at 60 s."""
    starts = [start + 300 for start in timing_of().frames.start_min * 60]
    choice = choose(
        events=[Event(600, 1800, "baseline"), Event(2400, 3000, "social rejection")],
        FrameTimesStart=starts,
        InjectionStart=60,
    )
    assert choice.windows == (Window("baseline", 14, 44), Window("socialRejection", 44, 94))


def test_neighbouring_rows_are_one_block_and_later_ones_are_numbered() -> None:
    trials = [Event(300 + 60 * row, 60, "rest") for row in range(25)]
    blocks = [Event(1800, 1800, "task"), Event(3600, 1800, "rest"), Event(2000, 0, "key")]
    choice = choose(events=[*trials, *blocks], t_star_min=5)
    assert choice.windows == (Window("rest", 5, 30), Window("task", 30, 60), Window("rest2", 60, 90))


def test_blocks_that_begin_inside_frames_name_them() -> None:
    """The events of bids-examples pet005, with its frames of 300 s from 1560 s on."""
    starts = [*range(0, 1560, 60), *range(1560, 5460, 300)]
    durations = [60] * 26 + [300] * 13
    events = [Event(2100, 900, "eyes closed"), Event(3000, 1860, "eyes open")]
    choice = choose(events=events, FrameTimesStart=starts, FrameDuration=durations)
    assert choice.windows == (Window("eyesClosed", 35, 50), Window("eyesOpen", 50, 81))
    cut = {name: [frame.frame for frame in choice.coverage[name].cut_frames] for name in choice.coverage}
    assert cut == {"eyesClosed": [28, 31], "eyesOpen": [31]}
    assert "Frame 28 lies 80 % outside the window 'eyesClosed' and is left out of it." in choice.notes


def test_a_block_without_duration_lasts_to_the_next() -> None:
    choice = choose(events=[Event(600, NAN, "baseline"), Event(2400, NAN, "challenge")])
    assert choice.windows == (Window("baseline", 10, 40), Window("challenge", 40, 90))
    assert "event 'baseline' has no duration: taken to last to 40.0 min" in choice.notes[0]


def test_events_without_names_make_no_windows() -> None:
    choice = choose(events=[Event(600, 10, "")])
    assert choice.windows == (Window("whole", 10, 90),)
    assert choice.notes == ("events.tsv names no trial_type: its rows make no windows.",)


@pytest.mark.parametrize("dose", [2700, [2700, 3000]])
def test_a_dose_divides_the_scan(dose: Any) -> None:
    choice = choose(dose=dose)
    assert choice.windows == (Window("baseline", 10, 45), Window("challenge", 45, 90))
    assert choice.notes[0] == "Windows before and after naltrexone, given at 45.0 min after injection."


@pytest.mark.parametrize(("dose", "where"), [(-1800, "before the usable part"), (9000, "after the end")])
def test_a_dose_outside_the_scan_leaves_one_window(dose: float, where: str) -> None:
    """ds001705 has its dose 30 min before the scan."""
    choice = choose(dose=dose)
    assert choice.windows == (Window("whole", 10, 90),)
    assert where in choice.notes[0]


def test_without_conditions_the_scan_is_one_window_without_name() -> None:
    choice = choose(t_star_min=20)
    assert choice.windows == (Window("whole", 20, 90),)
    assert window_entities(choice.windows[0]) == {}
    assert window_entities(Window("late", 45, 90)) == {"desc": "late"}


def test_starts_are_raised_to_t_star_and_ends_lowered_to_the_scan() -> None:
    choice = choose([Window("baseline", 0, 40), Window("challenge", 50, 120)], t_star_min=10)
    assert choice.windows == (Window("baseline", 10, 40), Window("challenge", 50, 90))
    assert choice.notes == (
        "The window 'baseline' starts at t* = 10 min instead of 0.0 min.",
        "The window 'challenge' ends with the scan at 90.0 min instead of 120.0 min.",
    )


def test_cut_frames_are_named_with_their_fraction_outside() -> None:
    """Frames of 10 min from 40: the window 44-78 cuts 40-50 (mid-time inside) and 70-80 (inside)."""
    choice = choose([Window("task", 44, 78)])
    coverage = choice.coverage["task"]
    assert coverage.n_frames == 4
    assert [(cut.frame, cut.used) for cut in coverage.cut_frames] == [(8, True), (11, True)]
    assert [cut.fraction_outside for cut in coverage.cut_frames] == pytest.approx([0.4, 0.2])
    assert choice.notes[0] == "Frame 8 lies 40 % outside the window 'task' and is used in it."
    outside = choose([Window("task", 46, 80)])
    assert [cut.used for cut in outside.coverage["task"].cut_frames] == [False]
    assert outside.notes == ("Frame 8 lies 60 % outside the window 'task' and is left out of it.",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"requested": [Window("a", 10, 40), Window("a", 50, 80)]}, r"Two windows are named 'a'"),
        (
            {"requested": [Window("a", 40, 60)]},
            r"window 'a' \(40.0 to 60.0 min from injection\) has 2 frames",
        ),
        ({"requested": [Window("a", 0, 8)]}, r"window 'a' \(0.0 to 8.0 min.* lies outside the usable scan"),
        (
            {"requested": [Window("s", 600, 2400)]},
            r"window 's' \(600.0 to 2400.0 min.* outside the usable scan",
        ),
        (
            {"requested": [Window("a", 10, 40), Window("b", 30, 90)]},
            r"windows 'a' \(10 to 40 min\) and 'b' \(30 to 90 min\) share 1 frames, from frame 7 on",
        ),
        (
            {"requested": [Window("a", 10, 90), Window("b", 10, 90)]},
            r"windows 'a' .* and 'b' .* share 8 frames, from frame 5 on",
        ),
        ({"dose": "noon"}, r"PharmaceuticalDoseTime is 'noon'"),
        ({"dose": []}, r"PharmaceuticalDoseTime is \[\]"),
    ],
)
def test_windows_that_cannot_serve_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(MorbidsError, match=message):
        choose(**arguments)
