"""What is running, how far, how long: a live display in a terminal, plain lines elsewhere."""

import logging
import time
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

logger = logging.getLogger("morbids")


class Progress:
    """Watch the nodes of a graph: an instance is the scheduler's status callback.

    Parameters
    ----------
    n_steps
        How many nodes the graph has.
    console
        Where to draw; a live display where it is a terminal.
    """

    def __init__(self, n_steps: int, console: Console) -> None:
        self.n_steps = n_steps
        self._done: set[str] = set()
        self._live = console.is_terminal
        self._started: dict[str, float] = {}
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            disable=not self._live,
        )
        self._task = self._bar.add_task("starting", total=n_steps)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, node: Any, status: str) -> None:
        """Take note that `node` has started, ended or failed."""
        if status == "start":
            self._started[node.fullname] = time.monotonic()
            if not self._live:
                logger.info("%s: started", describe(node.fullname))
        else:
            began = self._started.pop(node.fullname, None)
            self._done.add(node.fullname)
            if not self._live and (began is not None or status == "exception"):
                logger.info(
                    "%s: %s after %.0f s (%d of %d steps)",
                    describe(node.fullname),
                    "done" if status == "end" else "FAILED",
                    0 if began is None else time.monotonic() - began,
                    len(self._done),
                    self.n_steps,
                )
        running = ", ".join(describe(name) for name in self._started)
        self._bar.update(self._task, completed=len(self._done), description=running or "working")


def describe(full_name: str) -> str:
    """Turn a node's full name into scan and step: `sub-01_task-rest, correct motion`."""
    *units, step = full_name.split(".")
    unit = units[-1] if units else ""
    return f"{label_of(unit)}, {step.replace('_', ' ')}"


def workflow_name(label: str) -> str:
    """Turn a scan's label into a name that nipype accepts (letters, digits, underscores)."""
    return label.replace("-", "__")


def label_of(name: str) -> str:
    """Turn a workflow's name back into the scan's label."""
    return name.replace("__", "-")
