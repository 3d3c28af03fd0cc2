"""Run a graph, on this machine or as jobs of a cluster, and tell what failed, without losing what did not."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from nipype import Workflow

from morbids.engine.cluster import make_cluster_jobs
from morbids.engine.failures import CrashFolder, StepFailure
from morbids.engine.nodes import Step
from morbids.engine.scheduling import ToldScheduler
from morbids.engine.work import Cleaner, make_work_folder, tell_of_other_versions
from morbids.engine.workers import Workers, prepare_workers, quieten_nipype
from morbids.errors import ExitCode, MorbidsError
from morbids.settings import Resources

# Every look asks the cluster's scheduler about every job.
POLL_CLUSTER_S = "2"


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
    if resources.plugin is None:  # what a step needs, a cluster judges itself
        _check_memory(workflow, resources.mem_gb)
    base_dir = make_work_folder(resources.work_dir)
    _configure(workflow, base_dir, stop_on_first_crash=resources.stop_on_first_crash)
    watchers = (watch, Cleaner(workflow, base_dir)) if resources.clean_workdir else (watch,)
    told = {"status_callback": lambda node, status: [one(node, status) for one in watchers]}
    scheduler = _make_scheduler(workflow, resources, told)
    raised = _run(workflow, scheduler)
    if raised is not None and not scheduler.failures:
        raise raised
    tell_of_other_versions(resources.work_dir)
    return tuple(scheduler.failures)


def _make_scheduler(workflow: Workflow, resources: Resources, told: dict[str, Any]) -> ToldScheduler:
    """Workers on this machine, or jobs on many."""
    crashes = CrashFolder(resources.work_dir)
    if resources.plugin:
        workflow.config["execution"]["poll_sleep_duration"] = POLL_CLUSTER_S
        return make_cluster_jobs(resources.plugin, {**resources.plugin_args, **told}, crashes)
    prepare_workers(_modules_of(workflow))
    own = {"n_procs": resources.n_procs, "memory_gb": resources.mem_gb}
    return Workers({**own, **told}, crashes)


def _modules_of(workflow: Workflow) -> Iterator[str]:
    """Modules of the functions that workers will call."""
    for name in workflow.list_node_names():
        interface = workflow.get_node(name).interface
        if isinstance(interface, Step):
            yield interface.function.__module__


def _configure(workflow: Workflow, base_dir: Path, *, stop_on_first_crash: bool) -> None:
    workflow.base_dir = str(base_dir)
    workflow.config["execution"] = {
        "hash_method": "timestamp",
        "poll_sleep_duration": "0.01",  # beside waiting for an answer (workers.py)
        "remove_unnecessary_outputs": "false",
        "stop_on_first_crash": str(stop_on_first_crash).lower(),
        "create_report": "false",
    }
    quieten_nipype()


def _run(workflow: Workflow, scheduler: ToldScheduler) -> Exception | None:
    """Run until no step can run any more; what nipype raises at the end is returned.

    Where the run is interrupted, no step goes on.
    """
    # nipype collects garbage at every look for new work, which takes 0.1 s where everything imported so far is looked
    # through each time.
    gc.freeze()
    try:
        with scheduler.stopped_by_signals():
            workflow.run(plugin=scheduler)
    except Exception as error:  # nipype raises the first failure again, after all other branches have ended
        return error
    except BaseException:
        scheduler.stop()
        raise
    finally:
        gc.unfreeze()
        scheduler.close()
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
