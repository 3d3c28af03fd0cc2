"""Nobody goes on when the run has ended, however it ended."""

import os
import signal
import time
from collections.abc import Callable
from multiprocessing import Process, get_context
from pathlib import Path
from typing import Any

import pytest
from nipype import Workflow
from nipype.pipeline.engine.utils import load_resultfile

from morbids.engine.execution import execute
from morbids.engine.nodes import make_node
from morbids.engine.work import work_folder
from morbids.lifeline import interrupt_on_terminate
from morbids.settings import Resources
from tests.engine import steps_for_tests as steps

pytestmark = pytest.mark.graph

INTERRUPTED = 7


def ignore(node: Any, status: str) -> None:
    """Watch nothing."""


def run_long(folder: str) -> None:
    interrupt_on_terminate()
    workflow = Workflow("whole")
    workflow.add_nodes([make_node(steps.wait_long, "wait", {"folder": folder})])
    try:
        execute(workflow, Resources(1, 1, 2.0, Path(folder)), ignore)
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def runs(pid: int) -> bool:
    """Whether a process is there, and is more than an entry that nobody has asked for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, INTERRUPTED),
        (signal.SIGINT, INTERRUPTED),
        (signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_no_worker_outlives_the_run(tmp_path: Path, number: signal.Signals, code: int) -> None:
    run: Process = get_context("spawn").Process(target=run_long, args=(str(tmp_path),))  # type: ignore[assignment]
    run.start()
    assert wait_for(lambda: (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text() != "", 60)
    worker = int((tmp_path / "pid").read_text())
    assert run.pid is not None
    os.kill(run.pid, number)
    run.join(60)
    assert run.exitcode == code
    assert wait_for(lambda: not runs(worker), 30)


def test_a_worker_keeps_nothing_of_a_finished_step(tmp_path: Path) -> None:
    workflow = Workflow("whole")
    leaves = make_node(steps.leave_circle, "leave", {})
    looks = make_node(steps.look_for_circle, "look", {})
    workflow.connect(leaves, "total", looks, "total")
    assert execute(workflow, Resources(1, 1, 2.0, tmp_path), ignore) == ()
    assert load_resultfile(work_folder(tmp_path) / "whole/look/result_look.pklz").outputs.total == 0
