"""Steps as jobs of a batch system: a small one of this test's own, which nipype's plugin for Slurm takes for Slurm."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from nipype import Workflow
from nipype.pipeline.engine.utils import load_resultfile

from morbids.engine import cluster
from morbids.engine.execution import execute
from morbids.engine.nodes import make_node
from morbids.engine.work import work_folder
from morbids.settings import Resources
from tests.engine import steps_for_tests as steps

pytestmark = pytest.mark.graph

# Runs the job at once, and tells its number; nothing is ever pending.
SBATCH = """#!/bin/bash
echo "$*" >>"$CALLS"
bash "${@: -1}" >/dev/null 2>&1
echo "Submitted batch job $(wc -l <"$CALLS")"
"""
SQUEUE = "#!/bin/bash\necho JOBID\n"


@pytest.fixture
def resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Resources:
    for name, text in (("sbatch", SBATCH), ("squeue", SQUEUE)):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    monkeypatch.setattr(cluster, "LATEST_ANSWER_S", 0.0)
    monkeypatch.setattr("morbids.engine.execution.POLL_CLUSTER_S", "0.05")
    return Resources(
        2, 1, 0.1, tmp_path / "work", plugin="SLURM", plugin_args={"sbatch_args": "--account=lab"}
    )


def ignore(node: Any, status: str) -> None:
    """Watch nothing."""


def add_then(function: Any) -> Workflow:
    workflow = Workflow("whole")
    first = make_node(steps.add, "add", {"a": 1.0, "b": 2.0}, mem_gb=1.5)
    workflow.connect([(first, make_node(function, "then"), [("report", "report")])])
    return workflow


def test_each_step_is_a_job_that_asks_for_what_it_needs(resources: Resources, tmp_path: Path) -> None:
    assert execute(add_then(steps.read), resources, ignore) == ()
    first, second = (tmp_path / "calls").read_text().splitlines()
    assert "--account=lab --mem=1500M --cpus-per-task=1" in first
    assert "--mem=500M" in second
    result = work_folder(resources.work_dir) / "whole/then/result_then.pklz"
    assert load_resultfile(result).outputs.text == "3.0 with 1"


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (steps.refuse, "sum.txt is not to my liking. Bring another."),
        (steps.die, "Job 2 ended without an answer: it was cancelled, or killed for time or memory."),
    ],
)
def test_a_job_that_fails_tells_why(resources: Resources, function: Any, sentence: str) -> None:
    (failure,) = execute(add_then(function), resources, ignore)
    assert failure.step == "then"
    assert failure.sentence.startswith(sentence)
    assert failure.file is not None
