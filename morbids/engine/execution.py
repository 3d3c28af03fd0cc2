"""Run a graph on this machine's processors and tell what failed, without losing what did not."""

import gc
import hashlib
import re
import tempfile
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from traceback import format_exc
from typing import Any, NamedTuple

from nipype import Workflow, logging
from nipype.pipeline.plugins.multiproc import MultiProcPlugin, run_node
from nipype.utils.filemanip import loadcrash

import morbids
from morbids.engine.nodes import hold_folder
from morbids.errors import ExitCode, MorbidsError
from morbids.settings import Resources

# Workers import the package afresh once: they inherit neither threads nor locks of this process.
START_METHOD = "forkserver"

KILLED = (
    "morbids.errors.MorbidsError: The step's process was killed, most likely because memory ran out. "
    "Give more memory, or lower --mem-gb and --nprocs so that fewer steps run at once."
)


class StepFailure(NamedTuple):
    """One step that failed: the names of its workflows, its own, one sentence, and the whole traceback."""

    units: tuple[str, ...]
    step: str
    sentence: str
    traceback: str


class Workers(MultiProcPlugin):
    """nipype's local scheduler, which survives workers that the system kills.

    nipype 1.11 waits for ever for a killed worker's answer. A kill breaks the whole pool, innocent steps
    included: here each of them runs once more, alone, and only one that is killed again has failed.
    """

    pool: ProcessPoolExecutor

    def __init__(self, plugin_args: dict[str, Any]) -> None:
        super().__init__(plugin_args)
        self.pool.shutdown()
        self.pool = _make_pool(self.processors)

    def _submit_job(self, node: Any, updatehash: bool = False) -> int:
        self._taskid += 1
        task: int = self._taskid
        job = (node, updatehash, task)
        try:
            future = self.pool.submit(run_alone, *job)
        except BrokenProcessPool:
            self.pool = _make_pool(self.processors)
            future = self.pool.submit(run_alone, *job)
        future.add_done_callback(partial(self._collect, job, alone=False))
        self._task_obj[task] = future
        return task

    def _collect(self, job: tuple[Any, bool, int], future: "Future[dict[str, Any]]", *, alone: bool) -> None:
        task = job[-1]
        try:
            self._taskresult[task] = future.result()
        except CancelledError:
            return
        except BrokenProcessPool:
            if alone:
                self._taskresult[task] = {"taskid": task, "result": None, "traceback": [KILLED]}
                return
            pool = _make_pool(1)
            pool.submit(run_alone, *job).add_done_callback(partial(self._collect, job, alone=True))
            pool.shutdown(wait=False)
        except Exception:  # without a result nipype would wait for ever
            self._taskresult[task] = {
                "taskid": task,
                "result": None,
                "traceback": format_exc().splitlines(True),
            }


def run_alone(node: Any, update_hash: bool, task: int) -> dict[str, Any]:
    """Run a step in a worker, alone in its folder."""
    with hold_folder(Path(node.output_dir())):
        result: dict[str, Any] = run_node(node, update_hash, task)
        return result


def execute(
    workflow: Workflow, resources: Resources, watch: Callable[[Any, str], None]
) -> tuple[StepFailure, ...]:
    """Run every step that can run.

    Parameters
    ----------
    workflow
        The graph; its configuration is set here.
    resources
        Processors and memory that the scheduler shares out among steps.
    watch
        Called with (node, "start" | "end" | "exception").

    Returns
    -------
    One entry per step that failed by itself; steps behind it did not run.

    Raises
    ------
    MorbidsError
        A step needs more memory than the run may use, or the work directory cannot be written to.
    """
    _check_memory(workflow, resources.mem_gb)
    base_dir = work_folder(resources.work_dir)
    make_work_dir(base_dir)
    # Crashes of earlier runs are not told again.
    crash_dir = Path(tempfile.mkdtemp(prefix="crashes-", dir=base_dir))
    workflow.base_dir = str(base_dir)
    workflow.config["execution"] = {
        "crashdump_dir": str(crash_dir),
        "crashfile_format": "pklz",
        "hash_method": "timestamp",
        "poll_sleep_duration": "0.05",
        "remove_unnecessary_outputs": "false",
        "stop_on_first_crash": str(resources.stop_on_first_crash).lower(),
        "create_report": "false",
    }
    _quieten_nipype()
    workers = Workers(
        plugin_args={
            "n_procs": resources.n_procs,
            "memory_gb": resources.mem_gb,
            "status_callback": watch,
        }
    )
    raised: Exception | None = None
    # nipype collects garbage at every look for new work, which takes 0.1 s and up to a processor where everything
    # imported so far is looked through each time.
    gc.freeze()
    try:
        workflow.run(plugin=workers)
    except Exception as error:  # nipype raises the first failure again, after all other branches have ended
        raised = error
    finally:
        gc.unfreeze()
        workers.pool.shutdown(cancel_futures=True)
    failures = tuple(_read_failure(path) for path in sorted(crash_dir.glob("crash-*.pklz")))
    if raised is not None and not failures:
        raise raised
    return failures


def work_folder(work_dir: Path) -> Path:
    """Folder of finished steps that belong to these very sources.

    nipype does not see that a step's code has changed: a folder per state of the code does.
    """
    package = Path(morbids.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(package)).encode() + path.read_bytes())
    return work_dir / f"steps-{version('morbids')}-{digest.hexdigest()[:12]}"


def make_work_dir(work_dir: Path) -> None:
    """Make the work directory.

    Raises
    ------
    MorbidsError
        The work directory cannot be written to.
    """
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=work_dir).close()
    except OSError as error:
        raise MorbidsError(
            f"The work directory {work_dir} cannot be written to: {error.strerror or error}.",
            "Give another with --work-dir.",
            ExitCode.CANNOT_WRITE,
        ) from error


def _check_memory(workflow: Workflow, mem_gb: float) -> None:
    """Refuse before anything runs what nipype would refuse in the middle, without a word on the remedy."""
    nodes = [workflow.get_node(name) for name in workflow.list_node_names()]
    largest = max(nodes, key=lambda node: node.mem_gb)
    if largest.mem_gb > mem_gb:
        raise MorbidsError(
            f"The step {largest.name} needs {largest.mem_gb:.1f} GB of memory, and the run may use {mem_gb:.1f} GB.",
            "Raise --mem-gb.",
            ExitCode.USAGE,
        )


def _read_failure(crash_file: Path) -> StepFailure:
    crash = loadcrash(str(crash_file))
    traceback = "".join(crash["traceback"])
    *units, step = crash["node"].fullname.split(".")
    return StepFailure(tuple(units), step, sentence_of(traceback), traceback)


def sentence_of(traceback: str) -> str:
    """Take what the user should read out of a traceback: our own sentence, else its last line."""
    own = re.findall(r"MorbidsError: (.+)", traceback)
    lines = [line.strip() for line in traceback.splitlines() if line.strip()]
    return own[-1].strip() if own else (lines[-1] if lines else "The step ended without a message.")


def _make_pool(n_workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(n_workers, get_context(START_METHOD), initializer=_quieten_nipype)


def _quieten_nipype() -> None:
    """Progress and failures are told by us; nipype's own lines go only to those who ask for them."""
    for name in ("workflow", "interface", "utils"):
        logging.getLogger(f"nipype.{name}").setLevel("CRITICAL")
