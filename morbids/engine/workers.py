"""The processes that steps run in: each step alone in its folder, nobody left behind when the run ends."""

import ctypes
import gc
import os
import signal
import time
from collections.abc import Iterable
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from logging import CRITICAL
from multiprocessing import forkserver, get_context
from pathlib import Path
from threading import Event
from typing import Any

from nipype import logging
from nipype.pipeline.plugins.multiproc import MultiProcPlugin

from morbids.engine.failures import CrashFolder, describe_error, describe_inputs
from morbids.engine.nodes import hold_folder
from morbids.engine.scheduling import ToldScheduler, answer
from morbids.lifeline import die_with_parent

# Workers inherit neither threads nor locks of this process: a server that has imported what steps need forks them.
START_METHOD = "forkserver"
LONGEST_WAIT_S = 5.0
"""Nothing is known that would end a step without an answer; were there such a thing, the run would not hang."""
# A step, whether its hash alone is updated, and its number.
Job = tuple[Any, bool, int]
SERVER_WAITS_S = (0.0, 0.2, 1.0)
"""Between tries to start a worker."""


class Workers(ToldScheduler, MultiProcPlugin):
    """nipype's local scheduler, which survives workers that the system kills, and knows why steps failed.

    nipype 1.11 waits for ever for a killed worker's answer. A kill breaks the whole pool, innocent steps
    included: here each of them runs once more, alone, and only one that is killed again has failed.

    Parameters
    ----------
    plugin_args
        As nipype's own.
    crashes
        Where tracebacks go.
    """

    pool: ProcessPoolExecutor

    def __init__(self, plugin_args: dict[str, Any], crashes: CrashFolder) -> None:
        super().__init__(plugin_args)
        self.pool.shutdown()
        self.pool = _make_pool(self.processors)
        self.crashes = crashes
        self.failures = []
        self._alone: list[ProcessPoolExecutor] = []
        self._answered = Event()

    def stop(self) -> None:
        """End all steps at once; their folders are emptied when they run again."""
        self._stopped = True
        for pool in (self.pool, *self._alone):
            for process in list((pool._processes or {}).values()):
                process.kill()

    def close(self) -> None:
        """Let workers end that have nothing to do."""
        self.pool.shutdown(cancel_futures=True)

    def _send_procs_to_workers(self, updatehash: bool = False, graph: Any = None) -> None:
        super()._send_procs_to_workers(updatehash=updatehash, graph=graph)
        # nipype looks for answers at fixed times, and each look costs what a step of a second does; here it looks
        # when there is one. An answer that comes before this line is not missed: it has set the event already.
        if self.pending_tasks:
            self._answered.wait(LONGEST_WAIT_S)
            self._answered.clear()

    def _submit_job(self, node: Any, updatehash: bool = False) -> int:
        self._taskid += 1
        task: int = self._taskid
        job: Job = (node, updatehash, task)
        self.pool, future = _submit(self.pool, self.processors, job)
        future.add_done_callback(partial(self._collect, job, alone=False))
        self._task_obj[task] = future
        return task

    def _collect(self, job: Job, future: "Future[dict[str, Any]]", *, alone: bool) -> None:
        node, _, task = job
        try:
            self._taskresult[task] = future.result()
        except CancelledError:
            return
        except BaseException as error:  # without a result nipype would wait for ever
            if isinstance(error, BrokenProcessPool) and not alone and not self._stopped:
                try:
                    self._run_alone(job)
                    return
                except (OSError, EOFError, BrokenProcessPool) as refused:
                    error = refused
            self._taskresult[task] = answer(task, describe_error(error, Path(node.output_dir())))
        self._answered.set()

    def _run_alone(self, job: Job) -> None:
        pool, future = _submit(_make_pool(1), 1, job)
        self._alone.append(pool)
        future.add_done_callback(partial(self._collect, job, alone=True))
        pool.shutdown(wait=False)


def prepare_workers(modules: Iterable[str]) -> None:
    """Let the server that forks workers import the modules of the steps first: once, not in every worker.

    It has an effect until the first worker has started. A module that cannot be imported is tried again by the step,
    which tells why.
    """
    get_context(START_METHOD).set_forkserver_preload(["__main__", *sorted(set(modules))])


def run_alone(node: Any, update_hash: bool, task: int) -> dict[str, Any]:
    """Run a step in a worker, alone in its folder; the answer is what nipype expects, and our own `trouble`."""
    folder = Path(node.output_dir())
    try:
        with hold_folder(folder):
            node.run(updatehash=update_hash)
    except BaseException as error:  # whatever ends a step is told of, and does not end the worker
        trouble = getattr(node.interface, "trouble", None) or describe_error(error, folder)
        return answer(task, trouble._replace(inputs=describe_inputs(node)))
    finally:
        _return_memory()
    return answer(task, None)


def _return_memory() -> None:
    """Give memory of a finished step back to the system: others need it.

    Figures are circles of objects. Python looks for circles when there are many objects, and figures are few and large:
    workers grew by 0.1 GB with every participant. What is left (modules) is not looked through again.
    """
    gc.collect()
    gc.freeze()
    # The C library keeps memory for the next step.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl and macOS have not
    if trim is not None:
        trim(0)


def _submit(
    pool: ProcessPoolExecutor, n_workers: int, job: Job
) -> "tuple[ProcessPoolExecutor, Future[dict[str, Any]]]":
    """Give a step to a pool; to a new one where workers, or the server that forks them, were killed.

    For a moment the system may still count a killed server among the living: then it forks nobody.

    Raises
    ------
    OSError
        No worker can be started, for other reasons.
    """
    for wait_s in SERVER_WAITS_S:
        try:
            return pool, pool.submit(run_alone, *job)
        except (BrokenProcessPool, OSError, EOFError):
            time.sleep(wait_s)
            pool = _make_pool(n_workers)
    return pool, pool.submit(run_alone, *job)


def _make_pool(n_workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(n_workers, get_context(START_METHOD), initializer=_start_worker)


def _start_worker() -> None:
    """Let this worker end with the program, and not before.

    The parent of a worker is the server that forked it, which ends once nobody holds a certain pipe: the program
    does, and so does every worker, which lets go of it here.
    """
    die_with_parent()
    server: Any = forkserver._forkserver
    os.close(server._forkserver_alive_fd)
    server._forkserver_alive_fd = None
    # Ctrl-C reaches every process of a terminal: the program itself ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    quieten_nipype()


def quieten_nipype() -> None:
    """Progress and failures are told by us; nipype's own lines go only to those who ask for them."""
    for name in ("workflow", "interface", "utils"):
        logging.getLogger(f"nipype.{name}").setLevel(CRITICAL + 1)
