import pytest

from morbids.errors import ExitCode, MorbidsError
from morbids.numerics.kinetics.model_names import MODEL_NAMES, find_model
from morbids.numerics.kinetics.models import MODELS


def test_every_name_has_a_model() -> None:
    assert set(MODEL_NAMES) == set(MODELS)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_a_model_is_found_by_its_name_in_any_case(name: str) -> None:
    assert find_model(name) == find_model(name.lower()) == find_model(name.upper()) == name


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("Loogan", "There is no model 'Loogan'. Choose one of SUVR"),
        ("", "There is no model ''"),
        ("mrtm", "Several models begin with 'mrtm'. Choose one of MRTM0, MRTM1, MRTM2"),
    ],
)
def test_other_names_are_refused(typed: str, sentence: str) -> None:
    with pytest.raises(MorbidsError, match=sentence) as caught:
        find_model(typed)
    assert caught.value.exit_code == ExitCode.USAGE
