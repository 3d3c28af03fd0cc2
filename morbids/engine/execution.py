"""Run a graph on this machine's processors and tell what failed, without losing what did not."""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nipype import Workflow

from morbids.engine.failures import CrashFolder, StepFailure
from morbids.engine.work import Cleaner, make_work_folder, tell_of_other_versions
from morbids.engine.workers import Workers, quieten_nipype
from morbids.errors import ExitCode, MorbidsError
from morbids.settings import Resources


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
    base_dir = make_work_folder(resources.work_dir)
    _configure(workflow, base_dir, stop_on_first_crash=resources.stop_on_first_crash)
    watchers = (watch, Cleaner(workflow, base_dir)) if resources.clean_workdir else (watch,)
    workers = Workers(
        {
            "n_procs": resources.n_procs,
            "memory_gb": resources.mem_gb,
            "status_callback": lambda node, status: [one(node, status) for one in watchers],
        },
        CrashFolder(resources.work_dir),
    )
    raised = _run(workflow, workers)
    if raised is not None and not workers.failures:
        raise raised
    tell_of_other_versions(resources.work_dir)
    return tuple(workers.failures)


def _configure(workflow: Workflow, base_dir: Path, *, stop_on_first_crash: bool) -> None:
    workflow.base_dir = str(base_dir)
    workflow.config["execution"] = {
        "hash_method": "timestamp",
        "poll_sleep_duration": "0.05",
        "remove_unnecessary_outputs": "false",
        "stop_on_first_crash": str(stop_on_first_crash).lower(),
        "create_report": "false",
    }
    quieten_nipype()


def _run(workflow: Workflow, workers: Workers) -> Exception | None:
    """Run until no step can run any more; what nipype raises at the end is returned.

    Where the run is interrupted, no step goes on.
    """
    # nipype collects garbage at every look for new work, which takes 0.1 s and up to a processor where everything
    # imported so far is looked through each time.
    gc.freeze()
    try:
        with workers.stopped_by_signals():
            workflow.run(plugin=workers)
    except Exception as error:  # nipype raises the first failure again, after all other branches have ended
        return error
    except BaseException:
        workers.stop()
        raise
    finally:
        gc.unfreeze()
        workers.pool.shutdown(cancel_futures=True)
    return None


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
