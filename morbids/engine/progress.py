"""What is running, how far, how long: a live display in a terminal, plain lines elsewhere."""

import logging
import time
from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import Any, Self

from nipype import Workflow
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


# Steps of both levels; those of a level stand in its `words.py`.
SHARED: Mapping[str, str] = MappingProxyType(
    {"template_": "fetching the template {} mm", "atlas_": "reading the atlas {}"}
)


class Progress:
    """Watch the steps of a graph that compute: an instance is the scheduler's status callback.

    Savers are copies in the scheduler's own process; they are not counted, and told of when they fail.

    Parameters
    ----------
    workflow
        The graph.
    words
        What its steps do; see `doing`.
    console
        Where to draw; a live display where it is a terminal.
    """

    def __init__(self, workflow: Workflow, words: Mapping[str, str], console: Console) -> None:
        nodes = (workflow.get_node(name) for name in workflow.list_node_names())
        self.n_steps = sum(computes(node) for node in nodes)
        self.words = words
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
        self._task = self._bar.add_task("starting", total=self.n_steps)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, node: Any, status: str) -> None:
        """Take note that `node` has started, ended or failed."""
        if not computes(node) and status != "exception":
            return
        what = self._describe(node.fullname)
        if status == "start":
            self._started[node.fullname] = time.monotonic()
            if not self._live:
                logger.info("%s: started", what)
        else:
            began = self._started.pop(node.fullname, None)
            if computes(node):
                self._done.add(node.fullname)
            if not self._live and (began is not None or status == "exception"):
                logger.info(
                    "%s: %s after %.0f s (%d of %d steps)",
                    what,
                    "done" if status == "end" else "FAILED",
                    0 if began is None else time.monotonic() - began,
                    len(self._done),
                    self.n_steps,
                )
        running = ", ".join(map(self._describe, self._started))
        self._bar.update(self._task, completed=len(self._done), description=running or "working")

    def _describe(self, full_name: str) -> str:
        """Turn a node's full name into scan and work: `sub-01_task-rest, estimating head motion`."""
        *units, step = full_name.split(".")
        return f"{label_of(units[-1] if units else '')}, {doing(step, self.words)}"


def computes(node: Any) -> bool:
    """Whether a node is work for a processor: savers and nodes that gather results run where the scheduler does."""
    return not node.run_without_submitting


def doing(step: str, words: Mapping[str, str]) -> str:
    """What a step does, in the words for its name or the longest beginning of it, as `label_` of `label_AAL`.

    A step without words, as a saver, is told by its name.
    """
    known = {**SHARED, **words}
    begun = [name for name in known if name.endswith("_") and step.startswith(name)]
    name = step if step in known else max(begun, key=len, default="")
    rest = step.removeprefix(name).replace("_", " ")
    return known[name].format(rest) if name else rest


def workflow_name(label: str) -> str:
    """Turn a scan's label into a name that nipype accepts (letters, digits, underscores)."""
    return label.replace("-", "__")


def label_of(name: str) -> str:
    """Turn a workflow's name back into the scan's label."""
    return name.replace("__", "-")
