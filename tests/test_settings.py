import pytest

from morbids.errors import ExitCode, MorbidsError
from morbids.settings import OutputSpace, parse_output_space


def test_output_spaces_carry_their_resolution() -> None:
    assert parse_output_space("MNI152NLin2009cAsym") == OutputSpace("MNI152NLin2009cAsym", 2)
    assert parse_output_space("MNI152NLin6Asym:res-01").resolution_label == "1"


@pytest.mark.parametrize("text", ["MNI152NLin2009cAsym:res-fine", ":res-2", "MNI:res-0", "MNI:res-1.5"])
def test_an_output_space_that_cannot_be_read_is_a_usage_error(text: str) -> None:
    with pytest.raises(MorbidsError, match="SPACE:res-MM") as error:
        parse_output_space(text)
    assert error.value.exit_code == ExitCode.USAGE


def test_spaces_that_are_no_template() -> None:
    assert parse_output_space("T1w:res-1") == OutputSpace("T1w", 1)
    assert parse_output_space("pet") == parse_output_space("native") == OutputSpace("native", 2)
    assert [parse_output_space(text).is_template for text in ("t1w", "pet", "MNI152NLin6Asym")] == [
        False,
        False,
        True,
    ]
    with pytest.raises(MorbidsError, match=r"maps in PET space have the scanner's voxels") as error:
        parse_output_space("native:res-1")
    assert error.value.exit_code == ExitCode.USAGE
