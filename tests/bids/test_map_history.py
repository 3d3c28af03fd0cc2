"""What the sidecar of a map tells of its making."""

from typing import Any

import pytest

from morbids.bids.map_history import TRAITS_OF_A_MAP, Span, agree_on_spans, smoothed_mm, span_of

FRAMES = {"FrameTimesStart": [600.0 + 300 * n for n in range(12)], "FrameDuration": [300.0] * 12}


def told(metadata: dict[str, Any]) -> set[str]:
    return {words for read in TRAITS_OF_A_MAP if (words := read(metadata))}


def test_a_window_is_the_frames_that_it_takes() -> None:
    """Events begin a few seconds apart: the same frames are the same window, the name of a window is no part of it."""
    first = span_of({"Baseline": {"name": "rest", "start_min": 10.0, "end_min": 40.0}, **FRAMES}, "Baseline")
    later = span_of({"Baseline": {"name": "rest", "start_min": 10.2, "end_min": 40.3}, **FRAMES}, "Baseline")
    short = span_of({"Baseline": {"name": "rest", "start_min": 30.0, "end_min": 40.0}, **FRAMES}, "Baseline")
    assert first == later == Span(10.0, 40.0, 6)
    assert agree_on_spans([first, later, None, short]) == [
        "a window of 10.0 to 40.0 min (6 frames)",
        "a window of 10.0 to 40.0 min (6 frames)",
        None,
        "a window of 30.0 to 40.0 min (2 frames)",
    ]


def test_without_frames_a_window_is_its_own_minutes() -> None:
    near, far = ({"Window": {"start_min": start, "end_min": 40.0}} for start in (10.5, 20.0))
    spans = [span_of({"Window": {"start_min": 10, "end_min": 40}}, "Window"), span_of(near, "Window")]
    assert len(set(agree_on_spans(spans))) == 1
    assert len(set(agree_on_spans([*spans, span_of(far, "Window")]))) == 2
    assert span_of({"Window": "early"}, "Window") is None
    empty = {"Window": {"start_min": 500, "end_min": 600}, **FRAMES}
    assert span_of(empty, "Window") == (500.0, 600.0, None)


def test_injection_is_the_origin_of_frames() -> None:
    metadata = {"Window": {"start_min": 0, "end_min": 30}, **FRAMES, "InjectionStart": 600.0}
    assert span_of(metadata, "Window") == (0.0, 30.0, 6)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"ModelName": "SRTM", "Weights": "none"}, {"ModelName SRTM", "Weights none"}),
        (
            {
                "InputValuesLabels": ["k2prime", "tstar"],
                "InputValues": [0.1237, 10],
                "k2primeSource": "preset of carfentanil",
                "tstarSource": "given by the user",
            },
            {"k2' 0.1237", "t* 10"},
        ),
        # What each scan finds for itself agrees in its rule, not in its value.
        (
            {
                "InputValuesLabels": ["k2prime"],
                "InputValues": [0.11],
                "k2primeSource": "estimated from the scan",
            },
            {"k2' estimated from the scan"},
        ),
        ({"AttenuationCorrection": "measured, 68Ge"}, {"correction for attenuation"}),
        ({"AttenuationCorrection": "None"}, {"no correction for attenuation"}),
        ({"SoftwareName": "morbids", "SoftwareVersion": "0.1.0+3"}, {"results of version 0.1.0"}),
        ({"SoftwareName": "morbids", "SoftwareVersion": "0.0.9"}, {"results from before version 0.1.0"}),
        ({"SoftwareName": "kinfitr", "SoftwareVersion": "0.0.9"}, set()),
        ({}, set()),
    ],
)
def test_sidecars_tell_what_maps_must_share(metadata: dict[str, Any], words: set[str]) -> None:
    assert told(metadata) == words


@pytest.mark.parametrize(
    ("desc", "metadata", "width"),
    [
        ("sm6", {}, 6.0),
        ("fwhm08BaselineMinusDrug", {}, 8.0),
        ("prism6", {}, None),
        ("baseline", {"SmoothingFWHM": 4.5}, 4.5),
        ("", {}, None),
    ],
)
def test_names_and_sidecars_tell_the_width_of_smoothing(
    desc: str, metadata: dict[str, Any], width: float | None
) -> None:
    assert smoothed_mm({"desc": desc} if desc else {}, metadata) == width
