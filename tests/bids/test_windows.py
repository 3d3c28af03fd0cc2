"""Windows as intervals: pairs, texts, frames."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from morbids.bids.windows import Window, pair_windows, parse_window, window_points
from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.frames import Frames


def test_neighbouring_windows_never_share_a_frame() -> None:
    frames = Frames(np.arange(0.0, 90, 10), np.full(9, 10.0))
    first, second = window_points(frames, Window("a", 0, 45)), window_points(frames, Window("b", 45, 90))
    assert not (first & second).any()
    assert (first | second).all()
    assert first.sum() == 4


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (("early", "late"), [("early", "late")]),
        (("rest", "Baseline", "task"), [("Baseline", "rest"), ("Baseline", "task")]),
        (("whole",), []),
    ],
)
def test_the_first_window_is_baseline_unless_one_is_named_so(names: tuple[str, ...], pairs: Any) -> None:
    windows = [Window(name, 10.0 * place, 10.0 * place + 10) for place, name in enumerate(names)]
    assert [(pair.baseline.name, pair.challenge.name) for pair in pair_windows(windows[::-1])] == pairs


def test_windows_are_read_from_the_command_line() -> None:
    assert parse_window("social rejection = 45-90.5") == Window("socialRejection", 45, 90.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("baseline", r"window 'baseline' is not NAME=START-END"),
        ("a=10", r"window 'a=10' is not NAME=START-END"),
        ("a=40-10", r"window 'a=40-10' ends before it starts"),
        ("?=10-40", r"name '\?' has no letter or digit"),
    ],
)
def test_other_texts_are_no_windows(text: str, message: str) -> None:
    with pytest.raises(MorbidsError, match=message) as caught:
        parse_window(text)
    assert caught.value.exit_code == ExitCode.USAGE


MINUTES = st.one_of(st.integers(-5, 200), st.floats(-5, 200), st.floats())
WRITTEN = st.builds("{}={}-{}".format, st.text(max_size=6), MINUTES, MINUTES)


@given(st.one_of(st.text(max_size=30), WRITTEN))
@example("rest=10-40.5")
def test_any_text_is_a_window_or_a_sentence(text: str) -> None:
    try:
        window = parse_window(text)
    except MorbidsError as error:
        code = error.exit_code
    else:
        code = ExitCode.USAGE
        assert window.name.isalnum()
        assert -np.inf < window.start_min < window.end_min < np.inf
    assert code == ExitCode.USAGE


@given(
    st.lists(st.floats(0.1, 30), min_size=1, max_size=40),
    st.floats(0, 200),
    st.floats(0, 200),
    st.floats(0, 200),
)
def test_windows_that_meet_share_out_the_frames(durations: list[float], a: float, b: float, c: float) -> None:
    duration = np.array(durations)
    frames = Frames(np.cumsum(duration) - duration, duration)
    start, middle, end = sorted((a, b, c))
    parts = [window_points(frames, Window("x", *ends)) for ends in ((start, middle), (middle, end))]
    assert not (parts[0] & parts[1]).any()
    np.testing.assert_array_equal(parts[0] | parts[1], window_points(frames, Window("x", start, end)))
