"""Memory that is declared: enough for what was measured, and growing with the image."""

import pytest

from morbids.participant.memory import EXTRACT_BRAIN, NORMALIZE, SEGMENT, Need

T1W_1_MM, T1W_07_MM = 192 * 240 * 240, 256 * 320 * 320
MEASURED_GB = [
    (EXTRACT_BRAIN, T1W_1_MM, 0.8),
    (EXTRACT_BRAIN, T1W_07_MM, 0.92),
    (NORMALIZE, T1W_1_MM, 1.0),
    (NORMALIZE, T1W_07_MM, 1.79),
    (SEGMENT, T1W_1_MM, 1.0),
    (SEGMENT, T1W_07_MM, 1.92),
]


@pytest.mark.parametrize(("need", "n_values", "peak_gb"), MEASURED_GB)
def test_declared_memory_covers_what_was_measured(need: Need, n_values: int, peak_gb: float) -> None:
    assert peak_gb < need.gb(n_values) < 1.35 * peak_gb
