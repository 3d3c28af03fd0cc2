"""Lists in sentences."""

import pytest

from morbids.words import listed


@pytest.mark.parametrize(
    ("names", "most", "told"),
    [
        ("", None, ""),
        ("a", None, "a"),
        ("ab", None, "a and b"),
        ("abc", None, "a, b and c"),
        ("abc", 3, "a, b and c"),
        ("abcde", 3, "a, b, c and 2 more"),
        ("abc", 1, "a and 2 more"),
    ],
)
def test_names_are_joined_and_the_rest_is_counted(names: str, most: int | None, told: str) -> None:
    assert listed(list(names), most) == told
