from pathlib import Path
from typing import Any

import pytest
from nipype import Workflow

from morbids.settings import Resources
from morbids.workflows.execution import execute, sentence_of
from morbids.workflows.nodes import make_node
from tests.workflows import steps_for_tests as steps


def resources(work_dir: Path) -> Resources:
    return Resources(n_procs=2, omp_n_threads=1, mem_gb=2.0, work_dir=work_dir)


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


def test_the_sentence_of_a_foreign_error_is_its_last_line() -> None:
    assert sentence_of("Traceback:\n  somewhere\nValueError: bad number\n\n") == "ValueError: bad number"
