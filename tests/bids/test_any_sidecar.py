"""Whatever a sidecar holds: a result within its invariants, or a sentence; never another exception or a silent NaN."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from morbids.bids.administration import read_schedule
from morbids.bids.radioactivity import kbq_ml_per_unit
from morbids.bids.scanners import find_point_spread
from morbids.bids.time_units import OVERLAP_TOLERANCE_S
from morbids.bids.timing import LATEST_HALF_LIVES, MOST_HALF_LIVES, read_timing
from morbids.bids.window_choice import WindowWishes, choose_windows
from morbids.bids.windows import window_points
from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.frames import LONGEST_SCAN_MIN, SHORTEST_SCAN_MIN
from morbids.numerics.kinetics.presets import find_preset
from tests.bids.conftest import METADATA

SOURCE = Path("sub-01_pet.nii.gz")
INFUSION = {
    **{"ModeOfAdministration": "bolus-infusion", "InfusionRadioactivity": 250, "InfusionStart": 0},
    **{"InjectionEnd": 5400, "InjectedVolume": 20, "InfusionSpeed": 10, "InfusionSpeedUnits": "mL/h"},
    **{"PharmaceuticalDoseTime": 2700, "PharmaceuticalName": "x", "RadionuclideHalfLife": 1221.8},
    **{"ReconFilterType": "Gaussian", "ReconFilterSize": 3},
}
SIDECAR: dict[str, Any] = METADATA | INFUSION
NUMBERS = st.one_of(
    st.integers(-10, 10_000),
    st.floats(-1e4, 1e4),
    st.floats(),
    st.sampled_from([10**400, -(10**400), 1e308, -1e308, 5e-324, 0, 600, 1221.8, 36000, 5.4e6]),
)
WORDS = st.one_of(st.text(max_size=12), st.sampled_from(["n/a", "12:00:00", "0", "none", "mL/h", "C11"]))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, WORDS)
# Anything that JSON can hold, and lists of twelve numbers, which pass for times.
VALUES = st.one_of(
    SCALARS,
    st.lists(NUMBERS, min_size=12, max_size=12),
    st.lists(st.floats(0.1, 900), min_size=12, max_size=12).map(lambda steps: np.cumsum(steps).tolist()),
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=3)
    ),
)


def check_everything(metadata: dict[str, Any]) -> None:
    """Read all that a scan's plan reads, and hold it against what must be true of it."""
    timing = read_timing(metadata, 12, SOURCE)
    frames = timing.frames
    assert np.isfinite([*frames.start_min, *frames.duration_min, timing.half_life_min]).all()
    assert (frames.duration_min > 0).all()
    assert (np.diff(frames.start_min) > 0).all()
    assert (frames.start_min[1:] - frames.end_min[:-1] > -(OVERLAP_TOLERANCE_S + 1e-6) / 60).all()
    assert SHORTEST_SCAN_MIN - 1e-9 <= frames.end_min[-1] <= LONGEST_SCAN_MIN + 1e-9
    assert (timing.decay_factors > 0).all()
    assert timing.decay_factors.max() < 2.0 ** (max(MOST_HALF_LIVES, LATEST_HALF_LIVES) + 60)
    schedule = read_schedule(metadata, float(frames.end_min[-1]), SOURCE)
    assert 0 <= schedule.bolus_fraction <= 1
    assert 0 < schedule.infusion_min < np.inf
    choice = choose_windows(WindowWishes(), (), metadata, timing, 10.0, SOURCE)
    for window in choice.windows:
        assert window_points(frames, window).sum() >= 3
    factor, _ = kbq_ml_per_unit(metadata)
    assert factor is None or factor > 0
    find_preset(str(metadata.get("TracerName", "")))
    assert np.isfinite(find_point_spread((), metadata, SOURCE).fwhm_mm).all()


def check_told(metadata: dict[str, Any]) -> None:
    """Either everything is read, or a sentence says why not, which fits into a line."""
    told = "told"
    try:
        check_everything(json.loads(json.dumps(metadata)))
    except MorbidsError as error:
        told = str(error) if error.exit_code != ExitCode.FAILED else ""
    assert 0 < len(told) < 700


def test_the_usual_sidecar_is_read() -> None:
    check_everything(SIDECAR)


@pytest.mark.parametrize("field", sorted(SIDECAR))
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(value=VALUES)
def test_any_value_of_a_field_is_read_or_told(field: str, value: Any) -> None:
    check_told(SIDECAR | {field: value})


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(changes=st.dictionaries(st.sampled_from(sorted(SIDECAR)), VALUES, min_size=2, max_size=6))
def test_any_values_of_several_fields_are_read_or_told(changes: dict[str, Any]) -> None:
    check_told(SIDECAR | changes)
