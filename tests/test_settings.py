import pytest

from morbids.errors import ExitCode, MorbidsError
from morbids.settings import OutputSpace, WindowRequest, parse_output_space, parse_window


def test_a_window_has_a_name_and_limits_in_minutes() -> None:
    assert parse_window("baseline=10-40.5") == WindowRequest("baseline", 10.0, 40.5)


@pytest.mark.parametrize("text", ["baseline", "baseline=10", "baseline=ten-40"])
def test_a_window_that_cannot_be_read_is_a_usage_error(text: str) -> None:
    with pytest.raises(MorbidsError, match=r"cannot be read. Write NAME=START-END") as error:
        parse_window(text)
    assert error.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("text", ["late=60-45", "a_b=10-40", "=10-40"])
def test_a_window_must_have_a_plain_name_and_end_after_its_start(text: str) -> None:
    with pytest.raises(MorbidsError, match="letters and digits, and the end after the start"):
        parse_window(text)


def test_output_spaces_carry_their_resolution() -> None:
    assert parse_output_space("MNI152NLin2009cAsym") == OutputSpace("MNI152NLin2009cAsym", 2.0)
    assert parse_output_space("MNI152NLin6Asym:res-1.5").resolution_label == "1p5"


@pytest.mark.parametrize("text", ["MNI152NLin2009cAsym:res-fine", ":res-2", "MNI:res-0"])
def test_an_output_space_that_cannot_be_read_is_a_usage_error(text: str) -> None:
    with pytest.raises(MorbidsError, match="SPACE:res-MM"):
        parse_output_space(text)
