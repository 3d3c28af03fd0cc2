"""What our forms of nipype's schedulers share: they know why steps failed, and end in good order when told to."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any, NoReturn

from morbids.engine.failures import CrashFolder, StepFailure, Trouble, describe_error


class ToldScheduler:
    """Mixed into a plugin of nipype, before it.

    Attributes
    ----------
    crashes
        Where tracebacks go.
    failures
        Steps that failed by themselves, in the order in which they did.
    """

    crashes: CrashFolder
    failures: list[StepFailure]
    _stopped = False

    def stop(self) -> None:
        """End all steps at once; their folders are emptied when they run again."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of what the run needed."""

    @contextmanager
    def stopped_by_signals(self) -> Iterator[None]:
        """End all steps on Ctrl-C and SIGTERM, and leave by KeyboardInterrupt."""
        if current_thread() is not main_thread():  # only there can signals be caught
            yield
            return
        signals = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, self._interrupt) for number in signals]
        try:
            yield
        finally:
            for number, handler in zip(signals, before, strict=True):
                signal.signal(number, handler)

    def _interrupt(self, *_: object) -> NoReturn:
        self.stop()
        raise KeyboardInterrupt

    def _send_procs_to_workers(self, updatehash: bool = False, graph: Any = None) -> None:
        if self._stopped:  # nipype took the interruption of a saver for its failure
            raise KeyboardInterrupt
        super()._send_procs_to_workers(updatehash=updatehash, graph=graph)  # type: ignore[misc]

    def _report_crash(self, node: Any, result: dict[str, Any] | None = None) -> str:
        """Take note of a failed step, in the place of nipype's crash file."""
        trouble = (result or {}).get("trouble") or getattr(node.interface, "trouble", None)
        if trouble is None:  # a step that ran in this process, where its exception is still at hand
            error = sys.exception() or RuntimeError("".join((result or {}).get("traceback", ())))
            trouble = describe_error(error, Path(node.output_dir()))
        failure = self.crashes.write(node, trouble)
        self.failures.append(failure)
        return str(failure.file)


def answer(task: int, trouble: Trouble | None) -> dict[str, Any]:
    """What nipype expects to hear of a step that has ended, and our own `trouble`."""
    return {
        "taskid": task,
        "result": None,
        "traceback": trouble and trouble.traceback.splitlines(True),
        "trouble": trouble,
    }
