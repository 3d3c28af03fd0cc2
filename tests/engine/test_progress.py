"""What is told while a graph runs."""

import io
import logging
from types import SimpleNamespace

import pytest
from rich.console import Console

from morbids.engine.progress import Progress, describe, label_of, workflow_name


def node(name: str) -> SimpleNamespace:
    return SimpleNamespace(fullname=name)


def test_scan_and_step_are_read_from_a_full_name() -> None:
    assert describe("participants.sub__01_task__rest.correct_motion") == "sub-01_task-rest, correct motion"


@pytest.mark.parametrize("label", ["sub-01_ses-a_task-rest", "sub-01_T1w"])
def test_labels_survive_as_names_of_workflows(label: str) -> None:
    assert workflow_name(label).replace("_", "").isalnum()
    assert label_of(workflow_name(label)) == label


def test_outside_a_terminal_there_are_plain_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="morbids")
    with Progress(3, Console(file=io.StringIO(), force_terminal=False)) as progress:
        progress(node("all.sub__01.cached"), "end")
        progress(node("all.sub__01.fit"), "start")
        progress(node("all.sub__01.fit"), "end")
        progress(node("all.sub__02.fit"), "start")
        progress(node("all.sub__02.fit"), "exception")
    assert caplog.messages == [
        "sub-01, fit: started",
        "sub-01, fit: done after 0 s (2 of 3 steps)",
        "sub-02, fit: started",
        "sub-02, fit: FAILED after 0 s (3 of 3 steps)",
    ]


def test_in_a_terminal_a_bar_says_what_runs_and_how_far(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="morbids")
    screen = io.StringIO()
    with Progress(2, Console(file=screen, force_terminal=True, width=120)) as progress:
        progress(node("all.sub__01.fit_maps"), "start")
        progress(node("all.sub__01.fit_maps"), "end")
        progress(node("all.sub__01.save"), "start")
    assert "sub-01, save" in screen.getvalue()
    assert "1/2" in screen.getvalue()
    assert caplog.messages == [], "lines would tear the bar"
