"""Times in other units than seconds: each field that is wrong is named, and no other."""

from typing import Any

import pytest

from morbids.errors import MorbidsError
from tests.bids.conftest import DURATION_S, START_S
from tests.bids.test_timing import timing_of

MS = 1000


def scaled(values: list[int], factor: float) -> list[float]:
    return [value * factor for value in values]


@pytest.mark.parametrize(
    ("changes", "fields", "stays"),
    [
        (
            {"FrameTimesStart": scaled(START_S, MS), "FrameDuration": scaled(DURATION_S, MS)},
            "FrameTimesStart and FrameDuration",
            "InjectionStart",
        ),
        ({"FrameDuration": scaled(DURATION_S, MS)}, "FrameDuration", "FrameTimesStart and InjectionStart"),
        ({"FrameTimesStart": scaled(START_S, MS)}, "FrameTimesStart", "FrameDuration and InjectionStart"),
        ({"InjectionStart": -3.0e6}, "InjectionStart", "FrameTimesStart and FrameDuration"),
        (
            {
                "FrameTimesStart": scaled(START_S, MS),
                "FrameDuration": scaled(DURATION_S, MS),
                "InjectionStart": -3.0e6,
                "ImageDecayCorrectionTime": -3.0e6,
                "PharmaceuticalDoseTime": 2.7e6,
            },
            "FrameTimesStart, FrameDuration, InjectionStart, ImageDecayCorrectionTime and PharmaceuticalDoseTime",
            "",
        ),
        (
            {"ScanStart": None, "InjectionEnd": 4.8e6},
            "InjectionEnd",
            "FrameTimesStart, FrameDuration and Inj",
        ),
        (
            {"FrameTimesStart": [3.0e6], "FrameDuration": [1.2e6], "ScanStart": None},
            "FrameTimesStart and FrameDuration",
            "InjectionStart",
        ),
    ],
)
def test_milliseconds_are_told_field_by_field(changes: dict[str, Any], fields: str, stays: str) -> None:
    with pytest.raises(MorbidsError, match=r"looks? like milliseconds") as caught:
        timing_of(**changes)
    assert f"divide {fields} by 1000" in caught.value.hint
    assert stays in caught.value.hint
    assert ("can stay" in caught.value.hint) == bool(stays)


def test_dividing_as_told_mends_them() -> None:
    changes = {"FrameTimesStart": scaled(START_S, MS), "FrameDuration": scaled(DURATION_S, MS)}
    with pytest.raises(MorbidsError, match="milliseconds"):
        timing_of(**changes)
    mended = {name: scaled(values, 1 / MS) for name, values in changes.items()}  # type: ignore[arg-type]
    assert timing_of(**mended).frames.end_min[-1] == 90


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"FrameTimesStart": scaled(START_S, 1 / 60), "FrameDuration": scaled(DURATION_S, 1 / 60)},
            r"last frame ends 1.5 min after injection \(FrameTimesStart 80, FrameDuration 10, InjectionStart 0\)",
        ),
        ({"FrameDuration": scaled(DURATION_S, 1 / 60)}, r"FrameDuration ends with 10 .* would in minutes"),
        ({"FrameTimesStart": scaled(START_S, 1 / 60)}, r"FrameTimesStart ends with 80 .* would in minutes"),
        ({"InjectionStart": -36000}, r"last frame ends 690 min after injection"),
        (
            {"FrameTimesStart": [s + d / 2 for s, d in zip(START_S, DURATION_S, strict=True)]},
            r"middles of the frames: frames 2 and 3 are 120 s apart and last 60 and 180 s",
        ),
    ],
)
def test_minutes_and_middles_are_told(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(MorbidsError, match=message):
        timing_of(**changes)


def test_times_of_the_day_are_seconds_too() -> None:
    day = {"InjectionStart": 36000, "ScanStart": 36000, "ImageDecayCorrectionTime": 36000}
    timing = timing_of(FrameTimesStart=[start + 36000 for start in START_S], **day)
    assert timing.frames.start_min[0] == 0
    assert timing.notes == ()
