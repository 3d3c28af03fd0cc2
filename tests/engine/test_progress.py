"""What is told while a graph runs."""

import io
import logging
from pathlib import Path

import pytest
from nipype import Node, Workflow
from rich.console import Console

from morbids.engine.nodes import make_node
from morbids.engine.progress import Progress, doing, label_of, workflow_name
from morbids.engine.saving import make_save_node
from tests.engine import steps_for_tests as steps

WORDS = {"fit_maps": "fitting every voxel", "fit_": "fitting {}", "fit_regions_": "fitting the regions of {}"}


@pytest.fixture
def nodes() -> dict[str, Node]:
    """Three steps of two scans, and a saver."""
    whole = Workflow("all")
    for label, names in {"sub__01": ("cached", "fit_maps"), "sub__02": ("fit_maps",)}.items():
        scan = Workflow(label)
        scan.add_nodes([make_node(steps.add, name) for name in names])
        scan.add_nodes([make_save_node("save_maps", Path("out"), {}, {})])
        whole.add_nodes([scan])
    return {"whole": whole, **{node.fullname: node for node in whole._create_flat_graph().nodes}}


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("fit_maps", "fitting every voxel"),
        ("fit_regions_Harvard_Oxford", "fitting the regions of Harvard Oxford"),
        ("fit_other", "fitting other"),
        ("atlas_AAL", "reading the atlas AAL"),
        ("save_fits_AAL", "save fits AAL"),
    ],
)
def test_steps_are_told_in_words(step: str, told: str) -> None:
    assert doing(step, WORDS) == told


@pytest.mark.parametrize("label", ["sub-01_ses-a_task-rest", "sub-01_T1w"])
def test_labels_survive_as_names_of_workflows(label: str) -> None:
    assert workflow_name(label).replace("_", "").isalnum()
    assert label_of(workflow_name(label)) == label


def test_outside_a_terminal_there_are_plain_lines_for_what_computes(
    nodes: dict[str, Node], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="morbids")
    with Progress(nodes["whole"], WORDS, Console(file=io.StringIO(), force_terminal=False)) as progress:
        progress(nodes["all.sub__01.cached"], "end")
        progress(nodes["all.sub__01.fit_maps"], "start")
        progress(nodes["all.sub__01.fit_maps"], "end")
        progress(nodes["all.sub__01.save_maps"], "end")
        progress(nodes["all.sub__02.fit_maps"], "start")
        progress(nodes["all.sub__02.fit_maps"], "exception")
        progress(nodes["all.sub__02.save_maps"], "exception")
    assert caplog.messages == [
        "sub-01, fitting every voxel: started",
        "sub-01, fitting every voxel: done after 0 s (2 of 3 steps)",
        "sub-02, fitting every voxel: started",
        "sub-02, fitting every voxel: FAILED after 0 s (3 of 3 steps)",
        "sub-02, save maps: FAILED after 0 s (3 of 3 steps)",
    ]


def test_in_a_terminal_a_bar_says_what_runs_and_how_far(
    nodes: dict[str, Node], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="morbids")
    screen = io.StringIO()
    with Progress(nodes["whole"], WORDS, Console(file=screen, force_terminal=True, width=120)) as progress:
        progress(nodes["all.sub__01.cached"], "start")
        progress(nodes["all.sub__01.cached"], "end")
        progress(nodes["all.sub__01.fit_maps"], "start")
    assert "sub-01, fitting every voxel" in screen.getvalue()
    assert "1/3" in screen.getvalue()
    assert caplog.messages == [], "lines would tear the bar"
