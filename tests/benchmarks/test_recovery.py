"""Accuracy of regional binding against truth."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.recovery import accuracy

pytestmark = pytest.mark.graph


def _table(rows: list[tuple[str, float, float, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["window", "volume_ml", "true", "tissue", "recovered"])


def test_bound_counts_regions_over_one_ml_that_bind() -> None:
    table = _table(
        [
            ("baseline", 5.0, 1.0, 1.6, 0.96),
            ("baseline", 5.0, 2.0, 2.5, 2.04),
            ("challenge", 5.0, 1.0, 1.6, 0.90),
            ("challenge", 0.9, 1.0, 1.6, 9.00),
            ("challenge", 5.0, 0.1, 0.1, 0.20),
        ]
    )
    figures = accuracy(table)
    assert figures["bp_median_abs_error_percent"] == pytest.approx(4.0)
    assert figures["bp_median_error_percent"] == pytest.approx(-4.0)
    assert figures["bp_baseline_median_error_percent"] == pytest.approx(-1.0)
    assert figures["bp_challenge_median_error_percent"] == pytest.approx(-10.0)
    assert figures["bp_unbound_median_abs_error"] == pytest.approx(0.1)
    assert figures["bp_values"] == 3


def test_missing_estimates_are_counted_not_hidden() -> None:
    table = _table([("baseline", 5.0, 1.0, 1.2, np.nan), ("baseline", 5.0, 1.0, 1.2, 1.1)])
    figures = accuracy(table)
    assert figures["bp_missing_values"] == 1
    assert figures["bp_median_abs_error_percent"] == pytest.approx(10.0)
