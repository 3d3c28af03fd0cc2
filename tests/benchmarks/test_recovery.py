"""Accuracy of regional binding against truth."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.recovery import accuracy, atlas_bias

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


def test_bias_of_atlas_regions_is_the_change_that_is_not_true() -> None:
    rows = [
        # scan, window, name, volume_ml, true, recovered
        ("a", "baseline", "Putamen", 5.0, 2.0, 2.1),
        ("a", "challenge", "Putamen", 5.0, 2.02, 2.0),  # -.10 read, .02 true: -6 %
        ("b", "baseline", "Putamen", 5.0, 1.0, 1.0),
        ("b", "challenge", "Putamen", 5.0, 1.0, 1.02),  # 2 %
        ("a", "baseline", "Insula", 5.0, 1.0, 1.0),
        ("a", "challenge", "Insula", 5.0, 1.0, 1.01),
        ("a", "baseline", "Calcarine", 5.0, 0.1, 0.1),
        ("a", "challenge", "Calcarine", 5.0, 0.1, 0.9),
        ("a", "baseline", "Small", 0.9, 1.0, 1.0),
        ("a", "challenge", "Small", 0.9, 1.0, 9.0),
    ]
    table = pd.DataFrame(rows, columns=["scan", "window", "name", "volume_ml", "true", "recovered"])
    figures = atlas_bias(table)
    assert figures["null_bias_percent_atlas_lowest"] == pytest.approx(-2.0)
    assert figures["null_bias_percent_atlas_highest"] == pytest.approx(1.0)
    assert figures["null_bias_percent_atlas_median"] == pytest.approx(-0.5)
