"""Verdicts and failures as blocks."""

import pytest

from morbids.reports.findings import Failure, Verdict, failure_alerts, verdict_badge, verdict_table, worst
from morbids.reports.pages import Alert, Badge, Level, Table


@pytest.mark.parametrize(
    ("levels", "gravest"),
    [(("pass", "flag", "pass"), "flag"), (("note", "pass"), "pass"), (("flag", "fail"), "fail"), ((), None)],
)
def test_the_gravest_level_counts(levels: tuple[Level, ...], gravest: Level | None) -> None:
    assert worst(levels) == gravest


def test_a_failure_says_where_which_step_why_and_what_to_do() -> None:
    failure = Failure("sub-01", "motion correction", "Frame 3 is empty.", "Leave it out.")
    assert failure_alerts([failure]) == (
        Alert("fail", "sub-01: motion correction failed. Frame 3 is empty.", "Leave it out."),
    )


def test_verdicts_are_a_table_and_none_is_no_table() -> None:
    (table,) = verdict_table([Verdict("brain mask", "flag", "980 mL", "below 1000 mL")])
    assert isinstance(table, Table)
    assert table.rows == (("brain mask", Badge("flag", "look"), "980 mL", "below 1000 mL"),)
    assert verdict_table([]) == ()
    assert verdict_badge("fail").text == "failed"
