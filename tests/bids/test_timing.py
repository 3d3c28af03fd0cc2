"""The time axis: units, repairs, refusals, decay."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from morbids.bids.timing import read_timing
from morbids.errors import MorbidsError
from tests.bids.conftest import DURATION_S, METADATA, START_S

SOURCE = Path("sub-01_pet.nii.gz")


def timing_of(**changes: Any) -> Any:
    """Read the usual sidecar with changes; None leaves a field out."""
    metadata = {key: value for key, value in {**METADATA, **changes}.items() if value is not None}
    return read_timing(metadata, len(metadata.get("FrameDuration", START_S)), SOURCE)


def test_seconds_from_time_zero_become_minutes_from_injection() -> None:
    late = timing_of(
        FrameTimesStart=[start + 90 for start in START_S], InjectionStart=30, ImageDecayCorrectionTime=30
    )
    np.testing.assert_allclose(late.frames.start_min, (np.array(START_S) + 60) / 60)
    np.testing.assert_allclose(late.frames.duration_min, np.array(DURATION_S) / 60)
    assert late.first_frame_s == 90
    # An event 10 s into the stored scan is 90 + 10 - 30 = 70 s after injection; a dose counts from TimeZero.
    assert late.event_minutes(10) == pytest.approx(70 / 60)
    assert late.minutes_from_injection(90) == pytest.approx(1)
    assert "first frame starts 1.0 min after injection" in late.notes[-1]


def test_negative_frame_starts_are_kept() -> None:
    early = timing_of(FrameTimesStart=[start - 30 for start in START_S], ScanStart=-30)
    assert early.frames.start_min[0] == pytest.approx(-0.5)
    assert early.notes == timing_of(ScanStart=None).notes == ()


def test_scan_start_just_before_the_first_frame_is_stated() -> None:
    """ds004230: ScanStart 1-5 s with the first frame at 0."""
    assert timing_of(ScanStart=5).notes == (
        "ScanStart is 5 s and the first frame starts at 0 s: FrameTimesStart is used.",
    )


def test_gaps_are_accepted_and_stated() -> None:
    starts = [*START_S[:-2], 4500, 5100]
    assert timing_of(FrameTimesStart=starts).notes == (
        "No data from 70.0 to 75.0 min after injection: curves are interpolated linearly over the gap for "
        "integrals.",
    )


def test_rounded_frame_times_do_not_overlap() -> None:
    assert timing_of(FrameDuration=[60.05, *DURATION_S[1:]]).notes == ()


@pytest.mark.parametrize(
    ("spelling", "half_life_s"),
    [
        ("C11", 1221.8),
        ("[11C]", 1221.8),
        ("C-11", 1221.8),
        ("carbon-11", 1221.8),
        ("18F", 6586.2),
        ("O15", 122.2),
    ],
)
def test_radionuclides_in_every_spelling(spelling: str, half_life_s: float) -> None:
    assert timing_of(TracerRadionuclide=spelling).half_life_min == pytest.approx(half_life_s / 60)


def test_the_half_life_of_the_sidecar_wins() -> None:
    assert timing_of(RadionuclideHalfLife=1220.04).half_life_min == pytest.approx(20.334)


def test_corrected_images_are_left_alone() -> None:
    np.testing.assert_array_equal(timing_of().decay_factors, np.ones(12))


def test_correction_to_another_time_is_moved_to_injection() -> None:
    moved = timing_of(ImageDecayCorrectionTime=1221.8)
    np.testing.assert_allclose(moved.decay_factors, 2.0)
    assert "corrected for decay to 20.36 min" in moved.notes[0]


def test_uncorrected_frames_get_back_what_decayed_within_them() -> None:
    """Constant radioactivity measured without correction: factor times frame mean is the constant."""
    raw = timing_of(
        ImageDecayCorrected=False, ImageDecayCorrectionTime=None, FrameDuration=[60] * 2 + DURATION_S[2:]
    )
    decay = np.log(2) / (1221.8 / 60)
    for start, duration, factor in zip(
        raw.frames.start_min, raw.frames.duration_min, raw.decay_factors, strict=True
    ):
        grid = start + duration * (np.arange(20000) + 0.5) / 20000
        assert factor * np.exp(-decay * grid).mean() == pytest.approx(1, abs=1e-8)
    assert raw.notes == ("The image was not corrected for decay: corrected here to injection.",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"FrameTimesStart": None}, r"sub-01_pet.nii.gz: the sidecar lacks FrameTimesStart\."),
        ({"InjectionStart": None, "ImageDecayCorrected": None}, r"lacks InjectionStart, ImageDecayCorrected"),
        ({"ImageDecayCorrectionTime": None}, r"lacks ImageDecayCorrectionTime"),
        ({"InjectionStart": "12:00:00"}, r"InjectionStart is '12:00:00'"),
        (
            {"InjectionStart": "0", "ScanStart": True, "ImageDecayCorrected": "true"},
            r"InjectionStart is '0', ScanStart is True, ImageDecayCorrected is 'true'",
        ),
        ({"FrameTimesStart": []}, r"FrameTimesStart holds no value"),
        ({"FrameTimesStart": [10**400, *START_S[1:]]}, r"FrameTimesStart holds 1000.*\.\.\."),
        ({"ImageDecayCorrectionTime": -36000}, r"-36000 s and InjectionStart 0 s, 29.5 half-lives .* apart"),
        (
            {
                "ImageDecayCorrected": False,
                "TracerRadionuclide": "O15",
                "FrameDuration": [*DURATION_S[:-1], 1],
            },
            r"not corrected for decay, and has a frame 39.3 half-lives",
        ),
        ({"TracerRadionuclide": "X99", "RadionuclideHalfLife": 20.4}, r"20.4 s, which no tracer of PET has"),
        ({"ImageDecayCorrected": "yes"}, r"ImageDecayCorrected is 'yes'"),
        ({"FrameTimesStart": ["0", *START_S[1:]]}, r"FrameTimesStart holds '0'"),
        ({"FrameTimesStart": START_S[:-1]}, r"FrameTimesStart has 11 values, but the image has 12 volumes"),
        ({"FrameDuration": [0, *DURATION_S[1:]]}, r"FrameDuration of frame 1 is 0 s"),
        ({"FrameDuration": [*DURATION_S[:-1], -600]}, r"FrameDuration of frame 12 is -600 s"),
        (
            {"FrameTimesStart": [0, 120, 60, *START_S[3:]]},
            r"goes backwards: frame 3 starts at 60 s, frame 2 at 120 s",
        ),
        (
            {"FrameDuration": [90, *DURATION_S[1:]]},
            r"frames overlap: frame 1 lasts from 0 to 90 s, frame 2 starts at 60 s",
        ),
        (
            {
                "FrameDuration": [
                    start + duration for start, duration in zip(START_S, DURATION_S, strict=True)
                ]
            },
            r"FrameDuration seems to hold the ends of the frames: frame 2 starts at 60 s and FrameDuration is 120 s",
        ),
        (
            {"FrameTimesStart": [s * 1000 for s in START_S], "FrameDuration": [d * 1000 for d in DURATION_S]},
            r"FrameTimesStart \(4.8e\+06\) and FrameDuration \(600000\) look like milliseconds",
        ),
        (
            {"FrameTimesStart": [s * 1000 for s in START_S]},
            r"FrameTimesStart \(4.8e\+06\) looks like milliseconds",
        ),
        ({"ScanStart": 3600}, r"ScanStart is 3600 s, but FrameTimesStart begins at 0 s"),
        ({"InjectionStart": 9000}, r"InjectionStart is 9000 s, but the last frame ends at 5400 s"),
        ({"TracerRadionuclide": "X99"}, r"half-life is unknown.*TracerRadionuclide is 'X99'"),
        ({"TracerRadionuclide": None}, r"half-life is unknown.*TracerRadionuclide is 'missing'"),
        ({"RadionuclideHalfLife": "20 min"}, r"RadionuclideHalfLife is '20 min'"),
        (
            {"RadionuclideHalfLife": 20.4},
            r"RadionuclideHalfLife is 20.4 s, but C11 has a half-life of 1221.8 s",
        ),
    ],
)
def test_times_that_cannot_be_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(MorbidsError, match=message) as caught:
        timing_of(**changes)
    assert caught.value.hint


def test_ends_in_the_place_of_durations_are_told_from_milliseconds() -> None:
    """The frames of bids-examples pet004, and the same frames in a scan of 5 h."""
    starts = [*range(0, 60, 10), *range(60, 180, 20), *range(180, 540, 60), *range(540, 1500, 120)]
    starts += range(1500, 7200, 300)
    for end in (7200, 18000):
        message = r"ends of the frames: frame 2 starts at 10 s and FrameDuration is 20 s"
        with pytest.raises(MorbidsError, match=message):
            timing_of(FrameTimesStart=starts, FrameDuration=[*starts[1:], end])


def test_without_the_image_the_fields_are_counted_against_each_other() -> None:
    assert read_timing(METADATA, None, SOURCE).frames.n_frames == 12
    with pytest.raises(MorbidsError, match=r"FrameTimesStart has 11 values, and FrameDuration 12"):
        read_timing({**METADATA, "FrameTimesStart": START_S[:-1]}, None, SOURCE)


def test_stretched_starts_are_a_concern_and_a_break_is_none() -> None:
    assert timing_of().concern == ""
    assert timing_of(FrameTimesStart=[*START_S[:-2], 4500, 5100]).concern == ""
    stretched = timing_of(FrameTimesStart=[start * 2.5 for start in START_S])
    assert stretched.gap_share == pytest.approx(1 - 5400 / 12600)
    assert stretched.concern.startswith("57% of the time from the first to the last frame is without data")


def test_volumes_are_counted_against_both_fields() -> None:
    with pytest.raises(MorbidsError, match=r"FrameTimesStart has 12 values, but the image has 13 volumes"):
        read_timing(METADATA, 13, SOURCE)
