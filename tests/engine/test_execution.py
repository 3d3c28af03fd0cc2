import time
from multiprocessing import Queue, get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from nipype import Workflow
from nipype.pipeline.engine.utils import load_resultfile

from morbids.engine.execution import execute
from morbids.engine.nodes import make_node
from morbids.engine.work import work_folder
from morbids.engine.workers import LONGEST_WAIT_S
from morbids.errors import ExitCode, MorbidsError
from morbids.settings import Resources
from tests.engine import steps_for_tests as steps

pytestmark = pytest.mark.graph


def resources(work_dir: Path) -> Resources:
    return Resources(n_procs=2, omp_n_threads=1, mem_gb=2.0, work_dir=work_dir)


def ignore(node: Any, status: str) -> None:
    """Watch nothing."""


def add_then(function: Any, name: str) -> Workflow:
    workflow = Workflow(name)
    first = make_node(steps.add, "add", {"a": 1.0, "b": 2.0})
    workflow.connect([(first, make_node(function, "then"), [("report", "report")])])
    return workflow


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (steps.refuse, "sum.txt is not to my liking. Bring another."),
        (steps.die, "The step's process was killed, most likely because memory ran out."),
    ],
)
def test_a_failing_branch_tells_why_and_the_other_branch_ends(
    tmp_path: Path, function: Any, sentence: str
) -> None:
    whole = Workflow("whole")
    whole.add_nodes([add_then(function, "bad"), add_then(steps.read, "good")])
    seen: list[tuple[str, str]] = []
    failures = execute(whole, resources(tmp_path), lambda node, status: seen.append((node.fullname, status)))
    assert [(failure.units, failure.step) for failure in failures] == [(("whole", "bad"), "then")]
    assert failures[0].sentence.startswith(sentence)
    assert ("whole.good.then", "end") in seen
    assert ("whole.bad.then", "exception") in seen


def test_the_server_of_workers_may_be_killed(tmp_path: Path) -> None:
    """Several times, since the system may say for a moment that it is still there."""
    for number in range(2):
        (folder := tmp_path / str(number)).mkdir()
        workflow = Workflow("whole")
        workflow.add_nodes(
            [make_node(steps.kill_server_first, name, {"folder": str(folder)}) for name in ("left", "right")]
        )
        assert execute(workflow, resources(folder / "work"), ignore) == ()
        assert (folder / "killed").exists()


def test_named_tuples_stay_what_they_are_between_steps(tmp_path: Path) -> None:
    workflow, given = Workflow("whole"), steps.Settings(np.zeros(3), pd.DataFrame({"a": [1.0]}))
    first = make_node(steps.keep, "first", {"settings": given})
    then = make_node(steps.name_types, "then", {"given": given})
    workflow.connect(first, "settings", then, "settings")
    assert execute(workflow, resources(tmp_path), ignore) == ()
    assert load_resultfile(tmp_path / work_folder(tmp_path) / "whole/then/result_then.pklz").outputs.text == (
        "Settings Settings"
    )


def test_a_second_run_computes_nothing(tmp_path: Path) -> None:
    seen: list[str] = []
    for _ in range(2):
        seen.clear()
        execute(
            add_then(steps.read, "whole"),
            resources(tmp_path),
            lambda node, status: seen.append(node.fullname) if status == "start" else None,
        )
    assert seen == []


def test_a_step_that_needs_more_memory_than_there_is_is_refused_before_anything_runs(tmp_path: Path) -> None:
    workflow = Workflow("whole")
    workflow.add_nodes([make_node(steps.add, "add", {"a": 1.0, "b": 2.0}, mem_gb=3.5)])
    with pytest.raises(
        MorbidsError, match=r"step add needs 3\.5 GB .* may use 2\.0 GB\. Raise --mem-gb"
    ) as error:
        execute(workflow, resources(tmp_path / "work"), ignore)
    assert error.value.exit_code == ExitCode.USAGE
    assert not (tmp_path / "work").exists()


def test_a_work_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(
        MorbidsError, match=r"work directory .*file.* cannot be written to.*--work-dir"
    ) as error:
        execute(add_then(steps.read, "whole"), resources(tmp_path / "file" / "work"), ignore)
    assert error.value.exit_code == ExitCode.CANNOT_WRITE


def test_crashes_of_an_earlier_run_are_not_told_again(tmp_path: Path) -> None:
    def run(function: Any) -> int:
        return len(execute(add_then(function, "whole"), resources(tmp_path), ignore))

    assert run(steps.refuse) == 1
    assert run(steps.read) == 0


def run_in_a_process(work_dir: str, folder: str, results: "Queue[int]") -> None:
    workflow = Workflow("whole")
    first = make_node(steps.count_slowly, "first", {"folder": folder})
    workflow.connect(first, "report", make_node(steps.read, "then"), "report")
    results.put(len(execute(workflow, resources(Path(work_dir)), ignore)))


def test_simultaneous_runs_in_one_work_directory_wait_for_each_other(tmp_path: Path) -> None:
    context = get_context("spawn")
    results: Queue[int] = context.Queue()
    words = (str(tmp_path / "work"), str(tmp_path), results)
    runs = [context.Process(target=run_in_a_process, args=words) for _ in range(2)]
    for run in runs:
        run.start()
    assert [results.get(timeout=60) for _ in runs] == [0, 0], "no step failed"
    for run in runs:
        run.join()
    assert (tmp_path / "counter").read_text() == "x", "the step ran once"


def test_the_traceback_holds_what_the_step_was_given_by_others(tmp_path: Path) -> None:
    (failure,) = execute(add_then(steps.refuse, "whole"), resources(tmp_path), ignore)
    assert failure.file is not None
    assert failure.file.name == "then.txt"
    assert f"report = '{tmp_path}" in failure.file.read_text()


def test_the_scheduler_looks_for_work_when_a_step_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    monkeypatch.setattr("nipype.pipeline.plugins.multiproc.gc.collect", lambda: looks.append(1))
    workflow = Workflow("whole")
    workflow.add_nodes([make_node(steps.count_slowly, "slow", {"folder": tmp_path})])
    began = time.monotonic()
    assert execute(workflow, resources(tmp_path), ignore) == ()
    # nipype collects garbage at every look; the step takes a second or more.
    assert 1 <= len(looks) <= 4 + (time.monotonic() - began) / LONGEST_WAIT_S
