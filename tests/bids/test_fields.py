"""Values of fields: what is a number, what says nothing."""

from typing import Any

import pytest

from morbids.bids.fields import as_number, as_text, is_given


@pytest.mark.parametrize(("value", "number"), [(1, 1.0), (-2.5, -2.5), (0, 0.0), (10**300, 1e300)])
def test_numbers_are_numbers(value: object, number: float) -> None:
    assert as_number(value) == number


@pytest.mark.parametrize(
    "value", [True, "1", None, [1], {}, float("nan"), float("inf"), 10**400, -(10**400)], ids=str
)
def test_all_else_is_none(value: object) -> None:
    assert as_number(value) is None


@pytest.mark.parametrize(
    ("fields", "given"),
    [({}, False), ({"a": None}, False), ({"a": "n/a"}, False), ({"a": " N/A "}, False), ({"a": 0}, True)],
)
def test_absent_null_and_not_available_say_nothing(fields: dict[str, Any], given: bool) -> None:
    assert is_given(fields, "a") == given


def test_long_values_are_cut_in_sentences() -> None:
    assert as_text("noon") == "'noon'"
    assert len(as_text(list(range(1000)))) == 63
