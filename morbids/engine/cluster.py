"""Steps as jobs of a cluster's scheduler, through nipype's plugins.

nipype submits, asks and waits; what runs in a job is `morbids.engine.cluster_job`, so that a step is locked and its
failure told as on one machine.
"""

import getpass
import os
import pickle
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import nipype.pipeline.plugins as nipype_plugins

from morbids.engine.cluster_job import ANSWER, NODE
from morbids.engine.failures import MORE_MEMORY, CrashFolder, Trouble
from morbids.engine.scheduling import ToldScheduler, answer
from morbids.settings import Plugin

# File systems of clusters show a file of another machine late.
LATEST_ANSWER_S = 60.0


class Request(NamedTuple):
    """How a scheduler is asked for memory and processors: the argument of the plugin, and the words."""

    argument: str
    words: str
    given_by: str


class Program(NamedTuple):
    """A cluster's scheduler: what cancels jobs; how a step's needs are told where that is the same everywhere."""

    cancel: str
    request: Request | None = None


PROGRAMS: Mapping[Plugin, Program] = MappingProxyType(
    {
        "SLURM": Program("scancel", Request("sbatch_args", "--mem={mb}M --cpus-per-task={n}", "--mem")),
        "SGE": Program("qdel"),
        "PBS": Program("qdel"),
        "LSF": Program("bkill"),
        "OAR": Program("oardel"),
        "Condor": Program("condor_rm"),
    }
)


class ClusterJobs(ToldScheduler):
    """Mixed into a batch plugin of nipype: each step is a job that leaves its answer in a file."""

    program: Program
    plugin_args: dict[str, Any]
    _pending: dict[int, str]
    _template: str
    _is_pending: Callable[[int], bool]
    _submit_batchtask: Callable[[str, Any], int]

    def _prepare(self, crashes: CrashFolder) -> None:
        self.crashes, self.failures = crashes, []
        self._ended_s: dict[int, float] = {}

    def stop(self) -> None:
        """Cancel every job that has not ended."""
        self._stopped = True
        if self._pending:
            subprocess.run([self.program.cancel, *map(str, self._pending)], check=False, capture_output=True)

    def _submit_job(self, node: Any, updatehash: bool = False) -> int:
        folder = _job_folder(node.output_dir())
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ANSWER).unlink(missing_ok=True)
        (folder / NODE).write_bytes(pickle.dumps((node, updatehash)))
        command = shlex.join([sys.executable, "-m", "morbids.engine.cluster_job", str(folder)])
        script = folder / "job.sh"
        script.write_text(f"{self._template.rstrip()}\nexec {command}\n")
        node.plugin_args = self._request(node)
        return self._submit_batchtask(str(script), node)

    def _request(self, node: Any) -> dict[str, str]:
        """What a step needs, unless the user has said what every job gets."""
        request = self.program.request
        if request is None or request.given_by in str(self.plugin_args.get(request.argument, "")):
            return {}
        return {request.argument: request.words.format(mb=int(1000 * node.mem_gb), n=node.n_procs)}

    def _get_result(self, task: int) -> dict[str, Any] | None:
        """The answer of a job that has ended; None while it runs, or while its file may still come."""
        if self._is_pending(task):
            return None
        folder = _job_folder(self._pending[task])
        if (folder / ANSWER).exists():
            return answer(task, pickle.loads((folder / ANSWER).read_bytes()))
        waited_s = time.monotonic() - self._ended_s.setdefault(task, time.monotonic())
        return answer(task, _no_answer(folder, task)) if waited_s > LATEST_ANSWER_S else None


def _job_folder(output_dir: str) -> Path:
    """Where the job of a step keeps its files: not in the step's own folder, which is emptied first."""
    return Path(f"{output_dir}.job")


def _no_answer(folder: Path, task: int) -> Trouble:
    logs = [path.read_text(errors="replace")[-4000:] for path in sorted(folder.glob("*.out"))]
    sentence = (
        f"Job {task} ended without an answer: it was cancelled, or killed for time or memory. {MORE_MEMORY}"
    )
    return Trouble(sentence, "\n".join([f"The job's files are in {folder}.", *logs]))


def make_cluster_jobs(name: Plugin, arguments: Mapping[str, Any], crashes: CrashFolder) -> ClusterJobs:
    """Build nipype's plugin of a name, with our answers; its jobs are named after the user."""
    os.environ.setdefault("LOGNAME", getpass.getuser())
    kind = type(f"{name}Jobs", (ClusterJobs, getattr(nipype_plugins, f"{name}Plugin")), {})
    jobs: ClusterJobs = kind(plugin_args=dict(arguments))
    jobs.program = PROGRAMS[name]
    jobs._prepare(crashes)
    return jobs
