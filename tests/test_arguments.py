"""How the text of an option is read: a value within its bounds, or the same refusal for all."""

import argparse
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from morbids.arguments import number, or_word, whole

TEXTS = st.one_of(st.text(max_size=12), st.floats().map(str), st.integers().map(str))


@given(TEXTS, st.booleans(), st.booleans())
@example("1_000", False, False)
@example("nan", False, False)
def test_any_text_is_a_number_within_the_bounds_or_refused(text: str, above: bool, below: bool) -> None:
    refusal = f"{text} is not a number between 0 and 10"
    try:
        value = number(0.0, 10.0, above=above, below=below)(text)
    except argparse.ArgumentTypeError as error:
        told = str(error)
    else:
        told = refusal
        assert 0.0 <= value <= 10.0
        assert not (above and value == 0.0)
        assert not (below and value == 10.0)
        assert value == float(text)
    assert told == refusal


@given(TEXTS)
@example("5e3")
@example("\u0665")
def test_any_text_is_a_whole_number_or_refused(text: str) -> None:
    refusal = f"{text} is not a whole number of at least 1"
    try:
        value = whole(1)(text)
    except argparse.ArgumentTypeError as error:
        told = str(error)
    else:
        told = refusal
        assert value >= 1
        assert str(value) == text.lstrip("0")
    assert told == refusal


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_is_read_as_python_writes_it(value: float) -> None:
    assert number()(repr(value)) == value


def test_a_word_may_stand_for_a_number_and_is_named_in_the_refusal() -> None:
    read = or_word(number(0.0), "find")
    assert read("find") == "find"
    assert read("3") == 3.0
    with pytest.raises(argparse.ArgumentTypeError, match="nor 'find'"):
        read("later")
    assert math.isfinite(number()("1e300"))
