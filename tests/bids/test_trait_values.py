"""Values that are not what they look like."""

import pandas as pd
import pytest

from morbids.bids.trait_values import doubt_category, refuse_codes
from morbids.errors import MorbidsError


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([20.0, 30.0, -999.0], r"column 'age' holds -999, far from its other values \(20 to 30\)"),
        ([1.0, 7.0, 99.0, None], "column 'age' holds 99, "),
        ([0.0, 4.0, -9.0], "column 'age' holds -9, "),
        ([20.0, float("inf")], "column 'age' holds an infinite value"),
        ([20.0, float("-inf")], "column 'age' holds an infinite value"),
    ],
)
def test_codes_and_infinities_are_refused(values: list[float], sentence: str) -> None:
    with pytest.raises(MorbidsError, match=sentence):
        refuse_codes(pd.Series(values), "age", "participants.tsv")


@pytest.mark.parametrize("values", [[60.0, 99.0, 120.0], [-9.0, -5.0, 5.0], [20.0, 70.0, 99.0], [99.0, 99.0]])
def test_the_same_numbers_within_reach_of_the_others_are_values(values: list[float]) -> None:
    refuse_codes(pd.Series(values), "age", "participants.tsv")


@pytest.mark.parametrize(
    ("values", "doubted"),
    [
        ([1.0, 2, 3, 1, 2, 3], True),
        ([1.0, 2, 1, 2, 1, 2], False),
        ([1.0, 2, 3.5, 1, 2, 3.5], False),
        ([20.0, 31, 44, 51, 62, 70], False),
    ],
)
def test_few_whole_numbers_may_be_categories(values: list[float], doubted: bool) -> None:
    assert bool(doubt_category(pd.Series(values), "site")) == doubted
