"""Numbers as text."""

import pytest

from morbids.reports.numbers import format_number, format_p


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.12345, "0.123"), (-1234.5, "−1234"), (1.5e-7, "1.5 × 10^−7"), (float("-inf"), "−∞")],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert format_number(value) == text


def test_p_has_three_decimals_and_no_zero() -> None:
    assert [format_p(p) for p in (0.0005, 0.012, 1.0, float("nan"))] == [
        "<\u202f.001",
        ".012",
        "1.000",
        "n/a",
    ]
